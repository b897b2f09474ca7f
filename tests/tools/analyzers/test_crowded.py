"""Machines that one program fills, and machines that are busy without a culprit."""

import pytest

from tests.tools.analyzers.measured import (
    Metrics,
    Shape,
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
from tests.tools.objects import Object

LATE = step(0.05, 1.2)
FULL = [line(step(0.3, 0.99), {"node": "n1"}, noise=0.002), line(flat(0.2), {"node": "n2"}, noise=0.002)]


def town(*, many: int = 1) -> list[Object]:
    return [*machines(), *program("baker", on=["n1"]), *program("batch", on=["n1"] * many)]


def measured(batch: Shape, many: int = 1) -> Metrics:
    return {
        "node_cpu": FULL,
        "cpu_usage": [*of_pods("batch", batch, many), *of_pods("baker", step(0.3, 0.2), 1)],
        "latency": of_service("baker", LATE),
    }


def test_pods_of_one_program_on_a_machine_count_together() -> None:
    assert causes(town(many=3), measured(step(0.1, 2.5), 3))[0] == ("noisy_neighbour", "batch")


def test_usage_of_a_name_without_a_unit_counts_as_well() -> None:
    metrics = measured(step(0.1, 7))
    metrics["cpu_level"] = metrics.pop("cpu_usage")
    assert causes(town(), metrics)[0] == ("noisy_neighbour", "batch")


def test_without_an_exporter_on_the_machine_its_pods_together_fill_it() -> None:
    metrics = measured(step(0.1, 7.6))
    del metrics["node_cpu"]
    assert causes(town(), metrics)[0] == ("noisy_neighbour", "batch")


def test_who_takes_no_more_than_the_next_is_not_the_one() -> None:
    metrics = measured(step(0.1, 4))
    metrics["cpu_usage"] = [*of_pods("batch", step(0.1, 4), 1), *of_pods("baker", step(0.1, 3.5), 1)]
    assert ("noisy_neighbour", "batch") not in causes(town(), metrics)


def test_a_machine_that_was_always_full_and_under_which_nobody_suffers_has_no_cause() -> None:
    metrics: Metrics = {
        "node_cpu": [line(flat(0.95), {"node": "n1"}, noise=0.002)],
        "cpu_usage": [*of_pods("batch", flat(7), 1), *of_pods("baker", flat(0.3), 1)],
        "latency": of_service("baker", flat(0.05)),
    }
    assert causes(town(), metrics) == []


@pytest.mark.parametrize("busy", [0.5, 0.8])
def test_a_machine_with_processors_left_starves_nobody(busy: float) -> None:
    metrics = measured(step(0.1, 2))
    metrics["node_cpu"] = [line(step(0.2, busy), {"node": "n1"}, noise=0.002)]
    assert ("noisy_neighbour", "batch") not in causes(town(), metrics)


def test_who_starves_beside_it_is_told_as_harmed() -> None:
    found = first(town(), measured(step(0.1, 7)))
    assert [one.name for one in found.harms] == ["baker"]
    assert "without a limit" in found.words("en")


def test_who_calls_the_taker_waits_for_its_answers_and_does_not_starve() -> None:
    objects = [*machines(), *program("baker", on=["n1"], calls=["batch"]), *program("batch", on=["n1"])]
    assert ("noisy_neighbour", "batch") not in causes(objects, measured(step(0.1, 7)))
