"""How well the checker tells unsupported statements: over all, by what is wrong with them, and by language."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.grounding import Units, ground
from knowledge_base.segment import Segmenter
from tests.evaluation.grounding.pages import PASSAGES
from tests.evaluation.grounding.statements import STATEMENTS, Labelled


@dataclass(frozen=True, slots=True)
class GroundingScore:
    """Of what is called unsupported, the share that is; of what is, the share that is called so; supported ones that were let be."""

    statements: int
    unsupported: int
    precision: float
    recall: float
    let_be: float

    def row(self, name: str) -> list[str]:
        let_be = f"{self.let_be:.2f}" if self.unsupported < self.statements else "-"
        return [name, str(self.statements), f"{self.precision:.2f}", f"{self.recall:.2f}", let_be]


HEADS = ("statements", "count", "precision", "recall", "supported let be")


def doubts(one: Labelled, units: Units) -> bool:
    """Whether the checker marks or drops the statement."""
    _, findings = ground(one.text, PASSAGES, units, one.language)
    return any(finding.why for finding in findings)


def scored(wanted: Sequence[Labelled], doubted: Sequence[bool]) -> GroundingScore:
    wrong = [one.label != "+" for one in wanted]
    hits = sum(is_wrong and doubt for is_wrong, doubt in zip(wrong, doubted, strict=True))
    kept = sum(not is_wrong and not doubt for is_wrong, doubt in zip(wrong, doubted, strict=True))
    return GroundingScore(
        statements=len(wanted),
        unsupported=sum(wrong),
        precision=hits / (sum(doubted) or 1),
        recall=hits / (sum(wrong) or 1),
        let_be=kept / ((len(wanted) - sum(wrong)) or 1),
    )


def score(units: Units | None = None) -> dict[str, GroundingScore]:
    units = units or Segmenter().units
    doubted = {one: doubts(one, units) for one in STATEMENTS}

    def of(wanted: Callable[[Labelled], bool]) -> GroundingScore:
        chosen = [one for one in STATEMENTS if wanted(one)]
        return scored(chosen, [doubted[one] for one in chosen])

    kinds = dict.fromkeys(one.label for one in STATEMENTS if one.label != "+")
    return {
        "held out": of(lambda one: one.held_out),
        "held out, English": of(lambda one: one.held_out and one.language == "en"),
        "held out, Chinese": of(lambda one: one.held_out and one.language == "zh"),
        "tuned on": of(lambda one: not one.held_out),
        **{f"held out: {kind}": _of_kind(of, kind) for kind in kinds},
    }


def _of_kind(of: Callable[[Callable[[Labelled], bool]], GroundingScore], kind: str) -> GroundingScore:
    return of(lambda one: one.held_out and one.label == kind)
