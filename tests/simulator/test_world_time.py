"""The clock, stateless noise and the load curve."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from simulator.clock import SimClock, parse_rfc3339, rfc3339
from simulator.load import LoadCurve
from simulator.noise import Floats, drift, grain, uniform

MONDAY = datetime(2026, 1, 12, tzinfo=UTC)


def spaced(count: int, seconds: float) -> Floats:
    return MONDAY.timestamp() + np.arange(count, dtype=np.float64) * seconds


def hours(count: int) -> Floats:
    return spaced(count, 3600.0)


def test_a_clock_stands_still_until_it_is_moved() -> None:
    clock = SimClock(MONDAY)
    assert clock.now() == MONDAY
    clock.advance(90)
    assert clock.now() == MONDAY + timedelta(seconds=90)
    assert clock.due() == 0


def test_a_running_clock_earns_simulated_time_by_its_speed() -> None:
    ticks = iter([100.0, 102.0, 102.5])
    clock = SimClock(MONDAY, speed=10, monotonic=lambda: next(ticks))
    assert clock.due() == 20
    assert clock.due() == 5


@pytest.mark.parametrize(
    "build",
    [
        lambda: SimClock(datetime(2026, 1, 12)),  # noqa: DTZ001  (the point of the test)
        lambda: SimClock(MONDAY, speed=-1),
        lambda: SimClock(MONDAY, speed=1),
        lambda: SimClock(MONDAY).advance(-1),
        lambda: SimClock(MONDAY).set(MONDAY - timedelta(seconds=1)),
        lambda: parse_rfc3339("2026-01-12T00:00:00"),
    ],
)
def test_a_clock_refuses_what_no_clock_does(build: object) -> None:
    assert callable(build)
    with pytest.raises(ValueError, match=r"clock|time"):
        build()


def test_times_are_written_to_the_second_in_utc() -> None:
    moment = parse_rfc3339("2026-01-12T08:00:00.7+08:00")
    assert rfc3339(moment) == "2026-01-12T00:00:00Z"


def test_noise_depends_on_seed_name_and_slot_and_on_nothing_else() -> None:
    times = hours(50)
    assert (grain(7, "a", times) == grain(7, "a", times)).all()
    assert (grain(7, "a", times) != grain(8, "a", times)).any()
    assert (grain(7, "a", times) != grain(7, "b", times)).any()
    assert grain(7, "a", times)[20] == grain(7, "a", times[20:21])[0]
    assert uniform(7, "a") != uniform(7, "b")


def test_noise_stays_within_its_bounds_and_has_no_bias() -> None:
    times = spaced(20_000, 15.0)
    white = grain(7, "a", times)
    assert -1 <= white.min() < white.max() < 1
    assert abs(white.mean()) < 0.02
    assert abs(drift(7, "a", times)).max() < 1.7


def test_the_night_is_quieter_than_the_morning_and_the_evening() -> None:
    curve = LoadCurve(7, 100, utc_offset_hours=0)
    level = curve.at(hours(24))
    assert level[4] < 0.5 * level[11]
    assert level[4] < 0.5 * level[20]
    assert level.min() > 20


def test_the_weekend_is_busier_than_the_middle_of_the_week() -> None:
    curve = LoadCurve(7, 100, utc_offset_hours=0, drift_share=0, grain_share=0)
    week = curve.at(hours(7 * 24)).reshape(7, 24).sum(axis=1)
    assert week[5] > 1.08 * week[1]
    assert week[1] == pytest.approx(week[2], rel=0.01)


def test_one_week_is_like_the_next_and_no_midnight_jumps() -> None:
    curve = LoadCurve(7, 100, drift_share=0, grain_share=0)
    minutes = spaced(14 * 1440, 60.0)
    level = curve.at(minutes)
    assert level[: len(level) // 2] == pytest.approx(level[len(level) // 2 :], rel=1e-6)
    assert abs(np.diff(level)).max() < 1.0
