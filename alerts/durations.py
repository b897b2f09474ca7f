"""Durations as Prometheus writes them: ``5m``, ``1h30m``, ``0``; units once each and from large to small."""

import re
from datetime import timedelta

from core.errors import Invalid

_UNITS = (("y", 31_536_000_000), ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000))
_SHAPE = re.compile("".join(rf"(?:([0-9]{{1,10}}){unit})?" for unit, _ in _UNITS) + r"(?:([0-9]{1,13})ms)?")
_EXACT = frozenset({"y", "w", "d"})
_LONGEST = 100 * 31_536_000_000


def parse_duration(text: str, field: str | None = None) -> timedelta:
    match = _SHAPE.fullmatch(text)
    if text == "0":
        return timedelta(0)
    if not text or match is None:
        raise Invalid(f"{text!r} is not a duration; write it as 30s, 5m or 1h30m.", field=field)
    sizes = [*(size for _, size in _UNITS), 1]
    total = sum(int(digits) * size for digits, size in zip(match.groups(), sizes, strict=True) if digits)
    if total > _LONGEST:
        raise Invalid(f"The duration {text} is longer than a hundred years.", field=field)
    return timedelta(milliseconds=total)


def show_duration(duration: timedelta) -> str:
    """The shortest way Prometheus itself would print it; years, weeks and days only where they come out even."""
    rest = round(duration.total_seconds() * 1000)
    if rest == 0:
        return "0s"
    parts = []
    for unit, size in _UNITS:
        if unit in _EXACT and rest % size:
            continue
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) + (f"{rest}ms" if rest else "")
