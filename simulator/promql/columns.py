"""The open ends of series that are always appended together: one matrix, a row for each series, a column for each scrape.

A target shows the same series scrape after scrape, so its samples are one assignment here instead of one look-up for each of them. A row
whose series goes its own way (it goes stale, or somebody else writes it) is left behind in the matrix and read no more.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.promql.chunks import Times, Values, room_of


class Columns:
    def __init__(self, rows: int, number: int) -> None:
        self.rows = rows
        self._room = room_of(number)
        self.series: list[Any] = []  # what the store keeps of each row
        self.renew()

    @property
    def last_t(self) -> int:
        return int(self.times[self.count - 1])

    @property
    def is_full(self) -> bool:
        return self.count == self._room

    def samples(self) -> tuple[Times, Values]:
        return self.times[: self.count], self.values[:, : self.count]

    def push(self, t_ms: int, values: Values) -> None:
        self.times[self.count] = t_ms
        self.values[:, self.count] = values
        self.count += 1

    def renew(self) -> None:
        """New arrays, never the old ones again: views handed to readers stay true."""
        self.count = 0
        self.times: Times = np.empty(self._room, dtype=np.int64)
        self.values: Values = np.empty((self.rows, self._room))


@dataclass(slots=True)
class Row:
    """A head (see `chunks`) that is one row of a matrix."""

    columns: Columns
    index: int

    @property
    def times(self) -> Times:
        return self.columns.times

    @property
    def values(self) -> Values:
        row: Values = self.columns.values[self.index]
        return row

    @property
    def count(self) -> int:
        return self.columns.count

    def samples(self) -> tuple[Times, Values]:
        return self.times[: self.count], self.values[: self.count]

    def within(self, start_ms: int, end_ms: int) -> tuple[Times, Values]:
        times, values = self.samples()
        low, high = times.searchsorted(start_ms), times.searchsorted(end_ms, "right")
        return times[low:high], values[low:high]
