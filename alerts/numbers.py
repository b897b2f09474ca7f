"""Numbers as Go prints them and as Prometheus humanizes them, because users compare our messages with the ones they know."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

_LARGE = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL = ("m", "u", "n", "p", "f", "a", "z", "y")
_BINARY = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_LATEST = 253_402_300_800  # the year 10000; what lies beyond has no calendar date here


def go_float(value: float) -> str:
    """Go's %v: the shortest digits that come back as the same number, with an exponent below 1e-4 and from 1e6 on."""
    if not math.isfinite(value):
        return _not_finite(value)
    sign = "-" if math.copysign(1, value) < 0 else ""
    if value == 0:
        return f"{sign}0"
    shortest = Decimal(repr(abs(value))).normalize()
    if -4 <= shortest.adjusted() < 6:
        return f"{sign}{shortest:f}"
    digits = "".join(str(digit) for digit in shortest.as_tuple().digits)
    point = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{point}e{shortest.adjusted():+03d}"


def general(value: float, digits: int = 4) -> str:
    """C's and Go's %.4g."""
    return f"{value:.{digits}g}" if math.isfinite(value) else _not_finite(value)


def humanize(value: float) -> str:
    if value == 0 or not math.isfinite(value):
        return general(value)
    return "".join(_scaled(value, 1000, _LARGE) if abs(value) >= 1 else _scaled_up(value))


def humanize1024(value: float) -> str:
    if abs(value) <= 1 or not math.isfinite(value):
        return general(value)
    return "".join(_scaled(value, 1024, _BINARY))


def humanize_percentage(value: float) -> str:
    return f"{general(value * 100)}%"


def humanize_duration(value: float) -> str:
    if not math.isfinite(value):
        return general(value)
    if value == 0:
        return "0s"
    if abs(value) < 1:
        return "".join(_scaled_up(value)) + "s"
    sign = "-" if value < 0 else ""
    return sign + _long_duration(abs(value))


def humanize_timestamp(value: float) -> str:
    if not math.isfinite(value):
        return general(value)
    if not 0 <= value < _LATEST:
        raise ValueError(f"{go_float(value)} is not a time between 1970 and 10000")
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(value * 1000))
    fraction = f".{at.microsecond // 1000:03d}".rstrip("0") if at.microsecond else ""
    return f"{at:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


def _not_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"


def _scaled(value: float, base: int, prefixes: tuple[str, ...]) -> tuple[str, str]:
    shown = ""
    for prefix in prefixes:
        if abs(value) < base:
            break
        value, shown = value / base, prefix
    return general(value), shown


def _scaled_up(value: float) -> tuple[str, str]:
    shown = ""
    for prefix in _SMALL:
        if abs(value) >= 1:
            break
        value, shown = value * 1000, prefix
    return general(value), shown


def _long_duration(value: float) -> str:
    whole = int(value)
    days, hours = whole // _DAY, whole // _HOUR % 24
    minutes, seconds = whole // _MINUTE % 60, whole % _MINUTE
    if days:
        return f"{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{hours}h {minutes}m {seconds}s"
    return f"{minutes}m {seconds}s" if minutes else f"{general(value)}s"
