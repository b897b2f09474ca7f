"""Which passages hold a term and how often: three flat arrays, sorted by term and then by passage.

Six bytes a posting instead of an object, and a change merges a few new postings into many sorted ones instead of sorting all anew. BM25 is
worked out at the question from these counts: ten questions a second would have to come for days before storing every score paid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge_base.index.port import Flags, Scores
from knowledge_base.index.weights import LENGTH, SATURATION, rarity

Places = NDArray[np.int32]
Counts = NDArray[np.uint16]
_MOST = np.iinfo(np.uint16).max


@dataclass(frozen=True, slots=True)
class Postings:
    vocabulary: Mapping[str, int]
    """Shared with later postings, which only add to it: a number past our own end is a term that we do not hold."""
    starts: NDArray[np.int64]
    passages: Places
    counts: Counts
    damping: Scores
    """For every passage, what BM25 adds to a count for the passage's length."""

    def __len__(self) -> int:
        return len(self.damping)

    def frequency(self, term: str) -> int:
        begin, end = self._span(term)
        return end - begin

    def holding(self, term: str) -> Places:
        begin, end = self._span(term)
        return self.passages[begin:end]

    def bm25(self, terms: Sequence[str]) -> Scores:
        scores = np.zeros(len(self), np.float32)
        for term in terms:
            begin, end = self._span(term)
            places, counts = self.passages[begin:end], self.counts[begin:end].astype(np.float32)
            scores[places] += np.float32(rarity(end - begin, len(self))) * counts / (counts + self.damping[places])
        return scores

    def _span(self, term: str) -> tuple[int, int]:
        number = self.vocabulary.get(term)
        if number is None or number + 1 >= len(self.starts):
            return 0, 0
        return int(self.starts[number]), int(self.starts[number + 1])


def no_postings() -> Postings:
    return Postings({}, np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint16), np.zeros(0, np.float32))


@dataclass(frozen=True, slots=True)
class Counted:
    """Postings of some passages, not yet sorted among others."""

    terms: NDArray[np.int32]
    passages: Places
    counts: Counts

    @classmethod
    def of(cls, passages: Sequence[Sequence[str]], vocabulary: dict[str, int]) -> "Counted":
        numbers = np.array(
            [vocabulary.setdefault(term, len(vocabulary)) for terms in passages for term in terms], np.int64
        )
        owners = np.repeat(np.arange(len(passages), dtype=np.int64), [len(terms) for terms in passages])
        keys, counts = np.unique(numbers * max(1, len(passages)) + owners, return_counts=True)
        terms, places = np.divmod(keys, max(1, len(passages)))
        return cls(terms.astype(np.int32), places.astype(np.int32), np.minimum(counts, _MOST).astype(np.uint16))

    def at(self, places: NDArray[np.int64]) -> "Counted":
        """The same under other numbers of passages; those without one (-1) are left out."""
        moved = places[self.passages]
        kept: Flags = moved >= 0
        return Counted(self.terms[kept], moved[kept].astype(np.int32), self.counts[kept])


def counted(held: Postings) -> Counted:
    terms = np.repeat(np.arange(len(held.starts) - 1, dtype=np.int32), np.diff(held.starts))
    return Counted(terms, held.passages, held.counts)


def merged(parts: Sequence[Counted], size: int, vocabulary: dict[str, int]) -> Postings:
    """Parts that are sorted already are merged in one go over them: the sort knows runs."""
    terms = np.concatenate([part.terms for part in parts])
    passages = np.concatenate([part.passages for part in parts])
    counts = np.concatenate([part.counts for part in parts])
    order = np.argsort(terms.astype(np.int64) * max(1, size) + passages, kind="stable")
    terms, passages, counts = terms[order], passages[order], counts[order]
    starts = np.searchsorted(terms, np.arange(len(vocabulary) + 1)).astype(np.int64)
    return Postings(vocabulary, starts, passages, counts, _damping(passages, counts, size))


def _damping(passages: Places, counts: Counts, size: int) -> Scores:
    lengths = np.bincount(passages, weights=counts, minlength=size)
    mean = lengths.mean() if size else 1.0
    return np.asarray(SATURATION * (1 - LENGTH + LENGTH * lengths / max(1.0, mean)), np.float32)
