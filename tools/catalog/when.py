"""Times and durations as people type them: `15m`, `1h30m`, `2d`, RFC 3339, or seconds since 1970."""

import re
from datetime import UTC, datetime, timedelta

from core.errors import Invalid

LONGEST = timedelta(days=400)
_PART = re.compile(r"(\d{1,9})(ms|[smhdwy])")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}


def duration(text: str, field: str) -> timedelta:
    parts = _PART.findall(text.strip())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise Invalid(f"{text[:40]!r} is not a duration such as 15m, 1h30m or 2d.", field=field)
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in parts)
    if not 0 < seconds <= LONGEST.total_seconds():
        raise Invalid(f"The duration must be longer than nothing and at most {LONGEST.days} days.", field=field)
    return timedelta(seconds=seconds)


def moment(text: str, field: str) -> datetime:
    try:
        if re.fullmatch(r"\d{9,11}(\.\d{1,6})?", text):
            return datetime.fromtimestamp(float(text), UTC)
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text[:40]!r} is not a time such as 2026-03-02T09:00:00Z.", field=field) from None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
