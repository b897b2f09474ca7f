"""Named stretches of time: when a route is muted, or when alone it is active.

An interval holds when each of its kinds of ranges that are given holds: hours, weekdays, days of the month, months, years. Days of
the month may count from its end (`-1` is the last). Everything is read in the interval's own time zone, UTC without one. What is
checked, and how a range that reaches past a short month is cut, is Alertmanager's.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alerts.fields import expect_fields, listed, mapping, text
from core.errors import Invalid

Span = tuple[int, int]
_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_CLOCK = re.compile(r"(?:([01]\d|2[0-3]):([0-5]\d))|24:00")
_LONGEST_MONTH = 31
_FIELDS = ("times", "weekdays", "days_of_month", "months", "years", "location")


@dataclass(frozen=True, slots=True)
class Interval:
    """One entry of a named time interval; an empty kind is no condition."""

    times: tuple[Span, ...] = ()
    weekdays: tuple[Span, ...] = ()
    days: tuple[Span, ...] = ()
    months: tuple[Span, ...] = ()
    years: tuple[Span, ...] = ()
    zone: tzinfo = UTC

    def contains(self, at: datetime) -> bool:
        local = at.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        return _within(self.times, minute, half_open=True) and self.holds_on(local.date())

    def holds_on(self, day: date) -> bool:
        """Whether this is one of its days, whatever the hour."""
        return (
            _within(self.weekdays, day.isoweekday() % 7)
            and _within(_days_of(self.days, day), day.day, given=bool(self.days))
            and _within(self.months, day.month)
            and _within(self.years, day.year)
        )


@dataclass(frozen=True, slots=True)
class TimeInterval:
    name: str
    intervals: tuple[Interval, ...]

    def contains(self, at: datetime) -> bool:
        return any(interval.contains(at) for interval in self.intervals)


def read_time_interval(entry: Any, where: str) -> TimeInterval:
    entry = mapping(entry, where, "time intervals as mappings")
    expect_fields(entry, ("name", "time_intervals"), where)
    name = text(entry.get("name"), where, "name")
    where = f"{where.removesuffix(':')} {name!r}:"
    return TimeInterval(
        name, tuple(read_interval(each, where) for each in listed(entry.get("time_intervals"), where, "time_intervals"))
    )


def read_interval(entry: Any, where: str) -> Interval:
    entry = mapping(entry, where, "an interval as a mapping")
    expect_fields(entry, _FIELDS, where)
    days = _ranges(entry, "days_of_month", where, _day)
    _refuse_day_range_that_never_is(days, where)
    return Interval(
        times=tuple(_times(each, where) for each in listed(entry.get("times"), where, "times")),
        weekdays=_ranges(entry, "weekdays", where, _named(_WEEKDAYS, 0)),
        days=days,
        months=_ranges(entry, "months", where, _named(_MONTHS, 1)),
        years=_ranges(entry, "years", where, int),
        zone=_zone(entry.get("location"), where),
    )


def _within(spans: Sequence[Span], value: int, *, half_open: bool = False, given: bool = False) -> bool:
    if not spans:
        return not given
    return any(begin <= value < end if half_open else begin <= value <= end for begin, end in spans)


def _days_of(spans: Sequence[Span], local: date) -> list[Span]:
    last = monthrange(local.year, local.month)[1]
    counted = [tuple(day + last + 1 if day < 0 else day for day in span) for span in spans]
    return [(max(begin, 1), min(end, last)) for begin, end in counted if begin <= last]


def _times(entry: Any, where: str) -> Span:
    entry = mapping(entry, where, "times as mappings of start_time and end_time")
    expect_fields(entry, ("start_time", "end_time"), where)
    begin, end = (_minute(entry.get(name), where, name) for name in ("start_time", "end_time"))
    if begin >= end:
        raise Invalid(f"{where} start_time must be before end_time; cross midnight with two ranges.", field="times")
    return begin, end


def _minute(value: Any, where: str, name: str) -> int:
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Invalid(f"{where} {name} must be written as HH:MM, from 00:00 to 24:00.", field=name)
    return int(found[1]) * 60 + int(found[2]) if found[1] else 24 * 60


def _ranges(entry: Mapping[str, Any], name: str, where: str, number: Callable[[str], int]) -> tuple[Span, ...]:
    return tuple(_range(str(each), name, where, number) for each in listed(entry.get(name), where, name))


def _range(written: str, name: str, where: str, number: Callable[[str], int]) -> Span:
    begin, _, end = written.lower().partition(":")
    try:
        span = number(begin), number(end or begin)
    except ValueError:
        raise Invalid(f"{where} {written!r} is no range of {name}.", field=name) from None
    if (span[0] < 0) == (span[1] < 0) and span[0] > span[1]:
        raise Invalid(f"{where} {written!r} in {name} ends before it begins.", field=name)
    if span[0] < 0 <= span[1]:
        raise Invalid(f"{where} {written!r}: what begins before the month's end must end there, too.", field=name)
    return span


def _named(names: Sequence[str], first: int) -> Callable[[str], int]:
    def number(word: str) -> int:
        if word in names:
            return names.index(word) + first
        if first and word.isdigit() and first <= int(word) < first + len(names):
            return int(word)
        raise ValueError(word)

    return number


def _refuse_day_range_that_never_is(spans: Sequence[Span], where: str) -> None:
    for begin, end in spans:
        if end < 0 < begin and begin > _LONGEST_MONTH + end + 1:
            raise Invalid(
                f"{where} {begin}:{end} in days_of_month ends before it begins in every month.", field="days_of_month"
            )


def _day(word: str) -> int:
    day = int(word)
    if not 1 <= abs(day) <= 31:
        raise ValueError(word)
    return day


def _zone(name: Any, where: str) -> tzinfo:
    if name in (None, "", "UTC"):
        return UTC
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"{where} {name!r} is no time zone that this machine knows.", field="location") from None
