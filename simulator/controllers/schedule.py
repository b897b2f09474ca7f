"""Cron schedules: five fields with lists, ranges, steps and names, the @-words, and when they come next in a time zone.

Where both the day of the month and the day of the week are restricted, a day on which either holds is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = re.compile(r"^@every (?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$")
_YEARS = 5  # a date that does not come within so many years (30 February) never comes


class Unparseable(ValueError):
    """The schedule is none; the message says what the parser of the real controller says."""


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, tuple(_MONTHS)),
    _Field("day of week", 0, 6, tuple(_DAYS)),
)


@dataclass(frozen=True)
class Schedule:
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 0 is Sunday
    any_day: bool
    any_weekday: bool
    zone: ZoneInfo | None = None
    every: timedelta | None = None

    def next(self, after: datetime) -> datetime | None:
        """The first time strictly after `after`."""
        if self.every is not None:
            return after.replace(microsecond=0) + self.every
        zone = self.zone or UTC
        today = after.astimezone(zone).date()
        for offset in range(366 * _YEARS):
            day = today + timedelta(days=offset)
            for moment in self._moments(day):
                if moment > after:
                    return moment
        return None

    def between(self, after: datetime, until: datetime, most: int) -> list[datetime]:
        """The times after `after` up to `until`, no more than `most` of them."""
        found: list[datetime] = []
        moment = self.next(after)
        while moment is not None and moment <= until and len(found) < most:
            found.append(moment)
            moment = self.next(moment)
        return found

    def _moments(self, day: date) -> Iterator[datetime]:
        if day.month not in self.months or not self._is_day(day):
            return
        zone = self.zone or UTC
        for hour in sorted(self.hours):
            for minute in sorted(self.minutes):
                yield datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)

    def _is_day(self, day: date) -> bool:
        by_date, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (by_date and by_weekday) if self.any_day or self.any_weekday else (by_date or by_weekday)


def parse(text: str, zone: ZoneInfo | None = None) -> Schedule:
    stripped = text.strip()
    if stripped.startswith("@every"):
        return _every(stripped, zone)
    if stripped.startswith("@") and stripped not in _WORDS:
        raise Unparseable(f"unrecognized descriptor: {stripped}")
    fields = _WORDS.get(stripped, stripped).split()
    if len(fields) != len(_FIELDS):
        raise Unparseable(f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]")
    minutes, hours, days, months, weekdays = (
        _parse_field(part, field) for part, field in zip(fields, _FIELDS, strict=True)
    )
    weekdays = frozenset(number % 7 for number in weekdays)
    any_day, any_weekday = (fields[at].split(",")[0].removesuffix("/1") in ("*", "?") for at in (2, 4))
    return Schedule(minutes, hours, days, months, weekdays, any_day, any_weekday, zone)


def _every(text: str, zone: ZoneInfo | None) -> Schedule:
    match = _EVERY.match(text)
    parts = [int(each or 0) for each in match.groups()] if match else [0, 0, 0]
    period = timedelta(hours=parts[0], minutes=parts[1], seconds=parts[2])
    if not period:
        raise Unparseable(f'failed to parse duration {text}: time: invalid duration "{text[7:]}"')
    never: frozenset[int] = frozenset()
    return Schedule(never, never, never, never, never, True, True, zone, period)


def _parse_field(text: str, field: _Field) -> frozenset[int]:
    return frozenset(number for part in text.split(",") for number in _parse_part(part, field))


def _parse_part(text: str, field: _Field) -> range:
    spread, slash, step = text.partition("/")
    low, dash, high = spread.partition("-")
    if spread in ("*", "?"):
        first, last = field.low, field.high
    else:
        first = _number(low, field)
        last = _number(high, field) if dash else (field.high if slash else first)
    stride = _number(step, field) if slash else 1
    if first < field.low:
        raise Unparseable(f"beginning of range ({first}) below minimum ({field.low}): {text}")
    # Sunday is also the seventh day.
    top = 7 if field.name == "day of week" and last == 7 and not slash else field.high
    if last > top:
        raise Unparseable(f"end of range ({last}) above maximum ({field.high}): {text}")
    if first > last:
        raise Unparseable(f"beginning of range ({first}) beyond end of range ({last}): {text}")
    if stride == 0:
        raise Unparseable(f"step of range should be a positive number: {text}")
    return range(first, last + 1, stride)


def _number(text: str, field: _Field) -> int:
    word = text.lower()
    if word in field.names:
        return field.names.index(word) + field.low
    if not text.isdecimal():
        raise Unparseable(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)
