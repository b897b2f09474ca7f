"""The forest by itself: what is cut off soon, what is not, and that chance is the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rulebook.forest import expected_depth, grow
from alerts.rulebook.usual import gridded, learn, seed_of

CHANCE = np.random.default_rng(3)
CLOUD = CHANCE.normal(size=(288, 3))


def test_what_lies_apart_scores_higher_than_what_lies_among_its_like() -> None:
    forest = grow(CLOUD, 1)
    among, edge, apart = forest.scores(np.array([[0, 0, 0], [2.0, 2.0, 0], [8, 8, 8]]))
    assert among < 0.5 < edge < apart
    assert apart > 0.7


def test_the_same_points_and_seed_give_the_same_forest_and_another_seed_another() -> None:
    first, again, other = (grow(CLOUD, seed).scores(CLOUD) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_scale_of_a_series_does_not_matter() -> None:
    stretched = CLOUD * np.array([1.0, 1e6, 1e-6])
    assert np.allclose(grow(CLOUD, 1).scores(CLOUD), grow(stretched, 1).scores(stretched))


def test_more_points_than_a_sample_and_fewer_are_both_learnt() -> None:
    many = CHANCE.normal(size=(2_000, 2))
    for points in (many, many[:33]):
        assert grow(points, 1).scores(np.array([[9.0, 9.0]]))[0] > grow(points, 1).scores(points).mean()


def test_the_series_that_is_off_is_blamed() -> None:
    forest = grow(CLOUD, 1)
    assert [int(forest.blamed(np.eye(3)[which] * 9).argmax()) for which in range(3)] == [0, 1, 2]
    assert forest.blamed(CLOUD[0]).sum() == pytest.approx(1)


def test_expected_depth_is_the_mean_of_unsuccessful_searches_in_a_random_tree() -> None:
    # c(n) = 2 H(n-1) - 2 (n-1) / n, with the harmonic number by its approximation.
    assert expected_depth(np.array([0, 1, 2, 256])) == pytest.approx([0, 0, 1, 10.244], abs=1e-3)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0])), min_size=2, max_size=80))
def test_scores_are_always_between_none_and_one(points: list[tuple[float, float]]) -> None:
    rows = np.array(points)
    scores = grow(rows, 1, trees=10).scores(np.vstack([rows, [[1e9, -1e9]]]))
    assert np.isfinite(scores).all()
    assert (scores > 0).all()
    assert (scores <= 1).all()


class TestUsual:
    def test_too_short_a_past_has_nothing_usual_and_gaps_do_not_count(self) -> None:
        assert learn(CLOUD[:31], 1) is None
        gaps = CLOUD.copy()
        gaps[::2, 1] = np.nan
        usual = learn(gaps, 1)
        assert usual is not None
        assert usual.points == 144

    def test_a_series_that_never_moved_is_seen_on_the_day_it_moves(self) -> None:
        still = np.column_stack([CLOUD[:, 0], np.zeros(len(CLOUD))])
        usual = learn(still, 1)
        assert usual is not None
        scores, distances = usual.judge(np.array([[0.0, 0.0], [0.0, 5.0]]))
        assert scores[1] > scores[0]
        assert distances[0] < 1
        assert distances[1] > 100
        assert usual.odd_one(np.array([0.0, 5.0])) == 1

    def test_the_odd_one_is_the_farthest_off(self) -> None:
        usual = learn(CLOUD, 1)
        assert usual is not None
        assert usual.odd_one(np.array([1.0, -12.0, 2.0])) == 1

    def test_points_fall_into_their_moments_and_what_is_missing_is_a_gap(self) -> None:
        grid = gridded(
            [[(("a",), [(100.0, 1.0), (220.0, float("inf"))])], [(("b",), [(160.0, 2.0), (900.0, 3.0)])]], 100, 60, 3
        )
        assert np.array_equal(grid.things[("a",)], [[1, np.nan], [np.nan] * 2, [np.nan] * 2], equal_nan=True)
        assert np.array_equal(grid.things[("b",)], [[np.nan] * 2, [np.nan, 2], [np.nan] * 2], equal_nan=True)
        assert list(grid.times()) == [100, 160, 220]

    def test_the_seed_is_in_the_names(self) -> None:
        assert seed_of("rule-1", "a") == seed_of("rule-1", "a") != seed_of("rule-1", "b")
