"""Walks the syntax tree; each node is evaluated once for all steps.

Selectors read the store, everything else works on tables (`values`) and windows (`windows`). What a node costs is known before
it is paid: more cells or samples than the limit ends the query with Prometheus's own sentence, and so does the deadline, which is
looked at on every node and within long loops.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.promql.aggregate import aggregate
from simulator.promql.binary import negated, scalar_with_scalar, set_operation, vector_with_scalar, vector_with_vector
from simulator.promql.chunks import Times, is_stale
from simulator.promql.errors import TOO_MANY_SAMPLES, ExecutionFailed, TimedOut
from simulator.promql.functions import FUNCTIONS
from simulator.promql.parse import SET_OPERATORS
from simulator.promql.syntax import (
    Aggregation,
    Anchor,
    At,
    Binary,
    Call,
    Negation,
    Node,
    Number,
    RangeSelector,
    Selector,
    Subquery,
    Text,
)
from simulator.promql.tsdb import Series, Tsdb
from simulator.promql.values import Grid, Scalar, Value, Vector, empty_vector, pruned
from simulator.promql.windows import Span, Windows, windows_over

ASSUMED_INTERVAL_MS = 15_000
TIMED_OUT = "query timed out in expression evaluation"


@dataclass(frozen=True, slots=True)
class Limits:
    lookback_ms: int = 300_000
    default_subquery_step_ms: int = 60_000
    most_samples: int = 50_000_000
    part_samples: int = 2_000_000  # about so many are held at once while windows are computed


@dataclass(slots=True)
class Usage:
    """What a query has cost, in samples: all that it looked at, and the most that it held at once."""

    queried: int = 0
    peak: int = 0

    def count(self, queried: int, held: int) -> None:
        self.queried += queried
        self.peak = max(self.peak, held)


@dataclass(frozen=True, slots=True)
class Evaluator:
    tsdb: Tsdb
    limits: Limits
    first_ms: int
    last_ms: int
    horizon_ms: int
    out_of_time: Callable[[], bool]
    usage: Usage

    def eval(self, node: Node, grid: Grid) -> Value:
        self.check_time()
        match node:
            case Number():
                return Scalar(np.full(grid.steps, node.value))
            case Selector():
                return self._selected(node, grid)
            case Call():
                return FUNCTIONS[node.name](self, node, grid)
            case Aggregation():
                return self._aggregated(node, grid)
            case Binary():
                return self._combined(node, grid)
            case Negation():
                return negated(self.eval(node.expr, grid))
            case RangeSelector() | Subquery() | Text():
                raise ExecutionFailed(f"{type(node).__name__} has no value by itself")

    def vector(self, node: Node, grid: Grid) -> Vector:
        value = self.eval(node, grid)
        if isinstance(value, Scalar):
            raise ExecutionFailed("expected an instant vector, got a scalar")
        return value

    def scalar(self, node: Node, grid: Grid) -> Scalar:
        value = self.eval(node, grid)
        if isinstance(value, Vector):
            raise ExecutionFailed("expected a scalar, got an instant vector")
        return value

    def window_parts(self, node: Node, grid: Grid) -> Iterator[Windows]:
        """The windows of a few series at a time, so that a query over all series holds the samples of some."""
        if isinstance(node, RangeSelector):
            selector = node.selector
            span = self._span(grid, selector.at, selector.offset_ms, node.range_ms)
            for series in self._read(selector, span):
                windows = windows_over(series, span, self.check_time)
                self.usage.count(int(windows.counts.sum()), len(windows.times))
                yield windows
        elif isinstance(node, Subquery):
            yield self._subquery(node, grid)
        else:
            raise ExecutionFailed("expected a range vector")

    def last_samples(self, node: Selector, grid: Grid) -> tuple[Vector, Times]:
        """The newest sample of each series within the lookback, and when it was taken."""
        span = self._span(grid, node.at, node.offset_ms, self.limits.lookback_ms)
        parts = [self._last_of(series, span) for series in self._read(node, span)]
        if not parts:
            return empty_vector(grid), np.empty((0, grid.steps), dtype=np.int64)
        labels = [one for vector, _ in parts for one in vector.labels]
        values = np.concatenate([vector.values for vector, _ in parts])
        present = np.concatenate([vector.present for vector, _ in parts])
        return Vector(labels, values, present), np.concatenate([times for _, times in parts])

    def _last_of(self, series: Sequence[Series], span: Span) -> tuple[Vector, Times]:
        windows = windows_over(series, span, self.check_time, stale=True)
        times, values = windows.last()
        present = (windows.counts > 0) & ~is_stale(values)
        self.usage.count(int(present.sum()), len(windows.times))
        return Vector(windows.labels, values, present), times

    def check_time(self) -> None:
        if self.out_of_time():
            raise TimedOut(TIMED_OUT)

    def check_size(self, samples: int) -> None:
        if samples > self.limits.most_samples:
            raise ExecutionFailed(TOO_MANY_SAMPLES)

    def _selected(self, node: Selector, grid: Grid) -> Vector:
        return pruned(self.last_samples(node, grid)[0])

    def _span(self, grid: Grid, at: At, offset_ms: int, range_ms: int) -> Span:
        ends = grid.times if at is None else np.full(grid.steps, self._anchored(at), dtype=np.int64)
        ends = ends - offset_ms
        return Span(ends - range_ms, ends, grid.times)

    def _anchored(self, at: int | Anchor) -> int:
        if isinstance(at, Anchor):
            return self.first_ms if at is Anchor.START else self.last_ms
        return at

    def _read(self, selector: Selector, span: Span) -> Iterator[list[Series]]:
        """The series that are selected, in parts that hold about as many samples or cells as fit the processor's memory."""
        start, end = int(span.starts[0]), min(int(span.ends[-1]), self.horizon_ms)
        found = self.tsdb.find(selector.matchers, start, end)
        steps = len(span.steps)
        self.check_size(len(found) * steps)
        each = max(steps, (end - start) // ASSUMED_INTERVAL_MS, 1)
        size = max(1, self.limits.part_samples // each)
        for at in range(0, len(found), size):
            self.check_time()
            series = self.tsdb.read(found[at : at + size], start, end)
            self.check_size(sum(len(one.times) for one in series))
            if series:
                yield series

    def _subquery(self, node: Subquery, grid: Grid) -> Windows:
        span = self._span(grid, node.at, node.offset_ms, node.range_ms)
        step = node.step_ms or self.limits.default_subquery_step_ms
        first = -(-int(span.starts[0]) // step) * step
        self.check_size((int(span.ends[-1]) - first) // step + 1)
        inner = Grid.of(first, int(span.ends[-1]), step)
        series = _as_series(self.eval(node.expr, inner), inner) if inner.steps else []
        self.check_size(len(series) * grid.steps)
        return windows_over(series, span, self.check_time, stale=True)

    def _aggregated(self, node: Aggregation, grid: Grid) -> Vector:
        vector = self.vector(node.expr, grid)
        if isinstance(node.param, Text):
            return aggregate(node, vector, node.param.value, self.check_size)
        param = None if node.param is None else self.scalar(node.param, grid).values
        return aggregate(node, vector, param, self.check_size)

    def _combined(self, node: Binary, grid: Grid) -> Value:
        """From the left end of a chain of operators on, however long it is."""
        chain = [node]
        while isinstance(first := chain[-1].lhs, Binary):
            chain.append(first)
        value = self.eval(first, grid)
        for link in reversed(chain):
            self.check_time()
            value = self._two_combined(link, value, self.eval(link.rhs, grid))
        return value

    def _two_combined(self, node: Binary, lhs: Value, rhs: Value) -> Value:
        if isinstance(lhs, Scalar):
            if isinstance(rhs, Scalar):
                return scalar_with_scalar(node.op, lhs, rhs)
            return vector_with_scalar(node, rhs, lhs, swapped=True)
        if isinstance(rhs, Scalar):
            return vector_with_scalar(node, lhs, rhs, swapped=False)
        return self._vectors_combined(node, lhs, rhs)

    def _vectors_combined(self, node: Binary, lhs: Vector, rhs: Vector) -> Vector:
        if node.op in SET_OPERATORS:
            return set_operation(node.op, node.matching, lhs, rhs)
        return vector_with_vector(node, lhs, rhs, self.check_size)


def _as_series(value: Value, grid: Grid) -> list[Series]:
    if isinstance(value, Scalar):
        return [Series((), grid.times, value.values)]
    return [
        Series(labels, grid.times[value.present[row]], value.values[row, value.present[row]])
        for row, labels in enumerate(value.labels)
    ]
