"""Disks without time: who keeps them busy, and whose only suffers."""

import pytest

from tests.tools.analyzers.measured import (
    Metrics,
    Shape,
    alert,
    causes,
    first,
    flat,
    line,
    machines,
    of_pods,
    of_service,
    program,
    step,
)
from tools.engines.snapshot import Series, Signal

TOWN = [
    *machines(),
    *program("mill", on=["n1"]),
    *program("baker", on=["n1"]),
    *program("vault", on=["n1"], image="mysql:8"),
    *program("well", on=["n2"]),
]
LATE = step(0.05, 1.2)
FULL = step(0.05, 0.98)


def measured(busy: Shape, writes: Shape, **latency: Shape) -> Metrics:
    return {
        "node_disk_busy": [line(busy, {"node": "n1"}, noise=0.002), line(flat(0.05), {"node": "n2"})],
        "disk_written": [
            *of_pods("mill", writes, 1),
            *of_pods("baker", flat(5e4), 1),
            *of_pods("vault", flat(4e5), 1),
            *of_pods("well", flat(9e8), 1),
        ],
        "latency": [one for name, shape in latency.items() for one in of_service(name, shape)],
    }


def last(metrics: Metrics, samples: int) -> Metrics:
    def cut(one: Series) -> Series:
        return Series(one.labels, one.points[-samples:], one.query)

    return {signal: [cut(one) for one in many] for signal, many in metrics.items()}


def test_who_began_to_write_is_named_and_not_the_store_beside_it() -> None:
    assert causes(TOWN, measured(FULL, step(5e4, 3e8), mill=LATE, vault=LATE))[0] == ("disk_io_saturated", "mill")


@pytest.mark.parametrize("samples", [3, 6, 10])
def test_without_a_time_before_who_writes_far_more_than_all_others_is_named(samples: int) -> None:
    metrics = last(measured(flat(0.98), flat(3e8)), samples)
    assert causes(TOWN, metrics)[0] == ("disk_io_saturated", "mill")
    assert "300 MB a second" in str(first(TOWN, metrics).evidence) or "MB a second" in str(
        first(TOWN, metrics).evidence
    )


def test_bytes_that_are_written_on_another_machine_do_not_count() -> None:
    found = causes(TOWN, last(measured(flat(0.98), flat(5e4)), 6))
    assert ("disk_io_saturated", "well") not in found
    assert found == [("disk_io_saturated", "vault")]


def test_where_nobody_writes_more_the_store_that_became_slow_is_named() -> None:
    assert causes(TOWN, measured(FULL, flat(5e4), vault=LATE))[0] == ("disk_io_saturated", "vault")


def test_a_program_with_a_disk_metric_of_its_own_needs_no_machine() -> None:
    metrics: dict[Signal, list[Series]] = {"disk_busy": of_pods("mill", FULL, 1), "latency": of_service("mill", LATE)}
    assert causes(TOWN, metrics)[0] == ("disk_io_saturated", "mill")


@pytest.mark.parametrize("busy", [flat(0.3), flat(0.9), step(0.05, 0.7)])
def test_a_disk_with_time_left_or_that_was_always_so_is_no_cause(busy: Shape) -> None:
    assert causes(TOWN, measured(busy, flat(5e4))) == []


def told(writes: Shape) -> list[tuple[str, str]]:
    metrics = measured(FULL, writes, mill=LATE, baker=flat(0.05))
    del metrics["node_disk_busy"]
    return causes(TOWN, metrics, [alert("NodeDiskIOSaturation", instance="192.168.0.1:9100", device="nvme1n1")])


def test_a_disk_of_which_only_an_alert_tells_is_kept_busy_by_who_began_to_write() -> None:
    assert told(step(2e4, 9e7))[0] == ("disk_io_saturated", "mill")


def test_an_alert_about_a_disk_on_which_nobody_writes_more_accuses_nobody_of_writing() -> None:
    assert ("disk_io_saturated", "mill") not in told(flat(2e4))


def test_an_alert_about_a_disk_that_was_measured_and_has_time_accuses_nobody() -> None:
    metrics = measured(flat(0.1), step(2e4, 9e7))
    rung = [alert("NodeDiskIOSaturation", instance="192.168.0.1:9100")]
    assert "disk_io_saturated" not in [fault for fault, _ in causes(TOWN, metrics, rung)]
