"""Moments and durations as Go's templates show and count them: layouts written by example, nanoseconds, zones by name or by offset."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

NANOS = 1_000_000_000
STANDARD = "2006-01-02 15:04:05.999999999 -0700 MST"
_WRITTEN = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)
_LAYOUT = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|2006|__2|_2(?!006)|PM|pm"
    r"|[-Z]07:00:00|[-Z]070000|[-Z]07:00|[-Z]0700|[-Z]07|[.,](?:0+|9+)(?!\d)|[12345]"
)
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


class Duration(int):
    """In nanoseconds."""

    def __str__(self) -> str:
        sign, left = ("-", -int(self)) if self < 0 else ("", int(self))
        if left == 0:
            return "0s"
        for unit, size in (("ns", 1), ("µs", 1000), ("ms", 1_000_000)):
            if left < size * 1000:
                return f"{sign}{_fraction(left, size)}{unit}"
        seconds, minutes = left % (60 * NANOS), left // (60 * NANOS)
        shown = f"{_fraction(seconds, NANOS)}s"
        if minutes:
            shown = f"{minutes % 60}m{shown}"
        return sign + (f"{minutes // 60}h{shown}" if minutes >= 60 else shown)

    def rounded(self, to: int) -> "Duration":
        if to <= 0:
            return self
        whole, rest = divmod(abs(int(self)), to)
        found = (whole + (rest * 2 >= to)) * to
        return Duration(found if self >= 0 else -found)

    def cut(self, to: int) -> "Duration":
        if to <= 0:
            return self
        found = abs(int(self)) // to * to
        return Duration(found if self >= 0 else -found)


class Month(int):
    def __str__(self) -> str:
        return _MONTHS[self - 1]


class Weekday(int):
    def __str__(self) -> str:
        return _DAYS[self]


@dataclass(frozen=True, slots=True)
class Time:
    at: datetime
    """Aware, in whole seconds."""
    nanos: int = 0

    def __str__(self) -> str:
        return self.format(STANDARD)

    @classmethod
    def of(cls, at: datetime) -> "Time":
        return cls(at.replace(microsecond=0), at.microsecond * 1000)

    @classmethod
    def parse(cls, written: str) -> "Time":
        match = _WRITTEN.fullmatch(written)
        if match is None:
            raise ValueError(f"{written!r} is not a time as RFC 3339 writes it")
        *numbers, fraction, z, sign, hours, minutes = match.groups()
        zone: tzinfo = UTC
        if not z:
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            zone = timezone(-offset if sign == "-" else offset, "")
        year, month, day, hour, minute, second = map(int, numbers)
        return cls(datetime(year, month, day, hour, minute, second, tzinfo=zone), int((fraction or "0").ljust(9, "0")))

    @property
    def unix_nanos(self) -> int:
        since = self.at - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86_400 + since.seconds) * NANOS + self.nanos

    def add(self, nanos: int) -> "Time":
        seconds, left = divmod(self.nanos + int(nanos), NANOS)
        try:
            return Time((self.at.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(self.at.tzinfo), left)
        except OverflowError:
            # Before the first day or after the last that there are: an alert that has no end has one of those.
            return self

    def add_date(self, years: int, months: int, days: int) -> "Time":
        whole = self.at.year * 12 + self.at.month - 1 + years * 12 + months
        first = self.at.replace(year=whole // 12, month=whole % 12 + 1, day=1)
        return Time(first + timedelta(days=self.at.day - 1 + days), self.nanos)

    def sub(self, other: "Time") -> Duration:
        apart = self.unix_nanos - other.unix_nanos
        return Duration(max(-(2**63), min(2**63 - 1, apart)))

    def in_zone(self, name: str) -> "Time":
        if name in ("", "UTC"):
            return Time(self.at.astimezone(UTC), self.nanos)
        try:
            return self._moved(ZoneInfo(name))
        except (ZoneInfoNotFoundError, OSError):
            raise ValueError(f"{name[:60]!r} is no time zone that this machine knows") from None

    def local(self) -> "Time":
        return self._moved(None)

    def _moved(self, zone: tzinfo | None) -> "Time":
        """The first day of all has no evening before it: what has no date in a zone stays in UTC."""
        try:
            return Time(self.at.astimezone(zone), self.nanos)
        except OverflowError:
            return Time(self.at.astimezone(UTC), self.nanos)

    def format(self, layout: str) -> str:
        return _LAYOUT.sub(lambda match: _piece(match[0], self), layout)


def _fraction(value: int, size: int) -> str:
    digits = len(str(size)) - 1
    rest = f"{value % size:0{digits}d}".rstrip("0") if digits else ""
    return f"{value // size}.{rest}" if rest else str(value // size)


_PIECES: dict[str, Callable[[datetime], str]] = {
    "January": lambda at: _MONTHS[at.month - 1],
    "Jan": lambda at: _MONTHS[at.month - 1][:3],
    "1": lambda at: str(at.month),
    "01": lambda at: f"{at.month:02d}",
    "Monday": lambda at: _DAYS[at.isoweekday() % 7],
    "Mon": lambda at: _DAYS[at.isoweekday() % 7][:3],
    "2": lambda at: str(at.day),
    "_2": lambda at: f"{at.day:2d}",
    "02": lambda at: f"{at.day:02d}",
    "__2": lambda at: f"{at.timetuple().tm_yday:3d}",
    "002": lambda at: f"{at.timetuple().tm_yday:03d}",
    "15": lambda at: f"{at.hour:02d}",
    "3": lambda at: str((at.hour + 11) % 12 + 1),
    "03": lambda at: f"{(at.hour + 11) % 12 + 1:02d}",
    "4": lambda at: str(at.minute),
    "04": lambda at: f"{at.minute:02d}",
    "5": lambda at: str(at.second),
    "05": lambda at: f"{at.second:02d}",
    "2006": lambda at: f"{at.year:04d}",
    "06": lambda at: f"{at.year % 100:02d}",
    "PM": lambda at: "PM" if at.hour >= 12 else "AM",
    "pm": lambda at: "pm" if at.hour >= 12 else "am",
    "MST": lambda at: at.tzname() or _offset("-0700", at),
}


def _piece(shape: str, time: Time) -> str:
    if shape in _PIECES:
        return _PIECES[shape](time.at)
    if shape[0] in "-Z":
        return _offset(shape, time.at)
    digits = f"{time.nanos:09d}".ljust(len(shape) - 1, "0")[: len(shape) - 1]
    if shape[1] == "0":
        return shape[0] + digits
    shown = digits.rstrip("0")
    return f"{shape[0]}{shown}" if shown else ""


def _offset(shape: str, at: datetime) -> str:
    offset = at.utcoffset() or timedelta(0)
    if shape[0] == "Z" and not offset:
        return "Z"
    left = int(abs(offset).total_seconds())
    parts = [f"{left // 3600:02d}", f"{left // 60 % 60:02d}", f"{left % 60:02d}"]
    count = (len(shape.replace(":", "")) - 1) // 2
    return ("-" if offset < timedelta(0) else "+") + (":" if ":" in shape else "").join(parts[:count])
