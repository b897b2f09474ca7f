"""What an expression is worth over all steps at once.

A vector is a table: a row per series, a column per step, and beside the values a mask that says where a series exists at all (NaN
is a value like any other in PromQL, so it cannot mean absence). An instant query is the same with a single column.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from simulator.promql.chunks import Times, Values
from simulator.promql.errors import ExecutionFailed
from simulator.promql.tsdb import Labels

Mask = npt.NDArray[np.bool_]

SAME_LABELSET = "vector cannot contain metrics with the same labelset"


@dataclass(frozen=True, slots=True)
class Grid:
    """The steps at which an expression is evaluated."""

    times: Times

    @classmethod
    def of(cls, start_ms: int, end_ms: int, step_ms: int) -> "Grid":
        return cls(np.arange(start_ms, end_ms + 1, step_ms, dtype=np.int64))

    @property
    def steps(self) -> int:
        return len(self.times)


@dataclass(frozen=True, slots=True)
class Scalar:
    values: Values


@dataclass(frozen=True, slots=True)
class Vector:
    labels: list[Labels]
    values: Values
    present: Mask

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, keep: npt.NDArray[np.intp] | Mask) -> "Vector":
        kept = np.arange(len(self.labels))[keep]
        return Vector([self.labels[i] for i in kept], self.values[kept], self.present[kept])


Value = Scalar | Vector


def empty_vector(grid: Grid) -> Vector:
    return Vector([], np.empty((0, grid.steps)), np.empty((0, grid.steps), dtype=bool))


def pruned(vector: Vector) -> Vector:
    """Without the rows that exist at no step."""
    alive: Mask = np.logical_or.reduce(vector.present, axis=1)
    return vector if alive.all() else vector.rows(alive)


def without_name(labels: Labels) -> Labels:
    return tuple(pair for pair in labels if pair[0] != "__name__")


def keep_labels(labels: Labels, names: frozenset[str]) -> Labels:
    return tuple(pair for pair in labels if pair[0] in names)


def drop_labels(labels: Labels, names: frozenset[str]) -> Labels:
    return tuple(pair for pair in labels if pair[0] not in names)


def set_label(labels: Labels, name: str, value: str) -> Labels:
    """An empty value removes the label."""
    rest = [pair for pair in labels if pair[0] != name]
    if value:
        rest.append((name, value))
        rest.sort()
    return tuple(rest)


def groups_of(keys: Sequence[object]) -> list[list[int]]:
    """Row numbers by equal key, in the order in which the keys appear."""
    groups: dict[object, list[int]] = {}
    for row, key in enumerate(keys):
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def at_any(present: Mask) -> Mask:
    """At which steps one row at least exists."""
    result: Mask = np.logical_or.reduce(present, axis=0)
    return result


def overlap(present: Mask) -> bool:
    """Whether two of these rows exist at the same step."""
    return bool((present.sum(axis=0) > 1).any())


def merged(vector: Vector) -> Vector:
    """One row per label set: rows that take turns become one, rows that exist together are an error."""
    if len(set(vector.labels)) == len(vector.labels):
        return vector
    groups = groups_of(vector.labels)
    values = np.empty((len(groups), vector.values.shape[1]))
    present = np.zeros(values.shape, dtype=bool)
    for target, rows in enumerate(groups):
        if overlap(vector.present[rows]):
            raise ExecutionFailed(SAME_LABELSET)
        for row in rows:
            there = vector.present[row]
            values[target, there] = vector.values[row, there]
            present[target] |= there
    return Vector([vector.labels[rows[0]] for rows in groups], values, present)


def nameless(vector: Vector) -> Vector:
    """The vector without metric names, as nearly every function and operator leaves it."""
    return merged(Vector([without_name(labels) for labels in vector.labels], vector.values, vector.present))


@lru_cache(maxsize=64)
def names_of(*names: str) -> frozenset[str]:
    return frozenset(names)
