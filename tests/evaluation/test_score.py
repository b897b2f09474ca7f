"""What the score of the search counts, on ranks written by hand."""

import pytest

from tests.evaluation.score import rank, search_score, share


def test_ranks_become_recall_and_mean_reciprocal_rank() -> None:
    assert [rank(page, ["a", "b", "c"]) for page in ("a", "c", "z", None)] == [1, 3, 0, 0]
    found = search_score([1, 1, 2, 0], [True, False])
    assert (found.recall_at_1, found.recall_at_5, found.mrr, found.refused) == (0.5, 0.75, 0.625, 0.5)


def test_without_questions_there_is_no_score() -> None:
    with pytest.raises(ValueError, match="nothing"):
        search_score([], [])


def test_a_share_of_nothing_is_a_dash() -> None:
    assert (share(1, 4), share(0, 0)) == ("1/4 (25%)", "-")
