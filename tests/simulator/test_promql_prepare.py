import pytest

from simulator.promql.errors import ParseFailed
from simulator.promql.parse import parse, prettify
from simulator.promql.prepare import FARTHEST_MS, LONGEST_QUERY, MOST_TOKENS, prepared, with_minus_for_plus
from simulator.promql.syntax import Selector


def moment_of(query: str) -> object:
    node = parse(query)
    assert isinstance(node, Selector)
    return node.at


@pytest.mark.parametrize(
    ("text", "moment_ms"),
    [
        ("0", 0),
        ("12.5", 12_500),
        ("-100", -100_000),
        ("- 0.0005", -1),
        ("1e3", 1_000_000),
        ("0x10", 16_000),
        ("1700000000.1234", 1_700_000_000_123),
        ("1e15", FARTHEST_MS),
        ("-1e15", -FARTHEST_MS),
    ],
)
def test_a_moment_may_lie_before_1970_and_is_rounded_to_milliseconds(text: str, moment_ms: int) -> None:
    assert moment_of(f"up @ {text}") == moment_ms


@pytest.mark.parametrize("text", ["NaN", "Inf", "-Inf", "1e20"])
def test_a_moment_that_no_clock_shows_is_refused(text: str) -> None:
    with pytest.raises(ParseFailed, match="timestamp out of bounds for @ modifier"):
        parse(f"up @ {text}")


@pytest.mark.parametrize("query", ["5m", "up + 1h30m", "vector(10s)", "sum(up) > 5m", "offset -5m", "1 + offset 5m"])
def test_a_duration_is_not_a_number(query: str) -> None:
    with pytest.raises(ParseFailed, match="unexpected duration"):
        parse(query)


@pytest.mark.parametrize("query", ["up offset 5", "up[5m] offset -5", "up offset 0x10"])
def test_a_number_is_not_an_offset(query: str) -> None:
    with pytest.raises(ParseFailed, match="in offset, expected duration"):
        parse(query)


@pytest.mark.parametrize("query", ["up[5]", "up[5m:1]", "up[60:]"])
def test_a_number_is_not_a_range(query: str) -> None:
    with pytest.raises(ParseFailed, match="missing unit character in duration"):
        parse(query)


@pytest.mark.parametrize("query", ['{"up"}', 'up{"job"="api"}', 'up{job="api", "zone"="z"}', "{`up`}"])
def test_a_name_within_braces_is_not_a_string(query: str) -> None:
    with pytest.raises(ParseFailed, match="in label matching, expected identifier"):
        parse(query)


@pytest.mark.parametrize(
    "query",
    ['-"a"', "+ `a`", 'label_replace(up, +"a", "b", "c", "d")', "+up[5m]", "rate(+up[5m])", "up and + up[5m:1m]"],
)
def test_only_numbers_and_instant_vectors_have_a_sign(query: str) -> None:
    with pytest.raises(
        ParseFailed, match="unary expression only allowed on expressions of type scalar or instant vector"
    ):
        parse(query)


def test_a_plus_that_is_no_sign_is_left_alone() -> None:
    assert with_minus_for_plus('up + on (a) up{a="+"} + 1e+3') is None
    assert with_minus_for_plus("+up + (+1)") == "-up + (-1)"


def test_what_stands_in_a_string_is_left_alone() -> None:
    text = 'label_replace(up{a="5m @ 3 offset 5"}, "b", "[5]", "c", "{")'
    assert prepared(text) == text


def test_a_raw_string_keeps_its_backslashes() -> None:
    assert prepared(r'up{a=~`\d"x`}') == r'up{a=~"\\d\"x"}'


def test_a_pretty_query_shows_moments_as_they_were_given() -> None:
    assert prettify("sum(up @ -1.5)by(a)") == "sum by (a) (up @ -1.500)"
    assert prettify('up{a="@ 20000000000.000"} @ 7') == 'up{a="@ 20000000000.000"} @ 7.000'


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("1" * (LONGEST_QUERY + 1), "longer than"),
        ("1+" * (MOST_TOKENS + 1) + "1", "operators and brackets"),
        ("up[5m]" * (MOST_TOKENS + 1), "operators and brackets"),
        ("up\0", "zero byte"),
    ],
)
def test_what_would_end_the_parser_never_reaches_it(query: str, sentence: str) -> None:
    with pytest.raises(ParseFailed, match=sentence):
        prepared(query)
