"""What is counted: of the pages and of the very passages, where the right one stands; of the unanswerable, how many are refused."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.evaluation.knowledge.questions import Question, questions
from tests.evaluation.knowledge.ways import Way, library, plain_vectors, plain_words, product, stored

Pick = Callable[[Question], bool]
KINDS = {"same": "same language", "cross": "crossing languages", "none": "unanswerable"}
HEADS = ("questions", "", "asked", "way", "recall@1", "recall@5", "MRR", "passage@1", "passage@5", "refused")


@dataclass(frozen=True, slots=True)
class Outcome:
    question: Question
    page: int
    """Where the right page stands, from 1; 0 where it does not."""
    passage: int
    refused: bool
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    asked: int
    recall_at_1: float
    recall_at_5: float
    mrr: float
    passage_at_1: float
    passage_at_5: float
    refused: float


Found = dict[str, list[Outcome]]
"""By way."""


async def outcomes(way: Way, asked: Iterable[Question]) -> list[Outcome]:
    found = []
    for question in asked:
        hits = await way(question.text)
        pages = tuple(dict.fromkeys(hit.page for hit in hits))
        page = _place([page in question.pages for page in pages])
        passage = _place([question.answered_on(hit.page, hit.text) for hit in hits])
        found.append(Outcome(question, page, passage, not hits, pages))
    return found


def _place(right: Sequence[bool]) -> int:
    return right.index(True) + 1 if True in right else 0


def score(of: Sequence[Outcome], pick: Pick = lambda _: True) -> Score:
    among = [outcome for outcome in of if pick(outcome.question)]
    if not among:
        raise ValueError("there is nothing to score")

    def share(right: Iterable[float]) -> float:
        return sum(right) / len(among)

    return Score(
        asked=len(among),
        recall_at_1=share(one.page == 1 for one in among),
        recall_at_5=share(one.page > 0 for one in among),
        mrr=share(1 / one.page if one.page else 0.0 for one in among),
        passage_at_1=share(one.passage == 1 for one in among),
        passage_at_5=share(one.passage > 0 for one in among),
        refused=share(one.refused for one in among),
    )


async def all_ways() -> Found:
    asked = questions()
    with tempfile.TemporaryDirectory() as folder:
        async with library(Path(folder)) as (base, database):
            passages = await stored(database)
            ways = {"search": product(base), "BM25": plain_words(passages), "vectors": plain_vectors(passages)}
            return {name: await outcomes(way, asked) for name, way in ways.items()}


def those(kind: str, *, language: str = "", held_out: bool | None = None) -> Pick:
    def pick(question: Question) -> bool:
        is_meant = not language or question.language == language
        return question.kind == kind and is_meant and (held_out is None or question.held_out == held_out)

    return pick


def groups() -> Iterator[tuple[str, str, Pick]]:
    for kind, name in KINDS.items():
        yield name, "all", those(kind)
        yield name, "asked in English", those(kind, language="en")
        yield name, "asked in Chinese", those(kind, language="zh")
        yield name, "tuned on", those(kind, held_out=False)
        yield name, "held out", those(kind, held_out=True)


def rows(found: Found) -> list[tuple[str, ...]]:
    return [_row(name, part, way, score(found[way], pick)) for name, part, pick in groups() for way in found]


def _row(name: str, part: str, way: str, of: Score) -> tuple[str, ...]:
    figures = (of.recall_at_1, of.recall_at_5, of.mrr, of.passage_at_1, of.passage_at_5)
    told = ["-" if name == KINDS["none"] else f"{figure:.3f}" for figure in figures]
    return (name, part, str(of.asked), way, *told, f"{of.refused:.0%}")


def to_json(found: Found) -> dict[str, dict[str, dict[str, float]]]:
    parts = list(groups()) if found else []
    return {
        f"{name}, {part}": {way: asdict(score(of, pick)) for way, of in found.items()} for name, part, pick in parts
    }
