"""The table of functions by name. A function gets the evaluation, its own node and the steps, and evaluates what it needs.

Most are made by one of three small wrappers: of a numpy function cell by cell, of a kernel over windows, of a calendar field.
The parser knows functions of newer servers too; `unsupported` finds those before anything is evaluated.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np

from simulator.promql import calendar
from simulator.promql.chunks import Times, Values
from simulator.promql.errors import ExecutionFailed
from simulator.promql.histogram import histogram_quantile
from simulator.promql.label_functions import label_join, label_replace
from simulator.promql.matchers import MatchType
from simulator.promql.over_time import KERNELS, Kernel
from simulator.promql.syntax import Call, Node, RangeSelector, Selector, Subquery, Text
from simulator.promql.tsdb import Labels
from simulator.promql.values import (
    SAME_LABELSET,
    Grid,
    Mask,
    Scalar,
    Value,
    Vector,
    at_any,
    empty_vector,
    nameless,
    pruned,
    set_label,
    without_name,
)
from simulator.promql.windows import Windows


class Evaluation(Protocol):
    def vector(self, node: Node, grid: Grid) -> Vector: ...
    def scalar(self, node: Node, grid: Grid) -> Scalar: ...
    def window_parts(self, node: Node, grid: Grid) -> Iterator[Windows]: ...
    def last_samples(self, node: Selector, grid: Grid) -> tuple[Vector, Times]: ...


Function = Callable[[Evaluation, Call, Grid], Value]
KEEPS_NAME = frozenset({"last_over_time"})


def _cellwise(compute: Callable[[Values], Values]) -> Function:
    def function(evaluation: Evaluation, call: Call, grid: Grid) -> Value:
        vector = evaluation.vector(call.args[0], grid)
        return nameless(Vector(vector.labels, compute(vector.values), vector.present))

    return function


def _over_windows(kernel: Kernel) -> Function:
    def function(evaluation: Evaluation, call: Call, grid: Grid) -> Value:
        windowed = [arg for arg in call.args if _is_range(arg)]
        params = [evaluation.scalar(arg, grid).values for arg in call.args if not _is_range(arg)]
        labels: list[Labels] = []
        rows: list[tuple[Values, Mask]] = []
        for windows in evaluation.window_parts(windowed[0], grid):
            labels += windows.labels
            rows += [kernel(part, params) for part in windows.parts()]
        if not rows:
            return empty_vector(grid)
        values, present = (np.concatenate([row[i] for row in rows]) for i in (0, 1))
        result = pruned(Vector(labels, values, present))
        return result if call.name in KEEPS_NAME else _strictly_nameless(result)

    return function


def _is_range(node: Node) -> bool:
    return isinstance(node, RangeSelector | Subquery)


def _strictly_nameless(vector: Vector) -> Vector:
    """Over windows Prometheus refuses equal label sets even when they never exist together."""
    labels = [without_name(one) for one in vector.labels]
    if len(set(labels)) < len(labels):
        raise ExecutionFailed(SAME_LABELSET)
    return Vector(labels, vector.values, vector.present)


def _on_calendar(field: Callable[[Values], Values]) -> Function:
    def function(evaluation: Evaluation, call: Call, grid: Grid) -> Value:
        if not call.args:
            return _one_row(field(grid.times / 1000))
        return _cellwise(field)(evaluation, call, grid)

    return function


def _one_row(values: Values, labels: Labels = ()) -> Vector:
    return Vector([labels], values[None, :], np.ones((1, len(values)), dtype=bool))


def _time(_: Evaluation, __: Call, grid: Grid) -> Value:
    return Scalar(grid.times / 1000)


def _pi(_: Evaluation, __: Call, grid: Grid) -> Value:
    return Scalar(np.full(grid.steps, np.pi))


def _scalar(evaluation: Evaluation, call: Call, grid: Grid) -> Value:
    vector = evaluation.vector(call.args[0], grid)
    if len(vector) == 0:
        return Scalar(np.full(grid.steps, np.nan))
    alone = vector.present.sum(axis=0) == 1
    return Scalar(np.where(alone, vector.values[vector.present.argmax(axis=0), np.arange(grid.steps)], np.nan))


def _vector(evaluation: Evaluation, call: Call, grid: Grid) -> Value:
    return _one_row(evaluation.scalar(call.args[0], grid).values)


def _timestamp(evaluation: Evaluation, call: Call, grid: Grid) -> Value:
    selector = call.args[0]
    if isinstance(selector, Selector):
        vector, times = evaluation.last_samples(selector, grid)
        return nameless(pruned(Vector(vector.labels, times / 1000, vector.present)))
    vector = evaluation.vector(selector, grid)
    return nameless(Vector(vector.labels, np.broadcast_to(grid.times / 1000, vector.values.shape), vector.present))


def _absent(evaluation: Evaluation, call: Call, grid: Grid) -> Value:
    vector = evaluation.vector(call.args[0], grid)
    return _missing(call.args[0], at_any(vector.present))


def _absent_over_time(evaluation: Evaluation, call: Call, grid: Grid) -> Value:
    exists = np.zeros(grid.steps, dtype=bool)
    for windows in evaluation.window_parts(call.args[0], grid):
        exists |= at_any(windows.counts > 0)
    return _missing(call.args[0], exists)


def _missing(node: Node, exists: Mask) -> Vector:
    row = Vector([_absent_labels(node)], np.ones((1, len(exists))), ~exists[None, :])
    return pruned(row)


def _absent_labels(node: Node) -> Labels:
    """What the selector asks for with plain equality, a label asked for twice left out."""
    selector = node.selector if isinstance(node, RangeSelector) else node
    if not isinstance(selector, Selector):
        return ()
    labels: Labels = ()
    seen: set[str] = set()
    for matcher in selector.matchers:
        if matcher.name == "__name__":
            continue
        wanted = matcher.type is MatchType.EQUAL and matcher.name not in seen
        labels = set_label(labels, matcher.name, matcher.value if wanted else "")
        if wanted:
            seen.add(matcher.name)
    return labels


def _clamp(evaluation: Evaluation, call: Call, grid: Grid) -> Value:
    vector = evaluation.vector(call.args[0], grid)
    low, high = (evaluation.scalar(arg, grid).values for arg in call.args[1:3])
    values = _larger(low, _smaller(high, vector.values))
    return nameless(pruned(Vector(vector.labels, values, vector.present & ~(high < low))))


def _smaller(one: Values, other: Values) -> Values:
    """As Go has it: minus infinity is smaller than NaN, any other number with NaN is NaN."""
    return np.where(np.isneginf(one) | np.isneginf(other), -np.inf, np.minimum(one, other))


def _larger(one: Values, other: Values) -> Values:
    return np.where(np.isposinf(one) | np.isposinf(other), np.inf, np.maximum(one, other))


def _clamp_with(limited: Callable[[Values, Values], Values]) -> Function:
    def function(evaluation: Evaluation, call: Call, grid: Grid) -> Value:
        vector = evaluation.vector(call.args[0], grid)
        bound = evaluation.scalar(call.args[1], grid).values
        return nameless(Vector(vector.labels, limited(bound, vector.values), vector.present))

    return function


def _sinh(values: Values) -> Values:
    """Beyond 21 Go halves the exponential, which overflows a little before the sine does."""
    return np.where(np.abs(values) > 21, np.copysign(np.exp(np.abs(values)) * 0.5, values), np.sinh(values))


def _cosh(values: Values) -> Values:
    return np.where(np.abs(values) > 21, np.exp(np.abs(values)) * 0.5, np.cosh(values))


def _round(evaluation: Evaluation, call: Call, grid: Grid) -> Value:
    vector = evaluation.vector(call.args[0], grid)
    nearest = evaluation.scalar(call.args[1], grid).values if len(call.args) > 1 else np.ones(grid.steps)
    inverse = 1.0 / nearest  # the way round that keeps 0.1 steps exact
    return nameless(Vector(vector.labels, np.floor(vector.values * inverse + 0.5) / inverse, vector.present))


def _sort(*, descending: bool) -> Function:
    def function(evaluation: Evaluation, call: Call, grid: Grid) -> Value:
        vector = evaluation.vector(call.args[0], grid)
        if grid.steps != 1 or len(vector) == 0:
            return vector
        values = vector.values[:, 0]
        return vector.rows(np.lexsort((-values if descending else values,)))

    return function


def _label_replace(evaluation: Evaluation, call: Call, grid: Grid) -> Value:
    return label_replace(evaluation.vector(call.args[0], grid), _texts(call.args[1:]))


def _label_join(evaluation: Evaluation, call: Call, grid: Grid) -> Value:
    return label_join(evaluation.vector(call.args[0], grid), _texts(call.args[1:]))


def _texts(nodes: Sequence[Node]) -> list[str]:
    return [node.value for node in nodes if isinstance(node, Text)]


def _histogram_quantile(evaluation: Evaluation, call: Call, grid: Grid) -> Value:
    return histogram_quantile(evaluation.scalar(call.args[0], grid).values, evaluation.vector(call.args[1], grid))


def _of_native_histograms(evaluation: Evaluation, call: Call, grid: Grid) -> Value:
    """Floats are passed over by these, and there are only floats here."""
    evaluation.vector(call.args[-1], grid)
    return empty_vector(grid)


FUNCTIONS: dict[str, Function] = {
    **{name: _over_windows(kernel) for name, kernel in KERNELS.items()},
    **{name: _on_calendar(field) for name, field in calendar.FIELDS.items()},
    "abs": _cellwise(np.abs),
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "acos": _cellwise(np.arccos),
    "acosh": _cellwise(np.arccosh),
    "asin": _cellwise(np.arcsin),
    "asinh": _cellwise(np.arcsinh),
    "atan": _cellwise(np.arctan),
    "atanh": _cellwise(np.arctanh),
    "ceil": _cellwise(np.ceil),
    "clamp": _clamp,
    "clamp_max": _clamp_with(_smaller),
    "clamp_min": _clamp_with(_larger),
    "cos": _cellwise(np.cos),
    "cosh": _cellwise(_cosh),
    "deg": _cellwise(np.degrees),
    "exp": _cellwise(np.exp),
    "floor": _cellwise(np.floor),
    "histogram_count": _of_native_histograms,
    "histogram_fraction": _of_native_histograms,
    "histogram_quantile": _histogram_quantile,
    "histogram_sum": _of_native_histograms,
    "label_join": _label_join,
    "label_replace": _label_replace,
    "ln": _cellwise(np.log),
    "log10": _cellwise(np.log10),
    "log2": _cellwise(np.log2),
    "pi": _pi,
    "rad": _cellwise(np.radians),
    "round": _round,
    "scalar": _scalar,
    "sgn": _cellwise(np.sign),
    "sin": _cellwise(np.sin),
    "sinh": _cellwise(_sinh),
    "sort": _sort(descending=False),
    "sort_desc": _sort(descending=True),
    "sqrt": _cellwise(np.sqrt),
    "tan": _cellwise(np.tan),
    "tanh": _cellwise(np.tanh),
    "time": _time,
    "timestamp": _timestamp,
    "vector": _vector,
}
