"""What is counted, and how: values in, rows of a table out."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

HEADS = ("fault", "target", "first alert", "after", "right fault", "right component", "repaired", "time to repair", "")
SUMMARY_HEADS = (
    "fault",
    "incidents",
    "alerted",
    "after",
    "right fault",
    "right component",
    "repaired",
    "time to repair",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to break, chosen from what the simulated world says that it runs; of a Service, its workload is the component."""

    fault: str
    kind: str
    namespace: str
    name: str
    component: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(slots=True)
class Outcome:
    """How far the product came with one incident; times are simulated seconds since the fault was injected."""

    case: Case
    alert: str = ""
    alerted_after: float | None = None
    said_fault: str = ""
    said_component: str = ""
    repaired_after: float | None = None
    trouble: str = ""

    @property
    def right_fault(self) -> bool:
        return self.said_fault == self.case.fault

    @property
    def right_component(self) -> bool:
        return self.said_component == self.case.component

    def row(self) -> tuple[str, ...]:
        return (
            self.case.fault,
            str(self.case),
            self.alert or "none",
            _seconds(self.alerted_after),
            "yes" if self.right_fault else f"no: {self.said_fault or 'none'}",
            "yes" if self.right_component else f"no: {self.said_component or 'none'}",
            "yes" if self.repaired_after is not None else "no",
            _seconds(self.repaired_after),
            self.trouble,
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"right_fault": self.right_fault, "right_component": self.right_component}


@dataclass(frozen=True, slots=True)
class SearchScore:
    """Over questions that a shipped page answers: share whose page came first, among five, and the mean of 1/rank; and refusals."""

    questions: int
    recall_at_1: float
    recall_at_5: float
    mrr: float
    unanswerable: int
    refused: float


def summary(outcomes: Sequence[Outcome]) -> list[tuple[str, ...]]:
    """A row for each fault, and one for all."""
    faults = list(dict.fromkeys(one.case.fault for one in outcomes))
    groups = [(fault, [one for one in outcomes if one.case.fault == fault]) for fault in faults]
    return [_summed(name, group) for name, group in (*groups, ("all", list(outcomes))) if group]


def _summed(name: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    count = len(outcomes)
    alerted = [one.alerted_after for one in outcomes if one.alerted_after is not None]
    repaired = [one.repaired_after for one in outcomes if one.repaired_after is not None]
    return (
        name,
        str(count),
        share(len(alerted), count),
        _middle(alerted),
        share(sum(one.right_fault for one in outcomes), count),
        share(sum(one.right_component for one in outcomes), count),
        share(len(repaired), count),
        _middle(repaired),
    )


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


def _middle(values: Sequence[float]) -> str:
    return f"median {median(values):.0f} s, max {max(values):.0f} s" if values else "-"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"
