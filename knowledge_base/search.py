"""From a question to the passages that answer it, or to an honest "nothing found".

BM25, vectors and coverage are brought to one scale and added up. Coverage counts for the passage and for its whole page, because a
question may use words of two sections of the same page. Ranks would be simpler to add, and forget how far apart two of them are. A page
is shown in the reader's language; one that exists in the other language alone competes as it is, because a page to be translated is
worth more than a page about something else. A page gives at most a few passages.

The floor is not a score of the ranking, which always has a best: it is the share of the question that the best page answers to at all.
Below it the answer is nothing, with the reason. Text pasted from a page needs no ranking and no floor: the passage that holds it, word
for word, is the first.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from pydantic import BaseModel, Field

from core.errors import Upstream
from core.language import Language, Text, detect
from knowledge_base.embed import Embedder
from knowledge_base.index.port import (
    Candidates,
    Entry,
    Filters,
    Flags,
    Index,
    Question,
    Scores,
)
from knowledge_base.quoting import Quoter
from knowledge_base.segment import Segmenter

CANDIDATES = 60
MAX_NEAREST = 3
KEYWORDS, VECTORS, PAGE, PASSAGE = 1.0, 1.0, 1.0, 0.5
"""Weights of what is added up; the page's coverage tells pages apart and ties their passages."""
FLOOR = 0.36
PLAIN_FLOOR = 0.55
"""The floor where only plain words agree: they are shared by subjects that have nothing to do with each other."""
BESIDE = 0.5
"""The share of the floor that is asked of further pages once one page has passed it whole."""
NEAR = 0.4
"""A further passage is shown while it has at least this share of the best one's score."""
PASTED = 40
"""Characters from which on a question that stands in a passage word for word was taken from it."""
RERANKED = 20

Rerank = Callable[[str, Sequence[str]], Sequence[float]]
"""The question and passages to how well each answers it, the more the better; may block, called from a thread."""


OUTDATED = 0.7
"""What is left of the score of a page that no longer holds, or not yet: it is shown where nothing better is there, and marked."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of pages beyond their passages, asked by page and language."""

    exists: Callable[[str, Language], bool] = lambda _page, _language: False
    """Also where none of its passages is a candidate."""
    holds: Callable[[str, Language], bool] = lambda _page, _language: True
    """Whether it is valid today."""


class Measured(BaseModel):
    """What the ranking was made of."""

    keyword: float = Field(description="BM25")
    vector: float = Field(description="Cosine")
    coverage: float = Field(description="Share of the question that the passage answers to")
    page_coverage: float = Field(description="The same of its whole page")
    pasted: bool = Field(default=False, description="The question stands in it word for word")


class Passage(BaseModel):
    page: str
    title: str
    heading: str = Field(description="Headings above it, outermost first")
    text: str
    quote: str = Field(description="The line that answers most")
    marks: list[tuple[int, int]] = Field(default_factory=list, description="What matched in the quote, from and to")
    language: Language
    score: float
    measured: Measured | None = None
    outdated: bool = Field(default=False, description="Its page no longer holds, or not yet")
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
    pasted: bool = False
    outdated: bool = False


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
    index: Index,
    question: Question,
    limit: int,
    segmenter: Segmenter,
    filters: Filters | None = None,
    *,
    rerank: Rerank | None = None,
    standing: Standing = Standing(),
) -> SearchAnswer:
    """The index says what may answer, and a thread decides what does."""
    if not len(index):
        return _nothing(_EMPTY(question.language))
    if not question.units:
        return _nothing(_NO_WORDS(question.language))
    found = await index.candidates(question, filters or Filters(), CANDIDATES)
    return await asyncio.to_thread(answered, found, question, limit, segmenter, rerank=rerank, standing=standing)


def answered(
    found: Candidates,
    question: Question,
    limit: int,
    segmenter: Segmenter,
    *,
    rerank: Rerank | None = None,
    standing: Standing = Standing(),
) -> SearchAnswer:
    if not found.among:
        return _nothing(_FILTERED(question.language))
    chosen = _chosen(found, question, limit, standing, rerank) if found else []
    if not chosen:
        nothing = _nothing(_why_not(found, question.language))
        return nothing.model_copy(update={"nearest": _nearest(found, question.language)})
    wanted, quoter = frozenset(question.terms), _quoter(segmenter)
    return SearchAnswer(hits=[_passage(found, one, wanted, quoter) for one in chosen], nothing_found=False)


@lru_cache(maxsize=2)
def _quoter(segmenter: Segmenter) -> Quoter:
    return Quoter(segmenter)


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


def _chosen(
    found: Candidates, question: Question, limit: int, standing: Standing, rerank: Rerank | None
) -> list[Ranked]:
    readable = _readable(found, question.language, standing)
    pasted = _pasted(found, question)
    # A message that both a page and its translation quote is no reason to show the translation.
    pasted = pasted & readable if (pasted & readable).any() else pasted
    holds = np.array([standing.holds(entry.page, entry.language) for entry in found.entries], dtype=np.bool_)
    fused = _fused(found, readable) * np.where(holds, np.float32(1.0), np.float32(OUTDATED))
    eligible = np.flatnonzero(_good(found, fused) | pasted)
    order = [int(place) for place in eligible[np.lexsort((-fused[eligible], ~pasted[eligible]))]]
    scores = np.where(pasted, 1.0, fused).astype(np.float32)
    if rerank:
        order, scores = _reranked(found, question, order, scores, rerank)
    return [
        replace(one, outdated=not holds[one.place]) for one in _diverse(found.entries, scores, order, limit, pasted)
    ]


def _good(found: Candidates, fused: Scores) -> Flags:
    floor = np.where(found.technical, FLOOR, PLAIN_FLOOR)
    known = fused > 0
    passes = bool((known & (found.page >= floor)).any())
    return known & (found.page >= floor * BESIDE) if passes else np.zeros(len(found), dtype=np.bool_)


def _pasted(found: Candidates, question: Question) -> Flags:
    """Passages that hold the question word for word, however its lines were wrapped, or are held by it."""
    asked = " ".join(question.text.split())
    if len(asked) < PASTED:
        return np.zeros(len(found), dtype=np.bool_)
    return np.array([_holds(asked, " ".join(entry.text.split())) for entry in found.entries], dtype=np.bool_)


def _holds(asked: str, text: str) -> bool:
    return asked in text or (len(text) >= PASTED and text in asked)


def _readable(found: Candidates, language: Language, standing: Standing) -> Flags:
    """Passages in the reader's language, and those of pages that exist in no other form."""
    own = found.of_language(language)
    pages = {entry.page for entry, mine in zip(found.entries, own, strict=True) if mine}
    return np.array(
        [
            mine or (entry.page not in pages and not standing.exists(entry.page, language))
            for entry, mine in zip(found.entries, own, strict=True)
        ],
        dtype=np.bool_,
    )


def _fused(found: Candidates, readable: Flags) -> Scores:
    """Between 0 and 1; a translation that nobody will be shown sets no scale for the others."""
    added = (
        KEYWORDS * _scaled(found.keywords, readable, np.float32(0.0))
        + VECTORS * _scaled(found.similarity, readable, _least(found.similarity, readable))
        + PAGE * found.page
        + PASSAGE * found.passage
    )
    return np.where(readable, added / (KEYWORDS + VECTORS + PAGE + PASSAGE), 0.0).astype(np.float32)


def _least(similarity: Scores, readable: Flags) -> np.float32:
    """What any two texts have in common: with many models that is more than half of the scale."""
    some = similarity[readable & (similarity > 0)]
    return np.float32(some.min()) if len(some) > 1 else np.float32(0.0)


def _scaled(figures: Scores, readable: Flags, least: np.float32) -> Scores:
    above = np.where(readable, np.maximum(figures - least, 0.0), 0.0)
    most = above.max(initial=0.0)
    return np.asarray(above / most if most > 0 else above, np.float32)


def _reranked(
    found: Candidates, question: Question, order: list[int], scores: Scores, rerank: Rerank
) -> tuple[list[int], Scores]:
    """The best few in the order that the reranker gives them, each with the score of its new place; the floor stays ours."""
    best, rest = order[:RERANKED], order[RERANKED:]
    said = rerank(question.text, [f"{found.entries[place].title}\n{found.entries[place].text}" for place in best])
    again = [place for _, place in sorted(zip(said, best, strict=True), key=lambda pair: -pair[0])]
    moved = scores.copy()
    moved[again] = scores[best]
    return again + rest, moved


def _diverse(entries: Sequence[Entry], scores: Scores, order: Iterable[int], limit: int, pasted: Flags) -> list[Ranked]:
    most = max(2, (limit + 1) // 2)
    of_page: Counter[str] = Counter()
    chosen: list[Ranked] = []
    for place in order:
        if chosen and scores[place] < NEAR * chosen[0].score:
            break
        of_page[entries[place].page] += 1
        if of_page[entries[place].page] <= most:
            chosen.append(Ranked(place, float(scores[place]), bool(pasted[place])))
        if len(chosen) == limit:
            break
    return chosen


def _passage(found: Candidates, one: Ranked, wanted: frozenset[str], quoter: Quoter) -> Passage:
    entry = found.entries[one.place]
    quote = quoter.quote(entry.text, wanted)
    return Passage(
        page=entry.page,
        title=entry.title,
        heading=entry.heading,
        text=entry.text,
        quote=quote,
        marks=quoter.marks(quote, wanted),
        language=entry.language,
        score=round(min(1.0, one.score), 4),
        measured=_measured(found, one),
        outdated=one.outdated,
        path=entry.path,
    )


def _measured(found: Candidates, one: Ranked) -> Measured:
    figures = (found.keywords, found.similarity, found.passage, found.page)
    keyword, vector, coverage, page_coverage = (round(float(figure[one.place]), 4) for figure in figures)
    return Measured(keyword=keyword, vector=vector, coverage=coverage, page_coverage=page_coverage, pasted=one.pasted)
