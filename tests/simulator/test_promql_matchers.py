import re

import pytest

from simulator.promql.errors import ParseFailed
from simulator.promql.matchers import LONGEST_REGEX, Matcher, MatchType, compile_regex


def test_a_missing_label_is_the_empty_string() -> None:
    assert Matcher("zone", MatchType.EQUAL, "").accepts_labels({"job": "api"})
    assert Matcher("zone", MatchType.REGEX, ".*").accepts_labels({"job": "api"})
    assert not Matcher("zone", MatchType.REGEX, ".+").accepts_labels({"job": "api"})
    assert Matcher("zone", MatchType.NOT_EQUAL, "a").accepts_labels({})


def test_an_expression_matches_the_whole_value() -> None:
    matcher = Matcher("code", MatchType.REGEX, "5..|404")
    assert [code for code in ("404", "500", "1500", "5000", "4041") if matcher.accepts(code)] == ["404", "500"]


def test_a_negated_expression_accepts_the_rest() -> None:
    matcher = Matcher("code", MatchType.NOT_REGEX, "5..")
    assert [code for code in ("200", "500", "") if matcher.accepts(code)] == ["200", ""]


def test_digits_and_word_characters_are_ascii_as_in_go() -> None:
    assert compile_regex(r"\d+").fullmatch("١٢") is None
    assert compile_regex(r"\w").fullmatch("é") is None


def test_posix_classes_are_understood() -> None:
    assert compile_regex("[[:alpha:]]+[[:digit:]_]*").fullmatch("pod7_1")
    assert compile_regex("[[:alpha:]]+").fullmatch("pod7") is None


def test_a_dot_does_not_match_a_line_end() -> None:
    assert compile_regex(".*").fullmatch("a\nb") is None


@pytest.mark.parametrize(
    "source",
    [
        "a|b",
        "(a|b).*",
        ".*-(x|y)-[0-9]+",
        "(abc)?d+",
        "a{3}",
        ".+",
        ".*a.*b.*c.*",
        r"(\d{1,3}\.){3}\d{1,3}",
        r"(\d+\.\d+)?",
    ],
)
def test_usual_expressions_are_left_to_pythons_engine(source: str) -> None:
    assert isinstance(compile_regex(source), re.Pattern)


def test_a_broken_expression_is_an_error_that_shows_it() -> None:
    with pytest.raises(ParseFailed, match=r"error parsing regexp: .*`\(`"):
        compile_regex("(")


def test_an_endless_expression_is_refused() -> None:
    with pytest.raises(ParseFailed, match="longer than"):
        compile_regex("a" * (LONGEST_REGEX + 1))
