import math

import pytest

from simulator.promql.golang import expand_template, format_float, format_labels, format_point
from simulator.promql.matchers import compile_regex


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, "0.1"), (1e6, "1000000"), (1e22, "1" + "0" * 22), (1e-7, "0.0000001"), (-0.0, "-0"), (2.5e-5, "0.000025")],
)
def test_a_float_is_written_without_an_exponent(value: float, text: str) -> None:
    assert format_float(value) == text


@pytest.mark.parametrize(("value", "text"), [(math.nan, "NaN"), (math.inf, "+Inf"), (-math.inf, "-Inf")])
def test_special_values_have_names(value: float, text: str) -> None:
    assert format_float(value) == format_point(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e21, "1e+21"), (9.9e20, "990000000000000000000"), (1.5e-7, "1.5e-07"), (1e-6, "0.000001"), (0.0, "0")],
)
def test_a_sample_has_an_exponent_only_when_very_large_or_small(value: float, text: str) -> None:
    assert format_point(value) == text


def test_labels_are_quoted() -> None:
    assert format_labels((("a", 'x"y'), ("b", "1\n2"))) == r'{a="x\"y", b="1\n2"}'


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("$1-$2", "a-b"),
        ("${1}x", "ax"),
        ("$1x", ""),
        ("$$1", "$1"),
        ("$9", ""),
        ("$first", "a"),
        ("$none", ""),
        ("$", "$"),
    ],
)
def test_a_template_takes_groups_by_number_and_name(template: str, text: str) -> None:
    match = compile_regex("(?P<first>.)(.)(z)?").fullmatch("ab")
    assert match is not None
    assert expand_template(template, match) == text
