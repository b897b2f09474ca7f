"""From a question to the passages that answer it, or to an honest "nothing found".

BM25 and vectors are fused by reciprocal rank, together with a view of whole pages, because a question may use words of two sections of
the same page. Passages in the reader's language come first; the other language steps in for pages that exist in no other form. A page
gives at most a few passages. The floor is not a score of the ranking, which always has a best: it is the share of the question that
the best page answers to at all. Below it the answer is nothing, with the reason.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, Field

from core.errors import Upstream
from core.language import Language, Text, detect
from knowledge_base.embed import Embedder
from knowledge_base.index.port import (
    LANGUAGES,
    Candidates,
    Entry,
    Filters,
    Index,
    Question,
    Scores,
    best_first,
    view_of_pages,
)
from knowledge_base.segment import Segmenter

CANDIDATES = 60
MAX_QUOTE = 300
MAX_NEAREST = 3
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


class Near(BaseModel):
    """A page that does not answer, but lies nearest to what was asked."""

    page: str
    title: str
    path: str
    language: Language


class SearchAnswer(BaseModel):
    hits: list[Passage]
    nothing_found: bool
    reason: str = ""
    notices: list[str] = Field(default_factory=list, description="What this search had to do without")
    took_ms: float = 0.0
    nearest: list[Near] = Field(default_factory=list, description="Where nothing was found")


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
_FILTERED = Text(
    en="No page passes the filters.",
    zh="没有文档符合筛选条件。",
)
_UNKNOWN = Text(
    en="No page holds any of the words asked for.",
    zh="没有文档包含问题中的任何一个词。",
)


def ask(text: str, language: Language | None, segmenter: Segmenter, embedder: Embedder) -> Question:
    units = tuple(dict.fromkeys(segmenter.units(text)))
    return Question(text, language or detect(text), units, _vector(text, embedder))


def _vector(text: str, embedder: Embedder) -> Scores:
    """Without entries where the embedder does not answer: words find most pages, and somebody is waiting."""
    try:
        return embedder.question(text)
    except Upstream:
        return np.zeros(0, np.float32)


async def search(
    index: Index, question: Question, limit: int, segmenter: Segmenter, filters: Filters | None = None
) -> SearchAnswer:
    """The index says what may answer, and a thread decides what does."""
    if not len(index):
        return _nothing(_EMPTY(question.language))
    if not question.units:
        return _nothing(_NO_WORDS(question.language))
    found = await index.candidates(question, filters or Filters(), CANDIDATES)
    return await asyncio.to_thread(answered, found, question, limit, segmenter)


def answered(found: Candidates, question: Question, limit: int, segmenter: Segmenter) -> SearchAnswer:
    if not found.among:
        return _nothing(_FILTERED(question.language))
    chosen = _chosen(found, question, _fused(found), limit) if found else []
    if not chosen:
        nothing = _nothing(_why_not(found, question.language))
        return nothing.model_copy(update={"nearest": _nearest(found, question.language)})
    wanted = frozenset(question.terms)
    hits = [_passage(found.entries[one.place], one.score, wanted, segmenter) for one in chosen]
    return SearchAnswer(hits=hits, nothing_found=False)


def _nothing(reason: str) -> SearchAnswer:
    return SearchAnswer(hits=[], nothing_found=True, reason=reason)


def _why_not(found: Candidates, language: Language) -> str:
    if not found or not found.page.max():
        return _UNKNOWN(language)
    best = int(np.argmax(found.page))
    return _BELOW(language, title=found.entries[best].title, share=float(found.page[best]))


def _nearest(found: Candidates, language: Language) -> list[Near]:
    """A page that exists in both languages once, in the reader's."""
    if not found:
        return []
    order = [int(place) for place in np.lexsort((~found.of_language(language), -found.page))]
    best = [found.entries[place] for place in order if found.page[place] > 0]
    pages = {entry.page: entry for entry in reversed(best)}
    first = [pages[page] for page in dict.fromkeys(entry.page for entry in best)][:MAX_NEAREST]
    return [Near(page=one.page, title=one.title, path=one.path, language=one.language) for one in first]


def _fused(found: Candidates) -> Scores:
    """Reciprocal rank fusion in each language by itself, so that the number of pages in the other one does not push ranks down."""
    fused = np.zeros(len(found), dtype=np.float32)
    views = (
        (1.0, found.keywords),
        (1.0, found.similarity),
        (PAGE_VIEW, view_of_pages(found.page, found.passage)),
    )
    for language in LANGUAGES:
        mask = found.of_language(language)
        for weight, view in views:
            fused += weight * _reciprocal_ranks(np.where(mask, view, 0.0))
    return np.asarray(fused * (FUSION + 1) / sum(weight for weight, _ in views), dtype=np.float32)


def _reciprocal_ranks(scores: Scores) -> Scores:
    shares = np.zeros(len(scores), dtype=np.float32)
    best = best_first(scores, CANDIDATES)
    levels = np.unique(-scores[best], return_inverse=True)[1]
    first = np.searchsorted(np.sort(levels), levels)
    shares[best] = 1.0 / (FUSION + 1 + first)
    return shares


def _chosen(found: Candidates, question: Question, fused: Scores, limit: int) -> list[Ranked]:
    good = found.page >= np.where(found.technical, FLOOR, PLAIN_FLOOR)
    eligible = np.flatnonzero((fused > 0) & good)
    order = [int(place) for place in eligible[np.argsort(-fused[eligible], kind="stable")]]
    own = found.of_language(question.language)
    first = [place for place in order if own[place]]
    pages = {found.entries[place].page for place in first}
    rest = [place for place in order if not own[place] and found.entries[place].page not in pages]
    return _diverse(found.entries, fused, first, limit) or _diverse(found.entries, fused, rest, limit)


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
