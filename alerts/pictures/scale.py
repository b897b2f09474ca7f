"""Axes: where ticks stand, and numbers and hours as a person writes them. Pure.

Ticks are round in the unit that is read: 1, 2 and 5 with noughts for plain numbers and seconds, powers of two for bytes, clock times for
hours. What is written is ASCII, since it is painted with a font that has little else.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

Unit = Literal["", "bytes", "bytes/s", "seconds", "share", "percent"]
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_THOUSANDS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_SHORT = ((1e-3, 1e3, "ms"), (1e-6, 1e6, "us"), (0.0, 1e9, "ns"))
_LONG = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))
_CLOCK = (60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400)


@dataclass(frozen=True, slots=True)
class Axis:
    low: float
    high: float
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """Where a value stands between the ends: 0 to 1."""
        return (value - self.low) / (self.high - self.low)


def value_axis(values: Sequence[float], unit: Unit, wanted: int = 5) -> Axis:
    """Round ends around all values; zero is shown where it is near, since a curve that floats above nothing misleads."""
    # What is next to nothing is nothing: the smallest numbers that there are cannot be divided into steps.
    low, high = (0.0 if abs(end) < 1e-100 else end for end in (min(values, default=0.0), max(values, default=1.0)))
    if low > 0 and low <= 0.6 * high:
        low = 0.0
    elif high < 0 and high >= 0.6 * low:
        high = 0.0
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        room = abs(high) * 0.1 or 1.0
        low, high = (0.0 if low >= 0 and low - room < 0 else low - room), high + room
    step = _step((high - low) / wanted, unit)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Axis(first * step, last * step, tuple(number * step for number in range(first, last + 1)))


def time_ticks(start: float, end: float, most: int = 7) -> tuple[float, ...]:
    step = next((each for each in _CLOCK if (end - start) / each <= most), _CLOCK[-1])
    return tuple(float(at) for at in range(math.ceil(start / step) * step, math.floor(end) + 1, step))


def clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M}"


def human(value: float, unit: Unit) -> str:
    """At most three figures that mean something, and the unit."""
    match unit:
        case "bytes" | "bytes/s":
            return _bytes(value) + unit.removeprefix("bytes")
        case "seconds":
            return _seconds(value)
        case "share":
            return f"{_figures(value * 100)}%"
        case "percent":
            return f"{_figures(value)}%"
    for size, letter in _THOUSANDS:
        if abs(value) >= size:
            return f"{_figures(value / size)}{letter}"
    return _figures(value)


def _step(raw: float, unit: Unit) -> float:
    if unit in ("bytes", "bytes/s") and raw >= 1:
        size = 1024.0 ** math.floor(math.log(raw, 1024))
        return size * _round_step(raw / size, (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024))
    if unit == "seconds" and raw >= 30:
        size = next(each for each, _ in _LONG if raw >= each / 2)
        return size * max(0.5, _step(raw / size, ""))
    tens: float = 10.0 ** math.floor(math.log10(raw))
    return tens * _round_step(raw / tens, (1, 2, 5, 10))


def _round_step(raw: float, steps: Sequence[int]) -> int:
    return next((step for step in steps if step >= raw * 0.8), steps[-1])


def _bytes(value: float) -> str:
    place = min(int(math.log(abs(value), 1024)), len(_BYTES) - 1) if abs(value) >= 1 else 0
    return f"{_figures(value / 1024**place)} {_BYTES[place]}"


def _seconds(value: float) -> str:
    if value == 0 or 1 <= abs(value) < 120:
        return f"{_figures(value)} s"
    if abs(value) < 1:
        times, letter = next((times, letter) for least, times, letter in _SHORT if abs(value) >= least)
        return f"{_figures(value * times)} {letter}"
    size, letter = next((size, letter) for size, letter in _LONG if abs(value) >= size)
    return f"{_figures(value / size)} {letter}"


def _figures(value: float) -> str:
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e6:
        places = max(0, 2 - math.floor(math.log10(abs(value)) + 1e-12))
        written = f"{value:.{places}f}"
        return written.rstrip("0").rstrip(".") if "." in written else written
    return f"{value:.3g}"
