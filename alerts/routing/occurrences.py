"""When an interval comes next: its stretches of time from a moment on, in the interval's own time zone.

Walked day by day, since all of an interval but its hours is about days. Stretches that touch, as two days of a weekend do, are one.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise

from alerts.routing.intervals import Interval

LOOK_AHEAD_DAYS = 400
_DAY_MINUTES = 24 * 60
_DAY = timedelta(days=1)
Stretch = tuple[datetime, datetime]


def occurrences(interval: Interval, start: datetime, end: datetime, most: int = 5) -> list[Stretch]:
    """Those that are not over at `start` and have begun before `end`; the first may have begun earlier."""
    found: list[Stretch] = []
    for begin, until in _joined(_stretches(interval, start, end)):
        if until > start and begin < end:
            found.append((begin, until))
        if len(found) == most:
            break
    return found


def _stretches(interval: Interval, start: datetime, end: datetime) -> Iterator[Stretch]:
    first = start.astimezone(interval.zone).date() - _DAY
    last = min(end.astimezone(interval.zone).date(), first + _DAY * LOOK_AHEAD_DAYS)
    for number in range((last - first).days + 1):
        day = first + _DAY * number
        if interval.holds_on(day):
            for begin, until in _apart(interval.times or ((0, _DAY_MINUTES),)):
                yield _at(day, begin, interval.zone), _at(day, until, interval.zone)


def _apart(times: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    """In their order; what the clock skips or repeats is the zone's business."""
    bounds = sorted({bound for span in times for bound in span})
    return [(a, b) for a, b in pairwise(bounds) if any(begin <= a and b <= until for begin, until in times)]


def _at(day: date, minute: int, zone: tzinfo) -> datetime:
    days, rest = divmod(minute, _DAY_MINUTES)
    return datetime.combine(day + _DAY * days, time(rest // 60, rest % 60), zone).astimezone(UTC)


def _joined(stretches: Iterator[Stretch]) -> Iterator[Stretch]:
    held: Stretch | None = None
    for begin, until in stretches:
        if held and begin <= held[1]:
            held = held[0], max(held[1], until)
            continue
        if held:
            yield held
        held = begin, until
    if held:
        yield held
