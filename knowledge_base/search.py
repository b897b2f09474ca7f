"""From a question to the passages that answer it, or to an honest "nothing found".

BM25 and vectors are fused by reciprocal rank, together with a view of whole pages, because a question may use words of two sections of
the same page. Passages in the reader's language come first; the other language steps in for pages that exist in no other form. A page
gives at most a few passages. The floor is not a score of the ranking, which always has a best: it is the share of the question that
the best page answers to at all. Below it the answer is nothing, with the reason.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from core.language import Language, Text, detect
from knowledge_base.embed import Embedder
from knowledge_base.index_local import Coverage, Entry, LocalIndex, Scores
from knowledge_base.segment import Segmenter, Unit

CANDIDATES = 60
MAX_QUOTE = 300
_STARTS_ANEW = re.compile(r"\n(?=\s*(?:[-*+|>#`~]|\d+[.)]\s|\n))")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])|(?<=[。！？])\s*")
FUSION = 20
PAGE_VIEW = 0.75
"""Weight of the page view: it tells pages apart, but ties many of their passages."""
FLOOR = 0.38
PLAIN_FLOOR = 0.65
"""The floor where only plain words agree: they are shared by subjects that have nothing to do with each other."""
NEAR = 0.5
"""A further passage is shown while it has at least this share of the best one's score."""


class Passage(BaseModel):
    page: str
    title: str
    heading: str = Field(description="Headings above it, outermost first")
    text: str
    quote: str = Field(description="The line that answers most")
    language: Language
    score: float
    path: str


class SearchAnswer(BaseModel):
    hits: list[Passage]
    nothing_found: bool
    reason: str = ""
    took_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    language: Language
    """The language to answer in; the question itself may be in the other."""
    units: tuple[Unit, ...]
    vector: NDArray[np.float32]

    @property
    def terms(self) -> list[str]:
        return [term for unit in self.units for term in unit.terms]


@dataclass(frozen=True, slots=True)
class Ranked:
    place: int
    score: float


_EMPTY = Text(
    en="The knowledge base holds no pages yet.",
    zh="知识库里还没有任何文档。",
)
_NO_WORDS = Text(
    en="The question holds no word to search by.",
    zh="问题里没有可供检索的词。",
)
_BELOW = Text(
    en="No page answers this question: the nearest one, “{title}”, shares too little with it ({share:.0%} of what was asked).",
    zh="没有文档能回答这个问题：最接近的《{title}》与它的重合太少（仅 {share:.0%}）。",
)
_UNKNOWN = Text(
    en="No page holds any of the words asked for.",
    zh="没有文档包含问题中的任何一个词。",
)


def ask(text: str, language: Language | None, segmenter: Segmenter, embedder: Embedder) -> Question:
    units = tuple(dict.fromkeys(segmenter.units(text)))
    return Question(text, language or detect(text), units, embedder.embed([text])[0])


def search(index: LocalIndex, question: Question, limit: int, segmenter: Segmenter) -> SearchAnswer:
    language = question.language
    if not len(index):
        return _nothing(_EMPTY(language))
    if not question.units:
        return _nothing(_NO_WORDS(language))
    coverage = index.coverage(question.units, detect(question.text))
    ranked = _fused(index, question, coverage)
    chosen = _chosen(index, question, coverage, ranked, limit)
    if not chosen:
        return _nothing(_why_not(index, coverage, language))
    wanted = frozenset(question.terms)
    hits = [_passage(index.entries[one.place], one.score, wanted, segmenter) for one in chosen]
    return SearchAnswer(hits=hits, nothing_found=False)


def _nothing(reason: str) -> SearchAnswer:
    return SearchAnswer(hits=[], nothing_found=True, reason=reason)


def _why_not(index: LocalIndex, coverage: Coverage, language: Language) -> str:
    best = int(np.argmax(coverage.page))
    if not coverage.page[best]:
        return _UNKNOWN(language)
    return _BELOW(language, title=index.entries[best].title, share=float(coverage.page[best]))


def _fused(index: LocalIndex, question: Question, coverage: Coverage) -> Scores:
    """Reciprocal rank fusion in each language by itself, so that the number of pages in the other one does not push ranks down."""
    fused = np.zeros(len(index), dtype=np.float32)
    views = (
        (1.0, index.keywords(question.terms)),
        (1.0, index.similarity(question.vector)),
        (PAGE_VIEW, coverage.page + 0.5 * coverage.passage),
    )
    for language in ("en", "zh"):
        mask = index.of_language(language)
        for weight, view in views:
            fused += weight * _reciprocal_ranks(np.where(mask, view, -np.inf))
    return np.asarray(fused * (FUSION + 1) / sum(weight for weight, _ in views), dtype=np.float32)


def _reciprocal_ranks(scores: Scores) -> Scores:
    shares = np.zeros(len(scores), dtype=np.float32)
    best = _best_first(scores)[:CANDIDATES]
    levels = np.unique(-scores[best], return_inverse=True)[1]
    first = np.searchsorted(np.sort(levels), levels)
    shares[best] = 1.0 / (FUSION + 1 + first)
    return shares


def _best_first(scores: Scores) -> NDArray[np.intp]:
    """Places with a score above nothing, of a large store only those that can be among the candidates."""
    some = np.flatnonzero(scores > 0)
    if len(some) > CANDIDATES:
        least = np.partition(scores[some], -CANDIDATES)[-CANDIDATES]
        some = some[scores[some] >= least]
    # A stable sort: passages that are equal keep their order, and the same question twice has the same answer.
    return some[np.argsort(-scores[some], kind="stable")]


def _chosen(index: LocalIndex, question: Question, coverage: Coverage, fused: Scores, limit: int) -> list[Ranked]:
    good = coverage.page >= np.where(coverage.technical, FLOOR, PLAIN_FLOOR)
    eligible = np.flatnonzero((fused > 0) & good)
    order = [int(place) for place in eligible[np.argsort(-fused[eligible], kind="stable")]]
    own = index.of_language(question.language)
    first = [place for place in order if own[place]]
    pages = {index.entries[place].page for place in first}
    rest = [place for place in order if not own[place] and index.entries[place].page not in pages]
    return _diverse(index.entries, fused, first, limit) or _diverse(index.entries, fused, rest, limit)


def _diverse(entries: Sequence[Entry], fused: Scores, order: Iterable[int], limit: int) -> list[Ranked]:
    most = max(2, (limit + 1) // 2)
    of_page: Counter[str] = Counter()
    chosen: list[Ranked] = []
    for place in order:
        if chosen and fused[place] < NEAR * chosen[0].score:
            break
        of_page[entries[place].page] += 1
        if of_page[entries[place].page] <= most:
            chosen.append(Ranked(place, float(fused[place])))
        if len(chosen) == limit:
            break
    return chosen


def _passage(entry: Entry, score: float, wanted: frozenset[str], segmenter: Segmenter) -> Passage:
    return Passage(
        page=entry.page,
        title=entry.title,
        heading=entry.heading,
        text=entry.text,
        quote=_quote(entry.text, wanted, segmenter),
        language=entry.language,
        score=round(min(1.0, score), 4),
        path=entry.path,
    )


def _quote(text: str, wanted: frozenset[str], segmenter: Segmenter) -> str:
    statements = [found for found in _statements(text) if any(char.isalnum() for char in found)]
    best = max(statements, key=lambda found: len(wanted.intersection(segmenter.terms(found))), default="")
    return best if len(best) <= MAX_QUOTE else best[: MAX_QUOTE - 1] + "…"


def _statements(text: str) -> Iterator[str]:
    """List items and table rows as they stand, paragraphs sentence by sentence however their lines were wrapped."""
    for paragraph in _STARTS_ANEW.split(text):
        line = " ".join(paragraph.split())
        yield from _SENTENCE_END.split(line) if line and line[0].isalpha() else (line,)
