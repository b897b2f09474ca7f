"""Slow networks of which only logs, checks and objects tell."""

from dataclasses import replace
from typing import Any

import pytest

from core.language import Language
from tests.tools.analyzers.measured import autoscaler, causes, machines, pods_of, program, seen, verdict
from tests.tools.objects import NS, Object, event, snapshot
from tools.engines.catalogue import FAULTS
from tools.engines.snapshot import LogKey, Probe

TOWN = [
    *machines(),
    *program("gate", on=["n2"], calls=["baker", "mill"]),
    *program("baker", on=["n1"]),
    *program("mill", on=["n1"]),
    *program("well", on=["n2"]),
]
LATE = "\n".join(
    f"2026-03-02T08:5{number}:00Z ERROR Get http://baker:80/x: dial tcp baker:80: i/o timeout" for number in range(9)
)


def heard(objects: list[Object], **logs: str) -> list[tuple[str, str]]:
    told = {LogKey(NS, pods_of(name, 1)[0], "app"): text for name, text in logs.items()}
    found = verdict(snapshot(*objects, logs=told))
    return [(one.finding.fault, one.finding.component.name) for one in found.causes]


def checked(*probes: Probe) -> list[tuple[str, str]]:
    found = verdict(replace(seen(TOWN), probes=probes))
    return [(one.finding.fault, one.finding.component.name) for one in found.causes]


def check(name: str, detail: str, *, ok: bool = True, kind: str = "tcp") -> Probe:
    return Probe(kind, f"{NS}/{name}:80", ok, detail=detail)


def test_calls_that_time_out_on_a_ready_callee_accuse_the_way_to_it() -> None:
    assert heard(TOWN, gate=LATE) == [("pod_network_delay", "baker")]


def test_one_time_out_accuses_nobody() -> None:
    assert heard(TOWN, gate=LATE.splitlines()[0]) == []


def test_a_callee_that_waits_for_another_is_a_victim() -> None:
    town = [*machines(), *program("gate", calls=["baker"]), *program("baker", calls=["mill"]), *program("mill")]
    assert heard(town, gate=LATE, baker=LATE.replace("baker", "mill")) == [("pod_network_delay", "mill")]


def test_callees_that_share_a_machine_accuse_it() -> None:
    assert heard(TOWN, gate=LATE + "\n" + LATE.replace("baker", "mill")) == [("node_network_delay", "n1")]


def test_checks_that_took_long_to_one_program() -> None:
    assert checked(
        check("baker", "connected in 900 ms"), check("mill", "connected in 2 ms"), check("well", "3 ms")
    ) == [("pod_network_delay", "baker")]


def test_checks_that_took_long_to_all_of_one_machine() -> None:
    found = checked(check("baker", "0.9s"), check("mill", "0.8s"), check("well", "3 ms"), check("gate", "2 ms"))
    assert found == [("node_network_delay", "n1")]


def test_checks_that_lost_packets() -> None:
    found = checked(
        check("baker", "10 sent, 30% packet loss"), check("mill", "0% packet loss"), check("well", "0% packet loss")
    )
    assert found == [("pod_network_loss", "baker")]


@pytest.mark.parametrize("detail", ["connected in 3 ms", "ok", "", "refused"])
def test_checks_that_are_well_or_say_nothing_accuse_nobody(detail: str) -> None:
    assert checked(*(check(name, detail) for name in ("baker", "mill", "well"))) == []


def scaled(now: int, replicas: int = 2, most: int = 2) -> Object:
    scaler = autoscaler("baker", most, replicas)
    scaler["spec"]["metrics"] = [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 70}}}
    ]
    scaler["status"]["currentMetrics"] = [
        {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": now}}}
    ]
    return scaler


def test_an_autoscaler_says_itself_that_it_is_at_its_end() -> None:
    assert causes([*TOWN, scaled(140)]) == [("hpa_maxed", "baker")]


@pytest.mark.parametrize("scaler", [scaled(60), scaled(72), scaled(140, replicas=2, most=6)])
def test_an_autoscaler_that_can_go_on_or_need_not_is_no_cause(scaler: Object) -> None:
    assert causes([*TOWN, scaler]) == []


def chaos(kind: str, **spec: Any) -> Object:
    selector = {"namespaces": [NS], "labelSelectors": {"app": "baker"}}
    return {"kind": kind, "metadata": {"name": "trial", "namespace": NS}, "spec": {"selector": selector, **spec}}


@pytest.mark.parametrize(
    ("experiment", "fault"),
    [
        (chaos("NetworkChaos", action="delay"), "pod_network_delay"),
        (chaos("NetworkChaos", action="loss"), "pod_network_loss"),
        (chaos("StressChaos", stressors={"cpu": {"workers": 2}}), "pod_cpu_overload"),
    ],
)
def test_an_experiment_that_runs_is_the_cause(experiment: Object, fault: str) -> None:
    assert causes([*TOWN, experiment]) == [(fault, "baker")]


def test_an_experiment_that_ended_is_none() -> None:
    over = chaos("NetworkChaos", action="delay")
    over["status"] = {"conditions": [{"type": "AllRecovered", "status": "True"}]}
    assert causes([*TOWN, over]) == []


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("tc qdisc add dev eth0 root netem delay 300ms && exec app", "pod_network_delay"),
        ("tc qdisc replace dev eth0 root netem loss 20%", "pod_network_loss"),
        ("stress-ng --cpu 4 --timeout 0", "pod_cpu_overload"),
    ],
)
def test_a_command_that_spoils_its_own_pod_is_the_cause(command: str, fault: str) -> None:
    baker = program("baker", on=["n1"])
    for one in baker[:-1]:
        spec = one["spec"]["template"]["spec"] if "template" in one["spec"] else one["spec"]
        spec["containers"][0]["command"] = ["sh", "-c", command]
    assert causes([*machines(), *baker, *program("mill")]) == [(fault, "baker")]


def test_answers_that_are_awaited_accuse_the_callee_itself() -> None:
    text = LATE.replace("dial tcp baker:80: i/o timeout", "Read timed out")
    assert heard(TOWN, gate=text) == [("slow_dependency", "baker")]


@pytest.mark.parametrize(("language", "itself", "way"), [("en", "by itself", "the way to"), ("zh", "自身", "网络")])
def test_what_is_said_of_a_slow_callee_agrees_with_its_title_and_of_a_slow_way_with_the_way(
    language: Language, itself: str, way: str
) -> None:
    def said(text: str) -> tuple[str, str]:
        told = {LogKey(NS, pods_of("gate", 1)[0], "app"): text}
        (cause,) = verdict(snapshot(*TOWN, logs=told)).causes
        return FAULTS[cause.finding.fault].title(language), cause.finding.said(language)

    title, statement = said(LATE.replace("dial tcp baker:80: i/o timeout", "Read timed out"))
    assert itself in title
    assert itself in statement
    assert way not in statement
    title, statement = said(LATE)
    assert itself not in title
    assert way in statement


def test_a_store_that_logs_slow_statements_is_a_slow_dependency() -> None:
    town = [*machines(), *program("gate", calls=["vault"]), *program("vault", image="mysql:8")]
    slow = "\n".join(
        f"# Query_time: 4.{number}00111  Lock_time: 0.000012 Rows_sent: 1  Rows_examined: 4822193"
        for number in range(9)
    )
    assert heard(town, vault=slow) == [("slow_dependency", "vault")]


WAITED = "\n".join(f"2026-03-02T08:5{n}:00Z WARN slow query to mill:80 took 76{n}ms" for n in range(9))


def test_a_client_that_names_whose_query_was_slow_means_that_store() -> None:
    assert heard(TOWN, gate=WAITED) == [("slow_dependency", "mill")]
    assert heard(TOWN, gate=WAITED.replace("mill:80", "a.far.place:80")) == [("slow_dependency", "gate")]


def test_a_client_that_is_not_reached_itself_says_nothing_of_the_stores_that_it_asks() -> None:
    late = "Readiness probe failed: context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    pods = [one for one in TOWN if one["kind"] == "Pod" and one["metadata"]["name"] in pods_of("gate")]
    told = [{**event(one, "Unhealthy", late, 1), "count": 20} for one in pods]
    assert ("slow_dependency", "mill") not in heard([*TOWN, *told], gate=WAITED)
