"""What is shown at one scrape, in blocks: a target's series stay together from scrape to scrape and are written in one stroke.

A series that its block no longer has, or whose block is gone, gets a stale marker, as Prometheus gives one to what a target stops showing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from simulator.noise import Floats
from simulator.promql.columns import Columns
from simulator.promql.tsdb import Labels, Tsdb
from simulator.telemetry.labels import Sample


@dataclass
class _Block:
    labels: list[Labels]
    columns: Columns
    shown_at: int


class Board:
    def __init__(self, tsdb: Tsdb) -> None:
        self._tsdb = tsdb
        self._blocks: dict[Hashable, _Block] = {}
        self._loose: set[Labels] = set()
        self._gone: set[Labels] = set()
        self._t_ms = 0

    def begin(self, t_ms: int) -> None:
        self._t_ms = t_ms
        self._gone = set()

    def show(self, key: Hashable, labels: list[Labels], values: Floats) -> None:
        """One sample for each of a block's series. The same list of labels again is taken for the same without looking."""
        block = self._blocks.get(key)
        if block is None or (block.labels is not labels and block.labels != labels):
            self._gone.update(block.labels if block else ())
            block = self._blocks[key] = _Block(labels, self._tsdb.open_columns(labels), 0)
        block.labels = labels
        block.shown_at = self._t_ms
        self._tsdb.append_columns(block.columns, self._t_ms, values)

    def show_loose(self, samples: Iterable[Sample]) -> None:
        """Series that come and go one by one; once in a scrape."""
        kept = list(samples)
        self._tsdb.append_many(self._t_ms, kept)
        shown = {labels for labels, _ in kept}
        self._gone |= self._loose - shown
        self._loose = shown

    def end(self) -> None:
        for key in [key for key, block in self._blocks.items() if block.shown_at != self._t_ms]:
            self._gone.update(self._blocks.pop(key).labels)
        if not self._gone:
            return
        shown = self._loose.union(*(block.labels for block in self._blocks.values()))
        for labels in sorted(self._gone - shown):
            self._tsdb.mark_stale(labels, self._t_ms)
