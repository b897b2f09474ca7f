"""Change points: seen where a person would see them, and nowhere else."""

import math
import random

from tools.engines.changepoint import ChangePoint, change_points

STEP = 15.0


def series(*values: float) -> list[tuple[float, float]]:
    return [(place * STEP, value) for place, value in enumerate(values)]


def noisy(rng: random.Random, count: int, level: float, noise: float) -> list[float]:
    return [level + rng.gauss(0, noise) for _ in range(count)]


def places(found: list[ChangePoint]) -> list[int]:
    return [round(one.at / STEP) for one in found]


def test_a_step_is_found_where_it_happened_with_both_levels() -> None:
    rng = random.Random(1)
    found = change_points(series(*noisy(rng, 120, 1.0, 0.1), *noisy(rng, 120, 3.0, 0.1)))
    assert len(found) == 1
    assert abs(places(found)[0] - 120) <= 1
    assert abs(found[0].before - 1.0) < 0.1
    assert abs(found[0].after - 3.0) < 0.1


def test_an_excursion_has_a_beginning_and_an_end() -> None:
    rng = random.Random(2)
    found = change_points(series(*noisy(rng, 80, 5, 0.5), *noisy(rng, 40, 9, 0.5), *noisy(rng, 120, 5, 0.5)))
    assert [abs(place - true) <= 2 for place, true in zip(places(found), (80, 120), strict=True)] == [True, True]
    assert found[0].after == found[1].before


def test_a_step_that_a_moving_average_smeared_is_one_change_begun_where_it_begins() -> None:
    rng = random.Random(3)
    ramp = [100 + 5 * min(max(0, place - 100), 20) + rng.gauss(0, 2) for place in range(240)]
    found = change_points(series(*ramp))
    assert len(found) == 1
    assert 98 <= places(found)[0] <= 112
    assert (round(found[0].before, -1), round(found[0].after, -1)) == (100, 200)


def test_from_nothing_to_something_is_a_change_even_near_the_end() -> None:
    assert change_points(series(*[0.0] * 235, *[1.0] * 5)) == [ChangePoint(235 * STEP, 0.0, 1.0)]


def test_a_short_series_is_enough_where_both_sides_are() -> None:
    assert places(change_points(series(0, 0, 0, 5, 5, 5))) == [3]
    assert change_points(series(0, 0, 5, 5)) == []
    assert change_points([]) == []


def test_a_slope_a_spike_and_a_daily_wave_are_no_steps() -> None:
    assert change_points(series(*[float(place) for place in range(240)])) == []
    assert change_points(series(*[50.0 if place == 100 else 1.0 for place in range(240)])) == []
    assert change_points(series(*[100 + 30 * math.sin(place / 38) for place in range(240)])) == []


def test_noise_alone_hardly_ever_looks_like_a_change() -> None:
    rng = random.Random(4)
    white = sum(bool(change_points(series(*noisy(rng, 240, 10, 3)))) for _ in range(50))
    rare = sum(bool(change_points(series(*rate_of_rare_events(rng)))) for _ in range(50))
    assert white == 0
    assert rare <= 4


def rate_of_rare_events(rng: random.Random) -> list[float]:
    events = [rng.random() < 0.1 for _ in range(260)]
    return [sum(events[place : place + 20]) / 300 for place in range(240)]


def test_a_move_too_small_to_matter_is_left_out() -> None:
    assert change_points(series(*[1000.0] * 100, *[1010.0] * 100)) == []


def test_what_is_not_a_number_is_left_out() -> None:
    found = change_points(series(*[1.0, math.nan] * 40, *[4.0, math.inf] * 40))
    assert places(found) == [80]


def test_at_most_three_changes_are_named_the_largest_among_them() -> None:
    levels = [0, 10, 30, 90, 20, 80]
    found = change_points(series(*[level + 0.0 for level in levels for _ in range(40)]))
    assert len(found) <= 3
    assert (90.0, 20.0) in {(one.before, one.after) for one in found}


def test_a_long_series_is_binned_and_the_time_still_true() -> None:
    found = change_points(series(*[1.0] * 6_000, *[2.0] * 5_000))
    assert len(found) == 1
    assert abs(places(found)[0] - 6_000) <= 50
