"""Probes get the answers that the programs behind them would give, and act on them as a kubelet does."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.objects import is_ready, name_of
from tests.simulator.worlds import Object, Watch, small_world

LATE = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"


@pytest.fixture
def watch() -> Watch:
    return Watch(small_world())


def probed(watch: Watch, app: str, seconds: float = 60, **probes: Any) -> list[str]:
    """What is said about unhealthy containers once these probes are set; the pods' own addresses become IP."""
    watch.replace_in_deployment(app, **probes)
    watch.after(seconds)
    addresses = [pod["status"].get("podIP", "-") for pod in watch.pods(app)]
    messages = [event["message"] for event in watch.events("Unhealthy", app)]
    for address in addresses:
        messages = [message.replace(f"{address}:", "IP:") for message in messages]
    return sorted(set(messages))


def check(port: int | str, path: str = "/healthz", **more: Any) -> Object:
    http = {"path": path, "port": port, **({"scheme": more.pop("scheme")} if "scheme" in more else {})}
    return {"httpGet": http, "periodSeconds": 5, "initialDelaySeconds": 20, **more}


@pytest.mark.parametrize(
    ("app", "probe", "said"),
    [
        ("catalogue", check(8081), 'Get "http://IP:8081/healthz": dial tcp IP:8081: connect: connection refused'),
        (
            "catalogue",
            check("http", scheme="HTTPS"),
            'Get "https://IP:8080/healthz": http: server gave HTTP response to HTTPS client',
        ),
        ("catalogue", check("http", "/health-check"), "HTTP probe failed with statuscode: 404"),
        (
            "session-cache",
            check(6379),
            (
                'Get "http://IP:6379/healthz": net/http: HTTP/1.x transport connection broken: '
                "malformed HTTP response \"-ERR unknown command 'GET'\""
            ),
        ),
        ("shop-db", check(5432), 'Get "http://IP:5432/healthz": EOF'),
        (
            "catalogue",
            {"tcpSocket": {"port": 9999}, "initialDelaySeconds": 20},
            "dial tcp IP:9999: connect: connection refused",
        ),
        (
            "catalogue",
            {"grpc": {"port": 9999}, "initialDelaySeconds": 20},
            'timeout: failed to connect service "IP:9999" within 1s: context deadline exceeded',
        ),
        (
            "catalogue",
            {"exec": {"command": ["sh", "-c", "echo not today; exit 1"]}, "initialDelaySeconds": 20},
            "not today",
        ),
    ],
)
def test_a_probe_that_fails_says_why(watch: Watch, app: str, probe: Object, said: str) -> None:
    assert probed(watch, app, readinessProbe=probe) == [f"Readiness probe failed: {said}"]
    assert not all(is_ready(pod) for pod in watch.pods(app))
    assert sum(each["restartCount"] for each in watch.containers(app)) == 0


@pytest.mark.parametrize(
    ("app", "probe"),
    [
        ("catalogue", check("http", "/featured")),
        ("session-cache", {"exec": {"command": ["redis-cli", "ping"]}}),
        ("shop-db", {"tcpSocket": {"port": "tcp"}, "initialDelaySeconds": 10}),
    ],
)
def test_a_probe_that_fits_passes(watch: Watch, app: str, probe: Object) -> None:
    assert probed(watch, app, 120, readinessProbe=probe) == []
    assert all(is_ready(pod) for pod in watch.pods(app))


def test_a_command_that_is_not_there_is_no_answer_at_all(watch: Watch) -> None:
    probe = {"exec": {"command": ["check-me"]}, "initialDelaySeconds": 20}
    (said,) = probed(watch, "catalogue", readinessProbe=probe)
    assert said.startswith("Readiness probe errored: rpc error: code = Unknown desc = failed to exec in container: ")
    assert 'exec: "check-me": executable file not found in $PATH: unknown' in said


def test_a_failing_liveness_probe_ends_the_process_and_says_so(watch: Watch) -> None:
    said = probed(watch, "catalogue", 120, livenessProbe=check(8081))
    assert said == [
        'Liveness probe failed: Get "http://IP:8081/healthz": dial tcp IP:8081: connect: connection refused'
    ]
    (killing,) = {event["message"] for event in watch.events("Killing", "catalogue") if "probe" in event["message"]}
    assert killing == "Container catalogue failed liveness probe, will be restarted"
    (worst,) = [each for each in watch.containers("catalogue") if each["restartCount"]][:1]
    end = (worst["lastState"] or worst["state"])["terminated"]
    assert (end["reason"], end["exitCode"]) == ("Error", 143)


def test_the_threshold_counts_failures_in_a_row(watch: Watch) -> None:
    probed(watch, "catalogue", 34, livenessProbe=check(8081, failureThreshold=6))
    assert watch.events("Unhealthy", "catalogue")
    assert not [event for event in watch.events("Killing", "catalogue") if "probe" in event["message"]]


def test_a_slow_start_and_an_impatient_probe_are_a_crash_loop(watch: Watch) -> None:
    impatient = {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1, "failureThreshold": 2}
    said = probed(watch, "search", 120, livenessProbe=impatient, startupProbe=None)
    assert all("connection refused" in each for each in said)
    assert "CrashLoopBackOff" in watch.waiting_reasons("search")


def test_a_startup_probe_keeps_the_others_quiet_until_it_passes(watch: Watch) -> None:
    patient = {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 2, "failureThreshold": 30}
    eager = {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1, "failureThreshold": 1}
    said = probed(watch, "search", 60, startupProbe=patient, livenessProbe=eager, readinessProbe=eager)
    assert {each.partition(" ")[0] for each in said} == {"Startup"}
    assert all(is_ready(pod) for pod in watch.pods("search"))


def test_a_startup_probe_that_gives_up_restarts_the_container(watch: Watch) -> None:
    hasty = {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1, "failureThreshold": 2}
    probed(watch, "search", 60, startupProbe=hasty)
    said = {event["message"] for event in watch.events("Killing", "search")}
    assert "Container search failed startup probe, will be restarted" in said


def test_an_overloaded_program_answers_too_late(watch: Watch) -> None:
    watch.inject("pod_cpu_overload", "search", utilisation=6.0)
    watch.after(120)
    assert any(event["message"].endswith(LATE) for event in watch.events("Unhealthy", "search"))


def test_a_steady_shop_asks_nothing(watch: Watch) -> None:
    watch.after(60)
    assert watch.world.kubelet.next_due() is None


def test_a_program_that_is_still_starting_gets_no_requests(watch: Watch) -> None:
    """Without a readiness probe its address is there at once, and closed."""
    watch.replace_in_deployment("search", readinessProbe=None, startupProbe=None, livenessProbe=None)
    young: list[str] = []
    for _ in range(40):
        ready = [pod for pod in watch.after(1).pods("search") if is_ready(pod)]
        young = [name_of(pod) for pod in ready if _is_coming_up(watch, pod)]
        if young:
            break
    assert young
    backend = watch.world.topology().backends["shop", "search"]
    assert backend.closed == len(young)


def _is_coming_up(watch: Watch, pod: Object) -> bool:
    process = watch.world.kubelet.runs[pod["metadata"]["uid"]].containers["search"].process
    return process is not None and not process.is_listening
