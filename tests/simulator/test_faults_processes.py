"""Programs that die, leak, stand still or cannot read their settings: the signs an expert looks for, and what heals."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from simulator.faults import FAULTS, Place
from simulator.faults.workloads import restart
from simulator.objects import is_ready
from tests.simulator.test_faults_startup import last_words, roll_back
from tests.simulator.worlds import Watch, small_world


@dataclass(frozen=True)
class Dying:
    fault: str
    target: str
    code: int
    said: str
    parameters: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.fault}-{self.target}"


DYING = [
    Dying("application_crash", "catalogue", 1, "TypeError: Cannot read properties of undefined (reading 'key')"),
    Dying("application_crash", "search", 1, "Caused by: java.lang.NullPointerException", {"after_seconds": 20}),
    Dying("missing_env_var", "catalogue", 1, "Error: Missing required environment variable: DATABASE_URL"),
    Dying("service_sidecar_port_conflict", "search", 1, "bind: Address already in use (port 8080)"),
    Dying("bad_rollout", "catalogue", 1, "TypeError", {"crashes_after": 20}),
]


@pytest.mark.parametrize("case", DYING, ids=str)
def test_a_program_that_dies_says_why_and_the_version_before_heals(case: Dying) -> None:
    watch = Watch(small_world())
    fault = watch.inject(case.fault, case.target, **case.parameters)
    watch.after(200)
    ends = [each["lastState"]["terminated"] for each in watch.containers(case.target) if each["lastState"]]
    assert {(end["reason"], end["exitCode"]) for end in ends} == {("Error", case.code)}
    assert any(case.said in line for line in last_words(watch, case.target))
    assert not watch.is_healed(fault)
    roll_back(watch, case.target)
    assert watch.after(240).is_healed(fault)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("search", "application.yaml:6"),
        ("catalogue", "catalogue.json:3"),
    ],
)
def test_settings_that_cannot_be_read_end_it_with_the_line(target: str, said: str) -> None:
    watch = Watch(small_world())
    good = watch.get("ConfigMap", f"{target}-config")["data"]
    fault = watch.inject("config_parse_error", target)
    watch.after(90)
    assert any(said in line for line in last_words(watch, target)), last_words(watch, target)[-6:]
    assert "CrashLoopBackOff" in watch.waiting_reasons(target)
    roll_back(watch, target)
    config = watch.get("ConfigMap", f"{target}-config")
    assert not watch.is_healed(fault)
    watch.world.store.update("ConfigMap", {**config, "data": good})
    assert watch.after(300).is_healed(fault)


def test_a_common_setting_breaks_each_program_at_its_restart() -> None:
    watch = Watch(small_world())
    fault = watch.inject("bad_config_change", "catalogue")
    watch.after(90)
    assert any("LOG_LEVEL" in line for line in last_words(watch, "catalogue"))
    assert all(is_ready(pod) for pod in watch.pods("search"))  # was not restarted and lives
    config = watch.get("ConfigMap", "shop-settings")
    watch.world.store.update("ConfigMap", {**config, "data": {**config["data"], "LOG_LEVEL": "info"}})
    assert watch.after(400).is_healed(fault)


def test_a_bad_version_fails_a_share_of_its_requests() -> None:
    watch = Watch(small_world())
    fault = watch.inject("bad_rollout", "catalogue", error_share=0.5)
    watch.after(180)
    failed = watch.value('sum(rate(http_requests_total{job="catalogue",code="500"}[1m]))')
    asked = watch.value('sum(rate(http_requests_total{job="catalogue"}[1m]))')
    assert failed / asked == pytest.approx(0.5, abs=0.1)
    assert any("unhandled error in request" in line for line in watch.log("catalogue"))
    roll_back(watch, "catalogue")
    assert watch.after(240).is_healed(fault)


def test_a_leak_grows_in_a_line_until_the_limit_kills_it_and_a_restart_only_helps_for_a_while() -> None:
    watch = Watch(small_world())
    fault = watch.inject("memory_leak", "catalogue", minutes=8)
    watch.after(150)
    used = 'avg(container_memory_working_set_bytes{container="catalogue"})'
    levels = [watch.after(60).value(used) for _ in range(4)]
    steps = [later - earlier for earlier, later in pairwise(levels)]
    assert all(step > 8e6 for step in steps)
    watch.after(300)
    assert any(
        each["lastState"].get("terminated", {}).get("reason") == "OOMKilled" for each in watch.containers("catalogue")
    )
    restart(watch.world, Place("shop", "catalogue"))
    assert not watch.after(240).is_healed(fault)
    image = watch.get("Deployment", "catalogue")["spec"]["template"]["spec"]["containers"][0]["image"]
    watch.replace_in_deployment("catalogue", image=image.rpartition(".")[0] + ".1")
    assert watch.after(240).is_healed(fault)


def test_descriptors_that_are_never_closed_run_out() -> None:
    watch = Watch(small_world())
    fault = watch.inject("file_descriptor_exhaustion", "catalogue", minutes=3)
    watch.after(150)
    assert watch.value('deriv(max(process_open_fds{job="catalogue"})[1m:15s])') > 100
    watch.after(120)
    assert any("accept4: too many open files" in line for line in last_words(watch, "catalogue"))
    roll_back(watch, "catalogue")
    assert watch.after(240).is_healed(fault)


def errors_at_the_edge(watch: Watch) -> float:
    return float(next(call for call in watch.world.present_flow().entries if call.route.path == "/search").failed[0])


@pytest.mark.parametrize(
    ("fault", "seconds", "parameters"), [("thread_exhaustion", 240, {"minutes": 2}), ("deadlock", 60, {})]
)
def test_a_program_that_makes_no_progress_lives_and_a_restart_helps(
    fault: str, seconds: float, parameters: dict[str, Any]
) -> None:
    watch = Watch(small_world())
    injected = watch.inject(fault, "search", **parameters)
    watch.after(seconds)
    assert all(
        is_ready(pod) and not pod["status"]["containerStatuses"][0]["restartCount"] for pod in watch.pods("search")
    )
    assert errors_at_the_edge(watch) > 0.8
    assert watch.value('sum(rate(container_cpu_usage_seconds_total{container="search"}[30s]))') < 0.1
    if fault == "thread_exhaustion":
        assert watch.value('max(container_threads{container="search"})') > 1000
        assert any("unable to create native thread" in line for line in watch.log("search"))
    assert not watch.is_healed(injected)
    restart(watch.world, Place("shop", "search"))
    watch.world.kick()
    assert watch.after(240).is_healed(injected)
    assert errors_at_the_edge(watch) < 0.05


def test_a_deadlock_that_is_in_the_build_comes_back_after_a_restart() -> None:
    watch = Watch(small_world())
    fault = watch.inject("deadlock", "search", how="build", after_seconds=30)
    assert errors_at_the_edge(watch.after(150)) > 0.8
    restart(watch.world, Place("shop", "search"))
    watch.world.kick()
    watch.after(240)
    assert errors_at_the_edge(watch) > 0.8
    assert not watch.is_healed(fault)


@pytest.mark.parametrize(
    "fault", ["deadlock", "memory_leak", "bad_config_change", "config_parse_error", "missing_env_var"]
)
def test_taking_it_back_heals_it(fault: str) -> None:
    watch = Watch(small_world())
    entry = watch.ledger.remove(watch.inject(fault, "catalogue"))
    assert entry is not None
    assert watch.after(300).ledger.describe(entry)["healed"]


@pytest.mark.parametrize(("fault", "parameters"), [("thread_exhaustion", {"minutes": 1}), ("deadlock", {})])
def test_what_a_process_has_lost_it_gets_back_only_by_a_restart(fault: str, parameters: dict[str, Any]) -> None:
    watch = Watch(small_world())
    entry = watch.ledger.inject(fault, Place("shop", "catalogue"), parameters)
    watch.after(120)
    for pressure, level in entry.injection.pressures:
        watch.world.conditions.lift(pressure, level)
    assert not watch.after(120).is_healed(entry.id)
    watch.ledger.remove(entry.id)
    assert watch.after(300).ledger.describe(entry)["healed"]
    assert errors_at_the_edge(watch) < 0.05


def test_a_gateway_needs_no_variable_at_its_start() -> None:
    assert not FAULTS["missing_env_var"].suits(small_world(), Place("shop", "edge-gateway"))
