"""When things happen that are nobody's fault, and the waves that follow from it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from simulator.life.calendar import HABITS, Calendar, Happening
from simulator.life.chatter import scanners
from simulator.life.jobs import PastNights, nights
from simulator.life.waves import Swell, Wave
from simulator.shop import SHOP
from tests.simulator.worlds import small_shop

MONDAY = datetime(2026, 1, 12, tzinfo=UTC)
MONTH = timedelta(days=28)


def test_the_calendar_is_the_same_whoever_asks_and_in_whatever_steps() -> None:
    whole = Calendar(7).between(MONDAY, MONDAY + MONTH)
    stepped, steps = Calendar(7), []
    for hour in range(28 * 24):
        steps += stepped.between(MONDAY + timedelta(hours=hour), MONDAY + timedelta(hours=hour + 1))
    assert steps == whole
    assert Calendar(8).between(MONDAY, MONDAY + MONTH) != whole


def test_the_next_one_is_the_first_that_comes() -> None:
    calendar = Calendar(7)
    coming = calendar.between(MONDAY, MONDAY + MONTH)
    assert calendar.next(MONDAY) == coming[0].at
    assert calendar.next(coming[0].at) > coming[0].at


def test_every_habit_keeps_its_measure_its_hours_and_its_weekends() -> None:
    happenings = Calendar(7).between(MONDAY, MONDAY + MONTH)
    counted = Counter(each.kind for each in happenings)
    for habit in HABITS:
        days = 28 if habit.weekend else 20
        assert counted[habit.kind] == pytest.approx(habit.a_day * days, rel=0.45)
        for each in (one for one in happenings if one.kind == habit.kind):
            local = each.at + timedelta(hours=8)
            assert habit.first_hour <= local.hour + local.minute / 60 + local.second / 3600 <= habit.last_hour
            assert habit.weekend or local.weekday() < 5


def test_a_wave_rises_holds_and_falls_and_is_one_story_live_and_in_history() -> None:
    calendar = Calendar(7)
    first = next(each for each in calendar.between(MONDAY, MONDAY + MONTH) if each.kind == "crawler")

    def swell(happening: Happening) -> Swell | None:
        return Swell(0.5, 600) if happening == first else None

    wave = Wave(0.5, base=1.0, calendar=calendar, swell=swell)
    times = first.at.timestamp() + np.array([-60.0, 0.0, 10.0, 300.0, 595.0, 700.0])
    history = wave.at(times)
    assert history.tolist() == [1.0, 1.0, 1.25, 1.5, 1.125, 1.0]
    assert [float(wave.at(np.array([each]))[0]) for each in times] == history.tolist()


def test_a_wave_without_times_is_empty() -> None:
    assert len(Wave(1.0, calendar=Calendar(7)).at(np.array([]))) == 0


def test_past_nights_press_while_their_job_would_have_run_and_end_with_the_past() -> None:
    (backup,) = [night for night in nights(SHOP) if night.name == "shop-db-backup"]
    noon = MONDAY + timedelta(hours=12)
    level = PastNights(0.2, until=(MONDAY + timedelta(days=2)).timestamp(), night=backup)
    at = [MONDAY + timedelta(days=day, hours=2, minutes=minute) for day in (0, 1, 2) for minute in (14, 16, 40)]
    pressed = level.at(np.array([each.timestamp() for each in at]))
    assert pressed.tolist() == [0.0, 0.2, 0.0, 0.0, 0.2, 0.0, 0.0, 0.0, 0.0]
    assert backup.last_before(noon) == MONDAY + timedelta(hours=2, minutes=15)
    assert backup.last_before(MONDAY) == MONDAY - timedelta(days=1) + timedelta(hours=2, minutes=15)


def test_a_shop_without_a_database_has_no_nightly_jobs() -> None:
    shop = small_shop()
    assert len(nights(shop)) == 3
    bare = type(shop)(apps=shop.apps[:1], entries=(), nodes=(), namespaces=("shop",), peak_rps=1.0)
    assert nights(bare) == []


def test_scanners_knock_always_and_sometimes_loudly() -> None:
    times = np.arange(0, 7 * 86_400, 60.0)
    rates = scanners(7, times)
    assert 0 < rates.min() < 0.1
    assert 1 < rates.max() < 3
    assert (rates > 1).mean() < 0.1
