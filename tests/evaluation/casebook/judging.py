"""What a diagnosis of a case is worth: ranks of the right answers, false alarms, false health, gaps, and the confidence it had."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.evaluation.casebook.cases import Case
from tests.evaluation.casebook.model import Answer
from tools.engines.diagnosis import Diagnosis

SURE = 0.5
BINS = 10


@dataclass(slots=True)
class Mark:
    """How one case went. Ranks count from one, zero is not named; there is one for each right answer."""

    case: str
    category: str
    expected: list[str]
    said: list[str] = field(default_factory=list)  # its first three causes
    ranks: list[int] = field(default_factory=list)
    component_ranks: list[int] = field(default_factory=list)
    fault_ranks: list[int] = field(default_factory=list)
    confidence: float = 0.0
    healthy: bool | None = None
    gaps: int = 0
    error: str = ""

    @property
    def first(self) -> bool:
        """Right: the first cause; of two answers both, in the first two places."""
        if self.category == "control":
            return not self.said and not self.error
        if self.category == "removed":
            return self.healthy is not True and self.gaps > 0 and not self.error
        return bool(self.ranks) and all(1 <= rank <= len(self.ranks) for rank in self.ranks)

    @property
    def among_three(self) -> bool:
        return bool(self.ranks) and all(1 <= rank <= 3 for rank in self.ranks)

    @property
    def is_fault(self) -> bool:
        return self.category not in ("control", "removed")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def judge(case: Case, answers: Sequence[Answer], diagnosis: Diagnosis) -> Mark:
    causes = diagnosis.causes
    components, faults = [str(one.component) for one in causes], [one.fault for one in causes]
    mark = Mark(case.id, case.category, [f"{one.fault} of {one.component}" for one in answers])
    mark.said = [f"{one.fault} of {one.component} {one.confidence:.2f}" for one in causes[:3]]
    for answer in answers:
        names = {answer.fault, *answer.also}
        both = [fault in names and answer.is_place(place) for fault, place in zip(faults, components, strict=True)]
        mark.ranks.append(_rank(both))
        mark.component_ranks.append(_rank([answer.is_place(one) for one in components]))
        mark.fault_ranks.append(_rank([one in names for one in faults]))
    mark.confidence = causes[0].confidence if causes else 0.0
    mark.healthy, mark.gaps = diagnosis.healthy, len(diagnosis.gaps)
    return mark


def _rank(found: Sequence[bool]) -> int:
    return found.index(True) + 1 if True in found else 0


@dataclass(frozen=True)
class Bin:
    low: float
    count: int
    said: float
    right: float


def reliability(marks: Sequence[Mark]) -> tuple[list[Bin], float, float]:
    """By bins of confidence how often the first cause was right; the Brier score and the expected calibration error."""
    pairs = [(one.confidence, 1 in one.ranks) for one in marks if one.said and one.category not in ("removed",)]
    if not pairs:
        return [], 0.0, 0.0
    bins = []
    for number in range(BINS):
        inside = [(said, right) for said, right in pairs if number / BINS <= said < (number + 1) / BINS]
        if inside:
            said, right = sum(one for one, _ in inside) / len(inside), sum(one for _, one in inside) / len(inside)
            bins.append(Bin(number / BINS, len(inside), said, right))
    brier = sum((said - right) ** 2 for said, right in pairs) / len(pairs)
    error = sum(one.count * abs(one.said - one.right) for one in bins) / len(pairs)
    return bins, brier, error
