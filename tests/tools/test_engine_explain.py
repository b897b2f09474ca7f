"""What a diagnosis says around its causes: health, gaps, focus, timeline, words; and the small parts it is made of."""

from datetime import timedelta
from typing import Any

import pytest

from core.language import Text
from tests.tools.objects import (
    NOW,
    NS,
    Object,
    caller,
    container,
    deployment,
    endpoint_slice,
    event,
    meta,
    pod,
    replica_set,
    series,
    service,
    snapshot,
    waiting,
)
from tools.engines.changes import clean_template, compare, last_rollout
from tools.engines.diagnosis import Component, Diagnosis, Evidence, Gap
from tools.engines.explain import diagnose
from tools.engines.finding import Finding
from tools.engines.graph import Graph
from tools.engines.objects import when
from tools.engines.quantity import cpu, memory, parse
from tools.engines.rank import confidence, rank
from tools.engines.snapshot import Snapshot


def explained(snap: Snapshot, **more: Any) -> Diagnosis:
    return diagnose(snap, NS, snap.window, snap.taken_at, **more)


def working() -> list[Object]:
    owner = deployment("baker")
    new = replica_set(owner, 1, ready=2, minutes_ago=500)
    return [owner, new, pod(new, "bcdfg"), pod(new, "hjklm"), service(), endpoint_slice()]


def broken(name: str = "baker") -> list[Object]:
    return [deployment(name), service(name, {"app": f"{name}-v2"}), endpoint_slice(name, 0)]


def test_all_read_and_nothing_found_is_healthy() -> None:
    assert explained(snapshot(*working())).healthy is True


def test_a_gap_forbids_to_say_healthy() -> None:
    found = explained(snapshot(*working(), gaps=[Gap(what="metrics", why="refused")]))
    assert found.healthy is None
    assert found.gaps[0].why == "refused"


def test_a_gap_does_not_hide_what_was_found() -> None:
    assert explained(snapshot(*broken(), gaps=[Gap(what="metrics", why="refused")])).healthy is False


def test_a_pod_that_is_just_starting_is_no_symptom() -> None:
    objects = working()
    young = pod(objects[1], "npqrs", ready=False, state=waiting("ContainerCreating"))
    young["status"]["conditions"][0]["lastTransitionTime"] = (NOW - timedelta(seconds=20)).isoformat()
    assert explained(snapshot(*objects, young)).healthy is True


def test_a_pod_that_never_gets_ready_is_a_symptom_without_a_cause() -> None:
    objects = working()
    found = explained(snapshot(*objects, pod(objects[1], "npqrs", ready=False)))
    assert (found.healthy, found.causes) == (False, [])
    assert found.symptoms[0].component == Component(kind="Deployment", namespace=NS, name="baker")


def test_errors_of_a_caller_are_a_symptom_of_what_it_calls() -> None:
    metrics = {
        "errors": [series({"namespace": NS, "service": "shopfront"}, 5.0)],
        "requests": [series({"namespace": NS, "service": "shopfront"}, 10.0)],
    }
    front = [caller("shopfront", "http://baker:80"), service("shopfront")]
    found = explained(snapshot(*broken(), *front, metrics=metrics))
    assert [cause.fault for cause in found.causes] == ["service_selector_mismatch"]
    assert Component(kind="Deployment", namespace=NS, name="shopfront") in found.causes[0].affected
    assert any("50%" in symptom.statement for symptom in found.symptoms)


def test_asked_about_a_victim_the_cause_elsewhere_is_named() -> None:
    found = explained(snapshot(*broken(), caller("shopfront", "http://baker:80")), focus="shopfront")
    assert [cause.component.name for cause in found.causes] == ["baker"]


def test_asked_about_one_component_trouble_elsewhere_is_only_seen_beside_it() -> None:
    found = explained(snapshot(*broken(), *broken("miller")), focus="miller")
    assert [cause.component.name for cause in found.causes] == ["miller"]
    assert any("baker" in symptom.statement and "beside" in symptom.statement for symptom in found.symptoms)


def test_a_pods_name_means_its_workload_and_a_similar_name_does_not() -> None:
    snap = snapshot(*broken())
    assert explained(snap, focus="baker-rs1-bcdfg".replace("rs1", "bcdfg24567")).causes
    assert not explained(snap, focus="baker-redis").causes


def test_the_timeline_is_in_order_and_repeats_nothing() -> None:
    owner = deployment("baker", container(image="reg.example/baker:2"))
    old, new = replica_set(owner, 1), replica_set(owner, 2, container(image="reg.example/baker:2"), minutes_ago=10)
    first, again = event(owner, "Unhealthy", "probe failed", 9), event(owner, "Unhealthy", "probe failed", 3)
    found = explained(snapshot(owner, old, new, first, again))
    assert [moment.at for moment in found.timeline] == sorted(moment.at for moment in found.timeline)
    assert sum("Unhealthy" in moment.what for moment in found.timeline) == 1
    assert any("revision 2" in moment.what for moment in found.timeline)


@pytest.mark.parametrize(("language", "word"), [("en", "reaches no pod"), ("zh", "没有任何后端")])
def test_statements_come_in_the_language_asked(language: str, word: str) -> None:
    assert word in explained(snapshot(*broken()), language=language).causes[0].statement


def test_every_cause_has_evidence_and_a_rank() -> None:
    found = explained(snapshot(*broken(), *broken("miller")))
    assert [cause.rank for cause in found.causes] == [1, 2]
    assert all(cause.evidence and 0 < cause.confidence <= 0.98 for cause in found.causes)


def test_independent_sources_weigh_more_than_one_repeated() -> None:
    def proof(source: str) -> Evidence:
        return Evidence(source=source, ref="r", quote="q", weight=0.5)

    repeated = confidence([proof("metric"), proof("metric"), proof("metric")])
    independent = confidence([proof("metric"), proof("event"), proof("kubernetes")])
    assert 0.5 < repeated < independent
    assert confidence([proof("metric")], against=[proof("probe")]) < 0.3


def test_callers_are_found_by_addresses_and_not_by_words() -> None:
    talker = caller("shopfront", "redis://baker.town.svc.cluster.local:6379/0")
    talker["spec"]["template"]["spec"]["containers"][0]["env"].append({"name": "MODE", "value": "baker"})
    silent = deployment("silent")
    silent["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "MODE", "value": "baker"}]
    graph = Graph(snapshot(*working(), talker, silent))
    callers = graph.callers_of(Component(kind="Service", namespace=NS, name="baker"))
    assert [one.name for one in callers] == ["shopfront"]


def test_callers_are_found_by_traffic_where_no_address_says_so() -> None:
    calls = [series({"client": "shopfront", "server": "baker"}, 1.0)]
    graph = Graph(snapshot(*working(), deployment("shopfront"), metrics={"calls": calls}))
    callers = graph.callers_of(Component(kind="Service", namespace=NS, name="baker"))
    assert [one.name for one in callers] == ["shopfront"]


def test_suffering_spreads_outwards_and_ends_in_a_circle() -> None:
    one, two = caller("one", "http://two"), caller("two", "http://one")
    graph = Graph(snapshot(one, two, service("one"), service("two")))
    start = Component(kind="Deployment", namespace=NS, name="one")
    assert {str(part) for part in graph.suffering(start)} == {
        f"Service {NS}/one",
        f"Deployment {NS}/two",
        f"Service {NS}/two",
    }


def test_a_rollout_is_told_field_by_field_without_secrets() -> None:
    before, after = container(memory="1Gi"), container(memory="512Mi", image="reg.example/baker:2")
    after["env"] = [{"name": "DB_PASSWORD", "value": "hunter2"}]
    owner = deployment("baker", after)
    rollout = last_rollout(snapshot(owner, replica_set(owner, 4, before), replica_set(owner, 7, after)), owner)
    assert rollout is not None
    told = {str(change) for change in rollout.fields}
    assert "spec.containers[app].resources.limits.memory: 1Gi -> 512Mi" in told
    assert "spec.containers[app].image: reg.example/baker:1.0 -> reg.example/baker:2" in told
    assert not any("hunter2" in change for change in told)


def test_a_reused_revision_came_into_force_when_it_was_scaled_up_again() -> None:
    owner = deployment("baker")
    old, new = replica_set(owner, 1, container(image="x:2")), replica_set(owner, 2, minutes_ago=600)
    again = event(owner, "ScalingReplicaSet", "Scaled up replica set baker-rs2 from 0 to 1", 7, "Normal")
    rollout = last_rollout(snapshot(owner, old, new, again), owner)
    assert rollout is not None
    assert rollout.current.at == NOW - timedelta(minutes=7)


def test_a_template_is_compared_without_what_the_controller_adds() -> None:
    owner = deployment("baker")
    assert list(compare(clean_template(owner), clean_template(replica_set(owner, 1)))) == []


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("250m", 0.25),
        ("2", 2.0),
        ("512Mi", 512 * 2**20),
        ("1e3", 1000.0),
        ("1.5Gi", 1.5 * 2**30),
        (3, 3.0),
        ("100M", 1e8),
    ],
)
def test_quantities_are_numbers_of_base_units(text: object, amount: float) -> None:
    assert parse(text) == pytest.approx(amount)


@pytest.mark.parametrize("text", ["", "lots", "12Zi", None, True, "1 Gi", [], "--3"])
def test_what_is_no_quantity_is_none(text: object) -> None:
    assert parse(text) is None


def test_amounts_are_written_rounded_up() -> None:
    assert (memory(200 * 2**20 + 1), memory(256 * 2**20), memory(3 * 2**20)) == ("208Mi", "256Mi", "4Mi")
    assert (cpu(0.333), cpu(1.0), cpu(2.0)) == ("350m", "1", "2")


def test_times_without_a_zone_are_utc_and_nonsense_is_no_time() -> None:
    assert when("2026-03-02T09:00:00") == NOW
    assert when("2026-03-02T17:00:00+08:00") == NOW
    assert when("soon") is None
    assert when(12) is None


def test_addresses_come_from_slices_or_endpoints_and_are_unknown_without_either() -> None:
    lone = service()
    assert snapshot(lone).ready_addresses(lone) is None
    assert snapshot(lone, endpoint_slice("other")).ready_addresses(lone) == 0
    assert snapshot(lone, endpoint_slice(ready=3)).ready_addresses(lone) == 3
    old_form = {"kind": "Endpoints", "metadata": meta("baker"), "subsets": [{"addresses": [{"ip": "10.0.0.1"}]}]}
    assert snapshot(lone, old_form).ready_addresses(lone) == 1


@pytest.mark.parametrize(("doubtful", "expected"), [(0.36, "application_crash"), (0.8, "missing_env_var")])
def test_a_doubtful_suspicion_does_not_take_the_place_of_what_is_sure(doubtful: float, expected: str) -> None:
    def suspected(fault: str, weight: float) -> Finding:
        proof = Evidence(source="kubernetes", ref="x", quote="y", weight=weight)
        who = Component(kind="Deployment", namespace=NS, name="baker")
        return Finding(fault, "runtime", who, Text("a", "甲"), (proof,))

    found = rank([suspected("application_crash", 0.9), suspected("missing_env_var", doubtful)], Graph(snapshot()))
    assert found.causes[0].finding.fault == expected
