"""How a stretch of one series is kept: sealed chunks narrowed without loss, and an open head to append to.

Most series of a cluster are constants, small integers, counters or numbers with a few decimals. A sealed chunk therefore stores a constant
once; else the values as scaled integers, or the differences between them, in the narrowest type that holds them; and eight bytes a sample
only where there is no such scale. Its timestamps are a start and a step when the scrapes kept their rhythm, and are shared between
the series of one target (`TimeShare`), because their scrapes fall on the same instants.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

SEALED_SAMPLES = 2_048
HEAD_SAMPLES = 120
FIRST_ROOM = 8

STALE_BITS = 0x7FF0000000000002
STALE_NAN = float(np.array([STALE_BITS], dtype=np.int64).view(np.float64)[0])

_SCALES = (1.0, 1_000.0, 1_000_000.0)
_LARGEST = 2.0**52
Width = np.dtype[np.unsignedinteger]

_WIDTHS: tuple[tuple[Width, int], ...] = (
    (np.dtype(np.uint8), 2**8 - 1),
    (np.dtype(np.uint16), 2**16 - 1),
    (np.dtype(np.uint32), 2**32 - 1),
)
_PROBE = 16


def is_stale(values: Values) -> npt.NDArray[np.bool_]:
    bits: npt.NDArray[np.int64] = np.ascontiguousarray(values).view(np.int64)
    return np.equal(bits, STALE_BITS)


class Run(Protocol):
    """The timestamps of a chunk."""

    @property
    def first(self) -> int: ...
    @property
    def last(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    def __len__(self) -> int: ...
    def times(self, low: int, high: int) -> Times: ...
    def bounds(self, start_ms: int, end_ms: int) -> tuple[int, int]:
        """Which of them lie within [start_ms, end_ms]: from the first number up to before the second."""
        ...


@dataclass(slots=True, frozen=True)
class Rhythm:
    """Scrapes that kept their interval."""

    first: int
    step: int
    count: int

    @property
    def last(self) -> int:
        return self.first + self.step * (self.count - 1)

    @property
    def nbytes(self) -> int:
        return 0

    def __len__(self) -> int:
        return self.count

    def times(self, low: int, high: int) -> Times:
        return self.first + self.step * np.arange(low, high, dtype=np.int64)

    def bounds(self, start_ms: int, end_ms: int) -> tuple[int, int]:
        low = max(0, -((self.first - start_ms) // self.step))
        return low, max(low, min(self.count, (end_ms - self.first) // self.step + 1))


@dataclass(slots=True, frozen=True)
class Moments:
    """Scrapes at any moments, as distances from the first."""

    first: int
    last: int
    distances: npt.NDArray[np.integer]

    @property
    def nbytes(self) -> int:
        return self.distances.nbytes

    def __len__(self) -> int:
        return len(self.distances)

    def times(self, low: int, high: int) -> Times:
        return self.distances[low:high].astype(np.int64) + self.first

    def bounds(self, start_ms: int, end_ms: int) -> tuple[int, int]:
        low, high = np.searchsorted(self.distances, (start_ms - self.first, end_ms - self.first + 1))
        return int(low), int(max(low, high))


class TimeShare:
    """Hands out one run for equal timestamps; remembers the newest ones only."""

    def __init__(self, remember: int = 1_024) -> None:
        self._runs: dict[tuple[int, int, int], Run] = {}
        self._remember = remember

    def shared(self, times: Times) -> Run:
        key = (int(times[0]), int(times[-1]), len(times))
        known = self._runs.get(key)
        if known is not None and np.array_equal(known.times(0, len(known)), times):
            return known
        while len(self._runs) >= self._remember:
            self._runs.pop(next(iter(self._runs)))
        run = self._runs[key] = _run(times)
        return run


def _run(times: Times) -> Run:
    steps = np.diff(times)
    if len(steps) == 0 or (steps == steps[0]).all():
        return Rhythm(int(times[0]), int(steps[0]) if len(steps) else 1, len(times))
    distances = times - times[0]
    narrow = distances.astype(np.uint32) if distances[-1] < 2**32 else distances
    return Moments(int(times[0]), int(times[-1]), narrow)


@dataclass(slots=True, frozen=True)
class Chunk:
    """Sealed samples. Without a `width` every value is `base`, else `packed` holds what is above `base` in that type.

    With `step` it holds differences instead: each value is `step` and what is packed above the one before, the first is `base`.
    """

    run: Run
    base: float | int
    scale: float
    packed: bytes = b""
    width: npt.DTypeLike | None = None
    step: int | None = None

    @property
    def first(self) -> int:
        return self.run.first

    @property
    def last(self) -> int:
        return self.run.last

    @property
    def nbytes(self) -> int:
        return len(self.packed)

    def samples(self) -> tuple[Times, Values]:
        return self._between(0, len(self.run))

    def within(self, start_ms: int, end_ms: int) -> tuple[Times, Values]:
        return self._between(*self.run.bounds(start_ms, end_ms))

    def _between(self, low: int, high: int) -> tuple[Times, Values]:
        return self.run.times(low, high), self._values(low, high)

    def _values(self, low: int, high: int) -> Values:
        if self.width is None:
            return np.full(high - low, self.base, dtype=np.float64)
        packed = np.frombuffer(self.packed, dtype=self.width)
        if self.width == np.float64:
            return packed[low:high]
        whole = (
            packed[low:high] + float(self.base)
            if self.step is None
            else self._summed(packed[: max(high - 1, 0)])[low:high]
        )
        return whole if self.scale == 1.0 else whole / self.scale

    def _summed(self, packed: npt.NDArray[np.unsignedinteger]) -> Values:
        whole = np.empty(len(packed) + 1)
        whole[0] = self.base
        np.cumsum(packed, dtype=np.float64, out=whole[1:])
        whole[1:] += np.arange(1, len(whole)) * float(self.step) + self.base if self.step else self.base
        return whole


def seal(runs: list[Run], values: Values) -> list[Chunk]:
    """The values of one series as a chunk for each run; the scale is found once for all."""
    bits = values.view(np.int64)
    if (bits == bits[0]).all():
        return [Chunk(run, float(values[0]), 1.0) for run in runs]
    scale, whole = _whole(values)
    chunks, at = [], 0
    for run in runs:
        cut = slice(at, at := at + len(run))
        chunks.append(_raw(run, values[cut]) if whole is None else _narrow(run, whole[cut], scale))
    return chunks


def _whole(values: Values) -> tuple[float, Values | None]:
    """The scale at which all values are whole numbers, bit for bit, and those numbers."""
    low, high = float(values.min()), float(values.max())
    for scale in _SCALES:
        if not (low * scale > -_LARGEST and high * scale < _LARGEST):  # true for NaN too
            break
        if _gives_back(values[:_PROBE], scale) is not None and (whole := _gives_back(values, scale)) is not None:
            return scale, whole
    return 1.0, None


def _gives_back(values: Values, scale: float) -> Values | None:
    whole = np.rint(values * scale)
    whole += 0.0  # there is no minus zero among integers
    again = whole if scale == 1.0 else whole / scale
    return whole if np.array_equal(again.view(np.int64), values.view(np.int64)) else None


def _raw(run: Run, values: Values) -> Chunk:
    bits = values.view(np.int64)
    if (bits == bits[0]).all():
        return Chunk(run, float(values[0]), 1.0)
    return Chunk(run, 0.0, 1.0, values.tobytes(), np.float64)


def _narrow(run: Run, whole: Values, scale: float) -> Chunk:
    low, high = float(whole.min()), float(whole.max())
    if low == high:
        return Chunk(run, low / scale, 1.0)
    rises = np.diff(whole)
    least, most = float(rises.min()), float(rises.max())
    width, step_width = _width(high - low), _width(most - least)
    if step_width.itemsize < width.itemsize:
        packed = (rises - least).astype(step_width).tobytes()
        return Chunk(run, int(whole[0]), scale, packed, step_width, int(least))
    return Chunk(run, int(low), scale, (whole - low).astype(width).tobytes(), width)


def _width(span: float) -> Width:
    return next((width for width, largest in _WIDTHS if span <= largest), np.dtype(np.uint64))


def room_of(number: int) -> int:
    """How many samples an open end takes before it is sealed: not the same for all that were opened at once."""
    return HEAD_SAMPLES + number * 37 % HEAD_SAMPLES


@dataclass(slots=True)
class Head:
    """The open end of a series. What is handed out is never overwritten: a head that has no room is copied into a larger one."""

    times: Times
    values: Values
    count: int = 0

    @classmethod
    def empty(cls) -> "Head":
        return cls(np.empty(FIRST_ROOM, dtype=np.int64), np.empty(FIRST_ROOM, dtype=np.float64))

    def push(self, t_ms: int, value: float) -> None:
        if self.count == len(self.times):
            self.times = np.concatenate((self.times, np.empty_like(self.times)))
            self.values = np.concatenate((self.values, np.empty_like(self.values)))
        self.times[self.count] = t_ms
        self.values[self.count] = value
        self.count += 1

    def samples(self) -> tuple[Times, Values]:
        return self.times[: self.count], self.values[: self.count]

    def within(self, start_ms: int, end_ms: int) -> tuple[Times, Values]:
        times, values = self.samples()
        low, high = times.searchsorted(start_ms), times.searchsorted(end_ms, "right")
        return times[low:high], values[low:high]
