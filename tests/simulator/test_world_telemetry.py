"""What the exporters show: names and labels, counters that only grow, the seam between history and present, stale series."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.clock import epoch_ms
from simulator.promql.chunks import is_stale
from simulator.promql.matchers import Matcher, MatchType
from simulator.promql.tsdb import Series
from simulator.telemetry.catalogue import METADATA
from simulator.telemetry.counters import Counters, Row
from simulator.telemetry.labels import labelled
from simulator.world import World
from tests.simulator.worlds import START, Watch, small_shop, small_world, whole_world

PROMISED = [
    "kube_pod_info",
    "kube_pod_status_phase",
    "kube_pod_status_ready",
    "kube_pod_owner",
    "kube_pod_container_status_ready",
    "kube_pod_container_status_restarts_total",
    "kube_pod_container_status_running",
    "kube_pod_container_resource_requests",
    "kube_pod_container_resource_limits",
    "kube_deployment_spec_replicas",
    "kube_deployment_status_replicas",
    "kube_deployment_status_replicas_available",
    "kube_deployment_status_replicas_unavailable",
    "kube_deployment_status_replicas_updated",
    "kube_deployment_metadata_generation",
    "kube_deployment_status_observed_generation",
    "kube_replicaset_spec_replicas",
    "kube_replicaset_status_ready_replicas",
    "kube_replicaset_owner",
    "kube_service_info",
    "kube_endpoint_address",
    "kube_endpoint_address_available",
    "kube_endpoint_address_not_ready",
    "kube_node_info",
    "kube_node_status_condition",
    "kube_node_status_allocatable",
    "kube_node_status_capacity",
    "kube_node_spec_unschedulable",
    "kube_namespace_status_phase",
    "container_cpu_usage_seconds_total",
    "container_cpu_cfs_periods_total",
    "container_cpu_cfs_throttled_periods_total",
    "container_spec_cpu_quota",
    "container_spec_cpu_period",
    "container_spec_memory_limit_bytes",
    "container_memory_working_set_bytes",
    "container_memory_usage_bytes",
    "container_memory_rss",
    "container_memory_failcnt",
    "container_oom_events_total",
    "container_network_receive_bytes_total",
    "container_network_transmit_bytes_total",
    "node_cpu_seconds_total",
    "node_memory_MemTotal_bytes",
    "node_memory_MemAvailable_bytes",
    "node_filesystem_size_bytes",
    "node_filesystem_avail_bytes",
    "node_load1",
    "node_load5",
    "node_load15",
    "node_network_receive_bytes_total",
    "http_requests_total",
    "http_request_duration_seconds_bucket",
    "http_request_duration_seconds_sum",
    "http_request_duration_seconds_count",
    "traces_service_graph_request_total",
    "traces_service_graph_request_failed_total",
    "traces_service_graph_request_server_seconds_bucket",
    "up",
    "process_start_time_seconds",
]


@pytest.fixture(scope="module")
def shop() -> Watch:
    return Watch(whole_world())


@pytest.fixture(scope="module")
def past() -> Watch:
    return Watch(World(7, START, history_days=1.0, shop=small_shop()))


def series(watch: Watch, name: str, **labels: str) -> list[Series]:
    matchers = [Matcher(key, MatchType.EQUAL, value) for key, value in {"__name__": name, **labels}.items()]
    return watch.world.tsdb.select(matchers, 0, epoch_ms(watch.world.clock.now()))


@pytest.mark.parametrize("name", PROMISED)
def test_the_metric_is_there(shop: Watch, name: str) -> None:
    assert series(shop, name)


def test_every_metric_has_its_metadata(shop: Watch) -> None:
    names = {dict(labels)["__name__"] for labels in shop.world.tsdb.select_labels([], 0, epoch_ms(START))}
    unknown = {
        name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in names - set(METADATA)
    }
    assert unknown <= {name for name, each in METADATA.items() if each.type == "histogram"}


def test_labels_are_those_of_the_real_exporters(shop: Watch) -> None:
    def keys(name: str) -> set[str]:
        return {key for key, _ in series(shop, name)[0].labels} - {"__name__"}

    cadvisor = {"job", "metrics_path", "instance", "node", "namespace", "pod", "container", "image"}
    assert keys("container_cpu_usage_seconds_total") == cadvisor
    assert keys("http_requests_total") == {"job", "service", "namespace", "pod", "instance", "method", "route", "code"}
    limits = {"job", "instance", "namespace", "pod", "uid", "container", "node", "resource", "unit"}
    assert keys("kube_pod_container_resource_limits") == limits
    assert keys("node_cpu_seconds_total") == {"job", "instance", "node", "cpu", "mode"}


def test_counts_are_whole_numbers(shop: Watch) -> None:
    for name in ("http_requests_total", "http_request_duration_seconds_bucket", "container_cpu_cfs_periods_total"):
        for each in series(shop, name):
            values = each.values[~is_stale(each.values)]
            assert (values == np.floor(values)).all()


def test_the_last_bucket_holds_all_requests(shop: Watch) -> None:
    infinite = shop.value('sum(http_request_duration_seconds_bucket{le="+Inf"})')
    assert infinite == pytest.approx(shop.value("sum(http_request_duration_seconds_count)"))
    assert shop.value("sum(http_requests_total)") == pytest.approx(infinite, rel=0.01)


def test_the_cpus_of_a_node_are_always_fully_accounted_for(shop: Watch) -> None:
    for rate in shop.query("sum by (node, cpu) (rate(node_cpu_seconds_total[5m]))").values():
        assert rate == pytest.approx(1, abs=0.01)


def test_history_has_a_sample_a_minute_and_the_present_every_15_seconds(past: Watch) -> None:
    (one,) = series(past, "kube_deployment_spec_replicas", deployment="search")
    steps = np.diff(one.times)
    assert set(steps[:1000].tolist()) == {60_000}
    assert set(steps[-30:].tolist()) == {15_000}
    assert steps.max() <= 60_000


def test_counters_do_not_fall_where_history_and_present_meet(past: Watch) -> None:
    for name in ("http_requests_total", "container_cpu_usage_seconds_total", "node_cpu_seconds_total"):
        for each in series(past, name):
            assert (np.diff(each.values) >= 0).all()


def test_the_rate_does_not_jump_where_history_and_present_meet(past: Watch) -> None:
    def rate(ago: str) -> float:
        return past.value(f"sum(rate(http_requests_total[4m] offset {ago}))")

    assert rate("14m") == pytest.approx(rate("2m"), rel=0.15)


def test_the_past_has_a_night_and_a_day(past: Watch) -> None:
    by_hour = [past.value(f"sum(rate(http_requests_total[10m] offset {hours}h))") for hours in range(1, 23)]
    assert min(by_hour) < 0.55 * max(by_hour)


def test_memory_has_no_step_where_history_and_present_meet(past: Watch) -> None:
    for each in series(past, "container_memory_working_set_bytes", container="search"):
        jumps = np.abs(np.diff(each.values[-60:])) / each.values[-60:-1]
        assert jumps.max() < 0.06


def test_a_pod_that_is_gone_goes_stale_at_once() -> None:
    watch = Watch(small_world())
    watch.scale("search", 3)
    watch.after(60)
    assert watch.value('count(kube_pod_info{pod=~"search.*"})') == 3
    watch.scale("search", 2)
    watch.after(30)
    assert watch.value('count(kube_pod_info{pod=~"search.*"})') == 2
    assert watch.value('count(container_memory_working_set_bytes{container="search"})') == 2


def test_a_counter_of_a_restarted_process_starts_again() -> None:
    watch = Watch(small_world())
    watch.inject("oom_killed", "catalogue")
    watch.after(300)
    assert watch.value('max(resets(http_requests_total{service="catalogue",code="200"}[4m]))') >= 1


def test_a_crashed_process_is_a_target_that_is_down() -> None:
    watch = Watch(small_world())
    watch.inject("oom_killed", "catalogue")
    watch.after(300)
    assert watch.value('min(min_over_time(up{job="catalogue"}[4m]))') == 0
    assert watch.value('max(max_over_time(up{job="catalogue"}[4m]))') == 1


def test_a_late_row_appears_with_its_first_event() -> None:
    counters = Counters(
        [Row(labelled("errors_total", {}), is_late=True), Row(labelled("seconds_total", {}), is_whole=False)]
    )
    counters.add(np.array([0.7, 0.25]))
    assert (counters.shown().tolist(), counters.late()) == ([0.25], [])
    counters.add(np.array([0.7, 0.25]))
    assert counters.shown().tolist() == [0.5]
    assert [value for _, value in counters.late()] == [1]


def test_a_pod_without_limits_has_no_quota_series() -> None:
    watch = Watch(small_world())
    watch.replace_in_deployment("search", resources={})
    watch.after(60)
    assert watch.query('container_spec_cpu_quota{container="search"}') == {}
    assert watch.query('container_cpu_cfs_periods_total{container="search"}') == {}
    assert len(watch.query('container_cpu_usage_seconds_total{container="search"}')) == 2
