"""Any matrix becomes signals in base units, of named things."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tools.engines.metrics.recognise import Raw, recognise
from tools.engines.snapshot import Series
from tools.queries import QUERIES

USED = 'rate(container_cpu_usage_seconds_total{image!=""}[5m])'
LIMITS = "kube_pod_container_resource_limits"
MESH = "istio_request_duration_milliseconds"
SPRING = "http_server_requests_seconds"
START, STEP = 1_772_440_000.0, 30.0


def matrix(stem: str, labels: Mapping[str, Any], values: Callable[[int], float], many: int = 60) -> Raw:
    return stem, labels, [[START + STEP * place, str(values(place))] for place in range(many)]


def level(value: float) -> Callable[[int], float]:
    return lambda _: value


def counter(rate: float, begin: float = 5_000.0) -> Callable[[int], float]:
    return lambda place: begin + rate * STEP * place


def only(found: Mapping[str, list[Series]], signal: str) -> Series:
    assert len(found[signal]) == 1, found[signal]
    return found[signal][0]


@pytest.mark.parametrize(
    ("stem", "name", "signal", "value", "meant"),
    [
        ("x", "container_memory_working_set_bytes", "memory", 1e8, 1e8),
        ("pod_cpu_usage_millicores", "", "cpu_usage", 250, 0.25),
        ("cpu_usage_percent", "", "cpu_share", 87, 0.87),
        ("cpu_utilization", "", "cpu_share", 0.87, 0.87),
        ("cpu_usage_cores", "", "cpu_usage", 0.5, 0.5),
        ("p99_latency_ms", "", "latency", 250, 0.25),
        ("request_duration_seconds_p95", "", "latency", 0.25, 0.25),
        ("latency", "", "latency", 250, 0.25),
        ("response_time", "", "latency", 0.25, 0.25),
        ("rt_avg_ms", "", "latency", 12, 0.012),
        ("tcp_rtt_us", "", "rtt", 900, 0.0009),
        ("network_delay_ms", "", "rtt", 90, 0.09),
        ("packet_loss_percent", "", "packet_loss", 30, 0.3),
        ("tcp_retransmits_rate", "", "retransmits", 3, 3),
        ("error_rate_percent", "", "error_share", 12, 0.12),
        ("http_5xx", "", "errors", 4, 4),
        ("qps", "", "requests", 40, 40),
        ("request_throughput", "", "requests", 40, 40),
        ("cpu_throttling_ratio", "", "cpu_throttled", 0.4, 0.4),
        ("disk_util_percent", "", "disk_busy", 99, 0.99),
        ("disk_io_await_ms", "", "disk_wait", 50, 0.05),
        ("open_fds", "", "open_files", 900, 900),
        ("jvm_thread_count", "", "threads", 90, 90),
        ("memory_usage_mb", "", "memory", 512, 512 * 2**20),
        ("memory_usage_percent", "", "memory_share", 91, 0.91),
        ("container_restarts", "", "restarts", 3, 3),
        ("CPU使用率", "", "cpu_share", 91, 0.91),
        ("请求延迟_ms", "", "latency", 91, 0.091),
    ],
)
def test_a_name_tells_signal_and_unit(stem: str, name: str, signal: str, value: float, meant: float) -> None:
    labels = {"namespace": "town", "pod": "baker-1", **({"__name__": name} if name else {})}
    found = recognise([matrix(stem, labels, level(value))])
    assert only(found, signal).last == pytest.approx(meant)


@pytest.mark.parametrize("stem", ["build_info", "some_thing_else", "go_memstats_mspan_sys", "annotations"])
def test_what_nobody_can_name_is_left_out(stem: str) -> None:
    assert not recognise([matrix(stem, {"pod": "baker-1"}, level(1))])


@pytest.mark.parametrize(
    ("labels", "key", "meant"),
    [
        ({"pod_name": "a-1", "kubernetes_namespace": "town"}, "namespace", "town"),
        ({"exported_pod": "a-1", "pod": "exporter-0"}, "pod", "a-1"),
        ({"destination_service": "baker.town.svc.cluster.local"}, "service", "baker"),
        ({"destination_service": "baker.town.svc.cluster.local"}, "namespace", "town"),
        ({"source_workload": "cart", "destination_workload": "baker"}, "client", "cart"),
        ({"source_workload": "cart", "destination_workload": "baker"}, "server", "baker"),
        ({"deployment": "baker"}, "workload", "baker"),
        ({"nodename": "n1"}, "node", "n1"),
        ({"caller": "cart", "callee": "baker"}, "server", "baker"),
        ({"application": "baker"}, "service", "baker"),
    ],
)
def test_labels_of_many_spellings_are_one(labels: dict[str, str], key: str, meant: str) -> None:
    found = recognise([matrix("latency_ms", labels, level(50))])
    one = next(series for many in found.values() for series in many)
    assert one.labels[key] == meant


def test_a_named_counter_becomes_a_rate_and_survives_its_reset() -> None:
    labels = {"__name__": "container_cpu_usage_seconds_total", "namespace": "town", "pod": "a-1", "container": "app"}
    values = [counter(0.5)(place) if place < 30 else 0.5 * STEP * (place - 30) for place in range(60)]
    found = recognise([("x", labels, [[START + STEP * place, value] for place, value in enumerate(values)])])
    usage = only(found, "cpu_usage")
    assert usage.last == pytest.approx(0.5)
    assert all(0 <= value <= 0.51 for _, value in usage.points)


def test_what_has_no_name_any_more_was_made_a_rate_already() -> None:
    found = recognise(
        [matrix("container_cpu_usage_seconds_total", {"pod": "a-1"}, lambda place: 0.5 + 0.01 * (place % 3))]
    )
    assert 0.49 < only(found, "cpu_usage").last < 0.53


def test_a_nameless_sum_of_counters_is_seen_from_its_numbers() -> None:
    found = recognise([matrix("container_cpu_usage_seconds_total", {"pod": "a-1"}, counter(0.5))])
    assert only(found, "cpu_usage").last == pytest.approx(0.5)


def test_a_pods_total_and_its_pause_container_do_not_count_twice() -> None:
    base = {"__name__": "container_memory_working_set_bytes", "namespace": "town", "pod": "a-1"}
    found = recognise([
        matrix("m", {**base, "container": "app"}, level(7e7)),
        matrix("m", {**base, "container": "POD"}, level(1e6)),
        matrix("m", base, level(7.1e7)),
    ])  # fmt: skip
    assert only(found, "memory").last == 7e7


def test_codes_are_added_up_and_the_bad_ones_told_apart() -> None:
    base = {"__name__": "http_requests_total", "namespace": "town", "service": "baker"}
    found = recognise([
        matrix("r", {**base, "code": "200"}, counter(9)),
        matrix("r", {**base, "code": "503"}, counter(1)),
        matrix("r", {**base, "code": "404"}, counter(2)),
    ])  # fmt: skip
    assert only(found, "requests").last == pytest.approx(12)
    assert only(found, "errors").last == pytest.approx(1)
    assert only(found, "error_share").last == pytest.approx(1 / 12)


def test_buckets_become_quantiles_and_counts_become_requests() -> None:
    base = {"__name__": "http_server_requests_seconds_bucket", "application": "baker"}
    rates = {"0.1": 50.0, "0.5": 95.0, "+Inf": 100.0}
    found = recognise([matrix("h", {**base, "le": bound}, counter(rate)) for bound, rate in rates.items()])
    by_quantile = {one.labels["quantile"]: one.last for one in found["latency"]}
    assert by_quantile == {"0.5": pytest.approx(0.1), "0.95": pytest.approx(0.5)}
    assert only(found, "requests").last == pytest.approx(100)


def test_a_sum_and_a_count_become_a_mean() -> None:
    base = {"job": "baker", "service": "baker"}
    found = recognise([
        matrix("s", {**base, "__name__": "grpc_server_handling_seconds_sum"}, counter(3)),
        matrix("c", {**base, "__name__": "grpc_server_handling_seconds_count"}, counter(10)),
    ])  # fmt: skip
    assert only(found, "latency").last == pytest.approx(0.3)


def test_a_machine_is_as_busy_as_it_is_not_idle() -> None:
    modes = {"idle": 0.7, "user": 0.2, "iowait": 0.1}
    found = recognise(
        matrix("n", {"__name__": "node_cpu_seconds_total", "instance": "10.0.0.1:9100", "cpu": cpu, "mode": mode}, counter(share))
        for cpu in ("0", "1")
        for mode, share in modes.items()
    )  # fmt: skip
    assert only(found, "node_cpu").last == pytest.approx(0.2)
    assert only(found, "node_iowait").last == pytest.approx(0.1)


def test_units_are_decided_for_all_of_a_metric_at_once() -> None:
    found = recognise([
        matrix("latency", {"service": "slow"}, level(900)),
        matrix("latency", {"service": "fast"}, level(3)),
        matrix("latency", {"service": "middling"}, level(12)),
    ])  # fmt: skip
    assert {one.labels["service"]: one.last for one in found["latency"]} == pytest.approx(
        {"slow": 0.9, "fast": 0.003, "middling": 0.012}
    )


def test_two_files_about_one_thing_are_joined_where_one_follows_the_other() -> None:
    early = ("cpu_cores", {"pod": "a-1"}, [[START + place, 0.1] for place in range(5)])
    late = ("cpu_cores_used", {"pod": "a-1"}, [[START + 100 + place, 0.9] for place in range(5)])
    again = ("cores_of_cpu", {"pod": "a-1"}, [[START + 2, 7.0]])
    usage = only(recognise([early, late, again]), "cpu_usage")
    assert [value for _, value in usage.points] == [0.1] * 5 + [0.9] * 5


@pytest.mark.parametrize(
    ("labels", "points"),
    [
        (None, []),
        ({}, None),
        ({"pod": None}, [[1, 2]]),
        ({"pod": ["x"]}, [["a", "b"], [1], None, [1, "NaN"], [2, "+Inf"]]),
        ({1: 2}, [[10**400, 1]]),
        ("text", "text"),
    ],
)
def test_garbage_is_left_out(labels: Any, points: Any) -> None:
    recognise([("cpu", labels, points)])


def test_the_order_of_the_series_does_not_matter() -> None:
    rows = [
        matrix("cpu_cores", {"namespace": "town", "pod": f"a-{number}"}, level(number / 10)) for number in range(5)
    ] + [matrix("p95_ms", {"service": "baker"}, level(80))]
    there, back = recognise(rows), recognise(reversed(rows))
    assert {signal: sorted(map(str, many)) for signal, many in there.items()} == {
        signal: sorted(map(str, many)) for signal, many in back.items()
    }


@pytest.mark.parametrize(
    ("text", "signal", "value", "meant"),
    [
        (f"sum({USED}) by (pod)", "cpu_usage", 0.4, 0.4),
        (f'sum({USED}) by (pod) / sum({LIMITS}{{resource="cpu"}}) by (pod) * 100', "cpu_share", 90, 0.9),
        (f"sum(container_memory_rss) by (pod) / sum({LIMITS}{{resource='memory'}}) by (pod)", "memory_share", 0.7, 0.7),
        (f"histogram_quantile(0.99, sum(rate({MESH}_bucket[1m])) by (le, workload))", "latency", 80, 0.08),
        (f"rate({SPRING}_sum[1m]) / rate({SPRING}_count[1m])", "latency", 0.3, 0.3),
        (
            'sum(rate(r_total{code="5.."}[1m])) / sum(rate(r_total[1m]))'.replace("r_total", "istio_requests_total"),
            "error_share",
            0.2,
            0.2,
        ),
        ('sum(rate(http_requests_total{status=~"5.."}[1m])) by (pod)', "errors", 3, 3),
        (f"sum(rate({SPRING}_count[1m])) by (pod)", "requests", 30, 30),
        ('100 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) * 100', "node_cpu", 95, 0.95),
        ("rate(node_netstat_Tcp_RetransSegs[5m])", "node_retransmits", 5, 5),
    ],
)
def test_a_query_in_the_place_of_a_name_is_understood(text: str, signal: str, value: float, meant: float) -> None:
    found = recognise([matrix(text, {"pod": "baker-1"}, level(value))])
    assert only(found, signal).last == pytest.approx(meant)


@pytest.mark.parametrize("signal", QUERIES)
def test_what_this_product_asks_it_reads_again_by_query_and_by_name(signal: str) -> None:
    text = QUERIES[signal].replace("%s", ',namespace="town"')
    labels = {"namespace": "town", "pod": "baker-1", "container": "app"}
    for stem in (text, signal) if signal not in {"reserved", "busiest"} else (signal,):
        assert signal in recognise([matrix(stem, labels, level(0.5))]) or signal == "memory"
