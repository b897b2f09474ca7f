"""Each fault from generic evidence, told apart from what looks alike; the names in here mean nothing to the engine."""

import pytest

from tests.tools.objects import (
    NS,
    Object,
    at,
    caller,
    container,
    deployment,
    endpoint_slice,
    event,
    killed,
    meta,
    pod,
    replica_set,
    series,
    service,
    snapshot,
    waiting,
)
from tools.engines.explain import diagnose, investigate
from tools.engines.quantity import MEBI
from tools.engines.rank import Ranked
from tools.engines.snapshot import LogKey, Series, Snapshot

GOOD, BAD = "reg.example/baker:1.0", "reg.example/baker:1.O"


def causes(snap: Snapshot) -> list[Ranked]:
    return investigate(snap)[0].causes


def only(snap: Snapshot) -> Ranked:
    found = causes(snap)
    assert len(found) == 1, [cause.finding.fault for cause in found]
    return found[0]


def stuck_rollout(sentence: str, bad: str = BAD) -> list[Object]:
    owner = deployment("baker", container(image=bad))
    old, new = (
        replica_set(owner, 1, container(image=GOOD), ready=2),
        replica_set(owner, 2, container(image=bad), minutes_ago=5),
    )
    hanging = pod(new, ready=False, state=waiting("ImagePullBackOff", "Back-off pulling image"))
    return [owner, old, new, hanging, event(hanging, "Failed", f'Failed to pull image "{bad}": {sentence}')]


@pytest.mark.parametrize(
    ("sentence", "fault"),
    [
        ("rpc error: code = NotFound desc = reg.example/baker:1.O: not found", "incorrect_image_reference"),
        ("manifest unknown: manifest unknown", "incorrect_image_reference"),
        ("dial tcp: lookup reg.example on 10.0.0.2:53: no such host", "image_registry_dns_failure"),
        ("unexpected status from HEAD request: 401 Unauthorized", "missing_image_pull_secret"),
        ("toomanyrequests: You have reached your pull rate limit", "image_pull_rate_limited"),
        ("no match for platform in manifest: not found", "image_architecture_mismatch"),
    ],
)
def test_the_registrys_sentence_tells_the_faults_of_pulling_apart(sentence: str, fault: str) -> None:
    assert only(snapshot(*stuck_rollout(sentence))).finding.fault == fault


def test_a_registry_that_hides_names_is_read_by_what_the_revision_changed() -> None:
    hidden = "pull access denied, repository does not exist or may require authorization"
    same_repository = only(snapshot(*stuck_rollout(hidden)))
    other_repository = only(snapshot(*stuck_rollout(hidden, "reg.example/bakker:1.0")))
    assert same_repository.finding.fault == "missing_image_pull_secret"
    assert other_repository.finding.fault == "incorrect_image_reference"


def test_a_bad_image_names_the_change_and_the_revision_that_still_works() -> None:
    cause = only(snapshot(*stuck_rollout("not found")))
    assert str(cause.finding.component) == f"Deployment {NS}/baker"
    assert cause.finding.remedies == ("rollback_rollout",)
    assert {item.source for item in cause.finding.evidence} == {"kubernetes", "event", "change"}
    assert f"{GOOD} -> {BAD}" in next(item.quote for item in cause.finding.evidence if item.source == "change")
    assert "revision 1" in cause.finding.words("en")
    assert "第 1 版" in cause.finding.words("zh")
    assert cause.confidence > 0.9


def test_a_pod_on_its_way_out_accuses_nobody() -> None:
    owner, old, new, hanging, said = stuck_rollout("not found")
    hanging["metadata"]["deletionTimestamp"] = at(1)
    assert causes(snapshot(owner, old, new, hanging, said)) == []


def test_an_event_of_a_pod_that_is_gone_accuses_nobody() -> None:
    owner, old, new, _hanging, said = stuck_rollout("not found")
    assert causes(snapshot(owner, old, new, said)) == []


def oom(limit: str = "100Mi", before: str = "100Mi") -> list[Object]:
    owner = deployment("baker", container(memory=limit))
    old = replica_set(owner, 1, container(memory=before), minutes_ago=600)
    new = replica_set(owner, 2, container(memory=limit), minutes_ago=20 if limit != before else 500)
    hit = pod(new, ready=False, restartCount=4, lastState=killed(), state=waiting("CrashLoopBackOff"))
    return [owner, old, new, hit]


def test_a_kill_for_memory_cites_the_state_and_the_size() -> None:
    objects = oom()
    labels = {"namespace": NS, "pod": "baker-rs2-bcdfg", "container": "app"}
    cause = only(snapshot(*objects, metrics={"memory": [series(labels, 40 * MEBI, 97 * MEBI)]}))
    assert cause.finding.fault == "oom_killed"
    assert cause.finding.remedies == ("raise_memory_limit",)
    assert cause.finding.facts["peak"] == 97 * MEBI
    assert cause.finding.facts["life_seconds"] == pytest.approx(30)
    assert any("97 MiB of 100 MiB" in item.quote for item in cause.finding.evidence)


def test_a_lowered_limit_is_the_change_to_go_back_on() -> None:
    cause = only(snapshot(*oom(limit="64Mi", before="256Mi")))
    assert cause.finding.remedies[0] == "rollback_rollout"
    assert "256Mi" in cause.finding.words("en")


def test_kills_that_began_with_a_new_revision_point_at_that_revision() -> None:
    owner = deployment("baker", container(memory="100Mi"))
    owner["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "CACHE_MB", "value": "400"}]
    old, new = replica_set(owner, 1, container(memory="100Mi")), replica_set(owner, 2, minutes_ago=10)
    new["spec"]["template"]["spec"] = owner["spec"]["template"]["spec"]
    hit = pod(new, ready=False, restartCount=2, lastState=killed(), state=waiting("CrashLoopBackOff"))
    cause = only(snapshot(owner, old, new, hit))
    assert cause.finding.remedies == ("rollback_rollout", "raise_memory_limit")
    assert "CACHE_MB" in cause.finding.words("en")


def test_a_container_that_long_runs_well_again_has_recovered() -> None:
    running = {"ready": True, "state": {"running": {"startedAt": at(20)}}}
    objects = oom()
    objects[-1]["status"]["containerStatuses"][0].update(running)
    assert causes(snapshot(*objects)) == []


def test_a_kill_before_the_window_is_history() -> None:
    objects = oom()
    objects[-1]["status"]["containerStatuses"][0].update(lastState=killed(minutes_ago=90), ready=True)
    assert causes(snapshot(*objects)) == []


def test_a_selector_that_no_template_carries_names_the_nearest_labels() -> None:
    owner = deployment("baker")
    new = replica_set(owner, 1, ready=2)
    lost = service("baker", {"app": "baker-v2"})
    cause = only(
        snapshot(owner, new, pod(new), lost, endpoint_slice("baker", 0), caller("shopfront", "http://baker:80"))
    )
    assert cause.finding.fault == "service_selector_mismatch"
    assert str(cause.finding.component) == f"Deployment {NS}/baker"
    assert cause.finding.facts["meant"] == {"app": "baker"}
    assert [str(one) for one in cause.affected][:2] == [f"Service {NS}/baker", f"Deployment {NS}/shopfront"]
    assert "app=baker-v2" in cause.finding.words("zh")


def test_a_selector_with_a_key_that_nobody_carries_goes_back_to_what_the_workload_selects_by() -> None:
    owner = deployment("baker", labels={"app": "baker", "tier": "ovens"})
    lost = service("baker", {"application": "baker"})
    assert only(snapshot(owner, lost, endpoint_slice("baker", 0))).finding.facts["meant"] == {
        "app": "baker",
        "tier": "ovens",
    }


def test_no_workload_that_looks_meant_means_no_accusation() -> None:
    lost = service("weather", {"app": "forecast"})
    assert causes(snapshot(deployment("baker"), service("baker"), lost, endpoint_slice("weather", 0))) == []


def test_a_right_selector_with_no_ready_pod_is_not_a_mismatch() -> None:
    owner = deployment("baker", available=0)
    new = replica_set(owner, 1)
    verdict, _ = investigate(snapshot(owner, new, pod(new, ready=False), service(), endpoint_slice("baker", 0)))
    assert verdict.causes == []
    assert "service_without_endpoints" in {finding.fault for finding in verdict.symptoms}


def test_a_service_that_nobody_calls_is_believed_less() -> None:
    owner, lost = deployment("baker"), service("baker", {"app": "baker-v2"})
    alone = only(snapshot(owner, lost, endpoint_slice("baker", 0)))
    called = only(snapshot(owner, lost, endpoint_slice("baker", 0), caller("shopfront", "http://baker")))
    assert alone.confidence < called.confidence


def busy(limit: str = "500m", before: str = "500m") -> list[Object]:
    owner = deployment("baker", container(cpu=limit))
    old = replica_set(owner, 1, container(cpu=before), minutes_ago=600)
    new = replica_set(owner, 2, container(cpu=limit), ready=1, minutes_ago=300)
    return [owner, old, new, pod(new), service()]


CONTAINER = {"namespace": NS, "pod": "baker-rs2-bcdfg", "container": "app"}
SERVICE = {"namespace": NS, "service": "baker"}
HOT = (*[0.1] * 20, *[0.49] * 10)


def test_usage_at_the_limit_with_throttling_is_an_overload_since_its_onset() -> None:
    metrics = {"cpu_usage": [series(CONTAINER, *HOT)], "cpu_throttled": [series(CONTAINER, 0.9)]}
    cause = only(snapshot(*busy(), metrics=metrics))
    assert cause.finding.fault == "pod_cpu_overload"
    assert cause.finding.onset is not None
    assert cause.finding.onset.isoformat() == "2026-03-02T08:55:30+00:00"
    assert cause.finding.remedies == ("scale_out", "raise_cpu_limit")


def test_usage_without_throttling_is_work_not_trouble() -> None:
    metrics = {"cpu_usage": [series(CONTAINER, *HOT)], "cpu_throttled": [series(CONTAINER, 0.05)]}
    assert causes(snapshot(*busy(), metrics=metrics)) == []


def test_requests_that_rose_as_much_make_it_a_surge() -> None:
    metrics = {
        "cpu_usage": [series(CONTAINER, *HOT)],
        "cpu_throttled": [series(CONTAINER, 0.9)],
        "requests": [series(SERVICE, *[10.0] * 20, *[45.0] * 10)],
    }
    assert only(snapshot(*busy(), metrics=metrics)).finding.fault == "traffic_surge"


def surged(limit: str, before: str) -> list[str]:
    owner, old, new, _hot, front = busy()
    for holder, amount in ((owner, limit), (new, limit), (old, before)):
        holder["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = amount
    new["metadata"]["creationTimestamp"] = at(20)
    hit = pod(new, ready=False, restartCount=2, lastState=killed())
    metrics = {
        "cpu_usage": [series(CONTAINER, *HOT)],
        "cpu_throttled": [series(CONTAINER, 0.9)],
        "requests": [series(SERVICE, *[10.0] * 20, *[45.0] * 10)],
    }
    return sorted(cause.finding.fault for cause in causes(snapshot(owner, old, new, hit, front, metrics=metrics)))


def test_a_surge_that_also_fills_the_memory_is_one_cause() -> None:
    assert surged(limit="64Mi", before="64Mi") == ["traffic_surge"]


def test_a_surge_does_not_explain_away_a_lowered_limit() -> None:
    assert surged(limit="64Mi", before="256Mi") == ["oom_killed", "traffic_surge"]


def test_a_lowered_cpu_limit_is_throttling_by_a_change() -> None:
    metrics = {"cpu_usage": [series(CONTAINER, *HOT)], "cpu_throttled": [series(CONTAINER, 0.9)]}
    cause = only(snapshot(*busy(before="2"), metrics=metrics))
    assert (cause.finding.fault, cause.finding.remedies[0]) == ("cpu_throttled", "rollback_rollout")


def test_samples_that_stopped_say_nothing_of_now() -> None:
    old = series(CONTAINER, *HOT)
    stopped = Series(old.labels, [(when - 600, value) for when, value in old.points], old.query)
    assert causes(snapshot(*busy(), metrics={"cpu_usage": [stopped], "cpu_throttled": [series(CONTAINER, 0.9)]})) == []


def test_zero_replicas_with_callers_is_a_cause_and_remembers_what_it_had() -> None:
    owner = deployment("baker", replicas=0, available=0)
    down = event(owner, "ScalingReplicaSet", "Scaled down replica set baker-rs1 from 3 to 0", type_="Normal")
    cause = only(snapshot(owner, service(), endpoint_slice("baker", 0), down, caller("shopfront", "http://baker")))
    assert (cause.finding.fault, cause.finding.facts["replicas"]) == ("deployment_zero_replicas", 3)


def test_a_scale_down_that_nobody_misses_is_no_fault() -> None:
    owner = deployment("baker", replicas=0, available=0)
    assert causes(snapshot(owner, service(), endpoint_slice("baker", 0))) == []


def test_a_crash_quotes_the_last_words_of_the_dead_container() -> None:
    owner = deployment("baker", available=0)
    new = replica_set(owner, 1, minutes_ago=500)
    exited = {"terminated": {"reason": "Error", "exitCode": 3, "finishedAt": at(1)}}
    hit = pod(new, ready=False, restartCount=6, state=waiting("CrashLoopBackOff"), lastState=exited)
    key = LogKey(NS, "baker-rs1-bcdfg", "app", previous=True)
    cause = only(snapshot(owner, new, hit, logs={key: "starting\npanic: no flour\n"}))
    assert cause.finding.fault == "application_crash"
    assert "no flour" in cause.finding.words("en")
    assert cause.finding.remedies == ()


def test_a_crash_of_a_caller_is_explained_by_what_it_calls() -> None:
    broken = deployment("baker")
    lost = [broken, service("baker", {"app": "baker-v2"}), endpoint_slice("baker", 0)]
    front = caller("shopfront", "http://baker:80")
    new = replica_set(front, 1, minutes_ago=500)
    exited = {"terminated": {"reason": "Error", "exitCode": 1, "finishedAt": at(1)}}
    hit = pod(new, ready=False, restartCount=6, state=waiting("CrashLoopBackOff"), lastState=exited)
    cause = only(snapshot(*lost, front, new, hit))
    assert cause.finding.fault == "service_selector_mismatch"
    assert "application_crash" in {finding.fault for finding in cause.explains}


def test_two_independent_faults_are_both_causes() -> None:
    other = deployment("miller", container(memory="64Mi"))
    hit = pod(replica_set(other, 1), ready=False, restartCount=2, lastState=killed(), state=waiting("CrashLoopBackOff"))
    snap = snapshot(*stuck_rollout("not found"), other, replica_set(other, 1, container(memory="64Mi")), hit)
    assert {cause.finding.fault for cause in causes(snap)} == {"incorrect_image_reference", "oom_killed"}


@pytest.mark.parametrize(
    "obj",
    [
        {},
        {"kind": "Pod"},
        {"kind": "Pod", "metadata": None, "status": {"containerStatuses": "none"}},
        {"kind": "Deployment", "metadata": {"name": "x"}, "spec": None},
        {"kind": "ReplicaSet", "metadata": {"annotations": {"deployment.kubernetes.io/revision": "x"}}},
        {"kind": "Service", "metadata": meta("x"), "spec": {"selector": {"a": 1}}},
        {"kind": "Event", "involvedObject": [], "lastTimestamp": "yesterday", "count": "many"},
        {"kind": "EndpointSlice", "metadata": {"labels": None}, "endpoints": [None, {"addresses": None}]},
    ],
)
def test_partial_objects_are_read_for_what_they_have(obj: Object) -> None:
    snap = snapshot(obj, *stuck_rollout("not found"))
    found = diagnose(snap, NS, snap.window, snap.taken_at)
    assert found.causes[0].fault == "incorrect_image_reference"
