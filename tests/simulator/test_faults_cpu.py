"""More work than CPU: the limit, throttling, latency, and the three ways out."""

from __future__ import annotations

import pytest

from simulator.faults import Refused
from tests.simulator.worlds import Watch, small_world

USED = 'max(rate(container_cpu_usage_seconds_total{container="search"}[1m]))'
THROTTLED = (
    'max(rate(container_cpu_cfs_throttled_periods_total{container="search"}[1m])'
    ' / rate(container_cpu_cfs_periods_total{container="search"}[1m]))'
)
P95 = 'histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{service="search"}[1m])))'
ERRORS = 'sum(rate(http_requests_total{service="search",code=~"5.."}[1m])) / sum(rate(http_requests_total{service="search"}[1m]))'


@pytest.fixture(scope="module")
def broken() -> Watch:
    watch = Watch(small_world())
    watch.inject("pod_cpu_overload", "search")
    return watch.after(120)


def test_before_it_everything_is_calm() -> None:
    watch = Watch(small_world())
    assert watch.value(USED) < 0.3
    assert watch.value(THROTTLED) < 0.02
    assert watch.value(P95) < 0.1


def test_cpu_is_at_the_limit_and_throttled(broken: Watch) -> None:
    assert 0.48 < broken.value(USED) <= 0.505
    assert broken.value(THROTTLED) > 0.9


def test_latency_is_up_and_some_requests_fail(broken: Watch) -> None:
    assert broken.value(P95) > 1
    assert 0.1 < broken.value(ERRORS) < 0.4


def test_the_request_rate_is_what_it_was_as_the_requests_are_heavier(broken: Watch) -> None:
    before = broken.value('sum(rate(http_requests_total{service="search"}[1m] offset 3m))')
    assert broken.value('sum(rate(http_requests_total{service="search"}[1m]))') == pytest.approx(before, rel=0.15)


def test_the_program_says_that_its_workers_are_busy(broken: Watch) -> None:
    assert any("worker pool saturated" in line for line in broken.log("search"))


def test_the_edge_feels_it(broken: Watch) -> None:
    assert broken.value('sum(rate(http_requests_total{service="edge-gateway",route="/search",code=~"5.."}[1m]))') > 1


def test_no_container_restarts_for_it(broken: Watch) -> None:
    assert all(each["restartCount"] == 0 and each["ready"] for each in broken.containers("search"))


def test_twice_the_replicas_heal_it() -> None:
    watch = Watch(small_world())
    fault = watch.inject("pod_cpu_overload", "search")
    watch.after(60)
    assert not watch.is_healed(fault)
    watch.scale("search", 4)
    assert watch.after(90).is_healed(fault)
    assert watch.value(P95) < 0.3
    assert watch.value(ERRORS) < 0.01


def test_a_higher_limit_heals_it() -> None:
    watch = Watch(small_world())
    fault = watch.inject("pod_cpu_overload", "search")
    limits = {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"cpu": "200m", "memory": "256Mi"}}
    watch.after(30).replace_in_deployment("search", resources=limits)
    assert watch.after(120).is_healed(fault)
    assert watch.value(THROTTLED) < 0.2


def test_a_restart_does_not_heal_it() -> None:
    watch = Watch(small_world())
    fault = watch.inject("pod_cpu_overload", "search")
    for pod in watch.after(30).pods("search"):
        watch.world.store.delete("Pod", "shop", pod["metadata"]["name"])
    watch.world.kick()
    assert not watch.after(90).is_healed(fault)


def test_fewer_replicas_make_it_worse() -> None:
    watch = Watch(small_world())
    watch.inject("pod_cpu_overload", "search", utilisation=1.2)
    watch.after(60)
    before = watch.value(ERRORS)
    watch.scale("search", 1)
    assert watch.after(90).value(ERRORS) > before


def test_more_customers_are_another_way_to_overload() -> None:
    watch = Watch(small_world())
    before = watch.flow("search").rate[0]
    fault = watch.inject("pod_cpu_overload", "search", traffic_factor=5)
    assert watch.after(60).flow("search").rate[0] > 4 * before
    assert watch.flow("search").utilisation[0] > 1
    watch.ledger.remove(fault)
    assert watch.after(60).flow("search").rate[0] < 1.5 * before


def test_removing_the_fault_makes_requests_light_again() -> None:
    watch = Watch(small_world())
    fault = watch.inject("pod_cpu_overload", "search")
    watch.after(30)
    watch.ledger.remove(fault)
    assert watch.after(75).value(P95) < 0.1


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"utilisation": 0.01}, "not above the present"),
        ({"utilisation": 2, "traffic_factor": 3}, "exclude each other"),
        ({"traffic_factor": 1}, "above one"),
        ({"utilisation": "much"}, "must be a number"),
        ({"cores": 2}, "no parameter 'cores'"),
    ],
)
def test_bad_parameters_are_named(parameters: dict[str, float | str], said: str) -> None:
    watch = Watch(small_world())
    with pytest.raises(Refused, match=said):
        watch.inject("pod_cpu_overload", "search", **parameters)
