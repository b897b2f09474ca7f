from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.routing.intervals import read_interval
from alerts.routing.occurrences import occurrences

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
YEAR = timedelta(days=365)


def coming(entry: dict[str, Any], start: datetime = MONDAY, end: datetime = MONDAY + YEAR, most: int = 3) -> list[str]:
    found = occurrences(read_interval(entry, "here:"), start, end, most)
    return [f"{begins:%m-%d %H:%M} {ends:%m-%d %H:%M}" for begins, ends in found]


def hours(begins: str, ends: str) -> dict[str, Any]:
    return {"times": [{"start_time": begins, "end_time": ends}]}


def test_every_sunday_from_two_to_four() -> None:
    assert coming({"weekdays": ["sunday"], **hours("02:00", "04:00")}, most=2) == [
        "03-08 02:00 03-08 04:00",
        "03-15 02:00 03-15 04:00",
    ]


def test_one_that_holds_now_is_the_first() -> None:
    assert coming(hours("08:00", "10:00"), most=1) == ["03-02 08:00 03-02 10:00"]


def test_one_that_is_over_today_comes_tomorrow() -> None:
    assert coming(hours("08:00", "09:00"), most=1) == ["03-03 08:00 03-03 09:00"]


def test_it_is_read_in_its_own_zone_through_the_change_of_clocks() -> None:
    entry = {"weekdays": ["sunday"], "location": "Europe/Berlin", **hours("10:00", "11:00")}
    start = datetime(2026, 3, 23, tzinfo=UTC)
    assert coming(entry, start, start - timedelta(days=7) + YEAR, 2)[0] == "03-29 08:00 03-29 09:00"
    assert coming(entry, MONDAY, MONDAY + YEAR, 1) == ["03-08 09:00 03-08 10:00"]


def test_a_weekend_is_one_stretch() -> None:
    assert coming({"weekdays": ["saturday", "sunday"]}, most=1) == ["03-07 00:00 03-09 00:00"]


def test_two_ranges_around_midnight_are_one_stretch() -> None:
    entry = {"times": [{"start_time": "23:00", "end_time": "24:00"}, {"start_time": "00:00", "end_time": "01:00"}]}
    assert coming(entry, most=1) == ["03-02 23:00 03-03 01:00"]


def test_the_last_day_of_a_month() -> None:
    assert coming({"days_of_month": ["-1"]}, most=2) == ["03-31 00:00 04-01 00:00", "04-30 00:00 05-01 00:00"]


def test_nothing_comes_after_the_end() -> None:
    assert coming({"weekdays": ["sunday"]}, end=MONDAY + timedelta(days=5)) == []


def test_a_year_that_is_past_never_comes() -> None:
    assert coming({"years": ["2020"]}) == []


@pytest.mark.parametrize("day", range(1, 15))
def test_every_stretch_is_one_in_which_the_interval_holds(day: int) -> None:
    interval = read_interval(
        {"weekdays": ["tuesday:friday"], "location": "Asia/Shanghai", **hours("07:30", "19:00")}, "x:"
    )
    for begins, ends in occurrences(interval, MONDAY + timedelta(days=day), MONDAY + YEAR):
        assert interval.contains(begins)
        assert interval.contains(ends - timedelta(minutes=1))
        assert not interval.contains(ends)
        assert not interval.contains(begins - timedelta(minutes=1))
