"""Too little memory: processes are killed, restart, and back off, until limit and need fit again."""

from __future__ import annotations

import pytest

from simulator.faults import Refused
from tests.simulator.worlds import Watch, small_world


@pytest.fixture(scope="module")
def broken() -> Watch:
    watch = Watch(small_world())
    watch.inject("oom_killed", "catalogue")
    return watch.after(240)


def test_containers_are_killed_with_137_and_restart(broken: Watch) -> None:
    containers = broken.containers("catalogue")
    assert all(each["restartCount"] >= 2 for each in containers)
    ends = [each["lastState"]["terminated"] for each in containers if each["lastState"]]
    assert ends
    assert {(end["reason"], end["exitCode"]) for end in ends} == {("OOMKilled", 137)}


def test_restarts_back_off_longer_each_time() -> None:
    watch = Watch(small_world())
    watch.inject("oom_killed", "catalogue")
    seen: list[str] = []
    for _ in range(120):
        watch.after(5)
        for each in watch.containers("catalogue"):
            message = each["state"].get("waiting", {}).get("message", "")
            if "CrashLoopBackOff" in str(each["state"]) and message.split(" restarting")[0] not in seen:
                seen.append(message.split(" restarting")[0])
    assert seen[:3] == ["back-off 10s", "back-off 20s", "back-off 40s"]
    assert any(event["type"] == "Warning" for event in watch.events("BackOff", "catalogue"))


def test_metrics_show_restarts_the_reason_and_memory_near_the_limit(broken: Watch) -> None:
    assert broken.value('sum(increase(kube_pod_container_status_restarts_total{container="catalogue"}[5m]))') > 3
    reason = 'kube_pod_container_status_last_terminated_reason{container="catalogue",reason="OOMKilled"}'
    assert broken.value(f"count({reason})") >= 1
    working_set = 'max_over_time(container_memory_working_set_bytes{container="catalogue"}[5m])'
    limit = 'max(kube_pod_container_resource_limits{container="catalogue",resource="memory"})'
    assert broken.value(f"max({working_set}) / scalar({limit})") > 0.9
    assert broken.value('max(max_over_time(container_oom_events_total{container="catalogue"}[5m]))') >= 2


def test_the_log_before_the_kill_tells_of_tight_memory_and_ends_without_a_word(broken: Watch) -> None:
    previous = broken.log("catalogue", previous=True)
    assert any("memory is tight" in line for line in previous)
    assert not any("shut" in line or "exit" in line for line in previous)


def test_callers_feel_it(broken: Watch) -> None:
    failed = 'sum(increase(http_requests_total{service="edge-gateway",code=~"5.."}[4m]))'
    assert broken.value(failed) > 50


def test_a_higher_limit_heals_it() -> None:
    watch = Watch(small_world())
    fault = watch.inject("oom_killed", "catalogue")
    watch.after(120)
    assert not watch.is_healed(fault)
    resources = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "400m", "memory": "256Mi"}}
    watch.replace_in_deployment("catalogue", resources=resources)
    assert watch.after(150).is_healed(fault)
    assert all(each["restartCount"] == 0 for each in watch.containers("catalogue"))


def test_a_limit_that_is_still_too_low_does_not() -> None:
    watch = Watch(small_world())
    fault = watch.inject("oom_killed", "catalogue", memory_limit="80Mi")
    watch.after(60).replace_in_deployment("catalogue", resources={"limits": {"cpu": "400m", "memory": "110Mi"}})
    assert not watch.after(240).is_healed(fault)
    assert max(each["restartCount"] for each in watch.containers("catalogue")) > 0


def test_more_replicas_do_not_heal_a_limit_below_the_need() -> None:
    watch = Watch(small_world())
    fault = watch.inject("oom_killed", "catalogue")
    watch.after(30).scale("catalogue", 5)
    assert not watch.after(240).is_healed(fault)


def test_a_cache_that_outgrows_the_limit_kills_as_well_and_a_smaller_one_heals() -> None:
    watch = Watch(small_world())
    fault = watch.inject("oom_killed", "catalogue", cache_mb=300)
    watch.after(150)
    assert max(each["restartCount"] for each in watch.containers("catalogue")) >= 1
    entry = watch.ledger.entries()[0]
    entry.fault.undo(watch.world, entry.place, entry.injection)
    watch.world.kick()
    assert watch.after(180).is_healed(fault)


def test_a_limit_under_what_the_program_needs_to_start_stops_the_rollout() -> None:
    watch = Watch(small_world())
    watch.inject("oom_killed", "catalogue", memory_limit="40Mi")
    status = watch.after(180).get("Deployment", "catalogue")["status"]
    assert status["availableReplicas"] == 3
    assert status["updatedReplicas"] == 1


def test_the_request_is_lowered_with_the_limit_as_the_server_demands() -> None:
    watch = Watch(small_world())
    watch.inject("oom_killed", "catalogue", memory_limit="90Mi")
    resources = watch.get("Deployment", "catalogue")["spec"]["template"]["spec"]["containers"][0]["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"] == "90Mi"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [({"memory_limit": "lots"}, "memory_limit"), ({"memory_limit": "64Mi", "cache_mb": 10}, "exclude each other")],
)
def test_bad_parameters_are_named(parameters: dict[str, str | int], said: str) -> None:
    watch = Watch(small_world())
    with pytest.raises(Refused, match=said):
        watch.inject("oom_killed", "catalogue", **parameters)
