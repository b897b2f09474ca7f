"""History on its way into the store, stretch by stretch.

Between two changes of the shop the past is written in one stretch for all series. Stretches are short and series many, so what belongs
to one series is put together until it is worth a chunk. A series that a stretch has no longer got ends where that stretch begins.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from simulator.noise import Floats
from simulator.promql.tsdb import Labels, Tsdb

ENOUGH_SAMPLES = 2_880
Times = npt.NDArray[np.int64]


class Blocks(Protocol):
    """Takes the history of series in blocks."""

    def append_block(self, labels: Labels, t_ms: Times, values: Floats) -> None: ...


class Past:
    def __init__(self, tsdb: Tsdb) -> None:
        self._tsdb = tsdb
        self._pieces: dict[Labels, list[tuple[Times, Floats]]] = {}
        self._before: set[Labels] = set()  # shown by the stretch before
        self._shown: set[Labels] = set()  # by this one
        self._waiting = 0  # samples of a series that has been there all along
        # The same stretches behind one another are the same times for many series: they are shared.
        self._joined: dict[tuple[int, ...], Times] = {}

    def append_block(self, labels: Labels, t_ms: Times, values: Floats) -> None:
        if not len(t_ms):
            return
        self._shown.add(labels)
        self._pieces.setdefault(labels, []).append((t_ms, values))
        if len(t_ms) >= ENOUGH_SAMPLES:
            self._write(labels)

    def end_stretch(self, t_ms: Times) -> None:
        for labels in sorted(self._before - self._shown):
            self._write(labels)
            self._tsdb.mark_stale(labels, int(t_ms[0]))
        self._before, self._shown = self._shown, set()
        self._waiting += len(t_ms)
        if self._waiting >= ENOUGH_SAMPLES:
            self.write()

    def write(self) -> None:
        """Whatever is waiting."""
        for labels in list(self._pieces):
            self._write(labels)
        self._waiting = 0
        self._joined.clear()

    def _write(self, labels: Labels) -> None:
        pieces = self._pieces.pop(labels, [])
        if not pieces:
            return
        key = tuple(id(times) for times, _ in pieces)
        if key not in self._joined:
            self._joined[key] = pieces[0][0] if len(pieces) == 1 else np.concatenate([times for times, _ in pieces])
        values = pieces[0][1] if len(pieces) == 1 else np.concatenate([each for _, each in pieces])
        self._tsdb.append_block(labels, self._joined[key], values)
