"""The set of past cases and later troubles: what `make score` prints must not fall below what people were promised."""

import pytest

from tests.evaluation.lessons.score import CaseScore, queries, score


@pytest.fixture(scope="module")
def scores() -> dict[str, CaseScore]:
    return {each.name.strip(): each for each in score()}


def test_the_set_is_large_enough_and_every_query_means_a_case_that_is_there() -> None:
    asked = queries()
    assert len(asked) >= 60
    assert sum(not each.case for each in asked) >= 6
    assert len({each.case for each in asked if each.case}) == 36


def test_the_case_that_is_meant_is_found_and_first(scores: dict[str, CaseScore]) -> None:
    whole = scores["all views"]
    assert whole.first >= 0.92
    assert whole.among >= 0.95
    assert scores["asked in Chinese"].among >= 0.85


def test_what_was_never_seen_finds_nothing(scores: dict[str, CaseScore]) -> None:
    assert scores["all views"].refused >= 0.9


def test_all_views_together_are_no_worse_than_any_alone(scores: dict[str, CaseScore]) -> None:
    whole = scores["all views"]
    for alone in ("the alert's name alone", "text search alone"):
        assert whole.first >= scores[alone].first
    assert whole.refused > scores["text search alone"].refused
