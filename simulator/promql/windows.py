"""The samples behind each step, for selectors with and without a range.

All series lie behind one another in two flat arrays; a window is a pair of positions in them. One binary search over a combined
key (series number, time) finds every window of every series at once. Kernels then work on first and last positions, on running
reductions, or on blocks of windows laid out as padded tables.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from simulator.promql.chunks import Times, Values, is_stale
from simulator.promql.tsdb import Labels, Series
from simulator.promql.values import Mask

Positions = npt.NDArray[np.int64]

BLOCK_CELLS = 500_000
PART_CELLS = 250_000
REDUCED_SAMPLES = 50_000_000


@dataclass(frozen=True, slots=True)
class Block:
    """Some windows as a table: a row per window, samples to the left, `valid` where there is one."""

    windows: Positions
    values: Values
    times: Times
    valid: Mask


@dataclass(frozen=True, slots=True)
class Span:
    """Where the windows lie: closed on both sides, one for each step."""

    starts: Times
    ends: Times
    steps: Times


@dataclass(frozen=True, slots=True)
class Windows:
    """`low` and `high` (rows are series, columns are steps) delimit the samples of each window; `high` is exclusive."""

    labels: list[Labels]
    times: Times
    values: Values
    low: Positions
    high: Positions
    span: Span
    check_time: Callable[[], None]

    @property
    def counts(self) -> Positions:
        counts: Positions = self.high - self.low
        return counts

    def parts(self) -> Iterator["Windows"]:
        """The same windows a few rows at a time, for kernels that make many tables of a window each."""
        rows = max(1, PART_CELLS // max(1, self.low.shape[1]))
        for at in range(0, len(self.labels), rows):
            cut = slice(at, at + rows)
            yield replace(self, labels=self.labels[cut], low=self.low[cut], high=self.high[cut])

    def at(self, positions: Positions) -> tuple[Times, Values]:
        """Time and value at positions; a position outside is answered with some sample, the caller masks it."""
        if len(self.times) == 0:
            return np.zeros(positions.shape, dtype=np.int64), np.zeros(positions.shape)
        inside = positions.clip(0, len(self.times) - 1)
        return self.times[inside], self.values[inside]

    def first(self) -> tuple[Times, Values]:
        return self.at(self.low)

    def last(self, back: int = 0) -> tuple[Times, Values]:
        return self.at(self.high - 1 - back)

    def samples(self, row: int, step: int) -> list[float]:
        values: list[float] = self.values[self.low[row, step] : self.high[row, step]].tolist()
        return values

    def reduced(self, ufunc: np.ufunc, values: Values, *, skip: int = 0, empty: float = np.nan) -> Values:
        """`ufunc` over the samples of each window but its first `skip`."""
        result = np.full(self.low.size, empty)
        low, high = self.low.ravel() + skip, self.high.ravel()
        full = np.flatnonzero(low < high)
        padded = np.append(values, 0.0)  # an edge may lie just behind the last sample
        size = max(1, REDUCED_SAMPLES // max(1, int(self.counts.max(initial=0))))
        for at in range(0, len(full), size):
            self.check_time()
            part = full[at : at + size]
            edges = np.column_stack((low[part], high[part])).ravel()
            result[part] = ufunc.reduceat(padded, edges)[::2]
        return result.reshape(self.low.shape)

    def count_between(self, flags: Mask) -> Positions:
        """How many of the flagged samples each window holds after its first sample."""
        running = np.concatenate(([0], np.cumsum(flags, dtype=np.int64)))
        inside = np.where(self.counts > 0, running[self.high] - running[np.minimum(self.low + 1, len(flags))], 0)
        return inside.astype(np.int64)

    def blocks(self, least: int = 1) -> Iterator[Block]:
        """The windows with at least so many samples, in blocks of bounded size."""
        low, counts = self.low.ravel(), self.counts.ravel()
        wanted = np.flatnonzero(counts >= least)
        size = max(1, BLOCK_CELLS // max(1, int(counts.max(initial=0))))
        for at in range(0, len(wanted), size):
            self.check_time()
            rows = wanted[at : at + size]
            offsets = np.arange(int(counts[rows].max()))
            valid = offsets < counts[rows, None]
            positions = np.where(valid, low[rows, None] + offsets, 0)
            yield Block(rows, self.values[positions], self.times[positions], valid)

    def computed(self, compute: Callable[[Block], Values], least: int = 1) -> Values:
        """A value for each window from its samples as a table."""
        result = np.full(self.low.size, np.nan)
        for block in self.blocks(least):
            result[block.windows] = compute(block)
        return result.reshape(self.low.shape)

    def step_of(self, block: Block) -> Positions:
        steps: Positions = block.windows % self.low.shape[1]
        return steps


def windows_over(
    series: Sequence[Series], span: Span, check_time: Callable[[], None], *, stale: bool = False
) -> Windows:
    """The windows of each series; stale markers are left out unless asked for."""
    if not series:
        nothing = np.zeros((0, len(span.steps)), dtype=np.int64)
        return Windows([], np.empty(0, dtype=np.int64), np.empty(0), nothing, nothing, span, check_time)
    kept = series if stale else [_without_markers(one) for one in series]
    labels = [one.labels for one in kept]
    times = np.concatenate([one.times for one in kept])
    values = np.concatenate([one.values for one in kept])
    low, high = _edges(kept, span)
    return Windows(labels, times, values, low, high, span, check_time)


def _without_markers(series: Series) -> Series:
    marked = is_stale(series.values)
    return Series(series.labels, series.times[~marked], series.values[~marked]) if marked.any() else series


def _edges(series: Sequence[Series], span: Span) -> tuple[Positions, Positions]:
    """Series that were scraped together are looked through once."""
    low = np.empty((len(series), len(span.steps)), dtype=np.int64)
    high = np.empty_like(low)
    known: dict[tuple[int, int, int], tuple[Times, Positions, Positions]] = {}
    start = 0
    for row, one in enumerate(series):
        times = one.times
        size = len(times)
        key = (size, int(times[0]), int(times[-1])) if size else (0, 0, 0)
        found = known.get(key)
        if found is None or not (found[0] is times or np.array_equal(found[0], times)):
            first, end = times.searchsorted(span.starts), times.searchsorted(span.ends, "right")
            found = known[key] = (times, first, np.maximum(first, end))
        np.add(found[1], start, out=low[row])
        np.add(found[2], start, out=high[row])
        start += size
    return low, high
