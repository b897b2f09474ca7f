"""The index in memory: postings for BM25 and coverage, vectors, and the passages as they are shown.

What is searched is immutable: a change builds the next state beside it and the reference is swapped, so a search that began on the old
one ends on it. The next state takes over what did not change; only changed documents are read from the store again.

Every question gets three views of the passages: BM25, cosine similarity, and coverage, which is the share of what was asked, weighted by
rarity, that a passage and its page answer at all. The first two order, coverage is what the floor is measured with.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.language import Language
from knowledge_base.index.port import (
    LANGUAGES,
    Candidates,
    Entry,
    Filters,
    Flags,
    Passages,
    Question,
    Scores,
    Shown,
    best_first,
    entry,
    none_of,
    view_of_pages,
)
from knowledge_base.index.postings import Counted, Postings, counted, merged, no_postings
from knowledge_base.index.weights import FOREIGN, lead, weights
from knowledge_base.segment import Unit
from knowledge_base.store import StoredPassage

SPARSE = 0.5
"""Of the vocabulary's numbers, the share in use below which they are given out anew."""


_NO_VECTOR: NDArray[np.float16] = np.zeros(0, np.float16)


@dataclass(frozen=True, slots=True)
class Coverage:
    """For every passage: how much of the question it, and its whole page, answers to (0..1), and whether in a technical term."""

    passage: Scores
    page: Scores
    technical: Flags


class LocalIndex:
    name = "local"

    def __init__(self) -> None:
        self._state = _State()
        self._turn = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._state.entries)

    async def candidates(self, question: Question, filters: Filters, count: int) -> Candidates:
        return await asyncio.to_thread(self._state.find, question, filters, count)

    async def update(self, shown: Sequence[Shown], read: Passages) -> None:
        async with self._turn:
            before = self._state
            draft = _Draft(before.vocabulary_to_add_to())
            known = {one.revision: one for one in shown if before.revision(one.id) != one.revision}
            async for batch in read(list(known)):
                await asyncio.to_thread(draft.add, [(known[one], passages) for one, passages in batch.items()])
            self._state = await asyncio.to_thread(before.next, shown, draft)

    async def keep_up(self) -> None:
        """Nothing waits here."""

    async def close(self) -> None:
        self._state = _State()


@dataclass(frozen=True, slots=True)
class _Held:
    """A document's passages: a run of places."""

    revision: str
    begin: int
    end: int


class _Draft:
    """What is new, in the order of its reading."""

    def __init__(self, vocabulary: dict[str, int]) -> None:
        self.vocabulary = vocabulary
        self.entries: list[Entry] = []
        self.vectors: list[NDArray[np.float16]] = []
        self.held: dict[str, _Held] = {}
        self.counted: list[Counted] = []

    def add(self, documents: Sequence[tuple[Shown, Sequence[StoredPassage]]]) -> None:
        first = len(self.entries)
        for shown, passages in documents:
            begin = len(self.entries)
            self.entries.extend(entry(shown, position, passage) for position, passage in enumerate(passages))
            self.vectors.extend(passage.vector if shown.compared else _NO_VECTOR for passage in passages)
            self.held[shown.id] = _Held(shown.revision, begin, len(self.entries))
        terms = [passage.terms for _, passages in documents for passage in passages]
        places = np.arange(first, len(self.entries), dtype=np.int64)
        self.counted.append(Counted.of(terms, self.vocabulary).at(places))


@dataclass(frozen=True, slots=True)
class _State:
    entries: tuple[Entry, ...] = ()
    vectors: Scores = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    postings: Postings = field(default_factory=no_postings)
    held: Mapping[str, _Held] = field(default_factory=dict)
    page_of: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))
    """A page and its translation count as one: what either says, the page answers to."""
    pages: int = 0
    is_zh: Flags = field(default_factory=lambda: np.zeros(0, np.bool_))

    def revision(self, document: str) -> str | None:
        held = self.held.get(document)
        return held.revision if held else None

    def vocabulary_to_add_to(self) -> dict[str, int]:
        return self.postings.vocabulary if isinstance(self.postings.vocabulary, dict) else {}

    # What is asked of it

    def find(self, question: Question, filters: Filters, count: int) -> Candidates:
        allowed = self._allowed(filters)
        if not allowed.any() or not question.units:
            return none_of(int(allowed.sum()))
        coverage = self._coverage(question.units, question.asked_in)
        keywords, similarity = self.postings.bm25(question.terms), self._similarity(question.vector)
        views = (keywords, similarity, view_of_pages(coverage.page, coverage.passage))
        masks = [allowed & self._of_language(language) for language in LANGUAGES]
        best = [best_first(np.where(mask, view, 0.0), count) for mask in masks for view in views]
        places = np.unique(np.concatenate(best))
        return Candidates(
            entries=tuple(self.entries[place] for place in places),
            keywords=keywords[places],
            similarity=similarity[places],
            passage=coverage.passage[places],
            page=coverage.page[places],
            technical=coverage.technical[places],
            among=int(allowed.sum()),
        )

    def _allowed(self, filters: Filters) -> Flags:
        allowed = np.ones(len(self.entries), np.bool_)
        if filters.language is not None:
            allowed &= self._of_language(filters.language)
        for held in self.held.values() if filters.tags else ():
            if held.begin < held.end and not filters.tags <= set(self.entries[held.begin].tags):
                allowed[held.begin : held.end] = False
        return allowed

    def _of_language(self, language: Language) -> Flags:
        return self.is_zh if language == "zh" else ~self.is_zh

    def _similarity(self, vector: Scores) -> Scores:
        if not len(vector) or self.vectors.shape[1] != len(vector):
            return np.zeros(len(self.entries), np.float32)
        # Row by row on this thread alone: a product of matrices would wait for threads of its own, ten times as long on a busy machine.
        return np.asarray(np.vecdot(self.vectors, vector), dtype=np.float32)

    def _coverage(self, units: Sequence[Unit], language: Language) -> Coverage:
        """`language` is the question's: a page in the other one is asked only for what means the same in both."""
        fluent = np.where(self._page_has(np.flatnonzero(self._of_language(language))), 1.0, FOREIGN).astype(np.float32)
        met, page_met = np.zeros(len(self.entries), np.float32), np.zeros(self.pages, np.float32)
        asked, technical = np.zeros(self.pages, np.float32), np.zeros(self.pages, np.bool_)
        for unit, weight in zip(units, weights(units, self.postings.frequency, len(self.entries)), strict=True):
            by_page = np.full(self.pages, weight, np.float32) if unit.kind == "technical" else weight * fluent
            here = self.postings.holding(lead(unit))
            on_page = self._page_has(here)
            met[here] += by_page[self.page_of[here]]
            page_met += by_page * on_page
            technical |= on_page & (unit.kind == "technical")
            asked += by_page
        asked[asked == 0] = 1.0
        return Coverage(met / asked[self.page_of], (page_met / asked)[self.page_of], technical[self.page_of])

    def _page_has(self, passages: NDArray[np.integer]) -> Flags:
        pages = np.zeros(self.pages, dtype=np.bool_)
        pages[self.page_of[passages]] = True
        return pages

    # How it becomes the next

    def next(self, shown: Sequence[Shown], draft: _Draft) -> "_State":
        ours, fresh = np.full(len(self.entries), -1, np.int64), np.full(len(draft.entries), -1, np.int64)
        entries: list[Entry] = []
        held: dict[str, _Held] = {}
        for one in shown:
            new = draft.held.get(one.id)
            run = new or self.held.get(one.id)
            if run is None or one.id in held:
                continue
            begin = len(entries)
            entries.extend((draft.entries if new else self.entries)[run.begin : run.end])
            (fresh if new else ours)[run.begin : run.end] = np.arange(begin, len(entries))
            held[one.id] = _Held(run.revision, begin, len(entries))
        return self._filled(entries, held, draft, ours, fresh)

    def _filled(
        self,
        entries: list[Entry],
        held: Mapping[str, _Held],
        draft: _Draft,
        ours: NDArray[np.int64],
        fresh: NDArray[np.int64],
    ) -> "_State":
        parts = [counted(self.postings).at(ours), *(part.at(fresh) for part in draft.counted)]
        parts, vocabulary = _in_use(parts, draft.vocabulary)
        pages = {page: place for place, page in enumerate(dict.fromkeys(one.page for one in entries))}
        return _State(
            entries=tuple(entries),
            vectors=self._all_vectors(len(entries), draft, ours, fresh),
            postings=merged(parts, len(entries), vocabulary),
            held=held,
            page_of=np.array([pages[one.page] for one in entries], dtype=np.intp),
            pages=len(pages),
            is_zh=np.array([one.language == "zh" for one in entries], dtype=np.bool_),
        )

    def _all_vectors(self, size: int, draft: _Draft, ours: NDArray[np.int64], fresh: NDArray[np.int64]) -> Scores:
        dimensions = next((len(vector) for vector in draft.vectors if vector.size), self.vectors.shape[1])
        vectors = np.zeros((size, dimensions), np.float32)
        if self.vectors.shape[1] == dimensions:
            vectors[ours[ours >= 0]] = self.vectors[ours >= 0]
        for place, vector in zip(fresh, draft.vectors, strict=True):
            if place >= 0 and len(vector) == dimensions:
                vectors[place] = vector
        return vectors


def _in_use(parts: list[Counted], vocabulary: dict[str, int]) -> tuple[list[Counted], dict[str, int]]:
    """Words of pages long gone are let go of once they are the most."""
    used = np.zeros(len(vocabulary), np.bool_)
    for part in parts:
        used[part.terms] = True
    if used.sum() >= SPARSE * len(used):
        return parts, vocabulary
    numbers = np.cumsum(used, dtype=np.int64) - 1
    kept = {term: int(numbers[number]) for term, number in vocabulary.items() if used[number]}
    return [Counted(numbers[part.terms].astype(np.int32), part.passages, part.counts) for part in parts], kept
