"""Which samples an expression sees: lookback, stale markers, ranges, offsets, fixed moments, subqueries."""

import math

from simulator.promql.engine import StringResult
from tests.simulator.promql_world import MINUTE, World


def test_the_newest_sample_counts_for_five_minutes() -> None:
    world = World()
    world.series("x", [7])
    assert world.at(300, "x") == {'{__name__="x"}': 7}
    assert world.at(300.001, "x") == {}


def test_a_sample_of_the_future_is_not_seen() -> None:
    world = World()
    world.series("x", [7], start=100)
    assert world.at(99.999, "x") == {}


def test_a_stale_marker_ends_a_series_at_once() -> None:
    world = World()
    world.series("x", [1, 2])
    world.end("x", 61)
    assert world.at(60, "x") == {'{__name__="x"}': 2}
    assert world.at(62, "x") == {}


def test_a_stale_marker_is_no_sample_of_a_range() -> None:
    world = World()
    world.series("x", [1, 2])
    world.end("x", 61)
    assert world.at(120, "count_over_time(x[5m])") == {"{}": 2}
    assert world.samples(120, "x[5m]") == {'{__name__="x"}': [(0, 1), (60, 2)]}


def test_nan_is_a_value_and_not_an_absence() -> None:
    world = World()
    world.series("x", [math.nan])
    assert math.isnan(world.at(0, "x")['{__name__="x"}'])
    assert world.at(0, "absent(x)") == {}


def test_a_range_is_closed_on_both_ends() -> None:
    world = World()
    world.series("x", [1, 2, 3])
    assert world.at(120, "sum_over_time(x[2m])") == {"{}": 6}
    assert world.at(120.001, "sum_over_time(x[2m])") == {"{}": 5}


def test_an_offset_looks_back_and_a_negative_one_ahead() -> None:
    world = World()
    world.series("x", [1, 2, 3])
    assert world.at(120, "x offset 1m") == {'{__name__="x"}': 2}
    assert world.at(60, "x offset -1m") == {'{__name__="x"}': 3}


def test_at_fixes_the_moment_for_every_step() -> None:
    world = World()
    world.series("x", [1, 2, 3])
    assert world.over(0, 120, 60, "x @ 60") == {'{__name__="x"}': [(0, 2), (60, 2), (120, 2)]}


def test_start_and_end_mean_the_whole_query_even_within_a_subquery() -> None:
    world = World()
    world.series("x", [1, 2, 3, 4])
    assert world.over(60, 120, 60, "x @ end() - x @ start()") == {"{}": [(60, 1), (120, 1)]}
    assert world.over(120, 180, 60, "max_over_time((x @ start())[2m:1m])") == {"{}": [(120, 3), (180, 3)]}


def test_end_is_the_given_end_and_not_the_last_step() -> None:
    world = World()
    world.series("x", [1, 2, 3])
    assert world.over(0, 110, 60, "timestamp(x @ end())") == {"{}": [(0, 60), (60, 60)]}
    assert world.over(0, 130, 100, "x @ end()") == {'{__name__="x"}': [(0, 3), (100, 3)]}


def test_a_subquery_is_aligned_to_its_own_step_and_closed() -> None:
    world = World()
    world.series("x", list(range(11)))
    assert world.samples(250, "x[3m:90s]") == {'{__name__="x"}': [(90, 1), (180, 3)]}
    assert world.samples(270, "x[3m:90s]") == {'{__name__="x"}': [(90, 1), (180, 3), (270, 4)]}


def test_a_subquery_without_a_step_takes_a_minute() -> None:
    world = World()
    world.series("x", list(range(11)))
    assert [t for t, _ in world.samples(300, "x[3m:]")['{__name__="x"}']] == [120, 180, 240, 300]


def test_a_subquery_shorter_than_its_step_may_hold_nothing() -> None:
    world = World()
    world.series("x", [1, 2])
    assert world.samples(61, "x[30s:1h]") == {}


def test_a_range_query_has_a_point_only_where_the_series_exists() -> None:
    world = World()
    world.series("x", [1, 2], start=600)
    assert world.over(0, 1200, 300, "x") == {'{__name__="x"}': [(600, 1), (900, 2)]}


def test_series_that_exist_nowhere_are_left_out() -> None:
    world = World()
    world.series("x", [1], job="a")
    world.series("x", [1], start=3600, job="b")
    assert list(world.over(0, 60, 60, "x")) == ['{__name__="x", job="a"}']


def test_a_string_is_its_own_answer() -> None:
    assert World().engine.instant('"word"', 5_000) == StringResult(5_000, "word")


def test_timestamp_tells_when_the_sample_was_taken() -> None:
    world = World()
    world.series("x", [1])
    assert world.at(100, "timestamp(x)") == {"{}": 0}
    assert world.at(100, "timestamp(x + 0)") == {"{}": 100}


def test_the_lookback_is_the_same_within_a_range_query() -> None:
    world = World()
    world.series("x", [1])
    assert world.over(0, 10 * MINUTE, 100, "x") == {'{__name__="x"}': [(0, 1), (100, 1), (200, 1), (300, 1)]}
