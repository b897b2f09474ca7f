"""Aggregations over the rows of a vector, step by step, grouped by labels.

Most reduce a group to one row; topk and bottomk keep rows, count_values makes a row for each distinct value.
"""

import re
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from simulator.promql.chunks import Values
from simulator.promql.errors import ExecutionFailed
from simulator.promql.golang import format_any, format_float, quote
from simulator.promql.quantiles import column_quantiles
from simulator.promql.syntax import Aggregation
from simulator.promql.tsdb import Labels
from simulator.promql.values import Mask, Vector, at_any, drop_labels, groups_of, keep_labels, pruned, set_label

Param = Values | str | None
Reducer = Callable[[Values, Mask], Values]

LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
INT64_LIMIT = 2.0**63


def aggregate(node: Aggregation, vector: Vector, param: Param, check_size: Callable[[int], None]) -> Vector:
    if node.op == "count_values":
        return _count_values(node, vector, str(param), check_size)
    groups = groups_of([group_labels(node, labels) for labels in vector.labels])
    if node.op in ("topk", "bottomk"):
        return _ranked(node.op, vector, groups, _sizes(param, vector))
    if node.op == "quantile":
        return _reduced(node, vector, groups, _quantile(param))
    reducer = _REDUCERS.get(node.op)
    if reducer is None:
        raise ExecutionFailed(f"aggregation {node.op!r} is not supported")
    return _reduced(node, vector, groups, reducer)


def group_labels(node: Aggregation, labels: Labels) -> Labels:
    if node.without:
        return drop_labels(labels, frozenset((*node.grouping, "__name__")))
    return keep_labels(labels, frozenset(node.grouping)) if node.grouping else ()


def _reduced(node: Aggregation, vector: Vector, groups: list[list[int]], reduce: Reducer) -> Vector:
    shape = (len(groups), vector.values.shape[1])
    values, present = np.empty(shape), np.empty(shape, dtype=bool)
    for target, rows in enumerate(groups):
        there = vector.present[rows]
        present[target] = at_any(there)
        values[target] = reduce(vector.values[rows], there)
    return Vector([group_labels(node, vector.labels[rows[0]]) for rows in groups], values, present)


def _sum(values: Values, present: Mask) -> Values:
    total: Values = np.where(present, values, -0.0).sum(axis=0, initial=-0.0)  # minus zero stays minus zero
    return total


def _avg(values: Values, present: Mask) -> Values:
    counts = present.sum(axis=0)
    means: Values = _sum(values, present) / counts
    overflowed = np.isinf(means) & ~at_any(np.isinf(values) & present)
    return np.where(overflowed, _sum(values / counts, present), means) if overflowed.any() else means


def _min(values: Values, present: Mask) -> Values:
    lowest: Values = np.fmin.reduce(np.where(present, values, np.nan), axis=0)
    return lowest


def _max(values: Values, present: Mask) -> Values:
    highest: Values = np.fmax.reduce(np.where(present, values, np.nan), axis=0)
    return highest


def _count(_: Values, present: Mask) -> Values:
    return np.asarray(present.sum(axis=0), dtype=np.float64)


def _group(_: Values, present: Mask) -> Values:
    return np.ones(present.shape[1])


def _stdvar(values: Values, present: Mask) -> Values:
    """From the first value on, so that equal values deviate by exactly nothing; one alone deviates by nothing, be it NaN."""
    counts = present.sum(axis=0)
    first = values[present.argmax(axis=0), np.arange(values.shape[1])]
    shifted = values - first
    means = _sum(shifted, present) / counts
    variance: Values = _sum((shifted - means) ** 2, present) / counts
    return np.where(counts == 1, 0.0, variance)


def _stddev(values: Values, present: Mask) -> Values:
    return np.sqrt(_stdvar(values, present))


_REDUCERS: dict[str, Reducer] = {
    "avg": _avg,
    "count": _count,
    "group": _group,
    "max": _max,
    "min": _min,
    "stddev": _stddev,
    "stdvar": _stdvar,
    "sum": _sum,
}


def _quantile(param: Param) -> Reducer:
    def reduce(values: Values, present: Mask) -> Values:
        q = param if isinstance(param, np.ndarray) else np.full(values.shape[1], np.nan)
        return column_quantiles(q, values, present)

    return reduce


def _sizes(param: Param, vector: Vector) -> npt.NDArray[np.int64]:
    """How many rows to keep at each step."""
    wanted = param if isinstance(param, np.ndarray) else np.zeros(vector.values.shape[1])
    for size in wanted[~(np.abs(wanted) < INT64_LIMIT)][:1]:
        raise ExecutionFailed(f"Scalar value {format_any(float(size))} overflows int64")
    return wanted.astype(np.int64)


def _ranked(op: str, vector: Vector, groups: list[list[int]], sizes: npt.NDArray[np.int64]) -> Vector:
    order: list[int] = []
    present = np.zeros(vector.present.shape, dtype=bool)
    for rows in groups:
        values, there = vector.values[rows], vector.present[rows]
        best_first = np.lexsort((-values if op == "topk" else values, ~there), axis=0)
        ranks = np.empty_like(best_first)
        np.put_along_axis(ranks, best_first, np.arange(len(rows))[:, None], axis=0)
        present[rows] = there & (ranks < sizes)
        order.extend(rows[row] for row in best_first[:, 0])
    ranked = Vector(vector.labels, vector.values, present)
    return pruned(ranked.rows(np.array(order, dtype=np.intp)))


def _count_values(node: Aggregation, vector: Vector, name: str, check_size: Callable[[int], None]) -> Vector:
    if not LABEL_NAME.fullmatch(name):
        raise ExecutionFailed(f"invalid label name {quote(name)}")
    by_value = node if node.without else Aggregation(node.op, node.expr, None, (*node.grouping, name), without=False)
    steps = vector.values.shape[1]
    counts: dict[Labels, npt.NDArray[np.float64]] = {}
    for row, labels in enumerate(vector.labels):
        for text, same in _by_text(vector.values[row], vector.present[row]):
            key = group_labels(by_value, set_label(labels, name, text))
            check_size((len(counts) + 1) * steps)
            counts[key] = counts.get(key, np.zeros(steps)) + same
    if not counts:
        return Vector([], np.empty((0, steps)), np.empty((0, steps), dtype=bool))
    table = np.array(list(counts.values()))
    return Vector(list(counts), table, table > 0)


def _by_text(values: Values, there: Mask) -> Iterator[tuple[str, Mask]]:
    """The distinct values as they are written, and at which steps they occur; 0 and -0 are two."""
    bits = values.view(np.int64)
    masks: dict[str, Mask] = {}
    for pattern in np.unique(bits[there]):
        text = format_float(float(pattern.view(np.float64)))
        masks[text] = masks.get(text, False) | ((bits == pattern) & there)
    yield from masks.items()
