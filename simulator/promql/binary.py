"""Operators between scalars and vectors, and the matching of two vectors by labels.

Matching is decided once for all steps: rows are paired by their match group, and only where a group holds several rows does it
matter at which steps they exist, because Prometheus's rules about duplicates hold for each step by itself.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from simulator.promql.chunks import Values
from simulator.promql.errors import ExecutionFailed
from simulator.promql.golang import format_labels
from simulator.promql.syntax import Binary, Cardinality, Matching
from simulator.promql.tsdb import Labels
from simulator.promql.values import (
    Mask,
    Scalar,
    Value,
    Vector,
    drop_labels,
    groups_of,
    keep_labels,
    merged,
    nameless,
    overlap,
    pruned,
    set_label,
    without_name,
)

Rows = npt.NDArray[np.intp]
Signature = Callable[[Labels], Labels]
Problem = tuple[int, str]  # the step at which it comes up first, because the earliest is the one that is told

ARITHMETIC: dict[str, np.ufunc] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISONS: dict[str, np.ufunc] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}

DROPS_NAME = frozenset(ARITHMETIC) - {"atan2"}  # the servers that this evaluator follows forget it for atan2

NOT_EXPLICIT = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
NOT_UNIQUE = "multiple matches for labels: grouping labels must ensure unique matches"


def negated(value: Value) -> Value:
    if isinstance(value, Scalar):
        return Scalar(-value.values)
    return nameless(Vector(value.labels, -value.values, value.present))


def scalar_with_scalar(op: str, lhs: Scalar, rhs: Scalar) -> Scalar:
    operate = ARITHMETIC.get(op) or COMPARISONS[op]
    return Scalar(operate(lhs.values, rhs.values).astype(np.float64))


def vector_with_scalar(node: Binary, vector: Vector, scalar: Scalar, *, swapped: bool) -> Vector:
    left, right = (scalar.values, vector.values) if swapped else (vector.values, scalar.values)
    if node.op in ARITHMETIC:
        result = Vector(vector.labels, ARITHMETIC[node.op](left, right), vector.present)
        return nameless(result) if node.op in DROPS_NAME else result
    holds: Mask = COMPARISONS[node.op](left, right)
    if node.return_bool:
        return nameless(Vector(vector.labels, holds.astype(np.float64), vector.present))
    return pruned(Vector(vector.labels, vector.values, vector.present & holds))


def set_operation(op: str, matching: Matching, lhs: Vector, rhs: Vector) -> Vector:
    signature = _signature(matching)
    if op == "or":
        covered = _exists(lhs, rhs, signature)
        extra = Vector(rhs.labels, rhs.values, rhs.present & ~covered)
        both = Vector(
            lhs.labels + extra.labels,
            np.concatenate((lhs.values, extra.values)),
            np.concatenate((lhs.present, extra.present)),
        )
        return merged(pruned(both))
    matched = _exists(rhs, lhs, signature)
    return pruned(Vector(lhs.labels, lhs.values, lhs.present & (matched if op == "and" else ~matched)))


def _signature(matching: Matching) -> Signature:
    names = frozenset(matching.labels)
    if matching.on:
        return lambda labels: keep_labels(labels, names)
    names |= {"__name__"}
    return lambda labels: drop_labels(labels, names)


def _exists(source: Vector, target: Vector, signature: Signature) -> Mask:
    """For each row of `target` the steps at which `source` has a row of the same match group."""
    there: dict[Labels, Mask] = {}
    for row, labels in enumerate(source.labels):
        key = signature(labels)
        there[key] = there[key] | source.present[row] if key in there else source.present[row]
    result = np.zeros(target.present.shape, dtype=bool)
    for row, labels in enumerate(target.labels):
        mask = there.get(signature(labels))
        if mask is not None:
            result[row] = mask
    return result


def vector_with_vector(node: Binary, lhs: Vector, rhs: Vector, check_size: Callable[[int], None]) -> Vector:
    matching = node.matching
    flipped = matching.cardinality is Cardinality.ONE_TO_MANY
    many, one = (rhs, lhs) if flipped else (lhs, rhs)
    signature = _signature(matching)
    one_side = [signature(labels) for labels in one.labels]
    problems = _many_to_many(matching, one_side, many, one, flipped=flipped)
    many_rows, one_rows, groups = _pairs([signature(labels) for labels in many.labels], one_side)
    check_size(len(groups) * many.values.shape[1])
    first, second = many.values[many_rows], one.values[one_rows]
    left, right = (second, first) if flipped else (first, second)
    values, keep = _operate(node, left, right)
    present = many.present[many_rows] & one.present[one_rows] & keep
    labels = [_result_labels(node, many.labels[i], one.labels[j]) for i, j in zip(many_rows, one_rows, strict=True)]
    problems += _duplicates(matching, groups, labels, present)
    if problems:
        raise ExecutionFailed(min(problems, key=lambda problem: problem[0])[1])
    return merged(pruned(Vector(labels, values, present)))


def _operate(node: Binary, left: Values, right: Values) -> tuple[Values, Mask]:
    everywhere = np.ones(left.shape, dtype=bool)
    if node.op in ARITHMETIC:
        return ARITHMETIC[node.op](left, right), everywhere
    holds: Mask = COMPARISONS[node.op](left, right)
    return (holds.astype(np.float64), everywhere) if node.return_bool else (left, holds)


def _pairs(many_side: Sequence[Labels], one_side: Sequence[Labels]) -> tuple[Rows, Rows, list[Labels]]:
    partners: dict[Labels, list[int]] = {}
    for row, key in enumerate(one_side):
        partners.setdefault(key, []).append(row)
    pairs = [(row, partner, key) for row, key in enumerate(many_side) for partner in partners.get(key, ())]
    many_rows = np.array([pair[0] for pair in pairs], dtype=np.intp)
    one_rows = np.array([pair[1] for pair in pairs], dtype=np.intp)
    return many_rows, one_rows, [pair[2] for pair in pairs]


def _many_to_many(
    matching: Matching, one_side: Sequence[Labels], many: Vector, one: Vector, *, flipped: bool
) -> list[Problem]:
    if len(set(one_side)) == len(one_side):
        return []
    problems = []
    steps = many.present.any(axis=0)
    for rows in groups_of(one_side):
        together = one.present[rows] & steps
        if not overlap(together):
            continue
        step = int((together.sum(axis=0) > 1).argmax())
        earlier, later = [row for row, there in zip(rows, together[:, step], strict=True) if there][:2]
        group = _signature(matching)(one.labels[later])
        problems.append(
            (
                step,
                (
                    f"found duplicate series for the match group {format_labels(group)} on the "
                    f"{'left' if flipped else 'right'} hand-side of the operation: "
                    f"[{format_labels(one.labels[later])}, {format_labels(one.labels[earlier])}]"
                    ";many-to-many matching not allowed: matching labels must be unique on one side"
                ),
            )
        )
    return problems


def _duplicates(matching: Matching, groups: list[Labels], labels: list[Labels], present: Mask) -> list[Problem]:
    one_to_one = matching.cardinality is Cardinality.ONE_TO_ONE
    keys: list[object] = list(groups) if one_to_one else list(zip(groups, labels, strict=True))
    if len(set(keys)) == len(keys):
        return []
    sentence = NOT_EXPLICIT if one_to_one else NOT_UNIQUE
    counts = [present[rows].sum(axis=0) > 1 for rows in groups_of(keys)]
    return [(int(doubled.argmax()), sentence) for doubled in counts if doubled.any()]


def _result_labels(node: Binary, many: Labels, one: Labels) -> Labels:
    matching = node.matching
    result = without_name(many) if node.op in DROPS_NAME or node.return_bool else many
    if matching.cardinality is Cardinality.ONE_TO_ONE:
        names = frozenset(matching.labels)
        return keep_labels(result, names) if matching.on else drop_labels(result, names)
    given = dict(one)
    for name in matching.include:
        result = set_label(result, name, given.get(name, ""))
    return result
