"""Which cause has which effect: calls fail for what stands behind the callee, and of several causes the nearest has them."""

from dataclasses import replace

import pytest

from core.language import Text
from tests.tools.objects import (
    NS,
    Object,
    caller,
    container,
    deployment,
    endpoint_slice,
    pod,
    replica_set,
    series,
    service,
    snapshot,
    waiting,
)
from tools.engines.diagnosis import Component, Evidence
from tools.engines.explain import diagnose, investigate
from tools.engines.finding import Finding
from tools.engines.graph import Graph
from tools.engines.rank import rank
from tools.engines.snapshot import Series


def town(*, payments: Object | None = None) -> list[Object]:
    """A checkout that calls two programs: one cannot pull its new image while its old pods serve, the other's Service picks nobody."""
    told = container("checkout")
    told["env"] = [{"name": f"{name.upper()}_URL", "value": f"http://{name}:80"} for name in ("inventory", "payments")]
    stock = deployment("inventory", available=2)
    old, new = replica_set(stock, 1, ready=2), replica_set(stock, 2, container(image="reg.example/stock:nope"))
    stuck = pod(
        new, "npqrs", ready=False, state=waiting("ImagePullBackOff", "manifest for reg.example/stock:nope not found")
    )
    pulled = [
        stock,
        old,
        new,
        pod(old, "bcdfg"),
        pod(old, "hjklm"),
        stuck,
        service("inventory"),
        endpoint_slice("inventory"),
    ]
    lost = [
        deployment("payments"),
        payments or service("payments", {"app": "payments-v2"}),
        endpoint_slice("payments", 0),
    ]
    return [deployment("checkout", told), *pulled, *lost]


def calls_from_checkout(server: str, failed: float = 2.0) -> dict[str, list[Series]]:
    labels = {"client": "checkout", "server": server}
    return {"calls": [series(labels, 2.0, 2.0)], "failed_calls": [series(labels, failed, failed)]}


def test_failed_calls_are_an_effect_of_what_stands_behind_the_callee_and_of_nothing_else() -> None:
    verdict, _ = investigate(snapshot(*town(), metrics=calls_from_checkout("payments")))
    effects = {
        one.finding.component.name: {effect.fault for effect in one.explains if effect.component.name == "checkout"}
        for one in verdict.causes
    }
    assert effects == {"payments": {"failing_calls"}, "inventory": set()}


def test_a_reader_is_told_first_of_the_service_that_nobody_reaches_and_then_of_the_image() -> None:
    snap = snapshot(*town(), metrics=calls_from_checkout("payments"))
    found = diagnose(snap, NS, snap.window, snap.taken_at)
    assert [cause.component.name for cause in found.causes] == ["payments", "inventory"]
    (told,) = (one for one in found.symptoms if "of the calls from checkout to payments" in one.statement)
    assert told.caused_by == 1


def failed_call(*called: str) -> Finding:
    return replace(
        finding("failing_calls", "checkout", 0.5), symptom=True, called=tuple(place(name, "Service") for name in called)
    )


def place(name: str, kind: str = "Deployment") -> Component:
    return Component(kind=kind, namespace=NS, name=name)


def finding(fault: str, name: str, weight: float = 0.8, *harms: Component) -> Finding:
    proof = (Evidence(source="kubernetes", ref=name, quote="q", weight=weight),)
    return Finding(fault, "runtime", place(name), Text("x", "x"), proof, harms=harms)


def in_a_row() -> Graph:
    """checkout calls payments, which calls bank; checkout calls inventory too."""
    told = container("checkout")
    told["env"] = [{"name": f"{name.upper()}_URL", "value": f"http://{name}:80"} for name in ("inventory", "payments")]
    others = [caller("payments", "http://bank:80"), deployment("bank"), deployment("inventory")]
    return Graph(snapshot(deployment("checkout", told), *others, *map(service, ("payments", "bank", "inventory"))))


def test_the_callee_itself_has_the_effect_before_what_stands_behind_it() -> None:
    near, far = finding("oom_killed", "payments"), finding("disk_io_high", "bank")
    told = failed_call("payments")
    both = {one.finding.component.name: told in one.explains for one in rank([near, far, told], in_a_row()).causes}
    assert both == {"payments": True, "bank": False}
    (alone,) = rank([far, told], in_a_row()).causes
    assert told in alone.explains


@pytest.mark.parametrize(
    ("cause", "explains"),
    [
        (finding("oom_killed", "inventory", 0.8, place("checkout")), False),
        (finding("oom_killed", "checkout"), True),
        (finding("node_unreachable", "n1", 0.8, place("checkout")), True),
        (finding("node_unreachable", "n1", 0.8, place("bank")), True),
    ],
)
def test_whoever_harms_the_caller_for_being_called_by_it_does_not_explain_its_calls_to_others(
    cause: Finding, explains: bool
) -> None:
    told = failed_call("payments")
    (one,) = rank([cause, told], in_a_row()).causes
    assert (told in one.explains) is explains


@pytest.mark.parametrize(("weight", "first"), [(0.86, "payments"), (0.7, "inventory")])
def test_of_two_causes_about_as_sure_the_one_that_users_feel_comes_first(weight: float, first: str) -> None:
    surer, felt, told = (
        finding("bad_command", "inventory", 0.9),
        finding("oom_killed", "payments", weight),
        failed_call("payments"),
    )
    stuck = replace(finding("workload_unavailable", "inventory"), symptom=True, facts={"available": 2})
    assert rank([surer, felt, told, stuck], in_a_row()).causes[0].finding.component.name == first
    down = replace(stuck, facts={"available": 0})
    assert rank([surer, felt, told, down], in_a_row()).causes[0].finding.component.name == "inventory"
