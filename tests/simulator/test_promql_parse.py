import pytest

from simulator.promql.engine import checked
from simulator.promql.errors import ParseFailed
from simulator.promql.parse import DEEPEST_TREE, parse, parse_selector, prettify
from simulator.promql.prepare import LONGEST_QUERY, MOST_TOKENS
from simulator.promql.syntax import (
    Anchor,
    Binary,
    Call,
    Cardinality,
    Kind,
    Negation,
    Number,
    RangeSelector,
    Selector,
    Subquery,
    Text,
)


def test_a_selector_knows_its_matchers_offset_and_moment() -> None:
    node = parse('up{job="api",zone!~"a|b"} @ 12.5 offset -90s')
    assert isinstance(node, Selector)
    assert [(m.name, m.type.value, m.value) for m in node.matchers] == [
        ("job", "=", "api"),
        ("zone", "!~", "a|b"),
        ("__name__", "=", "up"),
    ]
    assert (node.offset_ms, node.at) == (-90_000, 12_500)


def test_a_name_within_the_braces_is_the_metric_name() -> None:
    assert [m.value for m in parse_selector('{__name__="up"}')] == ["up"]


def test_ranges_and_subqueries_are_in_milliseconds() -> None:
    node = parse("max_over_time(rate(x[1m30s])[1h:15s] @ end())")
    assert isinstance(node, Call)
    (subquery,) = node.args
    assert isinstance(subquery, Subquery)
    assert (subquery.range_ms, subquery.step_ms, subquery.at) == (3_600_000, 15_000, Anchor.END)
    assert isinstance(subquery.expr, Call)
    (inner,) = subquery.expr.args
    assert isinstance(inner, RangeSelector)
    assert inner.range_ms == 90_000


def test_a_subquery_without_a_step_leaves_it_open() -> None:
    node = parse("x[1h:]")
    assert isinstance(node, Subquery)
    assert node.step_ms is None


def test_matching_is_read_with_its_side_and_labels() -> None:
    node = parse("a / on (pod) group_left (node) b")
    assert isinstance(node, Binary)
    assert node.matching.cardinality is Cardinality.MANY_TO_ONE
    assert (node.matching.on, node.matching.labels, node.matching.include) == (True, ("pod",), ("node",))


def test_a_minus_binds_weaker_than_a_power() -> None:
    assert isinstance(parse("-x ^ 2"), Negation)
    assert parse("-(1)") == Number(-1)


def test_raw_strings_keep_their_backslashes() -> None:
    assert parse(r"`\d+ \"x\"`") == Text(r"\d+ \"x\"")
    assert parse("'plain'") == Text("plain")


def test_the_older_name_of_a_function_is_known() -> None:
    assert isinstance(parse("holt_winters(x[5m], 0.1, 0.2)"), Call)


def test_text_that_is_no_promql_says_why() -> None:
    with pytest.raises(ParseFailed, match="parse error: unclosed left parenthesis"):
        parse("sum(x")


def test_type_errors_are_worded_as_prometheus_words_them() -> None:
    with pytest.raises(ParseFailed, match='expected type range vector in call to function "rate", got instant vector'):
        parse("rate(x)")
    with pytest.raises(ParseFailed, match='unknown function with name "nothing"'):
        parse("nothing(x)")


@pytest.mark.parametrize("name", ["mad_over_time(x[5m])", 'sort_by_label(x, "a")', "info(x)"])
def test_a_function_of_a_newer_server_is_refused_by_name(name: str) -> None:
    with pytest.raises(ParseFailed, match=f'unknown function with name "{name.split("(")[0]}"'):
        checked(f"sum(vector(1)) + ({name})")


def test_alternatives_between_matchers_are_refused() -> None:
    with pytest.raises(ParseFailed, match='"or" between matchers is not supported'):
        parse('x{a="1" or b="2"}')


@pytest.mark.parametrize("query", ["1" + "+1" * 5_000, "(" * 5_000 + "1" + ")" * 5_000, "-" * 5_000 + "x"])
def test_a_text_that_would_exhaust_the_parser_never_reaches_it(query: str) -> None:
    with pytest.raises(ParseFailed, match=f"more than {MOST_TOKENS} operators"):
        parse(query)


def test_operators_within_strings_and_comments_cost_nothing() -> None:
    many = "+" * (MOST_TOKENS + 1)
    assert parse(f'"{many}"') == Text(many)
    assert parse(f"1 # {many}") == Number(1)


def test_a_tree_that_is_too_deep_is_refused() -> None:
    with pytest.raises(ParseFailed, match=f"deeper than {DEEPEST_TREE} levels"):
        parse("1+(" * (DEEPEST_TREE + 1) + "1" + ")" * (DEEPEST_TREE + 1))


def test_a_long_chain_of_operators_is_not_a_deep_tree() -> None:
    node = parse("1" + " + 1" * 1_000)
    assert isinstance(node, Binary)
    assert node.returns is Kind.SCALAR
    assert isinstance(node.rhs, Number)


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(ParseFailed, match="longer than"):
        parse("x" * (LONGEST_QUERY + 1))


def test_a_series_selector_is_nothing_but_a_selector() -> None:
    for text in ("rate(x[5m])", "x offset 5m", "x @ 3", "1"):
        with pytest.raises(ParseFailed, match="expected a series selector"):
            parse_selector(text)


def test_a_query_is_formatted() -> None:
    assert prettify("sum(rate(x[5m]))by(pod)") == "sum by (pod) (rate(x[5m]))"
