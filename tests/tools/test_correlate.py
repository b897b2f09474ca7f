"""Curves that move together, and those that only seem to."""

import pytest

from tools.engines.correlate import LEAST_POINTS, Curve, pairs


def curve(*values: float, start: float = 0) -> Curve:
    return [(start + place * 30, value) for place, value in enumerate(values)]


RISING = curve(*range(20))


def test_two_that_rise_together_are_a_strong_pair() -> None:
    found = pairs({"cpu": RISING, "qps": curve(*(2 * value + 1 for value in range(20)))})
    assert [(pair.one, pair.other, pair.coefficient) for pair in found] == [("cpu", "qps", 1.0)]
    assert found[0].strength("zh") == "强正相关"


def test_one_that_falls_while_another_rises_is_negative() -> None:
    assert pairs({"cpu": RISING, "free": curve(*range(20, 0, -1))})[0].strength("en") == "strong negative"


@pytest.mark.parametrize(
    "other",
    [curve(*[5.0] * 20), curve(*range(LEAST_POINTS - 1)), curve(*range(20), start=7), curve(*[0, 1] * 10), []],
    ids=["flat", "too short", "other moments", "unrelated", "empty"],
)
def test_what_does_not_move_with_it_is_no_pair(other: Curve) -> None:
    assert pairs({"cpu": RISING, "other": other}) == []


def test_the_strongest_pair_comes_first() -> None:
    bent = curve(*(value**3 for value in range(20)))
    found = pairs({"a": RISING, "b": bent, "c": RISING})
    assert (found[0].one, found[0].other) == ("a", "c")
