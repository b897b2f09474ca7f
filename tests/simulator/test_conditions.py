"""Pressures rise, add up, multiply and are lifted one by one."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.conditions import Conditions, Kind, Level, Pressure

TIMES = np.array([0.0, 100.0, 150.0, 200.0, 1000.0])
HEAVY = Pressure(Kind.HEAVY_REQUESTS, "shop/web")
CROWD = Pressure(Kind.SURGE, "/")


def test_where_nothing_presses_the_sum_is_zero_and_the_factor_one() -> None:
    calm = Conditions()
    assert not calm.total(*HEAVY, TIMES).any()
    assert calm.factor(*CROWD, TIMES).tolist() == [1.0] * 5


def test_a_sudden_level_holds_from_its_moment_on() -> None:
    assert Level(2.0, since=100.0).at(TIMES).tolist() == [0, 2, 2, 2, 2]


def test_a_rising_level_comes_up_from_its_base() -> None:
    assert Level(3.0, since=100.0, rise=100.0, base=1.0).at(TIMES).tolist() == [1, 1, 2, 3, 3]


def test_levels_on_one_place_add_up_or_multiply_and_go_one_by_one() -> None:
    world = Conditions()
    first, second = Level(2.0), Level(3.0)
    for level in (first, second):
        world.press(HEAVY, level)
        world.press(CROWD, level)
    assert world.total(*HEAVY, TIMES)[0] == 5
    assert world.factor(*CROWD, TIMES)[0] == 6
    world.lift(HEAVY, first)
    assert world.total(*HEAVY, TIMES)[0] == 3
    world.lift(HEAVY, second)
    world.lift(HEAVY, second)
    assert not world.holds(*HEAVY)
    assert list(world.places(Kind.SURGE)) == ["/"]


@pytest.mark.parametrize(("now", "moves"), [(50.0, False), (130.0, True), (300.0, False)])
def test_a_rising_level_moves_until_it_is_up(now: float, moves: bool) -> None:
    world = Conditions()
    world.press(HEAVY, Level(1.0, since=100.0, rise=60.0))
    world.press(CROWD, Level(1.0, since=250.0))
    assert world.is_moving(now) is moves
