"""Changes that broke something, told from changes that did not."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.tools.objects import (
    NOW,
    NS,
    Object,
    at,
    caller,
    container,
    deployment,
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
from tools.engines.changes import last_rollout
from tools.engines.diagnosis import Diagnosis
from tools.engines.edits import last_edit
from tools.engines.explain import diagnose, investigate
from tools.engines.rank import Ranked
from tools.engines.snapshot import Alert, LogKey, Series, Signal


def causes(
    *objects: Object,
    logs: Mapping[LogKey, str] | None = None,
    metrics: Mapping[Signal, Sequence[Series]] | None = None,
) -> list[Ranked]:
    return investigate(snapshot(*objects, logs=logs, metrics=metrics))[0].causes


def faults(*objects: Object, **more: Any) -> list[str]:
    return [f"{one.finding.fault} {one.finding.component.name}" for one in causes(*objects, **more)]


def edited(obj: Object, minutes_ago: float, by: str = "kubectl-edit", subresource: str = "") -> Object:
    entry = {"manager": by, "operation": "Update", "time": at(minutes_ago), "subresource": subresource}
    return {**obj, "metadata": {**obj["metadata"], "managedFields": [entry]}}


def released(before: Object, now: Object, *, new_ready: bool = False, minutes_ago: float = 20) -> list[Object]:
    owner = deployment("baker", now, replicas=2, available=2)
    old = replica_set(owner, 1, before, ready=0 if new_ready else 2, minutes_ago=600)
    new = replica_set(owner, 2, now, ready=2 if new_ready else 0, minutes_ago=minutes_ago)
    young = pod(new, "young", ready=new_ready)
    young["metadata"]["creationTimestamp"] = at(minutes_ago)
    return [owner, old, new, young, *([] if new_ready else [pod(old, "older")])]


NEW = container(image="reg.example/baker:2.0")


def test_a_version_whose_pods_never_get_ready_beside_old_ones_that_are_is_bad() -> None:
    found = causes(*released(container(), NEW))
    assert [one.finding.fault for one in found] == ["bad_rollout"]
    assert found[0].finding.remedies == ("rollback_rollout",)


def test_a_release_of_settings_alone_is_a_bad_change_of_settings() -> None:
    now = {**container(), "env": [{"name": "MODE", "value": "fats"}]}
    assert faults(*released(container(), now)) == ["bad_config_change baker"]


def test_a_release_in_progress_and_one_that_is_well_are_no_causes() -> None:
    assert faults(*released(container(), NEW, minutes_ago=1)) == []
    assert faults(*released(container(), NEW, new_ready=True)) == []


def test_a_release_that_is_only_long_over_is_no_cause() -> None:
    assert faults(*released(container(), NEW, minutes_ago=300)) == []


def errors(*shares: float) -> dict[Signal, list[Series]]:
    who = {"namespace": NS, "service": "baker"}
    return {"error_share": [series(who, *shares, step=120)]}


def test_errors_that_begin_with_a_release_accuse_it_and_errors_from_before_do_not() -> None:
    objects = [*released(container(), NEW, new_ready=True), service()]
    begun = errors(*[0.001] * 20, *[0.4] * 10)
    before = errors(*[0.001] * 5, *[0.4] * 25)
    assert "bad_rollout baker" in faults(*objects, metrics=begun)
    assert "bad_rollout baker" not in faults(*objects, metrics=before)


def since(*objects: Object, **more: Any) -> tuple[datetime | None, Diagnosis]:
    found = snapshot(*objects, **more)
    told = diagnose(found, NS, found.window, found.taken_at)
    return told.causes[0].onset, told


def test_a_bad_release_is_told_since_its_harm_is_seen_and_the_release_as_a_moment_of_its_own() -> None:
    late = [*[0.001] * 24, *[0.4] * 6]
    onset, told = since(*released(container(), NEW, new_ready=True), service(), metrics=errors(*late))
    assert onset is not None
    assert onset in {item.at for item in told.causes[0].evidence if item.source == "metric"}
    assert onset > NOW - timedelta(minutes=20)
    assert NOW - timedelta(minutes=20) in {one.at for one in told.timeline if "rolled out revision 2" in one.what}


def test_pods_that_never_got_ready_are_told_since_they_are_not() -> None:
    onset, _ = since(*released(container(), NEW))
    assert onset == NOW - timedelta(minutes=10)


def test_a_kill_that_a_release_brought_is_told_since_the_kill() -> None:
    owner, old, new, young, *_ = released(container(memory="1Gi"), container(memory="64Mi"))
    young["status"]["containerStatuses"][0].update(restartCount=2, lastState=killed(3))
    onset, _ = since(owner, old, new, young)
    assert onset == NOW - timedelta(minutes=3)


def test_a_release_since_which_its_callers_wait_is_accused_and_one_long_after_it_is_not() -> None:
    objects = [*released(container(), NEW, new_ready=True), service(), caller("gate", "baker:80")]
    who = {"client": "gate", "server": "baker"}
    begun = {"call_latency": [series(who, *[0.02] * 20, *[0.6] * 10, step=120)]}
    before = {"call_latency": [series(who, *[0.02] * 5, *[0.6] * 25, step=120)]}
    assert faults(*objects, metrics=begun)[0] == "bad_rollout baker"
    assert "bad_rollout baker" not in faults(*objects, metrics=before)


def test_young_pods_that_answer_late_while_they_warm_up_accuse_no_release_and_those_that_fail_do() -> None:
    objects = [*released(container(), NEW, new_ready=True, minutes_ago=2), service(), caller("gate", "baker:80")]
    who = {"client": "gate", "server": "baker"}
    late = {"call_latency": [series(who, *[0.02] * 115, *[0.6] * 5, step=30)]}
    assert faults(*objects, metrics=late) == []
    failing = {"error_share": [series({"namespace": NS, "service": "baker"}, *[0.001] * 115, *[0.4] * 5, step=30)]}
    assert "bad_rollout baker" in faults(*objects, metrics=failing)
    objects[3]["metadata"]["creationTimestamp"] = at(4)
    assert faults(*objects, metrics=late) != []


def test_errors_that_only_the_pods_of_a_new_version_write_accuse_it() -> None:
    owner, old, new, young = released(container(), NEW, new_ready=True)
    line = "2026-03-02T08:5{}:00Z ERROR baker.Oven: cannot cast Loaf to Bun"
    log = {LogKey(NS, young["metadata"]["name"], "app"): "\n".join(line.format(minute) for minute in range(8))}
    assert faults(owner, old, new, young, logs=log) == ["bad_rollout baker"]
    fine = {LogKey(NS, young["metadata"]["name"], "app"): "2026-03-02T08:58:00Z INFO baked"}
    assert faults(owner, old, new, young, logs=fine) == []


def test_a_restart_after_which_a_program_does_worse_accuses_what_it_read_anew() -> None:
    program = {**container(), "envFrom": [{"configMapRef": {"name": "settings"}}]}
    owner, old, new, young = released(program, program, new_ready=True)
    for holder in (owner, new):
        holder["spec"]["template"]["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": at(20)}
    objects = [owner, old, new, young, service(), settings(None, OVEN_MS="3")]
    begun = errors(*[0.001] * 20, *[0.4] * 10)
    found = causes(*objects, metrics=begun)
    assert str(found[0].finding.component) == f"ConfigMap {NS}/settings"
    assert faults(*objects) == []


def test_stateful_sets_keep_their_revisions_in_controller_revisions() -> None:
    def kept(number: int, image: str) -> Object:
        patched = {"$patch": "replace", "spec": {"containers": [container(image=image)]}}
        data = {"spec": {"template": patched}}
        named = meta(f"oven-{number}", owner=("StatefulSet", "oven"))
        return {"kind": "ControllerRevision", "metadata": named, "revision": number, "data": data}

    owner = {**deployment("oven"), "kind": "StatefulSet"}
    rollout = last_rollout(snapshot(owner, kept(1, "a:1"), kept(2, "a:2")), owner)
    assert rollout is not None
    assert [str(change) for change in rollout.fields] == ["spec.containers[app].image: a:1 -> a:2"]


def settings(minutes_ago: float | None, **data: str) -> Object:
    obj = {"kind": "ConfigMap", "metadata": meta("settings"), "data": data}
    return obj if minutes_ago is None else edited(obj, minutes_ago)


def reader(*, fails: bool, minutes_ago: float = 5) -> list[Object]:
    program = {**container(), "envFrom": [{"configMapRef": {"name": "settings"}}]}
    owner = deployment("baker", program, replicas=1, available=0 if fails else 1)
    made = replica_set(owner, 1, program, ready=0 if fails else 1)
    if not fails:
        running = pod(made, state={"running": {"startedAt": at(minutes_ago)}})
        return [owner, made, running]
    last = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": at(minutes_ago)}}
    hanging = pod(made, ready=False, restartCount=3, state=waiting("CrashLoopBackOff"), lastState=last)
    hanging["metadata"]["creationTimestamp"] = at(15)
    return [owner, made, hanging]


def test_settings_that_were_edited_before_their_user_broke_are_the_cause() -> None:
    objects = reader(fails=True)
    log = {LogKey(NS, objects[-1]["metadata"]["name"], "app", True): "fatal: OVEN_MODE has no meaning: 'hto'"}
    found = causes(*objects, settings(16, OVEN_MODE="hto"), logs=log)
    assert [one.finding.fault for one in found] == ["bad_config_change"]
    assert str(found[0].finding.component) == f"ConfigMap {NS}/settings"


@pytest.mark.parametrize("minutes_ago", [None, 400, 2])
def test_settings_unedited_or_edited_long_before_or_after_accuse_nobody(minutes_ago: float | None) -> None:
    assert "bad_config_change settings" not in faults(*reader(fails=True), settings(minutes_ago, OVEN_MODE="hot"))


def test_settings_that_somebody_read_and_is_well_with_are_no_cause() -> None:
    assert faults(*reader(fails=False), settings(16, OVEN_MODE="hot")) == []


def test_an_object_that_was_only_made_was_not_edited() -> None:
    made = settings(None, A="b")
    made["metadata"]["managedFields"] = [{"manager": "kubectl", "time": made["metadata"]["creationTimestamp"]}]
    assert last_edit(made) is None
    assert (found := last_edit(settings(16, A="b"))) is not None
    assert found.at == NOW - timedelta(minutes=16)


def certified(minutes_ago: float | None = 20) -> list[Object]:
    secret = {"kind": "Secret", "type": "kubernetes.io/tls", "metadata": meta("baker-tls"), "data": {"tls.crt": "x"}}
    owner = deployment("baker")
    owner["spec"]["template"]["spec"]["volumes"] = [{"name": "tls", "secret": {"secretName": "baker-tls"}}]
    return [secret if minutes_ago is None else edited(secret, minutes_ago), owner, service()]


def test_a_certificate_of_an_unknown_authority_is_the_servers_secret() -> None:
    client = caller("eater", "https://baker:80")
    eats = pod(replica_set(client, 1))
    line = 'Get "https://baker:80/": tls: failed to verify certificate: x509: certificate signed by unknown authority'
    log = {LogKey(NS, eats["metadata"]["name"], "app"): f"2026-03-02T08:59:00Z ERROR {line}"}
    found = causes(*certified(), client, replica_set(client, 1), eats, logs=log)
    assert found[0].finding.fault == "certificate_rotated"
    assert str(found[0].finding.component) == f"Secret {NS}/baker-tls"
    assert faults(*certified(), client, replica_set(client, 1), eats) == []


UNTRUSTED = "2026-03-02T08:59:00Z ERROR I/O error on GET https://baker:80/: unable to find valid certification path"


@pytest.mark.parametrize(
    ("bundle_ago", "secret_ago", "expected"),
    [(20, None, "authorities"), (None, None, "baker-tls"), (40, 20, "baker-tls")],
)
def test_authorities_that_a_client_was_given_anew_are_told_from_a_certificate_that_was_replaced(
    bundle_ago: float | None, secret_ago: float | None, expected: str
) -> None:
    authorities = {"kind": "ConfigMap", "metadata": meta("authorities"), "data": {"ca.crt": "x"}}
    client = caller("eater", "https://baker:80")
    client["spec"]["template"]["spec"]["volumes"] = [{"name": "ca", "configMap": {"name": "authorities"}}]
    eats = pod(replica_set(client, 1))
    objects = [edited(authorities, bundle_ago) if bundle_ago else authorities, client, replica_set(client, 1), eats]
    found = faults(*certified(secret_ago), *objects, logs={LogKey(NS, eats["metadata"]["name"], "app"): UNTRUSTED})
    assert found == [f"certificate_rotated {expected}"]


def test_authorities_are_accused_too_where_the_server_is_not_known() -> None:
    authorities = {"kind": "ConfigMap", "metadata": meta("authorities"), "data": {"ca.crt": "x"}}
    client = caller("eater", "https://elsewhere.example:443")
    client["spec"]["template"]["spec"]["volumes"] = [{"name": "ca", "configMap": {"name": "authorities"}}]
    eats = pod(replica_set(client, 1))
    objects = [edited(authorities, 20), client, replica_set(client, 1), eats]
    log = {LogKey(NS, eats["metadata"]["name"], "app"): UNTRUSTED.replace("baker:80", "elsewhere.example:443")}
    assert faults(*objects, logs=log) == ["certificate_rotated authorities"]


def quota(used: str, hard: str, before: str = "") -> Object:
    obj = {
        "kind": "ResourceQuota",
        "metadata": meta("limits"),
        "spec": {"hard": {"pods": hard}},
        "status": {"hard": {"pods": hard}, "used": {"pods": used}},
    }
    if before:
        text = json.dumps({"spec": {"hard": {"pods": before}}})
        obj["metadata"] = meta("limits", annotations={"kubectl.kubernetes.io/last-applied-configuration": text})
    return obj


def test_a_quota_of_which_more_is_used_than_it_allows_was_lowered() -> None:
    short = deployment("baker", replicas=3, available=2)
    made = replica_set(short, 1, ready=2)
    made["spec"]["replicas"] = 3
    refused = event(made, "FailedCreate", "exceeded quota: limits, requested: pods=1, used: pods=6, limited: pods=4")
    found = causes(short, made, refused, quota("6", "4"))
    assert found[0].finding.fault == "quota_lowered"
    assert str(found[0].finding.component) == f"Namespace {NS}"
    assert "quota_lowered" not in {one.finding.fault for one in causes(short, made, refused, quota("4", "4"))}
    assert causes(short, made, refused, quota("4", "4", "10"))[0].finding.fault == "quota_lowered"


def test_a_quota_below_what_is_used_hurts_nobody_while_no_pod_is_missing() -> None:
    assert faults(deployment("baker"), quota("6", "4")) == []


def fewer(said: str, share: float) -> tuple[list[Object], dict[Signal, list[Series]]]:
    program = container(cpu="500m")
    owner = deployment("baker", program, replicas=1, available=1)
    made = replica_set(owner, 1, program, ready=1)
    busy = pod(made)
    labels = {"namespace": NS, "pod": busy["metadata"]["name"], "container": "app"}
    metrics: dict[Signal, list[Series]] = {"cpu_usage": [series(labels, *[0.2] * 20, *[0.5 * share] * 10)]}
    return [owner, made, busy, event(owner, "ScalingReplicaSet", said, minutes_ago=8, type_="Normal")], metrics


DOWN = "Scaled down replica set baker-rs1 from 4 to 1"


def test_a_program_scaled_below_what_it_needs_is_told_from_one_that_has_enough() -> None:
    objects, metrics = fewer(DOWN, 0.99)
    assert faults(*objects, metrics=metrics)[:1] == ["scaled_down baker"]
    idle, few = fewer(DOWN, 0.3)
    assert faults(*idle, metrics=few) == []


WAITING = "2026-03-02T08:59:{:02}Z WARN queue depth 25255, oldest message is 1179s old"


def test_a_consumer_with_too_few_hands_shows_it_by_what_waits() -> None:
    objects, metrics = fewer(DOWN, 0.2)
    key = LogKey(NS, objects[2]["metadata"]["name"], "app")
    log = {key: "\n".join(WAITING.format(second) for second in range(8))}
    assert faults(*objects, metrics=metrics, logs=log) == ["scaled_down baker"]
    assert faults(*objects[:3], metrics=metrics, logs=log) == []


def test_what_waits_is_known_from_an_alert_or_a_metric_as_well() -> None:
    objects, metrics = fewer(DOWN, 0.2)
    labels = {"namespace": NS, "service": "baker"}
    longer: dict[Signal, list[Series]] = {**metrics, "queue": [series(labels, *[20.0] * 20, *[9000.0] * 10)]}
    assert faults(*objects, service(), metrics=longer) == ["scaled_down baker"]
    rung = Alert("QueueBacklogGrowing", {"namespace": NS, "deployment": "baker"}, {"summary": "messages wait"})
    found = investigate(replace(snapshot(*objects, metrics=metrics), alerts=[rung]))[0].causes
    assert [one.finding.fault for one in found] == ["scaled_down"]


def test_an_old_version_that_goes_is_no_scale_down() -> None:
    objects, metrics = fewer("Scaled down replica set baker-rs0 from 4 to 1", 0.99)
    assert "scaled_down baker" not in faults(*objects, metrics=metrics)


def asleep(minutes_ago: float, **annotations: str) -> list[Object]:
    gone = deployment("baker", replicas=0, available=0)
    gone["metadata"]["annotations"] = annotations
    said = event(gone, "ScalingReplicaSet", "Scaled down replica set baker-rs1 from 2 to 0", minutes_ago, "Normal")
    return [gone, service(), caller("eater", "http://baker:80"), said]


def test_nothing_runs_though_it_is_called() -> None:
    assert faults(*asleep(20)) == ["deployment_zero_replicas baker"]


def test_a_sleep_that_was_asked_for_long_ago_or_says_so_is_no_cause() -> None:
    assert faults(*asleep(600)) == []
    assert faults(*asleep(20, **{"downscaler/uptime": "Mon-Fri 07:00-19:00"})) == []


def test_a_sleep_of_long_ago_that_a_caller_stumbles_over_is_one() -> None:
    objects = asleep(600)
    eats = pod(replica_set(objects[2], 1))
    line = "2026-03-02T08:59:00Z ERROR dial tcp: connect to baker:80: connection refused"
    log = {LogKey(NS, eats["metadata"]["name"], "app"): line}
    assert "deployment_zero_replicas baker" in faults(*objects, replica_set(objects[2], 1), eats, logs=log)


@pytest.mark.parametrize(("least", "expected"), [(0, []), (2, ["deployment_zero_replicas baker"])])
def test_an_autoscaler_excuses_only_what_it_may_do_itself(least: int, expected: list[str]) -> None:
    target = {"kind": "Deployment", "name": "baker"}
    spec = {"minReplicas": least, "maxReplicas": 9, "scaleTargetRef": target}
    scaler = {"kind": "HorizontalPodAutoscaler", "metadata": meta("baker"), "spec": spec}
    assert faults(*asleep(20), scaler) == expected


def test_an_ingress_that_leads_to_nothing_misses_it() -> None:
    backend = {"service": {"name": "baker", "port": {"number": 80}}}
    rules = [{"http": {"paths": [{"path": "/", "backend": backend}]}}]
    ingress = {"kind": "Ingress", "metadata": meta("front"), "spec": {"rules": rules}}
    gone = deployment("baker", replicas=0, available=0)
    assert faults(gone, service(), ingress) == ["deployment_zero_replicas baker"]
    assert faults(gone, service()) == []
