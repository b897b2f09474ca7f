"""Probes that are set wrong: what the kubelet says of them, what they do to the pods, and that setting them right heals."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from simulator.faults import FAULTS, Place
from simulator.objects import is_ready
from tests.simulator.test_faults_startup import roll_back
from tests.simulator.worlds import Watch, small_world


@dataclass(frozen=True)
class Case:
    fault: str
    target: str
    said: str
    restarts: bool

    def __str__(self) -> str:
        return f"{self.fault}-{self.target}"


CASES = [
    Case("liveness_probe_incorrect_port", "catalogue", ":8081: connect: connection refused", restarts=True),
    Case("liveness_probe_incorrect_port", "session-cache", ":6380: connect: connection refused", restarts=True),
    Case(
        "liveness_probe_incorrect_protocol", "search", "http: server gave HTTP response to HTTPS client", restarts=True
    ),
    Case("liveness_probe_incorrect_protocol", "session-cache", "malformed HTTP response", restarts=True),
    Case("liveness_probe_incorrect_timing", "search", ":8080: connect: connection refused", restarts=True),
    Case("startup_probe_too_short", "catalogue", "Startup probe failed: Get", restarts=True),
    Case("readiness_probe_incorrect_port", "catalogue", ":8081: connect: connection refused", restarts=False),
    Case(
        "readiness_probe_incorrect_protocol",
        "search",
        "http: server gave HTTP response to HTTPS client",
        restarts=False,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_wrong_probe_shows_and_a_right_one_heals(case: Case) -> None:
    watch = Watch(small_world())
    fault = watch.inject(case.fault, case.target)
    assert not watch.is_healed(fault)
    watch.after(180)
    assert any(case.said in event["message"] for event in watch.events("Unhealthy", case.target))
    assert any(each["restartCount"] for each in watch.containers(case.target)) is case.restarts
    assert not all(is_ready(pod) for pod in watch.pods(case.target)) or case.restarts
    for _ in range(10):  # at no moment of the crash loop does it pass for healed
        assert not watch.after(40).is_healed(fault)
    roll_back(watch, case.target)
    assert watch.after(300).is_healed(fault)


@pytest.mark.parametrize("case", CASES[:1] + CASES[-1:], ids=str)
def test_taking_it_back_heals_it(case: Case) -> None:
    watch = Watch(small_world())
    fault = watch.inject(case.fault, case.target)
    entry = watch.after(60).ledger.remove(fault)
    assert entry is not None
    assert watch.after(300).ledger.describe(entry)["healed"]


def test_what_starts_at_once_is_asked_in_time_by_any_probe() -> None:
    assert not FAULTS["startup_probe_too_short"].suits(small_world(), Place("shop", "session-cache"))
