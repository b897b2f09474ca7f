"""Answers queries: the door of this room.

A query is parsed, checked for functions that are not supported, evaluated over its steps and turned into a result whose rows hold
only what exists. The engine has no clock: the caller passes the moment that is asked for, and a deadline as a question
(`out_of_time`) that it may ask as often as it likes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from simulator.promql.chunks import Times, Values
from simulator.promql.errors import BadData, ParseFailed
from simulator.promql.evaluator import Evaluator, Limits, Usage
from simulator.promql.functions import FUNCTIONS
from simulator.promql.parse import parse
from simulator.promql.syntax import (
    Aggregation,
    Binary,
    Call,
    Kind,
    Negation,
    Node,
    Subquery,
    Text,
    kind_of,
)
from simulator.promql.tsdb import Labels, Tsdb
from simulator.promql.values import Grid, Scalar, Value, Vector


@dataclass(frozen=True, slots=True)
class Row:
    labels: Labels
    times: Times
    values: Values


@dataclass(frozen=True, slots=True)
class VectorResult:
    time_ms: int
    labels: list[Labels]
    values: list[float]


@dataclass(frozen=True, slots=True)
class MatrixResult:
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class ScalarResult:
    time_ms: int
    value: float


@dataclass(frozen=True, slots=True)
class StringResult:
    time_ms: int
    value: str


Result = VectorResult | MatrixResult | ScalarResult | StringResult


def never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which a query is answered. `horizon_ms` hides what is appended after it, while the query runs."""

    out_of_time: Callable[[], bool] = never
    lookback_ms: int | None = None
    usage: Usage = field(default_factory=Usage)
    horizon_ms: int | None = None


class Engine:
    def __init__(self, tsdb: Tsdb, limits: Limits | None = None) -> None:
        self._tsdb = tsdb
        self._limits = limits or Limits()

    def instant(self, query: str, time_ms: int, given: Conditions | None = None) -> Result:
        node = checked(query)
        if isinstance(node, Text):
            return StringResult(time_ms, node.value)
        evaluator = self._evaluator(time_ms, time_ms, given or Conditions())
        grid = Grid(np.array([time_ms], dtype=np.int64))
        with np.errstate(all="ignore"):
            if kind_of(node) is Kind.MATRIX:
                return _samples(evaluator, node, grid)
            return _at_once(evaluator.eval(node, grid), time_ms)

    def range(
        self, query: str, start_ms: int, end_ms: int, step_ms: int, given: Conditions | None = None
    ) -> MatrixResult:
        node = checked(query)
        kind = kind_of(node)
        if kind not in (Kind.SCALAR, Kind.VECTOR):
            raise BadData(f'invalid expression type "{kind.value}" for range query, must be Scalar or instant Vector')
        grid = Grid.of(start_ms, end_ms, step_ms)
        evaluator = self._evaluator(start_ms, end_ms, given or Conditions())
        with np.errstate(all="ignore"):
            return _over_steps(evaluator.eval(node, grid), grid)

    def _evaluator(self, first_ms: int, last_ms: int, given: Conditions) -> Evaluator:
        horizon = self._tsdb.newest_ms if given.horizon_ms is None else given.horizon_ms
        limits = self._limits if given.lookback_ms is None else replace(self._limits, lookback_ms=given.lookback_ms)
        return Evaluator(self._tsdb, limits, first_ms, last_ms, horizon, given.out_of_time, given.usage)


def checked(query: str) -> Node:
    """The tree of a query in which every function is one that is known here."""
    node = parse(query)
    for part in _parts(node):
        if isinstance(part, Call) and part.name not in FUNCTIONS:
            raise ParseFailed(f'parse error: unknown function with name "{part.name}"')
    return node


def _parts(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(_children(node))


def _children(node: Node) -> list[Node]:
    match node:
        case Call():
            return list(node.args)
        case Aggregation():
            return [node.expr] if node.param is None else [node.expr, node.param]
        case Binary():
            return [node.lhs, node.rhs]
        case Subquery() | Negation():
            return [node.expr]
        case _:
            return []


def _at_once(value: Value, time_ms: int) -> Result:
    if isinstance(value, Scalar):
        return ScalarResult(time_ms, float(value.values[0]))
    there = np.flatnonzero(value.present[:, 0])
    return VectorResult(time_ms, [value.labels[row] for row in there], value.values[there, 0].tolist())


def _over_steps(value: Value, grid: Grid) -> MatrixResult:
    if isinstance(value, Scalar):
        return MatrixResult([Row((), grid.times, value.values)])
    return MatrixResult(sorted(_rows(value, grid), key=lambda row: row.labels))


def _rows(vector: Vector, grid: Grid) -> Iterator[Row]:
    for labels, values, present in zip(vector.labels, vector.values, vector.present, strict=True):
        if present.all():
            yield Row(labels, grid.times, values)
        elif present.any():
            yield Row(labels, grid.times[present], values[present])


def _samples(evaluator: Evaluator, node: Node, grid: Grid) -> MatrixResult:
    rows = []
    for windows in evaluator.window_parts(node, grid):
        cuts = [slice(int(low), int(high)) for low, high in zip(windows.low[:, 0], windows.high[:, 0], strict=True)]
        rows += [
            Row(labels, windows.times[cut], windows.values[cut])
            for labels, cut in zip(windows.labels, cuts, strict=True)
            if cut.start < cut.stop
        ]
        evaluator.check_size(sum(len(row.times) for row in rows))
    return MatrixResult(sorted(rows, key=lambda row: row.labels))
