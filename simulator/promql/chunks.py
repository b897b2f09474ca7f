"""How a stretch of one series is kept: sealed chunks narrowed without loss, and an open head to append to.

Most series of a cluster are constants, small integers or numbers with three decimals, so a sealed chunk stores a constant
once, scaled integers in the smallest width that holds them, and falls back to eight bytes a sample only when it must. A week
of 1,500 series fits in memory this way. Timestamps of sealed chunks are shared between the series of one scrape target list
(`TimeShare`), because their scrapes fall on the same instants.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

SEALED_SAMPLES = 480
HEAD_SAMPLES = 240

STALE_BITS = 0x7FF0000000000002
STALE_NAN = float(np.array([STALE_BITS], dtype=np.int64).view(np.float64)[0])

_INTEGER_WIDTHS = (np.int8, np.int16, np.int32)
_SCALES = (1.0, 1000.0)


def is_stale(values: Values) -> npt.NDArray[np.bool_]:
    bits: npt.NDArray[np.int64] = np.ascontiguousarray(values).view(np.int64)
    return np.equal(bits, STALE_BITS)


@dataclass(slots=True, frozen=True)
class Chunk:
    """Sealed samples; `packed` holds one value for a constant, else `scale` times the values in a narrow type."""

    times: Times
    packed: npt.NDArray[np.number]
    scale: float
    first: int
    last: int

    def values(self) -> Values:
        if len(self.packed) != len(self.times):
            return np.full(len(self.times), self.packed[0], dtype=np.float64)
        wide = self.packed.astype(np.float64, copy=False)
        return wide if self.scale == 1.0 else wide / self.scale


def seal(times: Times, values: Values) -> Chunk:
    packed, scale = _narrow(values)
    return Chunk(times, packed, scale, int(times[0]), int(times[-1]))


def _narrow(values: Values) -> tuple[npt.NDArray[np.number], float]:
    bits = values.view(np.int64)
    if (bits == bits[0]).all():
        return values[:1].copy(), 1.0
    low, high = float(values.min()), float(values.max())
    if low > -2.0e9 and high < 2.0e9:  # false for NaN, infinities and what no narrow integer holds
        for scale in _SCALES:
            scaled = np.rint(values * scale)
            if (((scaled / scale) + 0.0).view(np.int64) == bits).all():
                return _as_integers(scaled), scale
    return values.copy(), 1.0


def _as_integers(scaled: Values) -> npt.NDArray[np.number]:
    low, high = float(scaled.min()), float(scaled.max())
    for width in _INTEGER_WIDTHS:
        limits = np.iinfo(width)
        if limits.min <= low and high <= limits.max:
            return scaled.astype(width)
    return scaled.astype(np.int64)


class TimeShare:
    """Hands out one array for equal runs of timestamps; remembers the newest runs only."""

    def __init__(self, remember: int = 256) -> None:
        self._runs: dict[tuple[int, int, int], Times] = {}
        self._remember = remember

    def shared(self, times: Times) -> Times:
        key = (int(times[0]), int(times[-1]), len(times))
        known = self._runs.get(key)
        if known is not None and np.array_equal(known, times):
            return known
        while len(self._runs) >= self._remember:
            self._runs.pop(next(iter(self._runs)))
        self._runs[key] = times
        return times


@dataclass(slots=True)
class Head:
    """The open end of a series. A sealed head is replaced, never overwritten: views handed to readers stay true."""

    times: Times = field(default_factory=lambda: np.empty(HEAD_SAMPLES, dtype=np.int64))
    values: Values = field(default_factory=lambda: np.empty(HEAD_SAMPLES, dtype=np.float64))
    count: int = 0

    def push(self, t_ms: int, value: float) -> None:
        self.times[self.count] = t_ms
        self.values[self.count] = value
        self.count += 1
