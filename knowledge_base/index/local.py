"""The index in memory: BM25 and vectors over the same passages, immutable once built.

A refresh builds a new one beside the old and the reference is swapped, so a search that began on the old one ends on it. Every
question gets three views of the passages: BM25 (bm25s), cosine similarity, and coverage, which is the share of what was asked, weighted
by rarity, that a passage and its page answer at all. The first two order, coverage is what the floor is measured with.
"""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.language import Language
from knowledge_base.index.port import (
    LANGUAGES,
    Candidates,
    Entry,
    Filters,
    Flags,
    Question,
    Scores,
    best_first,
    none_of,
    view_of_pages,
)
from knowledge_base.segment import CONCEPT, Unit

_Places = NDArray[np.intp]
TECHNICAL = 1.6
"""A concept of the glossary against a plain word of the same rarity."""
LEAST = 0.8
UNKNOWN = 0.6
"""A word that stands nowhere in the store: half the time a paraphrase, half the time another subject."""
EVERYDAY = 0.2
FOREIGN = 0.35
"""A plain word of the question's language, asked of a page that exists in the other language only."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """For every passage: how much of the question it, and its whole page, answers to (0..1), and whether in a technical term."""

    passage: Scores
    page: Scores
    technical: Flags


class LocalIndex:
    def __init__(self, entries: Sequence[Entry], terms: Sequence[Sequence[str]], vectors: Scores) -> None:
        self.entries = tuple(entries)
        self._vectors = vectors
        self._bm25 = _bm25(terms) if entries else None
        # A page and its translation count as one here: what either says, the page answers to.
        pages = {page: place for place, page in enumerate(dict.fromkeys(e.page for e in entries))}
        self._page_of: _Places = np.array([pages[e.page] for e in entries], dtype=np.intp)
        self._is_zh: Flags = np.array([e.language == "zh" for e in entries], dtype=np.bool_)
        self._pages = len(pages)

    def __len__(self) -> int:
        return len(self.entries)

    async def candidates(self, question: Question, filters: Filters, count: int) -> Candidates:
        return await asyncio.to_thread(self.find, question, filters, count)

    def find(self, question: Question, filters: Filters, count: int) -> Candidates:
        allowed = self._allowed(filters)
        if not allowed.any() or not question.units:
            return none_of(int(allowed.sum()))
        coverage = self.coverage(question.units, question.asked_in)
        views = (
            self.keywords(question.terms),
            self.similarity(question.vector),
            view_of_pages(coverage.page, coverage.passage),
        )
        masks = [allowed & self.of_language(language) for language in LANGUAGES]
        best = [best_first(np.where(mask, view, 0.0), count) for mask in masks for view in views]
        places = np.unique(np.concatenate(best))
        return Candidates(
            entries=tuple(self.entries[place] for place in places),
            keywords=views[0][places],
            similarity=views[1][places],
            passage=coverage.passage[places],
            page=coverage.page[places],
            technical=coverage.technical[places],
            among=int(allowed.sum()),
        )

    def _allowed(self, filters: Filters) -> Flags:
        allowed = (
            np.ones(len(self.entries), np.bool_) if filters.language is None else self.of_language(filters.language)
        )
        if filters.tags:
            allowed = allowed & np.array([filters.tags <= set(entry.tags) for entry in self.entries], np.bool_)
        return allowed

    def of_language(self, language: Language) -> Flags:
        return self._is_zh if language == "zh" else ~self._is_zh

    def keywords(self, terms: Sequence[str]) -> Scores:
        known = [place for term in terms if (place := self._place(term)) is not None]
        if self._bm25 is None or not known:
            return np.zeros(len(self.entries), dtype=np.float32)
        scores: Scores = self._bm25.get_scores_from_ids(known)
        return scores

    def similarity(self, vector: Scores) -> Scores:
        if not vector.size or vector.size != self._vectors.shape[1]:
            return np.zeros(len(self.entries), dtype=np.float32)
        return np.asarray(self._vectors @ vector, dtype=np.float32)

    def coverage(self, units: Sequence[Unit], language: Language) -> Coverage:
        """`language` is the question's: a page in the other one is asked only for what means the same in both."""
        fluent = self._on_page(self.of_language(language))
        met, page_met, asked = (np.zeros(len(self.entries), np.float32) for _ in range(3))
        technical = np.zeros(len(self.entries), np.bool_)
        for unit in units:
            weights = self._weight(unit) * (
                np.ones_like(met) if unit.kind == "technical" else np.where(fluent, 1.0, FOREIGN)
            )
            here = self._holding(unit)
            on_page = self._on_page(here)
            met += weights * here
            page_met += weights * on_page
            technical |= on_page & (unit.kind == "technical")
            asked += weights
        asked[asked == 0] = 1.0
        return Coverage(passage=met / asked, page=page_met / asked, technical=technical)

    def _weight(self, unit: Unit) -> float:
        """How much a unit tells: the rarer the more, and a term of operations more than a word that happens to be rare."""
        passages = max(1, len(self.entries))
        frequency = self._frequency(unit.terms[0])
        rarity = math.log(1 + (passages - frequency + 0.5) / (frequency + 0.5))
        if unit.terms[0].startswith(CONCEPT):
            return max(LEAST, rarity * TECHNICAL)
        if unit.kind == "everyday":
            return rarity * EVERYDAY
        return rarity if frequency else rarity * UNKNOWN

    def _holding(self, unit: Unit) -> Flags:
        holding = np.zeros(len(self.entries), dtype=np.bool_)
        for term in _answering(unit):
            holding[self._postings(term)] = True
        return holding

    def _on_page(self, passages: Flags) -> Flags:
        pages = np.zeros(self._pages, dtype=np.bool_)
        pages[self._page_of[passages]] = True
        return pages[self._page_of]

    def _frequency(self, term: str) -> int:
        return len(self._postings(term))

    def _place(self, term: str) -> int | None:
        return None if self._bm25 is None else self._bm25.vocab_dict.get(term)

    def _postings(self, term: str) -> _Places:
        place = self._place(term)
        if self._bm25 is None or place is None:
            return np.zeros(0, dtype=np.intp)
        starts = self._bm25.scores["indptr"]
        found: _Places = self._bm25.scores["indices"][starts[place] : starts[place + 1]]
        return found


def _answering(unit: Unit) -> tuple[str, ...]:
    """A concept answers for its phrase, an object's whole name for its parts; parts alone would answer to anything."""
    return unit.terms[:1]


def _bm25(terms: Sequence[Sequence[str]]) -> Any:
    import bm25s

    # The library logs at DEBUG by its own decision, past the level of the root logger.
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    counts = Counter(term for passage in terms for term in set(passage))
    # Ids in alphabetical order: the library's own order is that of a set of strings and differs from process to process.
    vocabulary = {term: place for place, term in enumerate(sorted(counts))}
    index = bm25s.BM25(k1=1.2, b=0.6)
    index.index(
        ([[vocabulary[term] for term in passage] for passage in terms], vocabulary),
        show_progress=False,
        create_empty_token=False,
    )
    return index
