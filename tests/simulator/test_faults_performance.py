"""What is slow: how each fault shows, what tells it apart from the others, what mends it and what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from simulator.conditions import Kind
from simulator.faults import FAULTS, Component, Place, Refused
from simulator.faults.performance.retry_storm import with_variables
from tests.simulator.worlds import Watch, small_world, whole_world

Repair = Callable[[Watch], None]

EDGE_P95 = (
    'histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{service="edge-gateway"}[1m])))'
)
RESENT = "max(rate(node_netstat_Tcp_RetransSegs[1m]) / rate(node_netstat_Tcp_OutSegs[1m]))"


def p95(service: str) -> str:
    series = f'http_request_duration_seconds_bucket{{service="{service}"}}'
    return f"histogram_quantile(0.95, sum by (le) (rate({series}[1m])))"


def mean_seconds(client: str, server: str, side: str) -> str:
    name, labels = f"traces_service_graph_request_{side}_seconds", f'{{client="{client}",server="{server}"}}'
    return f"sum(rate({name}_sum{labels}[1m])) / sum(rate({name}_count{labels}[1m]))"


def throttled(container: str) -> str:
    of = f'{{container="{container}"}}[1m]'
    periods = f"container_cpu_cfs_periods_total{of}"
    return f"max(rate(container_cpu_cfs_throttled_periods_total{of}) / rate({periods}))"


def used(container: str) -> str:
    quota = f'max(container_spec_cpu_quota{{container="{container}"}} / container_spec_cpu_period{{container="{container}"}})'
    return f'max(rate(container_cpu_usage_seconds_total{{container="{container}"}}[1m])) / {quota}'


def delete_pods(app: str) -> Repair:
    def repair(watch: Watch) -> None:
        for pod in watch.pods(app):
            watch.world.store.delete("Pod", watch.namespace, pod["metadata"]["name"])
        watch.world.kick()

    return repair


def restart(app: str) -> Repair:
    """What `kubectl rollout restart` does."""

    def repair(watch: Watch) -> None:
        deployment = watch.get("Deployment", app)
        template = deployment["spec"]["template"]
        stamp = {"kubectl.kubernetes.io/restartedAt": "2026-01-14T09:30:00Z"}
        annotations = {**(template["metadata"].get("annotations") or {}), **stamp}
        metadata = {**template["metadata"], "annotations": annotations}
        spec = {**deployment["spec"], "template": {**template, "metadata": metadata}}
        watch.world.store.update("Deployment", {**deployment, "spec": spec})
        watch.world.kick()

    return repair


def scaled(app: str, replicas: int) -> Repair:
    return lambda watch: watch.scale(app, replicas)


def with_limit(app: str, cpu: str) -> Repair:
    def repair(watch: Watch) -> None:
        container = watch.get("Deployment", app)["spec"]["template"]["spec"]["containers"][0]
        resources = container["resources"]
        limits = {**resources["limits"], "cpu": cpu}
        watch.replace_in_deployment(app, resources={**resources, "limits": limits})

    return repair


def with_variable(app: str, **variables: str) -> Repair:
    def repair(watch: Watch) -> None:
        container = watch.get("Deployment", app)["spec"]["template"]["spec"]["containers"][0]
        watch.replace_in_deployment(app, env=with_variables(container, variables)["env"])

    return repair


@dataclass(frozen=True)
class Case:
    fault: str
    target: str
    shows: dict[str, tuple[float, float]]  # expression -> least and most of its value
    repair: Repair
    before: dict[str, tuple[float, float]] = field(default_factory=dict)
    said: tuple[str, str] = ("", "")  # whose log, what
    component: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.fault}-{self.target}"


CASES = [
    Case(
        "cpu_throttled",
        "search",
        {throttled("search"): (0.4, 1), used("search"): (0.8, 0.95), p95("search"): (0.15, 1.5)},
        with_limit("search", "500m"),
        {throttled("search"): (0, 0.02), p95("search"): (0, 0.1)},
    ),
    Case(
        "pod_network_delay",
        "catalogue",
        {
            mean_seconds("edge-gateway", "catalogue", "client"): (1.0, 5),
            EDGE_P95: (1, 5),
            used("catalogue"): (0, 0.4),
            throttled("catalogue"): (0, 0.02),
            RESENT: (0, 0.01),
        },
        delete_pods("catalogue"),
        {EDGE_P95: (0, 0.4), mean_seconds("edge-gateway", "catalogue", "client"): (0, 0.1)},
        ("edge-gateway", "deadline exceeded"),
    ),
    Case(
        "pod_network_loss",
        "catalogue",
        {RESENT: (0.01, 1), EDGE_P95: (0.5, 5), used("catalogue"): (0, 0.4)},
        restart("catalogue"),
        {RESENT: (0, 0.001)},
    ),
    Case(
        "slow_dependency",
        "search",
        {p95("search"): (1.5, 5), p95("catalogue"): (0, 0.2), used("search"): (0, 0.5), EDGE_P95: (1, 5)},
        restart("search"),
    ),
    Case(
        "traffic_surge",
        "search",
        {
            'sum(rate(http_requests_total{service="search"}[1m])) / sum(rate(http_requests_total{service="search"}[1m] offset 4m))': (
                3,
                6,
            ),
            used("search"): (0.95, 1.05),
            p95("search"): (1, 5),
        },
        scaled("search", 6),
    ),
    Case(
        "cache_stampede",
        "catalogue",
        {
            "sum(rate(redis_keyspace_hits_total[1m])) / sum(rate(redis_commands_processed_total[1m]))": (0, 0.1),
            'sum(rate(traces_service_graph_request_total{client="catalogue",server="shop-db"}[1m]))'
            ' / sum(rate(traces_service_graph_request_total{client="catalogue",server="shop-db"}[1m] offset 4m))': (
                10,
                20,
            ),
            used("session-cache"): (0, 0.4),
        },
        with_variable("session-cache", CACHE_TTL_SECONDS="3600"),
        {"sum(rate(redis_keyspace_hits_total[1m])) / sum(rate(redis_commands_processed_total[1m]))": (0.8, 1)},
        component="session-cache",
    ),
    Case(
        "disk_io_saturated",
        "catalogue",
        {
            "max(rate(node_disk_io_time_seconds_total[1m]))": (0.95, 1),
            "max(rate(node_pressure_io_waiting_seconds_total[1m]))": (0.5, 1),
            'max by (mode) (rate(node_cpu_seconds_total{mode="iowait"}[1m]))': (0.2, 1),
            used("shop-db"): (0, 0.4),
            mean_seconds("catalogue", "shop-db", "server"): (0.1, 2),
        },
        delete_pods("shop-db"),
        {"max(rate(node_disk_io_time_seconds_total[1m]))": (0, 0.2)},
        component="shop-db",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_shows_it_does_not_go_away_and_it_is_mended(case: Case) -> None:
    watch = Watch(small_world())
    for expression, (least, most) in case.before.items():
        assert least <= watch.value(expression) <= most, expression
    fault = watch.inject(case.fault, case.target, **case.parameters)
    watch.after(200)
    assert not watch.is_healed(fault)
    for expression, (least, most) in case.shows.items():
        assert least <= watch.value(expression) <= most, f"{expression}: {watch.value(expression)}"
    speaker, words = case.said
    assert not words or any(words in line for line in watch.log(speaker))
    found = watch.ledger.entries()[0].component
    assert found == Component("Deployment", "shop", case.component or case.target)
    case.repair(watch)
    assert watch.after(150).is_healed(fault)
    assert watch.value(EDGE_P95) < 0.6


@pytest.mark.parametrize("case", CASES, ids=str)
def test_taking_it_back_heals_too(case: Case) -> None:
    watch = Watch(small_world())
    watch.inject(case.fault, case.target, **case.parameters)
    watch.after(60)
    watch.ledger.remove("f1")
    watch.after(150)
    assert watch.value(EDGE_P95) < 0.6
    assert FAULTS[case.fault].is_healed(watch.world, Place("shop", case.target), *_removed(watch, case))


def _removed(watch: Watch, case: Case) -> tuple[Any, Any]:
    """An injection like the one that was taken back, and when it was."""
    twin = Watch(small_world())
    twin.inject(case.fault, case.target, **case.parameters)
    entry = twin.ledger.entries()[0]
    return entry.injection, watch.world.clock.now()


@pytest.mark.parametrize("fault", ["pod_network_delay", "pod_network_loss", "slow_dependency"])
def test_a_slow_rise_is_a_slope(fault: str) -> None:
    watch = Watch(small_world())
    watch.inject(fault, "catalogue", rise_seconds=600)
    seen = [watch.after(120).value(mean_seconds("edge-gateway", "catalogue", "client")) for _ in range(4)]
    assert seen == sorted(seen)
    assert seen[-1] > 2 * seen[0]


def test_deleting_one_of_two_pods_is_not_enough() -> None:
    watch = Watch(small_world())
    fault = watch.inject("pod_network_delay", "search")
    watch.world.store.delete("Pod", "shop", watch.pods("search")[0]["metadata"]["name"])
    watch.world.kick()
    assert not watch.after(90).is_healed(fault)


# A whole shop is needed for these: payments is called by the checkout alone, and a node has to have pods of many programs.


def checkout_storm() -> tuple[Watch, str]:
    watch = Watch(whole_world())
    fault = watch.inject("retry_storm", "checkout")
    watch.after(270)
    return watch, fault


def test_a_retry_storm_goes_on_when_its_cause_is_over_and_ends_with_a_patient_client() -> None:
    watch, fault = checkout_storm()
    assert not watch.is_healed(fault)
    assert not watch.world.conditions.total(
        Kind.HEAVY_REQUESTS, "fulfilment/payments", watch.world.present_flow().times
    ).any()
    charged = 'sum(rate(traces_service_graph_request_total{client="checkout",server="payments"}[1m]))'
    assert watch.value(charged) > 5 * watch.value('sum(rate(http_requests_total{service="checkout"}[1m]))')
    assert watch.value(used("payments")) > 0.95
    with_variable("checkout", RETRY_ATTEMPTS="2", UPSTREAM_TIMEOUT_MS="2000")(watch)
    assert watch.after(150).is_healed(fault)


def test_a_retry_storm_is_not_over_because_its_bad_minute_is() -> None:
    watch = Watch(whole_world())
    fault = watch.inject("retry_storm", "checkout", hiccup_seconds=5)
    assert not watch.is_healed(fault)


def test_a_noisy_neighbour_slows_one_node_without_any_throttling_until_it_is_deleted() -> None:
    watch = Watch(whole_world())
    node = watch.pods("catalogue")[0]["spec"]["nodeName"]
    fault = watch.inject("noisy_neighbour", "catalogue")
    watch.after(180)
    waiting = watch.query("sum by (node) (rate(node_pressure_cpu_waiting_seconds_total[1m]))")
    assert waiting[node] > 0.5 > 10 * max(value for name, value in waiting.items() if name != node)
    slow = f'max(rate(container_pressure_cpu_waiting_seconds_total{{container="catalogue",node="{node}"}}[1m]))'
    assert watch.value(slow) > 0.3
    assert watch.value(throttled("catalogue")) < 0.02
    assert not watch.is_healed(fault)
    component = watch.ledger.entries()[0].component
    assert (component.kind, component.namespace) == ("Deployment", "analytics")
    watch.world.store.delete("Deployment", component.namespace, component.name)
    watch.world.kick()
    assert watch.after(60).is_healed(fault)
    assert watch.world.present_flow().crowded() == frozenset()


def test_a_noisy_neighbour_is_mended_by_a_limit_too() -> None:
    watch = Watch(whole_world())
    fault = watch.inject("noisy_neighbour", "catalogue")
    watch.after(60)
    analysts = Watch(watch.world, "analytics")
    analysts.replace_in_deployment(
        "report-builder", resources={"requests": {"cpu": "200m"}, "limits": {"cpu": "500m", "memory": "512Mi"}}
    )
    assert watch.after(90).is_healed(fault)


@pytest.mark.parametrize(
    ("fault", "target", "parameters", "said"),
    [
        ("cpu_throttled", "search", {"utilisation": 2}, "overload"),
        ("pod_network_loss", "search", {"share": 2}, "at most one"),
        ("pod_network_delay", "search", {"seconds": 0}, "above zero"),
        ("slow_dependency", "nobody", {}, "no program 'nobody' runs"),
        ("disk_io_saturated", "search", {}, "neither keeps data"),
        ("cache_stampede", "search", {}, "is no cache"),
        ("cache_stampede", "catalogue", {"ttl_seconds": 90_000}, "as good as before"),
        ("retry_storm", "search", {}, "makes no call"),
        ("retry_storm", "edge-gateway", {"attempts": 1}, "above one"),
    ],
)
def test_what_makes_no_sense_is_refused(fault: str, target: str, parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        Watch(small_world()).inject(fault, target, **parameters)


def test_each_fault_knows_whom_it_suits() -> None:
    watch = Watch(whole_world())

    def suited(fault: str) -> set[str]:
        return {place.name for place in watch.ledger.places(FAULTS[fault])}

    assert "session-cache" in suited("cache_stampede")
    assert "search" not in suited("cache_stampede")
    assert "shop-db" in suited("disk_io_saturated")
    assert "search" not in suited("disk_io_saturated")
    assert "checkout" in suited("retry_storm")
    assert "pricing" not in suited("retry_storm")
    assert "search" in suited("traffic_surge")
    assert "pricing" not in suited("traffic_surge")
