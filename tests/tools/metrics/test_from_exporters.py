"""From the raw series of exporters, as a bundle holds them, to the cause."""

import random
from collections.abc import Iterable, Mapping
from math import prod

import pytest

from tests.tools.analyzers.measured import SAMPLES, STEP, Shape, causes, flat, machines, pods_of, program, ramp, step
from tests.tools.objects import NOW, NS
from tools.engines.metrics.recognise import Raw, recognise

TOWN = [
    *machines(),
    *program("gate", calls=["baker"], cpu="1"),
    *program("baker", calls=["mill"], cpu="500m"),
    *program("mill", cpu="1"),
]
PLACE = [("gate", "n1"), ("baker", "n1"), ("mill", "n2")]


def times() -> list[float]:
    return [NOW.timestamp() - STEP * (SAMPLES - 1 - place) for place in range(SAMPLES)]


def times_of(factor: float, *shapes: Shape) -> Shape:
    return lambda place: factor * prod(shape(place) for shape in shapes)


def gauge(name: str, labels: Mapping[str, str], shape: Shape) -> Raw:
    dice = random.Random(f"{name}{sorted(labels.items())}")
    values = [f"{shape(place) * (1 + dice.gauss(0, 0.02)):g}" for place in range(SAMPLES)]
    return name, {"__name__": name, **labels}, [list(pair) for pair in zip(times(), values, strict=True)]


def counter(name: str, labels: Mapping[str, str], rate: Shape, begin: float = 4_000) -> Raw:
    dice = random.Random(f"{name}{sorted(labels.items())}")
    total, rows = begin, []
    for place, at in enumerate(times()):
        total += STEP * rate(place) * (1 + dice.gauss(0, 0.02))
        rows.append([at, f"{total:.6g}"])
    return name, {"__name__": name, **labels}, rows


def containers(name: str, cores: Shape, held: Shape) -> Iterable[Raw]:
    for pod in pods_of(name):
        labels = {"namespace": NS, "pod": pod, "container": "app", "job": "kubelet"}
        yield counter("container_cpu_usage_seconds_total", labels, cores)
        yield counter("container_cpu_usage_seconds_total", {**labels, "container": "POD"}, flat(0.0001))
        yield counter("container_cpu_cfs_periods_total", labels, flat(10))
        yield counter("container_cpu_cfs_throttled_periods_total", labels, times_of(10, held))
        yield gauge("container_memory_working_set_bytes", labels, flat(2e8))


def spring(name: str, seconds: Shape, rate: Shape) -> Iterable[Raw]:
    for pod in pods_of(name):
        labels = {"application": name, "namespace": NS, "pod": pod, "uri": "/x", "method": "GET"}
        for status, share in (("200", 0.99), ("500", 0.01)):
            told = {**labels, "status": status}
            yield counter("http_server_requests_seconds_count", told, times_of(share, rate))
            yield counter(
                "http_server_requests_seconds_sum",
                told,
                times_of(share, rate, seconds),
            )


def mesh(client: str, server: str, waited: Shape, worked: Shape) -> Iterable[Raw]:
    for reporter, seconds in (("source", waited), ("destination", worked)):
        labels = {
            "source_workload": client,
            "destination_workload": server,
            "destination_service": f"{server}.{NS}.svc.cluster.local",
            "reporter": reporter,
            "response_code": "200",
        }
        yield counter("istio_request_duration_milliseconds_sum", labels, times_of(20_000, seconds))
        yield counter("istio_request_duration_milliseconds_count", labels, flat(20))


def told(*groups: Iterable[Raw]) -> list[tuple[str, str]]:
    return causes(TOWN, recognise(one for group in groups for one in group))


CALM = [part for name, _ in PLACE for part in containers(name, flat(0.1), flat(0.01))]


def test_a_calm_town_has_no_cause() -> None:
    assert (
        told(
            CALM,
            *(spring(name, flat(0.05), flat(20)) for name, _ in PLACE),
            mesh("gate", "baker", flat(0.06), flat(0.05)),
        )
        == []
    )


def test_a_program_that_burns_cpu_is_found_and_its_caller_is_a_victim() -> None:
    busy = [one for one in CALM if not str(one[1].get("pod")).startswith("baker")]
    assert told(
        busy,
        containers("baker", step(0.1, 0.495), step(0.01, 0.8)),
        spring("baker", step(0.05, 0.9), flat(20)),
        spring("gate", step(0.1, 1.0), flat(20)),
    ) == [("pod_cpu_overload", "baker")]


def test_the_mesh_sees_a_network_that_delays() -> None:
    late = [
        *mesh("gate", "baker", step(0.06, 1.2), step(0.05, 0.7)),
        *mesh("baker", "mill", step(0.02, 0.6), flat(0.01)),
    ]
    assert told(CALM, late)[0] == ("pod_network_delay", "baker")


def test_the_mesh_sees_a_program_that_is_slow_by_itself() -> None:
    late = [
        *mesh("gate", "baker", step(0.06, 1.2), step(0.05, 1.19)),
        *mesh("baker", "mill", flat(0.02), flat(0.01)),
    ]
    assert told(CALM, late) == [("slow_dependency", "baker")]


@pytest.mark.parametrize("name", ["jvm_threads_live_threads", "go_goroutines", "process_threads", "container_threads"])
def test_threads_of_any_runtime_are_threads(name: str) -> None:
    rows = [gauge(name, {"namespace": NS, "pod": pod}, ramp(60, 900)) for pod in pods_of("mill")]
    assert told(rows) == [("thread_exhaustion", "mill")]


def test_a_series_with_nothing_but_an_address_is_its_pods() -> None:
    rows = [
        gauge("process_open_fds", {"instance": f"10.0.4.{number}:8080", "job": "x"}, ramp(60, 900))
        for number in range(2)
    ]
    assert told(rows) == [("file_descriptor_exhaustion", "mill")]


def test_machines_are_known_by_their_addresses() -> None:
    rows = [
        counter(
            "node_cpu_seconds_total",
            {"instance": f"192.168.0.{number + 1}:9100", "mode": mode, "cpu": "0"},
            flat(share),
        )
        for number in range(2)
        for mode, share in (("idle", 0.7), ("user", 0.2), ("system", 0.1))
    ]
    rows += [
        gauge("node_timex_offset_seconds", {"instance": f"192.168.0.{number + 1}:9100"}, flat(30.0 * number))
        for number in range(2)
    ]
    assert told(CALM, rows) == [("node_clock_skew", "n2")]
