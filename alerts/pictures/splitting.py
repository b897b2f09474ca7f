"""A rule's expression taken apart: what it measures, and the limit it compares that with. Pure.

`expr > 5` measures `expr`; so do `5 < expr`, `(expr > 5) and other` and `expr > 5 unless other`, because what `and` and `unless` return
is their left side. Read from PromQL's syntax tree, never by looking for a sign in the text, and read back: what would not parse again, or
has no such shape, is left as it stands and is drawn where it holds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alerts.pictures.scale import Unit
from core.errors import Invalid
from tools.clients.promql import parse

_TURNED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}
_KEEPS_LEFT = frozenset({"and", "unless", "or", *_TURNED})
_DEEPEST = 50
_COUNTED = ("count", "group", "count_values", "count_over_time", "absent", "absent_over_time", "changes", "resets")
_BY_SECOND = ("rate", "irate", "deriv")


@dataclass(frozen=True, slots=True)
class Measured:
    expr: str
    operator: str = ""
    threshold: float | None = None
    unit: Unit = ""


def split(expr: str) -> Measured:
    tree = parse(expr)
    found = _compared(tree, 0)
    if found is None:
        return Measured(expr.strip(), unit=_unit(tree, None, 0))
    node, operator, threshold = found
    text = str(node)
    try:
        parse(text)
    except Invalid:
        return Measured(expr.strip())
    return Measured(text, operator if threshold is not None else "", threshold, _unit(node, threshold, 0))


def _compared(node: Any, depth: int) -> tuple[Any, str, float | None] | None:
    """The measured side, the sign, and the number where there is one."""
    kind = type(node).__name__
    if depth > _DEEPEST:
        return None
    if kind == "ParenExpr":
        return _compared(node.expr, depth + 1)
    if kind != "BinaryExpr":
        return None
    sign = str(node.op).strip()
    if sign in ("and", "unless"):
        return _compared(node.lhs, depth + 1)
    if sign not in _TURNED or (node.modifier and node.modifier.return_bool):
        return None
    left, right = _number(node.lhs), _number(node.rhs)
    return (node.rhs, _TURNED[sign], left) if left is not None else (node.lhs, sign, right)


def _number(node: Any) -> float | None:
    match type(node).__name__:
        case "NumberLiteral":
            return float(node.val)
        case "ParenExpr":
            return _number(node.expr)
        case "UnaryExpr":
            inner = _number(node.expr)
            return None if inner is None else -inner
    return None


def _unit(node: Any, threshold: float | None, depth: int) -> Unit:
    """What is measured in what, by the names that Prometheus's conventions give; nothing where they do not say."""
    reads = _UNITS.get(type(node).__name__)
    return reads(node, threshold, depth + 1) if reads and depth < _DEEPEST else ""


def _of_name(name: str | None) -> Unit:
    words = (name or "").removesuffix("_total").removesuffix("_bucket").removesuffix("_sum").rsplit("_", 1)
    known: dict[str, Unit] = {"bytes": "bytes", "seconds": "seconds", "ratio": "share", "percent": "percent"}
    return known.get(words[-1], "")


def _of_call(node: Any, threshold: float | None, depth: int) -> Unit:
    name = str(node.func.name)
    if name in ("time", "timestamp"):
        return "seconds"
    arguments = list(node.args)
    if name in _COUNTED or not arguments:
        return ""
    if name in ("histogram_quantile", "quantile_over_time"):
        return _of_quantile(arguments[-1], threshold, depth)
    unit = _unit(arguments[0], threshold, depth)
    if name not in _BY_SECOND:
        return unit
    return "bytes/s" if unit == "bytes" else ""


def _of_quantile(node: Any, threshold: float | None, depth: int) -> Unit:
    """Buckets are counted a second, and what a quantile gives is in their own unit again."""
    while type(node).__name__ in ("AggregateExpr", "ParenExpr", "Call") and depth < _DEEPEST:
        node = node.args[0] if type(node).__name__ == "Call" else node.expr
        depth += 1
    return _unit(node, threshold, depth)


def _of_binary(node: Any, threshold: float | None, depth: int) -> Unit:
    sign = str(node.op).strip()
    if sign == "/":
        return _of_division(_unit(node.lhs, None, depth), _unit(node.rhs, None, depth), threshold)
    if sign == "*":
        return "percent" if 100.0 in (_number(node.lhs), _number(node.rhs)) else ""
    if sign in ("+", "-"):
        return _of_sum(_unit(node.lhs, threshold, depth), _unit(node.rhs, threshold, depth))
    return _unit(node.lhs, threshold, depth) if sign in _KEEPS_LEFT else ""


def _of_sum(left: Unit, right: Unit) -> Unit:
    return left if left == right or not right else right if not left else ""


def _of_division(left: Unit, right: Unit, threshold: float | None) -> Unit:
    if left == "percent":
        return left
    if left != right:
        return ""
    return "share" if left or (threshold is not None and 0 < threshold <= 1) else ""


_UNITS: dict[str, Callable[[Any, float | None, int], Unit]] = {
    "VectorSelector": lambda node, _limit, _depth: _of_name(node.name),
    "MatrixSelector": lambda node, _limit, _depth: _of_name(node.vector_selector.name),
    "SubqueryExpr": lambda node, limit, depth: _unit(node.expr, limit, depth),
    "ParenExpr": lambda node, limit, depth: _unit(node.expr, limit, depth),
    "UnaryExpr": lambda node, limit, depth: _unit(node.expr, limit, depth),
    "AggregateExpr": lambda node, limit, depth: "" if str(node.op) in _COUNTED else _unit(node.expr, limit, depth),
    "Call": _of_call,
    "BinaryExpr": _of_binary,
}
