"""The samples of the simulated cluster: appended in time order, selected by matchers, forgotten after eight days.

A series is a list of sealed chunks and an open head (see `chunks`). Series are found through their metric name, the one label
that nearly every query fixes; the rest is a scan over those few. All doors take one lock for a short time, because queries
are evaluated in a thread while the world goes on appending; what `select` hands out is never written to again.
"""

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from simulator.promql.chunks import (
    HEAD_SAMPLES,
    SEALED_SAMPLES,
    STALE_NAN,
    Chunk,
    Head,
    Times,
    TimeShare,
    Values,
    seal,
)
from simulator.promql.columns import Columns, Row
from simulator.promql.errors import TOO_MANY_SAMPLES, ExecutionFailed, OutOfOrder
from simulator.promql.matchers import Matcher, MatchType

Labels = tuple[tuple[str, str], ...]

DAY_MS = 86_400_000
RETENTION_MS = 8 * DAY_MS
SWEEP_EVERY_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Series:
    """One selected series. Stale markers are still among the values."""

    labels: Labels
    times: Times
    values: Values


@dataclass(slots=True)
class _Stored:
    labels: Labels
    by_name: dict[str, str]
    chunks: list[Chunk] = field(default_factory=list)
    head: Head | Row = field(default_factory=Head)
    sealed_t: int = -(1 << 62)  # of the last sample that is in a chunk

    @property
    def last_t(self) -> int:
        head = self.head
        return int(head.times[head.count - 1]) if head.count else self.sealed_t

    @property
    def last_value(self) -> float:
        head = self.head
        return float(head.values[head.count - 1]) if head.count else float(self.chunks[-1].values()[-1])

    @property
    def first_t(self) -> int:
        return self.chunks[0].first if self.chunks else int(self.head.times[0])


def sorted_labels(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted((name, value) for name, value in labels.items() if value))


class Tsdb:
    def __init__(self, retention_ms: int = RETENTION_MS) -> None:
        self._series: dict[Labels, _Stored] = {}
        self._by_metric: dict[str, list[_Stored]] = {}
        self._times = TimeShare()
        self._retention_ms = retention_ms
        self._newest = -(1 << 62)
        self._next_sweep = -(1 << 62)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._series)

    def append(self, labels: Mapping[str, str], t_ms: int, value: float) -> None:
        self.append_many(t_ms, [(sorted_labels(labels), value)])

    def append_many(self, t_ms: int, samples: Iterable[tuple[Labels, float]]) -> None:
        """Append one scrape. What is in order is kept even when other samples are refused."""
        refused: list[Labels] = []
        with self._lock:
            for labels, value in samples:
                stored = self._series.get(labels) or self._create(labels)
                if not self._push(stored, t_ms, value):
                    refused.append(labels)
            self._moved_to(t_ms)
        if refused:
            raise OutOfOrder(f"out of order at {t_ms} ms: {len(refused)} series, first {dict(refused[0])}")

    def append_block(self, labels: Labels, t_ms: Times, values: Values) -> None:
        """Give a series its history in one piece. Pass one and the same `t_ms` array for many series: it is shared."""
        if len(t_ms) != len(values):
            raise ValueError(f"{len(t_ms)} timestamps for {len(values)} values")
        if len(t_ms) == 0:
            return
        if (np.diff(t_ms) <= 0).any():
            raise OutOfOrder(f"history is not in time order: {dict(labels)}")
        with self._lock:
            stored = self._series.get(labels) or self._create(labels)
            if stored.last_t >= t_ms[0]:
                raise OutOfOrder(f"history must come before other samples: {dict(labels)}")
            self._seal_head(stored)
            for start in range(0, len(t_ms), SEALED_SAMPLES):
                cut = slice(start, start + SEALED_SAMPLES)
                stored.chunks.append(seal(self._times.shared(t_ms[cut]), np.asarray(values[cut], dtype=np.float64)))
            stored.sealed_t = int(t_ms[-1])
            self._moved_to(stored.sealed_t)

    def open_columns(self, rows: Sequence[Labels]) -> Columns:
        """Series that will be appended together from now on, in this order."""
        columns = Columns(len(rows))
        with self._lock:
            for index, labels in enumerate(rows):
                stored = self._series.get(labels) or self._create(labels)
                self._seal_head(stored)
                stored.head = Row(columns, index)
                columns.series.append(stored)
        return columns

    def append_columns(self, columns: Columns, t_ms: int, values: Values) -> None:
        """One sample for each row. A time that is there already is refused, whatever the values."""
        with self._lock:
            if columns.count and t_ms <= columns.last_t:
                raise OutOfOrder(f"out of order at {t_ms} ms: {columns.rows} series that are scraped together")
            if columns.count == HEAD_SAMPLES:
                self._seal_columns(columns)
            columns.push(t_ms, values)
            self._moved_to(t_ms)

    def mark_stale(self, labels: Labels, t_ms: int) -> None:
        """Say that the series ends here, as Prometheus does when a target or a series of it disappears."""
        if labels in self._series:
            self.append_many(t_ms, [(labels, STALE_NAN)])

    def unended_before(self, t_ms: int) -> list[Labels]:
        """The series that have no sample from this time on and were not said to have ended."""
        with self._lock:
            return sorted(
                labels
                for labels, stored in self._series.items()
                if stored.last_t < t_ms and not math.isnan(stored.last_value)
            )

    def select(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, most_samples: int = 1 << 62
    ) -> list[Series]:
        """Series with at least one sample within [start_ms, end_ms], in the order of their labels."""
        series: list[Series] = []
        with self._lock:
            for stored in self._matching(matchers):
                cut = _cut(stored, start_ms, end_ms)
                if cut is not None:
                    series.append(cut)
                    most_samples -= len(cut.times)
                if most_samples < 0:
                    raise ExecutionFailed(TOO_MANY_SAMPLES)
        series.sort(key=lambda one: one.labels)
        return series

    def select_labels(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[Labels]:
        """Labels of the series that may have samples within [start_ms, end_ms], judged by their ends alone."""
        with self._lock:
            return sorted(
                stored.labels
                for stored in self._matching(matchers)
                if stored.last_t >= start_ms and stored.first_t <= end_ms
            )

    def _matching(self, matchers: Sequence[Matcher]) -> list[_Stored]:
        names = [m.value for m in matchers if m.name == "__name__" and m.type is MatchType.EQUAL]
        candidates: Iterable[_Stored] = self._by_metric.get(names[0], ()) if names else self._series.values()
        rest = [m for m in matchers if not (m.name == "__name__" and m.type is MatchType.EQUAL and m.value == names[0])]
        if not rest:
            return list(candidates)
        return [stored for stored in candidates if all(m.accepts_labels(stored.by_name) for m in rest)]

    def _create(self, labels: Labels) -> _Stored:
        stored = _Stored(labels, dict(labels))
        self._series[labels] = stored
        self._by_metric.setdefault(stored.by_name.get("__name__", ""), []).append(stored)
        return stored

    def _push(self, stored: _Stored, t_ms: int, value: float) -> bool:
        if t_ms <= stored.last_t:
            return t_ms == stored.last_t and _same(value, stored.last_value)
        head = stored.head
        if isinstance(head, Row) or head.count == HEAD_SAMPLES:
            self._seal_head(stored)
            head = stored.head = Head()
        head.push(t_ms, value)
        return True

    def _seal_head(self, stored: _Stored) -> None:
        head = stored.head
        if head.count:
            times = self._times.shared(head.times[: head.count])
            stored.chunks.append(seal(times, head.values[: head.count]))
            stored.sealed_t = stored.chunks[-1].last
        stored.head = Head()

    def _seal_columns(self, columns: Columns) -> None:
        times = self._times.shared(columns.times[: columns.count])
        for index, stored in enumerate(columns.series):
            if isinstance(stored.head, Row) and stored.head.columns is columns:
                stored.chunks.append(seal(times, columns.values[index]))
                stored.sealed_t = stored.chunks[-1].last
        columns.renew()

    def _moved_to(self, t_ms: int) -> None:
        self._newest = max(self._newest, t_ms)
        if self._newest < self._next_sweep:
            return
        self._next_sweep = self._newest + SWEEP_EVERY_MS
        self._forget_before(self._newest - self._retention_ms)

    def _forget_before(self, oldest: int) -> None:
        gone = []
        for stored in self._series.values():
            while stored.chunks and stored.chunks[0].last < oldest:
                del stored.chunks[0]
            if stored.last_t < oldest:
                gone.append(stored)
        for stored in gone:
            del self._series[stored.labels]
            self._by_metric[stored.by_name.get("__name__", "")].remove(stored)


def _same(one: float, other: float) -> bool:
    return one == other or (one != one and other != other)


def _cut(stored: _Stored, start_ms: int, end_ms: int) -> Series | None:
    if stored.last_t < start_ms or end_ms < start_ms:
        return None
    times: list[Times] = []
    values: list[Values] = []
    for chunk in stored.chunks:
        if chunk.last < start_ms or chunk.first > end_ms:
            continue
        _add(times, values, chunk.times, chunk.values(), start_ms, end_ms)
    head = stored.head
    if head.count:
        _add(times, values, head.times[: head.count], head.values[: head.count], start_ms, end_ms)
    if not times:
        return None
    if len(times) == 1:
        return Series(stored.labels, times[0], values[0])
    return Series(stored.labels, np.concatenate(times), np.concatenate(values))


def _add(to_times: list[Times], to_values: list[Values], times: Times, values: Values, start: int, end: int) -> None:
    low = 0 if times[0] >= start else int(times.searchsorted(start))
    high = len(times) if times[-1] <= end else int(times.searchsorted(end, "right"))
    if low < high:
        to_times.append(times[low:high])
        to_values.append(values[low:high])
