"""Go's regular expressions on Python's engine, and on our own where Python's would not come to an end."""

import random
import re
from re import _parser  # type: ignore[attr-defined]

import pytest

from simulator.promql.errors import ParseFailed
from simulator.promql.linear import LinearPattern, compile_linear
from simulator.promql.matchers import compile_regex
from simulator.promql.re2 import NotRe2, to_python
from tests.patience import ended


@pytest.mark.parametrize(
    ("source", "matching", "other"),
    [
        (r"a\.b", "a.b", "axb"),
        (r"\Qa.b\E+", "a.bb", "axb"),
        (r"\pL+", "aé漢", "a1"),
        (r"\p{Nd}+", "1٢", "1a"),
        (r"\PL+", "12-", "1a"),
        (r"\p{^L}", "1", "a"),
        (r"[\p{Lu}_]+", "A_É", "a"),
        (r"\x{31}\x32", "12", "31"),
        (r"\061", "1", "061"),
        (r"[[:alpha:]_]+", "a_b", "a1"),
        (r"[[:^digit:]]+", "ab", "a1"),
        (r"[^[:space:]]+", "ab", "a b"),
        (r"\s", " ", "\v"),
        (r"\W\S", "-a", "aa"),
        (r"[\w.-]+", "a.b-c", "a/b"),
        (r"[]a]+", "]a", "[a"),
        (r"[^-a]", "b", "-"),
        (r"a{,2}", "a{,2}", "aa"),
        (r"a{2,3}?", "aaa", "a"),
        (r"a(?i)b|c", "C", "A"),
        (r"(?i:a)b", "Ab", "AB"),
        (r"(?s).", "\n", ""),
        (r"a$", "a", "a\n"),
        (r"\Aa\z", "a", "a\n"),
        (r"(?m)^a$", "a", "b"),
        (r"(?P<n>a)\b", "a", "b"),
        (r"\a\f\v", "\x07\x0c\x0b", "afv"),
        (r"ü+", "üü", "u"),
        (r"\p{Any}", "漢", ""),
    ],
)
def test_an_expression_means_what_it_means_in_go(source: str, matching: str, other: str) -> None:
    pattern = compile_regex(source)
    assert pattern.fullmatch(matching) is not None
    assert pattern.fullmatch(other) is None


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (r"(a)\1", r"invalid escape sequence: `\\1`"),
        (r"a\Z", r"invalid escape sequence: `\\Z`"),
        ("a\\", "trailing backslash"),
        ("(?=a)", "invalid or unsupported Perl syntax"),
        ("(?<!a)b", "invalid or unsupported Perl syntax"),
        ("(?>a)", "invalid or unsupported Perl syntax"),
        ("(?#word)", "invalid or unsupported Perl syntax"),
        ("(?(1)a|b)", "invalid or unsupported Perl syntax"),
        ("a**", "invalid nested repetition operator"),
        ("a*+", "invalid nested repetition operator"),
        ("a{2}{3}", "invalid nested repetition operator"),
        ("*a", "missing argument to repetition operator"),
        ("a|*", "missing argument to repetition operator"),
        ("(+)", "missing argument to repetition operator"),
        ("a{1001}", "invalid repeat count"),
        ("a{3,2}", "invalid repeat count"),
        ("(a", "missing closing"),
        ("a)", "unexpected"),
        ("[a", "missing closing"),
        ("[[:nothing:]]", "invalid character class range"),
        (r"\p{Greek}", "not supported here: only general categories"),
        ("(?U)a", "flag U is not supported here"),
        ("(?i)ü", "flag i is not supported here beyond ASCII"),
        (r"\x{110000}", "invalid escape sequence"),
        ("[b-a]", "bad character range"),
    ],
)
def test_what_go_does_not_have_or_we_do_not_is_refused_by_name(source: str, sentence: str) -> None:
    with pytest.raises(ParseFailed, match=f"error parsing regexp: .*{sentence}"):
        compile_regex(source)


@pytest.mark.parametrize("source", ["(a+)+", "(a|aa)+b", "(.*a){20}", "([a-z]+)*x", ".*.*.*.*.*.*x"])
def test_an_expression_that_python_might_take_forever_over_is_matched_by_the_linear_matcher(source: str) -> None:
    pattern = compile_regex(source)
    assert isinstance(pattern, LinearPattern)
    with ended():
        assert not pattern.fullmatch("a" * 400 + "!")


def test_an_expression_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(ParseFailed, match="expression is too large"):
        compile_regex("((a|bc)+{1000})+".replace("+{", "{").replace("a|bc", "(a|bc){50}|d"))


def test_our_own_engine_agrees_with_pythons_on_expressions_made_by_chance() -> None:
    dice = random.Random(3)
    for _ in range(300):
        source = to_python(made(dice, 3))
        theirs = re.compile(source, re.ASCII)
        ours = compile_linear(_parser.parse(source, re.ASCII))
        for text in ("", "a", "ab", "abc", "cab\n", "aabbcc", "bbbb"):
            assert (ours.fullmatch(text) is None) == (theirs.fullmatch(text) is None), (source, text)


def test_our_own_engine_finds_the_groups_that_come_first() -> None:
    ours = compile_linear(_parser.parse("(?P<one>a|ab)(c|bcd)?(d*)"))
    match = ours.fullmatch("abcd")
    assert match is not None
    assert [match.group(n) for n in (0, 1, 2, 3)] == ["abcd", "a", "bcd", ""]
    assert match.group("one") == "a"
    lazy = compile_linear(_parser.parse("(a*?)(a*)")).fullmatch("aa")
    assert lazy is not None
    assert (lazy.group(1), lazy.group(2)) == ("", "aa")


def test_a_group_that_took_no_part_is_none() -> None:
    match = compile_linear(_parser.parse("(a)|(b)")).fullmatch("b")
    assert match is not None
    assert (match.group(1), match.group(2)) == (None, "b")


def made(dice: random.Random, depth: int) -> str:
    kind = dice.random()
    if depth == 0 or kind < 0.3:
        return dice.choice(["a", "b", ".", "[ab]", "[^a]", r"\w", r"\b", "(?i:A)", "^", "$"])
    if kind < 0.5:
        return made(dice, depth - 1) + made(dice, depth - 1)
    if kind < 0.7:
        return f"({made(dice, depth - 1)}|{made(dice, depth - 1)})"
    return f"({made(dice, depth - 1)}){dice.choice(['*', '+', '?', '{2}', '{1,3}', '*?', '+?', '??'])}"


def test_flags_last_to_the_end_of_their_group() -> None:
    assert to_python("(a(?i)b)c") == "(a(?i:b))c"
    assert to_python("a(?i)b|c") == "a(?i:b)|(?i:c)"
    with pytest.raises(NotRe2):
        to_python("(?i")
