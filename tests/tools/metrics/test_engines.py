"""Shifts, growth and covers: what the numbers say, whatever their scale and order."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.analyzers.measured import Shape, flat, line, pulse, ramp, saw, step
from tools.engines.metrics.cover import Mark, best, heaviest
from tools.engines.metrics.growth import growth
from tools.engines.metrics.numbers import cleaned, only_grows, rates
from tools.engines.metrics.shift import level, outliers, shift

Points = list[tuple[float, float]]


def points(shape: Shape, noise: float = 0.03, seed: int = 1) -> Points:
    return list(line(shape, {}, noise=noise, seed=seed).points)


def plain(*values: float, apart: float = 60.0) -> Points:
    return [(apart * place, value) for place, value in enumerate(values)]


@pytest.mark.parametrize("begins", [8, 20, 30, 45, 55])
def test_a_step_is_seen_wherever_it_begins(begins: int) -> None:
    found = shift(points(step(10, 30, begins)))
    assert found is not None
    assert found.rose(2)
    assert abs(found.onset - points(flat(1))[begins][0]) <= 120


def test_a_slow_rise_is_seen() -> None:
    found = shift(points(ramp(10, 30, 10)))
    assert found is not None
    assert found.rose(1.8)


@pytest.mark.parametrize("shape", [flat(5), flat(0), pulse(10, 40), lambda place: 10 + place % 2])
def test_what_stays_or_comes_back_has_not_moved(shape: Shape) -> None:
    found = shift(points(shape, noise=0.1))
    assert found is None or not (found.rose() or found.fell())


@pytest.mark.parametrize("seed", range(20))
def test_noise_has_not_moved(seed: int) -> None:
    found = shift(points(flat(10), noise=0.3, seed=seed))
    assert found is not None
    assert not found.rose(1.5)
    assert not found.fell(1.5)


@pytest.mark.parametrize("values", [(), (1,), (1, 9), (1, 1, 9)])
def test_too_few_samples_say_nothing(values: Sequence[float]) -> None:
    assert shift(plain(*values)) is None


def test_five_samples_can_show_a_step() -> None:
    found = shift(plain(1, 1.02, 0.99, 6, 6.1))
    assert found is not None
    assert found.rose(3)


def test_with_a_known_onset_before_and_after_are_compared() -> None:
    found = shift(plain(1, 1, 1, 1, 4, 4, 4, 4), onset=240.0)
    assert found is not None
    assert (found.before, found.after, found.onset) == (1, 4, 240.0)


@settings(max_examples=40, deadline=None)
@given(st.floats(1e-6, 1e6), st.integers(0, 1000))
def test_a_shift_does_not_depend_on_the_scale(factor: float, seed: int) -> None:
    dice = random.Random(seed)
    base = points(step(dice.uniform(1, 5), dice.uniform(1, 50)), seed=seed)
    one, other = shift(base), shift([(at, value * factor) for at, value in base])
    assert one is not None
    assert other is not None
    assert one.score == pytest.approx(other.score, rel=1e-6)
    assert one.onset == other.onset


@pytest.mark.parametrize(
    "shape", [ramp(100, 300, 0), ramp(100, 300, 15), ramp(10, 5000, 25), saw(100, 400), saw(100, 400, 2)]
)
def test_what_only_grows_is_a_leak_through_restarts(shape: Shape) -> None:
    found = growth(points(shape, noise=0.005))
    assert found is not None
    assert found.per_second > 0


@pytest.mark.parametrize(
    "shape",
    [
        flat(100),
        step(100, 300),
        pulse(100, 300),
        ramp(100, 110, 0),
        ramp(300, 100, 0),
        lambda place: 100 + 200 * (1 - 0.8**place),
        lambda place: min(300, 100 + 20 * place),
    ],
)
def test_steps_plateaus_and_warming_up_are_no_leak(shape: Shape) -> None:
    assert growth(points(shape, noise=0.005)) is None


@pytest.mark.parametrize("seed", range(10))
def test_noise_does_not_grow(seed: int) -> None:
    assert growth(points(flat(100), noise=0.2, seed=seed)) is None


def test_growth_needs_samples() -> None:
    assert growth(plain(1, 2, 3)) is None
    assert growth([]) is None


def test_a_counter_becomes_a_rate_through_its_reset() -> None:
    assert [round(value, 3) for _, value in rates(plain(0, 60, 120, 30, 90))] == [1, 1, 0.5, 1]
    assert rates(plain(5)) == []


def test_a_counter_is_told_from_a_level_that_happens_to_rise() -> None:
    assert only_grows(plain(*range(1000, 1060)))
    assert not only_grows(plain(*range(60)))
    assert not only_grows(plain(5, 6, 5, 7, 6, 8, 7))
    assert not only_grows(plain(*[3.0] * 30))


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ([[2, "5"], [1, "4"]], [(1, 4), (2, 5)]),
        ([[1, "NaN"], [2, "+Inf"], [3, "7"]], [(3, 7)]),
        ([[1_700_000_000_000, "3"]], [(1_700_000_000, 3)]),
        ([None, "x", [1], [1, None], {}, [5, 5, 5]], []),
    ],
)
def test_samples_are_made_fit_to_reckon_with(raw: list[object], clean: Points) -> None:
    assert cleaned(raw) == clean


def test_one_far_above_its_peers() -> None:
    assert outliers([("a", 1), ("b", 1.1), ("c", 9)]) == ["c"]
    assert outliers([("a", 1), ("b", 9)]) == ["b"]
    assert outliers([("a", 9), ("b", 9), ("c", 9)]) == []
    assert outliers([("a", 9)]) == []
    assert outliers([(str(place), 1.0 + place % 3 / 10) for place in range(40)] + [("far", 9)]) == ["far"]


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(6)))
def test_the_order_of_peers_does_not_matter(order: list[int]) -> None:
    levels = [(str(place), 1.0 if place else 20.0) for place in order]
    assert outliers(levels) == ["0"]


def test_the_level_is_where_it_is_now() -> None:
    assert level(points(step(1, 9, 40), noise=0)) == 9
    assert level(plain(4)) == 4


def marks(marked: Sequence[str], quiet: Sequence[str]) -> list[Mark[str]]:
    return [Mark(frozenset(text), is_marked=True) for text in marked] + [
        Mark(frozenset(text), is_marked=False) for text in quiet
    ]


def test_the_thing_at_all_marked_and_no_quiet_ones_explains_them() -> None:
    found = best(marks(["ab", "ac", "ad"], ["bc", "cd"]))
    assert found is not None
    assert found.thing == "a"
    assert found.fit == 1.0


def test_nothing_explains_marks_that_share_nothing() -> None:
    assert best(marks(["ab", "cd", "ef"], ["ac"])) is None
    assert best([]) is None


def test_half_of_all_losses_are_at_the_one_that_loses() -> None:
    lossy = [
        Mark(frozenset("a"), is_marked=True, amount=10),
        Mark(frozenset("b"), is_marked=True, amount=6),
        Mark(frozenset("c"), is_marked=True, amount=4),
    ]
    found = heaviest(lossy, "abc", 0.45)
    assert found is not None
    assert found.thing == "a"
    assert heaviest(lossy, "bc", 0.45) is None
