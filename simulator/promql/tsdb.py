"""The samples of the simulated cluster: appended in time order, selected by matchers, forgotten after eight days.

A series is a list of sealed chunks and an open head (see `chunks`). Series are found through their metric name, the one label
that nearly every query fixes; the rest is a scan over those few. All doors take one lock for a short time, because queries
are evaluated in a thread while the world goes on appending; what `read` hands out is never written to again.

A reader that must not see what is appended meanwhile asks for `newest_ms` first and reads up to there.
"""

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
    Run,
    Times,
    TimeShare,
    Values,
    room_of,
    seal,
)
from simulator.promql.columns import Columns, Row
from simulator.promql.errors import OutOfOrder
from simulator.promql.matchers import Matcher, MatchType

Labels = tuple[tuple[str, str], ...]
Samples = tuple[Times, Values]

DAY_MS = 86_400_000
RETENTION_MS = 8 * DAY_MS
SWEEP_EVERY_MS = 3_600_000
LONG_AGO = -(1 << 62)
SMALL_CHUNK = SEALED_SAMPLES // 2


@dataclass(frozen=True, slots=True)
class Series:
    """One selected series. Stale markers are still among the values."""

    labels: Labels
    times: Times
    values: Values


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of one series in time order."""

    labels: Labels
    times: Times
    values: Values


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is held."""

    series: int
    chunks: int
    samples: int
    bytes: int
    first_ms: int
    last_ms: int


@dataclass(slots=True)
class Stored:
    """A series where it is kept: a handle for readers, who look at `labels` alone."""

    labels: Labels
    number: int
    chunks: list[Chunk] = field(default_factory=list)
    head: Head | Row | None = None
    is_kept: bool = False

    @property
    def last_t(self) -> int:
        if self.head is not None and self.head.count:
            return int(self.head.times[self.head.count - 1])
        return self.chunks[-1].last if self.chunks else LONG_AGO

    @property
    def last_value(self) -> float:
        if self.head is not None and self.head.count:
            return float(self.head.values[self.head.count - 1])
        return float(self.chunks[-1].within(self.last_t, self.last_t)[1][0])

    @property
    def first_t(self) -> int:
        if self.chunks:
            return self.chunks[0].first
        return int(self.head.times[0]) if self.head is not None and self.head.count else -LONG_AGO

    @property
    def head_room(self) -> int:
        """Not the same for all, so that heads that were opened together are not sealed in one and the same scrape."""
        return room_of(self.number)


def sorted_labels(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted((name, value) for name, value in labels.items() if value))


class Tsdb:
    def __init__(self, retention_ms: int = RETENTION_MS) -> None:
        self._series: dict[Labels, Stored] = {}
        self._by_metric: dict[str, dict[Labels, Stored]] = {}
        self._times = TimeShare()
        self._split: tuple[Times, list[Run]] = (np.empty(0, dtype=np.int64), [])
        self._retention_ms = retention_ms
        self._created = 0
        self._opened = 0
        self._newest = LONG_AGO
        self._next_sweep = LONG_AGO
        self._lock = threading.Lock()
        self._importing = threading.Lock()

    def __len__(self) -> int:
        return len(self._series)

    @property
    def newest_ms(self) -> int:
        """The moment of the newest sample, whoever brought it."""
        return self._newest

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
            self._newest = max(self._newest, t_ms)
            self._sweep(t_ms)
        if refused:
            raise OutOfOrder(f"out of order at {t_ms} ms: {len(refused)} series, first {dict(refused[0])}")

    def append_block(self, labels: Labels, t_ms: Times, values: Values) -> None:
        """Give a series its history in one piece. Pass one and the same `t_ms` array for many series: it is shared."""
        if len(t_ms) != len(values):
            raise ValueError(f"{len(t_ms)} timestamps for {len(values)} values")
        if len(t_ms) == 0:
            return
        with self._lock:
            stored = self._series.get(labels) or self._create(labels)
            self._extend(stored, np.asarray(t_ms, dtype=np.int64), np.asarray(values, dtype=np.float64))
            self._sweep(stored.last_t)

    def open_columns(self, rows: Sequence[Labels]) -> Columns:
        """Series that will be appended together from now on, in this order."""
        with self._lock:
            columns = Columns(len(rows), self._opened)
            self._opened += 1
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
            if columns.is_full:
                self._seal_columns(columns)
            columns.push(t_ms, values)
            self._newest = max(self._newest, t_ms)
            self._sweep(t_ms)

    def import_blocks(self, blocks: Sequence[Block]) -> None:
        """Take histories from outside: all or none of them. They are kept however old they are beside the world's own.

        One import at a time; the world waits for one series at most.
        """
        filled = [block for block in blocks if len(block.times)]
        with self._importing:
            with self._lock:
                for block in filled:
                    _refuse_what_is_stored(block, self._series.get(block.labels))
            for block in filled:
                with self._lock:
                    stored = self._series.get(block.labels) or self._create(block.labels)
                    stored.is_kept = True
                    self._extend(stored, block.times, block.values)

    def mark_stale(self, labels: Labels, t_ms: int) -> None:
        """Say that the series ends here, as Prometheus does when a target or a series of it disappears."""
        if labels in self._series:
            self.append_many(t_ms, [(labels, STALE_NAN)])

    def find(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[Stored]:
        """The series that may have samples within [start_ms, end_ms], judged by their ends alone, in the order of their labels."""
        with self._lock:
            found = [one for one in self._matching(matchers) if one.last_t >= start_ms and one.first_t <= end_ms]
        found.sort(key=lambda one: one.labels)
        return found

    def read(self, found: Iterable[Stored], start_ms: int, end_ms: int) -> list[Series]:
        """Those with at least one sample within [start_ms, end_ms]. Unpacking them keeps nobody waiting."""
        with self._lock:
            held = [_held(stored, start_ms, end_ms) for stored in found]
        cuts = [_cut(labels, chunks, newest, start_ms, end_ms) for labels, chunks, newest in held]
        return [cut for cut in cuts if cut is not None]

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[Series]:
        return self.read(self.find(matchers, start_ms, end_ms), start_ms, end_ms)

    def select_labels(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[Labels]:
        return [stored.labels for stored in self.find(matchers, start_ms, end_ms)]

    def extent(self) -> Extent:
        with self._lock:
            held = list(self._series.values())
            chunks = [chunk for stored in held for chunk in stored.chunks]
            heads = [stored.head for stored in held if stored.head is not None]
            return Extent(
                len(held),
                len(chunks) + len(heads),
                sum(len(chunk.run) for chunk in chunks) + sum(head.count for head in heads),
                sum(chunk.nbytes for chunk in chunks) + sum(16 * len(head.times) for head in heads),
                min((stored.first_t for stored in held), default=0),
                max((stored.last_t for stored in held), default=0),
            )

    def _matching(self, matchers: Sequence[Matcher]) -> list[Stored]:
        names = [m.value for m in matchers if m.name == "__name__" and m.type is MatchType.EQUAL]
        candidates = self._by_metric.get(names[0], {}) if names else self._series
        rest = [m for m in matchers if not (m.name == "__name__" and m.type is MatchType.EQUAL and m.value == names[0])]
        exact = [(m.name, m.value) for m in rest if m.type is MatchType.EQUAL and m.value]
        others = [m for m in rest if not (m.type is MatchType.EQUAL and m.value)]
        found = [stored for labels, stored in candidates.items() if all(pair in labels for pair in exact)]
        if not others:
            return found
        return [one for one in found if _accepted(others, dict(one.labels))]

    def _create(self, labels: Labels) -> Stored:
        stored = self._series[labels] = Stored(labels, self._created)
        self._created += 1
        self._by_metric.setdefault(_metric(labels), {})[labels] = stored
        return stored

    def _push(self, stored: Stored, t_ms: int, value: float) -> bool:
        if t_ms <= stored.last_t:
            return t_ms == stored.last_t and _same(value, stored.last_value)
        head = stored.head
        if not isinstance(head, Head) or head.count >= stored.head_room:
            self._seal_head(stored)
            head = stored.head = Head.empty()
        head.push(t_ms, value)
        return True

    def _extend(self, stored: Stored, times: Times, values: Values) -> None:
        runs = self._runs(times)
        if stored.last_t >= times[0]:
            raise OutOfOrder(f"history must come before other samples: {dict(stored.labels)}")
        if len(times) < HEAD_SAMPLES:
            for t_ms, value in zip(times.tolist(), values.tolist(), strict=True):
                self._push(stored, t_ms, value)
        else:
            self._seal_head(stored)
            stored.chunks.extend(seal(runs, values))
        self._newest = max(self._newest, stored.last_t)

    def _runs(self, times: Times) -> list[Run]:
        """The timestamps of a history as runs of chunks; asked again with the same array, the same answer."""
        if self._split[0] is not times:
            if (np.diff(times) <= 0).any():
                raise OutOfOrder("history is not in time order")
            cuts = (times[at : at + SEALED_SAMPLES] for at in range(0, len(times), SEALED_SAMPLES))
            self._split = (times, [self._times.shared(cut) for cut in cuts])
        return self._split[1]

    def _seal_head(self, stored: Stored) -> None:
        if stored.head is not None and stored.head.count:
            self._seal(stored, *stored.head.samples())
        stored.head = None

    def _seal_columns(self, columns: Columns) -> None:
        times, matrix = columns.samples()
        for index, stored in enumerate(columns.series):
            if isinstance(stored.head, Row) and stored.head.columns is columns:
                self._seal(stored, times, matrix[index])
        columns.renew()

    def _seal(self, stored: Stored, times: Times, values: Values) -> None:
        """Samples behind a small chunk become one chunk with it."""
        if stored.chunks and len(stored.chunks[-1].run) < SMALL_CHUNK:
            earlier_times, earlier = stored.chunks.pop().samples()
            times, values = np.concatenate((earlier_times, times)), np.concatenate((earlier, values))
        stored.chunks.extend(seal([self._times.shared(times)], values))

    def _sweep(self, now_ms: int) -> None:
        if now_ms < self._next_sweep:
            return
        self._next_sweep = now_ms + SWEEP_EVERY_MS
        self._forget_before(now_ms - self._retention_ms)

    def _forget_before(self, oldest: int) -> None:
        gone = []
        for stored in self._series.values():
            if stored.is_kept:
                continue
            while stored.chunks and stored.chunks[0].last < oldest:
                del stored.chunks[0]
            if stored.last_t < oldest:
                gone.append(stored)
        for stored in gone:
            del self._series[stored.labels]
            del self._by_metric[_metric(stored.labels)][stored.labels]


def _refuse_what_is_stored(block: Block, known: Stored | None) -> None:
    if known is None:
        return
    if block.times[0] <= known.last_t:
        raise OutOfOrder(
            f"out of order: {dict(block.labels)} at {int(block.times[0])} ms is not newer than "
            f"{known.last_t} ms, which is stored"
        )
    if not known.is_kept:
        raise OutOfOrder(f"{dict(block.labels)} is a series that the world itself goes on writing")


def _metric(labels: Labels) -> str:
    return next((value for name, value in labels if name == "__name__"), "")


def _accepted(matchers: Sequence[Matcher], labels: Mapping[str, str]) -> bool:
    return all(matcher.accepts_labels(labels) for matcher in matchers)


def _same(one: float, other: float) -> bool:
    return one == other or (one != one and other != other)


def _held(stored: Stored, start_ms: int, end_ms: int) -> tuple[Labels, list[Chunk], Samples | None]:
    chunks = [chunk for chunk in stored.chunks if chunk.last >= start_ms and chunk.first <= end_ms]
    return stored.labels, chunks, None if stored.head is None else stored.head.within(start_ms, end_ms)


def _cut(labels: Labels, chunks: list[Chunk], newest: Samples | None, start_ms: int, end_ms: int) -> Series | None:
    pieces = [chunk.within(start_ms, end_ms) for chunk in chunks]
    if newest is not None:
        pieces.append(newest)
    filled = [piece for piece in pieces if len(piece[0])]
    if not filled:
        return None
    if len(filled) == 1:
        return Series(labels, *filled[0])
    return Series(labels, np.concatenate([t for t, _ in filled]), np.concatenate([v for _, v in filled]))
