"""When a named stretch of time holds: every kind of range, short months, time zones and their summer time."""

from datetime import UTC, datetime
from typing import Any

import pytest

from alerts.routing.intervals import read_interval
from core.errors import Invalid


def holds(at: str, **written: Any) -> bool:
    return read_interval(written, "here:").contains(datetime.fromisoformat(at).replace(tzinfo=UTC))


def times(begin: str, end: str) -> list[dict[str, str]]:
    return [{"start_time": begin, "end_time": end}]


def test_an_empty_interval_always_holds() -> None:
    assert holds("2026-03-02 12:00")


@pytest.mark.parametrize(
    ("at", "expected"), [("08:59:59", False), ("09:00:00", True), ("16:59:59", True), ("17:00:00", False)]
)
def test_hours_hold_from_their_first_minute_to_before_their_last(at: str, expected: bool) -> None:
    assert holds(f"2026-03-02 {at}", times=times("09:00", "17:00")) is expected


def test_a_day_may_end_at_24_00() -> None:
    assert holds("2026-03-02 23:59:59", times=times("22:00", "24:00"))
    assert not holds("2026-03-03 00:00:00", times=times("22:00", "24:00"))


@pytest.mark.parametrize(("day", "expected"), [("01", False), ("02", True), ("06", True), ("07", False)])
def test_weekdays_in_march_of_2026(day: str, expected: bool) -> None:
    assert holds(f"2026-03-{day} 12:00", weekdays=["monday:Friday"]) is expected


@pytest.mark.parametrize(
    ("at", "days", "expected"),
    [
        ("2026-02-28", ["-1"], True),
        ("2028-02-28", ["-1"], False),
        ("2028-02-29", ["-1"], True),
        ("2026-02-26", ["-3:-1"], True),
        ("2026-02-25", ["-3:-1"], False),
        ("2026-02-28", ["29:31"], False),
        ("2026-02-28", ["27:31"], True),
        ("2026-04-30", ["31"], False),
        ("2026-02-01", ["-31:-28"], True),
        ("2026-03-15", ["10:-10"], True),
        ("2026-03-31", ["10:-10"], False),
    ],
)
def test_days_are_counted_from_both_ends_of_their_month(at: str, days: list[str], expected: bool) -> None:
    assert holds(f"{at} 12:00", days_of_month=days) is expected


def test_months_have_names_and_numbers_and_years_are_years() -> None:
    assert holds("2026-03-02 12:00", months=["3"], years=["2025:2026"])
    assert holds("2026-03-02 12:00", months=["january:March"])
    assert not holds("2026-03-02 12:00", months=["april:december"])
    assert not holds("2026-03-02 12:00", years=["2027"])


def test_every_kind_that_is_given_must_hold() -> None:
    assert not holds("2026-03-02 12:00", weekdays=["monday"], months=["4"])


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-28 08:30", True),
        ("2026-03-29 07:30", True),
        ("2026-03-29 08:30", False),
        ("2026-10-25 08:30", True),
        ("2026-10-24 08:30", False),
    ],
)
def test_nine_in_berlin_is_an_hour_earlier_in_summer(at: str, expected: bool) -> None:
    assert holds(at, times=times("09:00", "10:00"), location="Europe/Berlin") is expected


def test_the_day_is_the_day_there() -> None:
    assert holds("2026-03-01 20:00", weekdays=["monday"], location="Australia/Sydney")


@pytest.mark.parametrize(
    "written",
    [
        {"days_of_month": ["0"]},
        {"days_of_month": ["20:-20"]},
        {"days_of_month": ["-1:5"]},
        {"times": times("10:00", "09:00")},
        {"weekdays": ["friday:monday"]},
        {"location": "Mars/Base"},
        {"hours": ["1"]},
    ],
)
def test_what_can_never_be_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        read_interval(written, "here:")
