"""Functions by hand-made numbers, so that they are held where no real Prometheus is installed."""

import math

import pytest

from simulator.promql.errors import ExecutionFailed
from simulator.promql.functions import FUNCTIONS
from tests.simulator.promql_expressions import EXPRESSIONS
from tests.simulator.promql_world import World


def world_of(*values: float | None, step: int = 60) -> World:
    world = World()
    world.series("x", list(values), step=step)
    return world


def test_every_function_is_compared_with_a_real_prometheus() -> None:
    compared = " ".join(expression for expressions in EXPRESSIONS.values() for expression in expressions)
    assert [name for name in FUNCTIONS if f"{name}(" not in compared] == []


def test_a_rate_over_a_window_that_is_covered_is_the_slope() -> None:
    assert world_of(0, 60, 120, 180, 240, 300).at(300, "rate(x[5m])") == {"{}": pytest.approx(1.0)}


def test_an_increase_is_extrapolated_to_the_edges_but_not_below_zero() -> None:
    near = world_of(None, 100, 160, 220, 280)
    assert near.at(270, "increase(x[4m])") == {"{}": pytest.approx(180 * (180 + 30 + 30) / 180)}
    from_zero = world_of(None, 0, 60, 120, 180)
    assert from_zero.at(270, "increase(x[4m])") == {"{}": pytest.approx(180 * (180 + 30) / 180)}


def test_an_increase_far_from_the_edges_is_extrapolated_by_half_an_interval() -> None:
    world = world_of(1000, 1060, 1120)
    assert world.at(600, "increase(x[10m])") == {"{}": pytest.approx(120 * (120 + 0 + 30) / 120)}


def test_a_counter_reset_adds_what_had_been_counted() -> None:
    world = world_of(100, 110, 5, 15)
    assert world.at(180, "increase(x[3m])") == {"{}": pytest.approx(10 + 5 + 10)}
    assert world.at(180, "delta(x[3m])") == {"{}": pytest.approx(-85)}
    assert world.at(180, "resets(x[3m])") == {"{}": 1}


def test_a_reset_before_the_window_is_none_of_its_business() -> None:
    world = world_of(100, 5, 15, 25)
    assert world.at(180, "increase(x[2m])") == {"{}": pytest.approx(20)}


def test_an_infinite_counter_does_not_spoil_its_neighbours() -> None:
    world = World()
    world.series("x", [0, math.inf, 1, 2], job="a")
    world.series("x", [0, 60, 0, 60], job="b")
    assert world.at(180, "increase(x[3m])")['{job="b"}'] == pytest.approx(120)


def test_one_sample_has_no_rate() -> None:
    for function in ("rate", "increase", "delta", "irate", "idelta", "deriv"):
        assert world_of(1).at(60, f"{function}(x[5m])") == {}


def test_irate_and_idelta_look_at_the_last_two_samples() -> None:
    world = world_of(0, 600, 10, 40)
    assert world.at(180, "irate(x[5m])") == {"{}": 0.5}
    assert world.at(120, "irate(x[5m])") == {"{}": pytest.approx(10 / 60)}
    assert world.at(120, "idelta(x[5m])") == {"{}": -590}


def test_a_trend_is_followed_into_the_future() -> None:
    world = world_of(0, 6, 12, 18)
    assert world.at(180, "deriv(x[5m])") == {"{}": pytest.approx(0.1)}
    assert world.at(180, "predict_linear(x[5m], 600)") == {"{}": pytest.approx(78)}


def test_changes_count_nan_to_nan_as_none() -> None:
    assert world_of(1, 1, math.nan, math.nan, 2).at(240, "changes(x[5m])") == {"{}": 2}


def test_over_time_functions_take_each_sample_of_the_window_once() -> None:
    world = world_of(4, 1, 3, 2)
    expected = {"sum": 10, "avg": 2.5, "min": 1, "max": 4, "count": 4, "stdvar": 1.25, "present": 1}
    for name, value in expected.items():
        assert world.at(180, f"{name}_over_time(x[3m])") == {"{}": pytest.approx(value)}
    assert world.at(180, "last_over_time(x[3m])") == {'{__name__="x"}': 2}


def test_minimum_and_maximum_pass_over_nan() -> None:
    world = world_of(math.nan, 3, math.nan, 1)
    assert world.at(180, "min_over_time(x[3m])") == {"{}": 1}
    assert world.at(180, "max_over_time(x[3m])") == {"{}": 3}


def test_a_sum_whose_terms_cancel_keeps_the_small_one() -> None:
    assert world_of(1e100, 1, -1e100).at(120, "sum_over_time(x[5m])") == {"{}": 1}


def test_an_average_of_huge_values_does_not_overflow() -> None:
    assert world_of(1.7e308, 1.7e308).at(60, "avg_over_time(x[5m])") == {"{}": pytest.approx(1.7e308)}
    assert world_of(1.7e308, math.inf).at(60, "avg_over_time(x[5m])") == {"{}": math.inf}


def test_a_quantile_interpolates_between_ranks() -> None:
    world = world_of(10, 30, 20)
    assert world.at(120, "quantile_over_time(0.75, x[5m])") == {"{}": 25}
    assert world.at(120, "quantile_over_time(-1, x[5m])") == {"{}": -math.inf}
    assert world.at(120, "quantile_over_time(1.1, x[5m])") == {"{}": math.inf}


def test_smoothing_factors_outside_of_zero_and_one_are_an_error() -> None:
    with pytest.raises(ExecutionFailed, match="invalid smoothing factor"):
        world_of(1, 2).at(60, "holt_winters(x[5m], 0, 0.5)")
    with pytest.raises(ExecutionFailed, match=r"invalid trend factor. Expected: 0 < tf < 1, got: 1.000000"):
        world_of(1, 2).at(60, "holt_winters(x[5m], 0.5, 1)")


def test_double_smoothing_follows_a_straight_line() -> None:
    assert world_of(1, 2, 3, 4).at(180, "holt_winters(x[5m], 0.5, 0.5)") == {"{}": pytest.approx(4)}


def buckets(world: World, counts: dict[str, float]) -> None:
    for bound, count in counts.items():
        world.series("d_bucket", [count], le=bound)


def test_a_histogram_quantile_interpolates_within_its_bucket() -> None:
    world = World()
    buckets(world, {"1": 10, "2": 30, "+Inf": 40})
    assert world.at(0, "histogram_quantile(0.5, d_bucket)") == {"{}": 1.5}
    assert world.at(0, "histogram_quantile(0.1, d_bucket)") == {"{}": pytest.approx(0.4)}


def test_a_quantile_in_the_last_bucket_is_its_lower_bound() -> None:
    world = World()
    buckets(world, {"1": 10, "2": 30, "+Inf": 40})
    assert world.at(0, "histogram_quantile(0.99, d_bucket)") == {"{}": 2}


def test_a_histogram_without_an_infinite_bucket_has_no_quantile() -> None:
    world = World()
    buckets(world, {"1": 10, "2": 30})
    assert math.isnan(world.at(0, "histogram_quantile(0.5, d_bucket)")["{}"])


def test_buckets_that_shrink_are_taken_as_level() -> None:
    world = World()
    buckets(world, {"1": 10, "2": 8, "4": 20, "+Inf": 20})
    assert world.at(0, "histogram_quantile(0.75, d_bucket)") == {"{}": 3}


def test_a_series_without_a_bound_is_passed_over() -> None:
    world = World()
    buckets(world, {"1": 10, "+Inf": 10, "much": 5})
    world.series("d_bucket", [99])
    assert world.at(0, "histogram_quantile(0.5, d_bucket)") == {"{}": 0.5}


def test_a_histogram_whose_buckets_come_later_is_computed_from_those_that_exist() -> None:
    world = World()
    buckets(world, {"1": 10, "+Inf": 10})
    world.series("d_bucket", [10], start=600, le="0.5")
    world.series("d_bucket", [10], start=600, le="1")
    world.series("d_bucket", [10], start=600, le="+Inf")
    assert world.over(0, 600, 600, "histogram_quantile(0.5, d_bucket)") == {"{}": [(0, 0.5), (600, 0.25)]}


def test_a_label_is_replaced_where_the_whole_value_matches() -> None:
    world = World()
    world.series("x", [1], pod="web-7")
    world.series("x", [2], pod="api")
    assert world.at(0, 'label_replace(x, "app", "$1!", "pod", "(.*)-[0-9]+")') == {
        '{__name__="x", app="web!", pod="web-7"}': 1,
        '{__name__="x", pod="api"}': 2,
    }


def test_labels_that_become_equal_are_an_error() -> None:
    world = World()
    world.series("x", [1], pod="a")
    world.series("x", [2], pod="b")
    with pytest.raises(ExecutionFailed, match="same labelset"):
        world.at(0, 'label_replace(x, "pod", "", "pod", ".*")')


def test_series_that_become_equal_may_take_turns() -> None:
    world = World()
    world.series("a", [-1])
    world.series("b", [-2], start=600)
    assert world.over(0, 600, 600, 'abs({__name__=~"a|b"})') == {"{}": [(0, 1), (600, 2)]}


def test_rates_of_series_that_become_equal_may_not_even_take_turns() -> None:
    world = World()
    world.series("a", [1, 2])
    world.series("b", [1, 2], start=6000)
    with pytest.raises(ExecutionFailed, match="same labelset"):
        world.over(60, 6060, 600, 'rate({__name__=~"a|b"}[5m])')


def test_labels_are_joined_with_empty_places_for_missing_ones() -> None:
    world = World()
    world.series("x", [1], a="1", c="3")
    assert world.at(0, 'label_join(x, "all", "-", "a", "b", "c")') == {'{__name__="x", a="1", all="1--3", c="3"}': 1}


def test_absence_carries_the_labels_that_were_asked_for() -> None:
    world = World()
    assert world.at(0, 'absent(x{a="1",b=~"2",c="3",c="4"})') == {'{a="1"}': 1}
    assert world.at(0, 'absent_over_time(x{a="1"}[5m])') == {'{a="1"}': 1}
    assert world.at(0, "absent(sum(x))") == {"{}": 1}


def test_presence_leaves_no_absence_at_those_steps() -> None:
    world = World()
    world.series("x", [1], start=300)
    assert world.over(0, 900, 300, "absent(x)") == {"{}": [(0, 1), (900, 1)]}


def test_a_scalar_is_the_only_element_or_nan() -> None:
    world = World()
    world.series("x", [7], job="a")
    assert world.number("scalar(x)") == 7
    world.series("x", [8], job="b")
    assert math.isnan(world.number("scalar(x)"))


def test_rounding_is_to_the_nearest_multiple_with_halves_up() -> None:
    world = world_of(2.5)
    assert world.at(0, "round(x)") == {"{}": 3}
    assert world.at(0, "round(-x)") == {"{}": -2}
    assert world.at(0, "round(x, 2)") == {"{}": 2}


def test_clamping_to_nothing_leaves_nothing() -> None:
    world = world_of(5)
    assert world.at(0, "clamp(x, 1, 3)") == {"{}": 3}
    assert world.at(0, "clamp(x, 3, 1)") == {}


def test_sorting_puts_nan_last_both_ways() -> None:
    world = World()
    for name, value in (("a", 2.0), ("b", math.nan), ("c", 1.0)):
        world.series("x", [value], n=name)
    assert [key[-3] for key in world.at(0, "sort(x)")] == ["c", "a", "b"]
    assert [key[-3] for key in world.at(0, "sort_desc(x)")] == ["a", "c", "b"]


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("year()", 2024),
        ("month()", 2),
        ("day_of_month()", 29),
        ("day_of_week()", 4),
        ("day_of_year()", 60),
        ("days_in_month()", 29),
        ("hour()", 23),
        ("minute()", 59),
    ],
)
def test_the_calendar_is_utc_and_knows_leap_years(query: str, value: float) -> None:
    assert World().at(1709251199, query) == {"{}": value}


def test_the_calendar_of_a_value_that_is_no_time_is_nan() -> None:
    assert math.isnan(World().at(0, "hour(vector(NaN))")["{}"])


def test_infinity_decides_a_clamp_even_against_nan() -> None:
    world = World()
    world.series("low", [-math.inf])
    world.series("high", [math.inf])
    assert world.at(0, "clamp_max(low, NaN)") == {"{}": -math.inf}
    assert world.at(0, "clamp_min(high, NaN)") == {"{}": math.inf}
    assert math.isnan(world.at(0, "clamp_max(high, NaN)")["{}"])
    assert world.at(0, "clamp(low, -1.5, NaN)") == {"{}": -1.5}


def test_equal_samples_do_not_deviate_however_large_they_are() -> None:
    world = World()
    world.series("v", [1.7e9 / 3] * 7)
    assert world.at(360, "stdvar_over_time(v[6m])") == {"{}": 0}
