"""What is usual of one thing, learnt from its past, and how far a moment is from that. Pure.

A moment is one value of each series. The forest says how unlike the learnt moments it is as a whole; the median and the spread between the
quarters of each series say which of them is the odd one out, and how far off. A moment is told only when both agree: the score alone grows
at the edges of any past, and the distance alone is a threshold on one series. A series that never moved while it was learnt is given a
hair of width, so that the day it moves is seen.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.rulebook.detectors import FEWEST
from alerts.rulebook.forest import Forest, grow

Floats = NDArray[np.floating[Any]]
_QUARTERS = 1.349
_HAIR = 1e-3


@dataclass(frozen=True)
class Usual:
    forest: Forest
    middle: Floats
    spread: Floats
    low: Floats
    high: Floats
    points: int

    def judge(self, rows: Floats) -> tuple[Floats, Floats]:
        """The score of each row, and how far its oddest series is from its middle, in spreads."""
        scaled = self._scaled(rows)
        return self.forest.scores(scaled), np.abs(scaled).max(axis=1)

    def odd_one(self, row: Floats) -> int:
        """The series that is farthest off; where several are far beyond doubt, the one that the forest cut most on."""
        scaled = self._scaled(row)
        distances = np.abs(scaled)
        far = distances >= 0.5 * distances.max()
        return (
            int(np.where(far, self.forest.blamed(scaled), -1.0).argmax()) if far.sum() > 1 else int(distances.argmax())
        )

    def _scaled(self, rows: Floats) -> Floats:
        """By the series' own middle and spread: of one size, whatever their units."""
        return (rows - self.middle) / self.spread


def learn(rows: Floats, seed: int) -> Usual | None:
    """From rows of which some may have gaps (NaN); None where too few are whole."""
    whole = rows[np.isfinite(rows).all(axis=1)]
    if len(whole) < FEWEST:
        return None
    middle = np.median(whole, axis=0)
    first, third = np.percentile(whole, [25, 75], axis=0)
    low, high = np.percentile(whole, [1, 99], axis=0)
    hair = _HAIR * np.maximum(np.abs(middle), _HAIR)
    spread = np.where(third > first, (third - first) / _QUARTERS, whole.std(axis=0))
    spread = np.maximum(spread, hair)
    loose = (_loosened(whole, hair, seed) - middle) / spread
    return Usual(grow(loose, seed), middle, spread, low, high, len(whole))


def seed_of(*words: str) -> int:
    """By name, so that the same rule over the same past learns the same."""
    return int.from_bytes(hashlib.sha256("\xff".join(words).encode()).digest()[:8], "big")


def _loosened(rows: Floats, hair: Floats, seed: int) -> Floats:
    still = np.ptp(rows, axis=0) == 0
    if not still.any():
        return rows
    shake = np.random.default_rng(seed).uniform(-1, 1, rows.shape) * hair
    return np.where(still, rows + shake, rows)


@dataclass(frozen=True)
class Grid:
    """Moments at even steps: for each thing, a row a moment and a column a series, NaN where there was no sample."""

    start: float
    step: float
    things: dict[tuple[str, ...], Floats]

    def times(self) -> Floats:
        turns = len(next(iter(self.things.values()))) if self.things else 0
        return self.start + self.step * np.arange(turns)


def gridded(
    columns: Sequence[Sequence[tuple[tuple[str, ...], Sequence[tuple[float, float]]]]],
    start: float,
    step: float,
    turns: int,
) -> Grid:
    """`columns` has, for each series, the thing and the points of every line of its answer."""
    things: dict[tuple[str, ...], Floats] = {}
    for column, lines in enumerate(columns):
        for key, points in lines:
            grid = things.setdefault(key, np.full((turns, len(columns)), np.nan))
            if points:
                _place(grid[:, column], np.asarray(points, dtype=np.float64), start, step)
    return Grid(start, step, things)


def _place(column: Floats, points: Floats, start: float, step: float) -> None:
    turn = np.rint((points[:, 0] - start) / step).astype(np.int64)
    inside = (turn >= 0) & (turn < len(column)) & np.isfinite(points[:, 1])
    column[turn[inside]] = points[inside, 1]
