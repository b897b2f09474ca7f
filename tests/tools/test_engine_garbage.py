"""Objects of strangers: what stands in a field is of any type, and no search may end because of it."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from core.language import Text
from tests.tools.objects import NOW, NS, Object, container, deployment, meta, pod, replica_set, service, snapshot
from tools.engines import explain
from tools.engines.analyzers import examine
from tools.engines.diagnosis import Component, Window
from tools.engines.explain import diagnose
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.metrics.numbers import cleaned
from tools.engines.objects import number_in, when
from tools.engines.snapshot import Snapshot

GARBAGE: tuple[Any, ...] = (7, 1.5, True, "²", "9" * 5000, [], [[]], {}, {"a": None}, ["a"])


def replaced(value: Any, at: tuple[str | int, ...], by: Any) -> Any:
    if not at:
        return by
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = replaced(copy[at[0]], at[1:], by)
    return copy


def broken(*objects: Object) -> list[str]:
    seen = snapshot(*objects)
    return [gap.why for gap in examine(seen, Graph(seen))[1]]


def probing() -> Object:
    told = container()
    told["readinessProbe"] = {"httpGet": {"port": "http", "path": "/"}}
    told["command"], told["args"] = ["serve"], ["--port=8080"]
    told["env"] = [{"name": "PORT", "value": "8080"}, {"name": "REDIS_PORT", "value": "6379"}]
    return deployment("baker", told)


PLACES: tuple[tuple[str | int, ...], ...] = (
    ("spec", "replicas"),
    ("spec", "template", "metadata", "labels"),
    ("spec", "template", "spec", "containers", 0, "name"),
    ("spec", "template", "spec", "containers", 0, "command"),
    ("spec", "template", "spec", "containers", 0, "args"),
    ("spec", "template", "spec", "containers", 0, "ports", 0, "containerPort"),
    ("spec", "template", "spec", "containers", 0, "ports", 0, "name"),
    ("spec", "template", "spec", "containers", 0, "env", 0, "value"),
    ("spec", "template", "spec", "containers", 0, "env", 1, "value"),
    ("spec", "template", "spec", "containers", 0, "readinessProbe", "httpGet", "port"),
)


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda one: str(one)[:12])
@pytest.mark.parametrize("place", PLACES, ids=lambda one: str(one[-1]))
def test_no_search_ends_over_a_workload_with_garbage_in_it(place: tuple[str | int, ...], garbage: Any) -> None:
    owner = replaced(probing(), place, garbage)
    assert broken(owner, pod(replica_set(probing(), 1)), service("baker")) == []


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda one: str(one)[:12])
@pytest.mark.parametrize("field", ["port", "targetPort", "name"])
def test_no_search_ends_over_a_service_with_garbage_in_it(field: str, garbage: Any) -> None:
    asked = replaced(service("baker"), ("spec", "ports"), [{"port": 80, "name": "http", field: garbage}])
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"ports": [{"port": garbage}]}]}
    policy = {"kind": "NetworkPolicy", "metadata": meta("p"), "spec": spec}
    assert broken(probing(), pod(replica_set(probing(), 1), ready=False), asked, policy) == []


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda one: str(one)[:12])
@pytest.mark.parametrize("field", ["state", "lastState", "restartCount", "name"])
def test_no_search_ends_over_a_pod_with_garbage_in_it(field: str, garbage: Any) -> None:
    fallen = {"terminated": {"reason": garbage, "exitCode": garbage, "finishedAt": "0001-01-01T00:00:00+08:00"}}
    status = {"name": "app", "ready": False, "state": fallen, "lastState": fallen, "restartCount": 3, field: garbage}
    one = replaced(pod(replica_set(probing(), 1)), ("status", "containerStatuses"), [status])
    two = replaced(pod(replica_set(probing(), 1)), ("status", "phase"), garbage)
    assert broken(probing(), one, two, service("baker")) == []


def test_times_at_the_ends_of_the_calendar_are_no_times() -> None:
    assert when("0001-01-01T00:00:00+08:00") is None
    assert when("9999-12-31T23:59:59-08:00") is None


def test_a_number_in_text_is_one_that_a_cluster_can_know() -> None:
    assert [number_in(one) for one in ("8080", "²", "9" * 5000, "", "-1")] == [8080, None, None, None, None]


def test_samples_without_a_time_on_the_calendar_or_beyond_all_sums_are_left_out() -> None:
    assert cleaned([[1e308, "1"], [-5, "1"], [1_700_000_000, "1e308"], [1_700_000_000_000, "2"]]) == [(1.7e9, 2.0)]


def lost(_: Snapshot, __: Graph) -> Iterator[Finding]:
    who = Component(kind="Deployment", namespace=NS, name="baker")
    yield Finding("bad_command", "startup", who, Text("x", "x"), (evidence("event", "e", "q", weight=0.8),))
    raise KeyError("app")


def found(_: Snapshot, __: Graph) -> Iterable[Finding]:
    who = Component(kind="Deployment", namespace=NS, name="miller")
    return [Finding("bad_command", "startup", who, Text("x", "x"), (evidence("event", "e", "q", weight=0.8),))]


def test_a_search_that_breaks_off_is_told_and_silences_neither_itself_nor_the_others() -> None:
    seen = snapshot(deployment())
    findings, gaps = examine(seen, Graph(seen), (lost, found))
    assert [one.component.name for one in findings] == ["baker", "miller"]
    assert [gap.what for gap in gaps] == ["the search for lost"]
    assert gaps[0].deciding
    assert gaps[0].why.startswith("it broke off: KeyError in test_engine_garbage.py:")


def test_where_a_search_broke_off_nobody_says_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = snapshot()
    assert diagnose(seen, NS, Window(start=NOW, end=NOW), NOW).healthy is True
    broke_off = examine(seen, Graph(seen), (lost,))[1]
    monkeypatch.setattr(explain, "examine", lambda *_: ([], broke_off))
    told = diagnose(seen, NS, Window(start=NOW, end=NOW), NOW)
    assert told.healthy is None
    assert told.gaps == broke_off


def without(part: str, *objects: Object) -> list[Object]:
    return [{key: value for key, value in one.items() if key != part} for one in objects]


def in_need() -> list[Object]:
    """A workload whose Secret is not there, and the Service before it."""
    told = container()
    told["env"] = [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "oven", "key": "key"}}}]
    owner = deployment("baker", told, available=0)
    made = replica_set(owner, 1, told)
    return [owner, made, pod(made, ready=False, state={"waiting": {"reason": "ContainerCreating"}}), service("baker")]


def test_objects_without_a_name_are_nobodys_fault_and_are_told_as_a_gap() -> None:
    whole = snapshot(*in_need(), read=["Secret"])
    assert "missing_secret_binding" in {one.fault for one in examine(whole, Graph(whole))[0]}
    seen = snapshot(*without("metadata", *in_need()), read=["Secret"])
    findings, gaps = examine(seen, Graph(seen))
    assert findings == []
    told = "objects without metadata.name (1 Deployment, 1 Pod, 1 ReplicaSet, 1 Service)"
    assert [(gap.what, gap.deciding) for gap in gaps] == [(told, True)]
    assert diagnose(seen, NS, Window(start=NOW, end=NOW), NOW, "zh").gaps[0].why == "无法判断它们是哪些对象"


def test_what_is_missing_may_be_among_those_without_a_name() -> None:
    secret = {"kind": "Secret", "data": {"key": ""}}
    seen = snapshot(*in_need(), secret, read=["Secret"])
    assert not seen.reads("Secret")
    assert "missing_secret_binding" not in {one.fault for one in examine(seen, Graph(seen))[0]}


def test_a_finding_about_nobody_is_not_made() -> None:
    def about(name: str) -> Finding:
        who = Component(kind="Pod", name=name)
        return Finding("bad_command", "startup", who, Text("x", "x"), (evidence("event", "e", "q", weight=0.8),))

    seen = snapshot()
    findings, _ = examine(seen, Graph(seen), (lambda *_: [about(""), about("baker")],))
    assert [one.component.name for one in findings] == ["baker"]


def control_plane_pod() -> Object:
    owner = deployment("kube-controller-manager")
    made = pod(replica_set(owner, 1), "cp1")
    made["metadata"] |= {"namespace": "kube-system", "name": "kube-controller-manager-cp1", "ownerReferences": []}
    return made


def test_what_came_without_its_status_is_unknown_and_not_in_trouble() -> None:
    owner = deployment("baker")
    owner["metadata"]["generation"] = 5
    first, second = replica_set(owner, 1), replica_set(owner, 2, container(image="reg.example/baker:2.0"), ready=2)
    objects = [owner, first, second, pod(second), pod(second, "hjklm"), control_plane_pod(), service("baker")]
    seen = snapshot(*without("status", *objects))
    assert examine(seen, Graph(seen)) == ([], [])


def test_a_status_that_is_there_and_empty_is_a_wish_that_nobody_took_up() -> None:
    owners = [{**deployment(name), "status": {}} for name in ("baker", "miller")]
    manager = control_plane_pod()
    manager["status"]["conditions"][0]["status"] = "False"
    seen = snapshot(*owners, manager)
    (found,) = (one for one in examine(seen, Graph(seen))[0] if not one.symptom)
    assert (found.fault, found.facts["waiting"]) == ("controller_manager_unavailable", 2)
