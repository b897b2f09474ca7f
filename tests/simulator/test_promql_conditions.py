"""Under which conditions a query is answered: its lookback, its horizon, its cost, its bounds."""

import itertools
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from simulator.promql.engine import Conditions, Engine, MatrixResult, VectorResult
from simulator.promql.errors import TOO_MANY_SAMPLES, ExecutionFailed, TimedOut
from simulator.promql.evaluator import Limits, Usage
from simulator.promql.tsdb import Tsdb
from tests.simulator.promql_data import SPANS, all_series, filled, labels_of
from tests.simulator.promql_world import World

SHOP = SPANS["shop"]


@pytest.fixture(scope="module")
def shop() -> Tsdb:
    return filled(all_series())


@pytest.fixture
def world() -> World:
    world = World()
    for pod in "abc":
        world.series("v", [1, 2, 3, 4, 5, 6], pod=pod)
    return world


def rows(result: object) -> list[tuple[object, list[int], list[str]]]:
    assert isinstance(result, MatrixResult)
    return [(row.labels, row.times.tolist(), [repr(value) for value in row.values.tolist()]) for row in result.rows]


@pytest.mark.parametrize(
    "query",
    [
        "queue_depth",
        "http_requests_total",
        "rate(http_requests_total[5m])",
        "sum by (job) (increase(request_seconds_bucket[3m]))",
        "quantile_over_time(0.9, queue_depth[9m])",
        "timestamp(queue_depth)",
        "absent_over_time(short_lived[2m])",
        "max_over_time(queue_depth[20m:1m])",
    ],
)
def test_an_answer_does_not_depend_on_how_many_series_are_read_at_a_time(shop: Tsdb, query: str) -> None:
    start, end, step = SHOP.ranges[0]
    whole = Engine(shop).range(query, start, end, step)
    in_parts = Engine(shop, Limits(part_samples=1)).range(query, start, end, step)
    assert rows(in_parts) == rows(whole)
    assert len(rows(whole)) > 0


def test_series_that_are_read_apart_may_not_become_equal(shop: Tsdb) -> None:
    with pytest.raises(ExecutionFailed, match="same labelset"):
        Engine(shop, Limits(part_samples=1)).instant('rate({__name__=~"queue_depth|up"}[5m])', SHOP.instants[0])


def test_a_shorter_lookback_lets_samples_grow_old_sooner(world: World) -> None:
    def found(lookback_ms: int | None) -> int:
        result = world.engine.instant("v", 400_000, Conditions(lookback_ms=lookback_ms))
        assert isinstance(result, VectorResult)
        return len(result.labels)

    assert (found(None), found(99_000), found(100_000)) == (3, 0, 3)


def test_what_lies_behind_the_horizon_is_not_seen(world: World) -> None:
    result = world.engine.range("v", 0, 300_000, 60_000, Conditions(horizon_ms=120_000, lookback_ms=1_000))
    assert [row.times.tolist() for row in result.rows] == [[0, 60_000, 120_000]] * 3
    counted = world.engine.instant("count_over_time(v[10m])", 300_000, Conditions(horizon_ms=120_000))
    assert isinstance(counted, VectorResult)
    assert counted.values == [3, 3, 3]


def test_a_query_tells_how_many_samples_it_looked_at(world: World) -> None:
    usage = Usage()
    world.engine.range("sum(v) + sum(rate(v[2m]))", 120_000, 300_000, 60_000, Conditions(usage=usage))
    assert usage.queried == 3 * 4 + 3 * 4 * 3
    assert usage.peak == 18


def test_a_query_of_everything_is_answered_in_parts_though_the_whole_would_be_too_much() -> None:
    tsdb = Tsdb()
    times = np.arange(0, 1_000 * 15_000, 15_000, dtype=np.int64)
    for number in range(30):
        tsdb.append_block(labels_of("v", n=str(number)), times, np.ones(1_000))
    engine = Engine(tsdb, Limits(most_samples=2_500, part_samples=2_000))
    result = engine.instant("sum(count_over_time(v[5h]))", int(times[-1]))
    assert isinstance(result, VectorResult)
    assert result.values == [30_000]
    with pytest.raises(ExecutionFailed, match=TOO_MANY_SAMPLES):
        engine.instant("v[5h]", int(times[-1]))


@pytest.mark.parametrize(
    "query",
    [
        "sum(v)",
        "max_over_time(sum(v)[100m:1s])",
        "v + on () group_left vector(1)",
        'count_values("x", v)',
        "quantile_over_time(0.5, v[5m])",
    ],
)
def test_a_deadline_ends_a_query_wherever_it_is(world: World, query: str) -> None:
    for looks in (1, 2):
        with pytest.raises(TimedOut, match="query timed out"):
            world.engine.range(query, 0, 300_000, 60_000, Conditions(after(looks)))


def after(looks: int) -> Callable[[], bool]:
    left = itertools.count(looks, -1)
    return lambda: next(left) <= 0


@pytest.mark.parametrize(
    "query",
    ["v", "v[100m]", "v + on () group_left sum(v)", "max_over_time(v[1000h:1s])", 'count_values("x", v * time())'],
)
def test_what_would_take_too_much_memory_is_refused_in_prometheus_words(query: str) -> None:
    small = World(Limits(most_samples=20))
    for pod in range(8):
        small.series("v", [1, 2, 3, 4, 5, 6], pod=str(pod))
    ask = small.engine.instant if query.endswith("]") else partial(small.engine.range, end_ms=300_000, step_ms=60_000)
    with pytest.raises(ExecutionFailed, match=TOO_MANY_SAMPLES):
        ask(query, 300_000 if query.endswith("]") else 0)
