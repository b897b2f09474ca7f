"""What is counted of the search, and how shares are written: values in, values out."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SearchScore:
    """Over questions that a shipped page answers: share whose page came first, among five, and the mean of 1/rank; and refusals."""

    questions: int
    recall_at_1: float
    recall_at_5: float
    mrr: float
    unanswerable: int
    refused: float


def share(part: int, whole: int) -> str:
    return f"{part}/{whole} ({part / whole:.0%})" if whole else "-"


def rank(page: str | None, pages: Sequence[str]) -> int:
    """Where the page stands, from 1; 0 where it does not."""
    return pages.index(page) + 1 if page in pages else 0


def search_score(ranks: Sequence[int], refusals: Sequence[bool]) -> SearchScore:
    if not ranks or not refusals:
        raise ValueError("there is nothing to score")
    return SearchScore(
        questions=len(ranks),
        recall_at_1=sum(place == 1 for place in ranks) / len(ranks),
        recall_at_5=sum(0 < place <= 5 for place in ranks) / len(ranks),
        mrr=sum(1 / place for place in ranks if place) / len(ranks),
        unanswerable=len(refusals),
        refused=sum(refusals) / len(refusals),
    )
