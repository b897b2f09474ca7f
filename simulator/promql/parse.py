"""From text to the syntax tree.

What the parser cannot be trusted with is settled on the text before (see the module `prepare`). It also accepts grammar newer than the
Prometheus this evaluator follows; that is refused here by name.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import promql_parser as pp

from simulator.promql.errors import ParseFailed
from simulator.promql.matchers import Matcher, MatchType
from simulator.promql.prepare import prepared, unshifted, with_minus_for_plus, with_moments
from simulator.promql.syntax import (
    Aggregation,
    Anchor,
    At,
    Binary,
    Call,
    Cardinality,
    Kind,
    Matching,
    Negation,
    Node,
    Number,
    RangeSelector,
    Selector,
    Subquery,
    Text,
    kind_of,
)

T = TypeVar("T")

DEEPEST_TREE = 120

_MATCH_TYPES = (
    (pp.MatchOp.Equal, MatchType.EQUAL),
    (pp.MatchOp.NotEqual, MatchType.NOT_EQUAL),
    (pp.MatchOp.Re, MatchType.REGEX),
    (pp.MatchOp.NotRe, MatchType.NOT_REGEX),
)
_CARDINALITIES = (
    (pp.VectorMatchCardinality.OneToOne, Cardinality.ONE_TO_ONE),
    (pp.VectorMatchCardinality.ManyToOne, Cardinality.MANY_TO_ONE),
    (pp.VectorMatchCardinality.OneToMany, Cardinality.ONE_TO_MANY),
    (pp.VectorMatchCardinality.ManyToMany, Cardinality.MANY_TO_MANY),
)
_KINDS = (
    (pp.ValueType.Scalar, Kind.SCALAR),
    (pp.ValueType.Vector, Kind.VECTOR),
    (pp.ValueType.Matrix, Kind.MATRIX),
    (pp.ValueType.String, Kind.STRING),
)
_KIND_NAMES = re.compile(r"(expected type |got |scalar or )(vector|matrix)\b")
_QUOTED_NAME = re.compile(r"\b(name|function|operator) '(\w+)'")
NEWER_AGGREGATIONS = frozenset({"limitk", "limit_ratio"})
SET_OPERATORS = frozenset({"and", "or", "unless"})
_PLAIN_MATCHING = Matching(Cardinality.ONE_TO_ONE, on=False, labels=(), include=())


def _teach_the_parser_older_names() -> None:
    """`holt_winters` was renamed in Prometheus 3; the parser knows the new name only, and is taught once per process."""
    arguments = [pp.ValueType.Matrix, pp.ValueType.Scalar, pp.ValueType.Scalar]
    try:
        pp.parse("holt_winters(x[1m], 0.5, 0.5)")
    except ValueError:
        pp.register_extra_functions([pp.Function("holt_winters", arguments, pp.ValueType.Vector)])


_teach_the_parser_older_names()


def parse(query: str) -> Node:
    return _convert(_parsed(query), 0)


def prettify(query: str) -> str:
    return with_moments(str(_parsed(query).prettify()))


def parse_selector(query: str) -> tuple[Matcher, ...]:
    """A bare selector, as the `match[]` parameters take it."""
    node = parse(query)
    if not isinstance(node, Selector) or node.offset_ms or node.at is not None:
        raise ParseFailed(f"parse error: expected a series selector, got {query!r}")
    return node.matchers


def _parsed(query: str) -> pp.Expr:
    try:
        text = prepared(query)
        if (negated := with_minus_for_plus(text)) is not None:
            pp.parse(negated)
        return pp.parse(text)
    except ValueError as problem:
        raise ParseFailed(f"parse error: {_in_prometheus_words(str(problem))}") from problem


def _in_prometheus_words(sentence: str) -> str:
    named = _QUOTED_NAME.sub(r'\1 "\2"', sentence)
    return _KIND_NAMES.sub(
        lambda found: found[1] + ("instant vector" if found[2] == "vector" else "range vector"), named
    )


def _convert(expr: Any, depth: int) -> Node:
    """A chain of operators is walked and not nested, so that a sum of a thousand terms is not a thousand levels deep."""
    chain = []
    expr = _bare(expr)
    while isinstance(expr, pp.BinaryExpr):
        chain.append(expr)
        expr = _bare(expr.lhs)
    node = _convert_one(expr, depth)
    for link in reversed(chain):
        node = _binary(link, node, depth + 1)
    return node


def _bare(expr: Any) -> Any:
    while isinstance(expr, pp.ParenExpr):
        expr = expr.expr
    return expr


def _convert_one(expr: Any, depth: int) -> Node:
    if depth > DEEPEST_TREE:
        raise ParseFailed(f"parse error: query is nested deeper than {DEEPEST_TREE} levels")
    convert = _CONVERTERS.get(type(expr))
    if convert is None:
        raise ParseFailed(f"parse error: {type(expr).__name__} is not supported")
    return convert(expr, depth + 1)


def _number(expr: pp.NumberLiteral, _: int) -> Node:
    return Number(float(expr.val))


def _text(expr: pp.StringLiteral, _: int) -> Node:
    return Text(expr.val)


def _selector(expr: pp.VectorSelector, _: int = 0) -> Selector:
    if expr.matchers.or_matchers:
        raise ParseFailed('parse error: "or" between matchers is not supported')
    matchers = [Matcher(m.name, _one_of(_MATCH_TYPES, m.op), m.value) for m in expr.matchers.matchers]
    if expr.name is not None and not any(m.name == "__name__" for m in matchers):
        matchers.append(Matcher("__name__", MatchType.EQUAL, expr.name))
    return Selector(tuple(matchers), _milliseconds(expr.offset), _at(expr.at))


def _range_selector(expr: pp.MatrixSelector, _: int) -> Node:
    return RangeSelector(_selector(expr.vector_selector), _milliseconds(expr.range))


def _subquery(expr: pp.SubqueryExpr, depth: int) -> Node:
    inner = _convert(expr.expr, depth)
    step = None if expr.step is None else _milliseconds(expr.step)
    return Subquery(inner, _milliseconds(expr.range), step or None, _milliseconds(expr.offset), _at(expr.at))


def _call(expr: pp.Call, depth: int) -> Node:
    args = tuple(_convert(arg, depth) for arg in expr.args)
    return Call(expr.func.name, args, _one_of(_KINDS, expr.func.return_type))


def _aggregation(expr: pp.AggregateExpr, depth: int) -> Node:
    if str(expr.op) in NEWER_AGGREGATIONS:
        raise ParseFailed(f'parse error: unknown function with name "{expr.op}"')
    param = None if expr.param is None else _convert(expr.param, depth)
    modifier = expr.modifier
    without = modifier is not None and modifier.type == pp.AggModifierType.Without
    grouping = tuple(modifier.labels) if modifier is not None else ()
    return Aggregation(str(expr.op), _convert(expr.expr, depth), param, grouping, without)


def _binary(expr: pp.BinaryExpr, lhs: Node, depth: int) -> Node:
    rhs = _convert(expr.rhs, depth)
    kinds = (kind_of(lhs), kind_of(rhs))
    returns = Kind.SCALAR if kinds == (Kind.SCALAR, Kind.SCALAR) else Kind.VECTOR
    op = str(expr.op).strip()
    modifier = expr.modifier
    matching = _PLAIN_MATCHING if modifier is None else _matching(modifier)
    if op in SET_OPERATORS:
        matching = Matching(Cardinality.MANY_TO_MANY, matching.on, matching.labels, ())
        if Kind.SCALAR in kinds:
            raise ParseFailed(f'parse error: set operator "{op}" not allowed in binary scalar expression')
    return Binary(op, lhs, rhs, modifier is not None and modifier.return_bool, matching, returns)


def _matching(modifier: pp.BinModifier) -> Matching:
    fill = modifier.fill_values
    if fill is not None and (fill.lhs is not None or fill.rhs is not None):
        raise ParseFailed("parse error: fill modifiers are not supported")
    on = modifier.matching is not None and modifier.matching.type == pp.LabelModifierType.Include
    labels = tuple(modifier.matching.labels) if modifier.matching is not None else ()
    return Matching(_one_of(_CARDINALITIES, modifier.card), on, labels, tuple(modifier.group_labels or ()))


def _negation(expr: pp.UnaryExpr, depth: int) -> Node:
    inner = _convert(expr.expr, depth)
    return Number(-inner.value) if isinstance(inner, Number) else Negation(inner)


_CONVERTERS: dict[type, Callable[[Any, int], Node]] = {
    pp.NumberLiteral: _number,
    pp.StringLiteral: _text,
    pp.VectorSelector: _selector,
    pp.MatrixSelector: _range_selector,
    pp.SubqueryExpr: _subquery,
    pp.Call: _call,
    pp.AggregateExpr: _aggregation,
    pp.UnaryExpr: _negation,
}


def _one_of(table: tuple[tuple[Any, T], ...], key: object) -> T:
    return next(mine for theirs, mine in table if theirs == key)


def _milliseconds(delta: timedelta | None) -> int:
    return 0 if delta is None else delta // timedelta(milliseconds=1)


def _at(at: pp.AtModifier | None) -> At:
    if at is None:
        return None
    if at.type == pp.AtModifierType.Start:
        return Anchor.START
    if at.type == pp.AtModifierType.End:
        return Anchor.END
    moment: datetime = at.at  # type: ignore[assignment]
    return unshifted(round(moment.timestamp() * 1000))
