"""Probes that are wrong, told from probes that only report what is wrong."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.tools.objects import (
    NS,
    Object,
    at,
    container,
    deployment,
    event,
    pod,
    replica_set,
    service,
    snapshot,
    waiting,
)
from tools.engines.explain import investigate
from tools.engines.rank import Ranked
from tools.engines.snapshot import LogKey

REFUSED = 'Get "http://10.1.2.3:8081/healthz": dial tcp 10.1.2.3:8081: connect: connection refused'


def http(port: int | str = 8080, scheme: str = "HTTP", **timing: int) -> Object:
    return {"httpGet": {"path": "/healthz", "port": port, "scheme": scheme}, **timing}


def probed(**probes: Object) -> Object:
    return {**container(), **{f"{kind}Probe": probe for kind, probe in probes.items()}}


def unready(program: Object, *sentences: str, before: Object | None = None, **status: Any) -> list[Object]:
    owner = deployment("baker", program, replicas=1, available=0)
    old = [replica_set(owner, 1, before)] if before else []
    made = replica_set(owner, 2, program, minutes_ago=8)
    hanging = pod(made, ready=False, **status)
    said = [event(hanging, "Killing" if "will be restarted" in one else "Unhealthy", one) for one in sentences]
    for place, one in enumerate(said):
        one["metadata"]["name"] += str(place)
    return [owner, *old, made, hanging, *said]


def killed_often(code: int = 137) -> dict[str, Any]:
    last = {"terminated": {"exitCode": code, "reason": "Error", "startedAt": at(3), "finishedAt": at(2.5)}}
    return {"restartCount": 6, "lastState": last, "state": {"running": {"startedAt": at(0.2)}}}


def causes(*objects: Object, logs: Mapping[LogKey, str] | None = None) -> list[Ranked]:
    return investigate(snapshot(*objects, logs=logs))[0].causes


def faults(*objects: Object, logs: Mapping[LogKey, str] | None = None) -> list[str]:
    return [one.finding.fault for one in causes(*objects, logs=logs)]


def log_of(objects: list[Object], text: str, *, previous: bool = False) -> dict[LogKey, str]:
    name = next(one["metadata"]["name"] for one in objects if one["kind"] == "Pod")
    return {LogKey(NS, name, "app", previous): text}


def test_a_readiness_probe_asks_a_port_that_the_container_does_not_have() -> None:
    found = causes(*unready(probed(readiness=http(8081)), f"Readiness probe failed: {REFUSED}"))
    assert [one.finding.fault for one in found] == ["readiness_probe_incorrect_port"]
    assert "Set it to 8080" in found[0].finding.words("en")


def test_the_objects_alone_suffice_where_no_event_was_kept() -> None:
    assert faults(*unready(probed(readiness=http(8081)))) == ["readiness_probe_incorrect_port"]


def test_a_port_by_a_name_that_no_port_has_is_wrong() -> None:
    assert faults(*unready(probed(readiness=http("web")))) == ["readiness_probe_incorrect_port"]


def test_a_liveness_probe_on_the_wrong_port_restarts_what_is_well() -> None:
    said = (f"Liveness probe failed: {REFUSED}", "Container app failed liveness probe, will be restarted")
    objects = unready(probed(liveness=http(8081), readiness=http(8080)), *said, **killed_often())
    assert faults(*objects) == ["liveness_probe_incorrect_port"]


def test_events_of_the_newer_api_were_seen_last_when_they_say_so_under_a_deprecated_name() -> None:
    fine = pod(replica_set(deployment("baker"), 1, container()))
    old = event(fine, "Unhealthy", f"Liveness probe failed: {REFUSED}")
    newer = {
        "kind": "Event",
        "metadata": {**old["metadata"], "creationTimestamp": at(50)},
        "regarding": old["involvedObject"],
        "type": "Warning",
        "reason": old["reason"],
        "note": old["message"],
        "eventTime": None,
        "deprecatedFirstTimestamp": at(50),
        "deprecatedLastTimestamp": at(2),
        "deprecatedCount": 30,
    }
    by_old, by_new = (snapshot(fine, one).events[0] for one in (old, newer))
    assert (by_new.at, by_new.message, by_new.count) == (by_old.at, by_old.message, 30)


def test_what_the_log_listens_on_decides_where_nothing_is_declared() -> None:
    program = {**probed(readiness=http(8081)), "ports": []}
    objects = unready(program, f"Readiness probe failed: {REFUSED}")
    said = "2026-03-02T08:50:00Z INFO server listening on port 9090"
    assert faults(*objects, logs=log_of(objects, said)) == ["readiness_probe_incorrect_port"]
    right = said.replace("9090", "8081")
    assert faults(*objects, logs=log_of(objects, right)) == []


def test_a_program_that_exits_by_itself_refuses_every_probe() -> None:
    last = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": at(2)}}
    status: dict[str, Any] = {"restartCount": 6, "lastState": last, "state": waiting("CrashLoopBackOff")}
    refused = REFUSED.replace("8081", "8080")
    objects = unready(probed(readiness=http(8080)), f"Readiness probe failed: {refused}", **status)
    assert faults(*objects) == ["application_crash"]
    undeclared = unready(probed(readiness=http(8081)), f"Readiness probe failed: {REFUSED}", **status)
    assert faults(*undeclared) == ["application_crash"]


def test_a_port_that_answers_with_errors_is_the_right_one() -> None:
    said = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    assert faults(*unready(probed(readiness=http(8081)), said)) == []


def test_a_pod_that_is_well_with_the_same_probe_proves_it_right() -> None:
    program = probed(readiness=http(8081))
    objects = unready(program, f"Readiness probe failed: {REFUSED}")
    objects.append(pod(objects[1], "other"))
    assert faults(*objects) == []


@pytest.mark.parametrize(
    ("kind", "probe", "sentence"),
    [
        ("liveness", http(scheme="HTTPS"), "http: server gave HTTP response to HTTPS client"),
        ("readiness", http(), 'malformed HTTP response "\\x15\\x03\\x01"'),
        ("readiness", {"grpc": {"port": 8080}}, "error reading server preface: http2: frame too large"),
        ("liveness", {"grpc": {"port": 8080}}, "server does not implement the grpc health protocol"),
    ],
)
def test_an_answer_of_another_protocol_is_unmistakable(kind: str, probe: Object, sentence: str) -> None:
    said = f"{kind.capitalize()} probe failed: {sentence}"
    assert faults(*unready(probed(**{kind: probe}), said)) == [f"{kind}_probe_incorrect_protocol"]


def test_without_events_https_to_a_port_called_http_is_the_wrong_protocol() -> None:
    assert faults(*unready(probed(readiness=http(scheme="HTTPS")))) == ["readiness_probe_incorrect_protocol"]


def test_http_to_a_database_is_the_wrong_protocol() -> None:
    program = {**probed(readiness=http(6379)), "ports": [{"containerPort": 6379, "name": "redis"}]}
    said = "Readiness probe failed: Get http://10.0.0.1:6379/: EOF"
    assert faults(*unready(program, said)) == ["readiness_probe_incorrect_protocol"]


def test_a_liveness_probe_that_gives_up_before_the_program_started_has_no_patience() -> None:
    program = probed(liveness=http(initialDelaySeconds=5, periodSeconds=5, failureThreshold=3))
    refused = REFUSED.replace("8081", "8080")
    said = (f"Liveness probe failed: {refused}", "Container app failed liveness probe, will be restarted")
    objects = unready(program, *said, **killed_often())
    log = "2026-03-02T08:50:00Z INFO Started Baker in 48.2 seconds"
    assert faults(*objects, logs=log_of(objects, log, previous=True)) == ["liveness_probe_incorrect_timing"]


def test_a_probe_that_is_new_and_too_early_is_not_called_wrong_of_its_port() -> None:
    before = {**container(), "ports": []}
    now = {**before, "livenessProbe": http(periodSeconds=1, failureThreshold=2)}
    refused = REFUSED.replace("8081", "8080")
    said = (f"Liveness probe failed: {refused}", "Container app failed liveness probe, will be restarted")
    assert faults(*unready(now, *said, before=before, **killed_often())) == ["liveness_probe_incorrect_timing"]


def test_a_startup_probe_that_kills_is_told_from_a_liveness_probe() -> None:
    startup = http(periodSeconds=2, failureThreshold=3)
    refused = REFUSED.replace("8081", "8080")
    said = (f"Startup probe failed: {refused}", "Container app failed startup probe, will be restarted")
    objects = unready(probed(startup=startup, liveness=http(periodSeconds=10)), *said, **killed_often())
    assert faults(*objects) == ["startup_probe_too_short"]


def test_a_timeout_that_the_last_revision_shortened_is_what_kills() -> None:
    before = probed(liveness=http(timeoutSeconds=5, initialDelaySeconds=60))
    now = probed(liveness=http(timeoutSeconds=1, initialDelaySeconds=60))
    late = (
        'Liveness probe failed: Get "http://10.1.2.3:8080/healthz": context deadline exceeded (Client.Timeout exceeded)'
    )
    found = causes(*unready(now, late, before=before, **killed_often()))
    assert [one.finding.fault for one in found] == ["liveness_probe_incorrect_timing"]
    assert found[0].finding.remedies == ("rollback_rollout",)


def test_a_patient_probe_that_reports_a_broken_program_is_no_cause() -> None:
    program = probed(liveness=http(initialDelaySeconds=60, timeoutSeconds=5))
    said = "Liveness probe failed: HTTP probe failed with statuscode: 500"
    assert not [one for one in faults(*unready(program, said, **killed_often())) if "probe" in one]


def test_an_old_complaint_about_a_pod_that_is_well_accuses_nobody() -> None:
    owner = deployment("baker", probed(liveness=http(8081)), replicas=1, available=1)
    made = replica_set(owner, 1, probed(liveness=http(8081)), ready=1)
    fine = pod(made)
    said = event(fine, "Unhealthy", f"Liveness probe failed: {REFUSED}", minutes_ago=45)
    assert faults(owner, made, fine, said, service()) == []


def plain(scheme: str, image: str = "reg.example/baker:1.0") -> Object:
    """A container whose port has no name that could tell a protocol."""
    bare = {**container(image=image), "ports": [{"containerPort": 8080}]}
    return {**bare, "readinessProbe": http(8080, scheme), "livenessProbe": http(8080, scheme)}


def test_a_probe_that_a_release_turned_to_another_protocol_is_wrong_though_no_event_was_kept() -> None:
    running = {"state": {"running": {"startedAt": at(7)}}}
    turned = unready(plain("HTTPS"), before=plain("HTTP"), **running)
    assert faults(*turned)[:1] == ["readiness_probe_incorrect_protocol"]
    killed = unready(plain("HTTPS"), before=plain("HTTP"), **killed_often())
    assert faults(*killed)[:1] == ["liveness_probe_incorrect_protocol"]


def test_a_release_that_changed_the_program_too_or_only_the_probes_patience_is_not_called_so() -> None:
    running = {"state": {"running": {"startedAt": at(7)}}}
    other = unready(plain("HTTPS", "reg.example/baker:2.0"), before=plain("HTTP"), **running)
    assert faults(*other) == ["bad_rollout"]
    same = unready(plain("HTTPS"), before=plain("HTTPS"), **running)
    assert "readiness_probe_incorrect_protocol" not in faults(*same)


def on_host(objects: list[Object], address: str = "10.0.2.16") -> list[Object]:
    for one in objects:
        if one["kind"] == "Pod":
            one["status"]["hostIP"] = address
    return objects


HANDSHAKE = "WARN http: TLS handshake error from {}:40212: client sent an HTTP request to an HTTPS server"


def test_what_a_program_says_of_the_kubelet_accuses_the_probe_and_what_it_says_of_others_does_not() -> None:
    objects = on_host(unready(plain("HTTPS"), **killed_often(143)))
    by_kubelet = log_of(objects, "\n".join([HANDSHAKE.format("10.0.2.16")] * 5))
    assert faults(*objects, logs=by_kubelet)[:1] == ["liveness_probe_incorrect_protocol"]
    by_others = log_of(objects, "\n".join([HANDSHAKE.format("10.0.9.9")] * 5))
    assert "liveness_probe_incorrect_protocol" not in faults(*objects, logs=by_others)
    plainly = on_host(unready(plain("HTTP"), **killed_often(143)))
    assert faults(*plainly, logs=log_of(plainly, HANDSHAKE.format("10.0.9.9")))[:1] == [
        "liveness_probe_incorrect_protocol"
    ]


def test_a_port_by_its_number_in_place_of_its_name_is_no_change_of_the_port() -> None:
    refused = "Liveness probe failed: " + REFUSED.replace("8081", "8080")
    killed = "Container app failed liveness probe, will be restarted"
    before = probed(liveness=http("http", failureThreshold=3, initialDelaySeconds=21))
    after = probed(liveness=http(8080, failureThreshold=1, periodSeconds=1))
    objects = unready(after, refused, killed, before=before, **killed_often(143))
    assert "liveness_probe_incorrect_port" not in faults(*objects)
