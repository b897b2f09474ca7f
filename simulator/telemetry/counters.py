"""Counters that grow by rates: one vector of values beside one list of labels.

Live ticks add a vector; the week of history is a cumulative sum over a matrix, and its last column is where the live values go on, so the
two join without a reset. Whole-numbered counters keep their fractions inside and show the floor, as many small ticks must add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.noise import Floats
from simulator.promql.tsdb import Labels
from simulator.telemetry.labels import Sample
from simulator.telemetry.past import Blocks


@dataclass(frozen=True)
class Row:
    """One counter. A late row appears with its first event, as a client library creates a child when it is first used."""

    labels: Labels
    is_whole: bool = True
    is_late: bool = False


class Counters:
    def __init__(self, rows: Sequence[Row]) -> None:
        self._labels = [row.labels for row in rows]
        self._whole = np.array([row.is_whole for row in rows], dtype=bool)
        self._late = np.array([row.is_late for row in rows], dtype=bool)
        self.values: Floats = np.zeros(len(rows))
        self._early = ~self._late
        self._any_late = bool(self._late.any())
        self.whole = self._whole[self._early]
        # Always the same list, so that it is known again at every scrape.
        self.labels = [row.labels for row in rows if not row.is_late]

    def add(self, increments: Floats) -> None:
        self.values += increments

    @property
    def early(self) -> Floats:
        """The values of `labels`, with their fractions."""
        return self.values[self._early] if self._any_late else self.values

    def shown(self) -> Floats:
        """A value for each of `labels`."""
        return _shown(self.early, self.whole)

    def late(self) -> list[Sample]:
        """Those that had an event by now."""
        if not self._any_late:
            return []
        happened = np.flatnonzero(self._late & (self.values >= 1 - 1e-9))
        return [(self._labels[index], float(np.floor(self.values[index] + 1e-9))) for index in happened.tolist()]

    def write_history(self, blocks: Blocks, t_ms: npt.NDArray[np.int64], increments: Floats) -> None:
        """`increments` has a row for each counter and a column for each time."""
        totals = self.values[:, None] + np.cumsum(increments, axis=1)
        shown = _shown(totals, self._whole[:, None])
        for index, labels in enumerate(self._labels):
            row = shown[index]
            first = int(np.searchsorted(row, 1.0)) if self._late[index] else 0
            blocks.append_block(labels, t_ms[first:] if first else t_ms, row[first:])
        self.values = totals[:, -1].copy()


def shown(values: Sequence[Floats], whole: Sequence[npt.NDArray[np.bool_]]) -> Floats:
    """What many counters show, one after the other."""
    return _shown(np.concatenate(values), np.concatenate(whole)) if values else np.zeros(0)


def _shown(values: Floats, whole: npt.NDArray[np.bool_]) -> Floats:
    return np.where(whole, np.floor(values + 1e-9), np.round(values, 3))
