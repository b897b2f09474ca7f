"""Vectors of texts, behind one small port.

The default needs no download and no network: terms, pairs of neighbouring words and pieces of words are hashed into a fixed number of
dimensions with a sign, weighted sublinearly and normalised. It sees what BM25 cannot (a misspelt name, a word's other form, two words
that belong together) and, through the concepts among its terms, some of what a translation would give. Hashing is a keyed digest, never
Python's own hash, so a vector stored yesterday still means the same today; the name changes when the recipe does.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge_base.segment import CONCEPT, Segmenter

Vectors = NDArray[np.float32]
DIMENSIONS = 512
_CONCEPT_WEIGHT = 1.6
_PAIR_WEIGHT = 0.6
_PIECE_WEIGHT = 0.25
_MAX_TEXT = 20_000


class Embedder(Protocol):
    @property
    def name(self) -> str:
        """Model and version: vectors of different names are never compared."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of length one for each text. May block; called from a thread."""
        ...

    def question(self, text: str) -> NDArray[np.float32]:
        """The row of a question that somebody waits for: given up sooner. May raise Upstream; words alone are searched then."""
        ...


class LexicalEmbedder:
    def __init__(self, segmenter: Segmenter, dimensions: int = DIMENSIONS) -> None:
        self._segmenter = segmenter
        self._dimensions = dimensions

    @property
    def name(self) -> str:
        return f"lexical-1/{self._dimensions}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self._dimensions), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[:] = self._row(self._segmenter.terms(text[:_MAX_TEXT]))
        return rows

    def question(self, text: str) -> NDArray[np.float32]:
        row: NDArray[np.float32] = self.embed([text])[0]
        return row

    def _row(self, terms: Sequence[str]) -> NDArray[np.float64]:
        numbers, weights = _features(terms)
        found, first, counts = np.unique(numbers, return_index=True, return_counts=True)
        told = weights[first] * (1.0 + np.log(counts)) * np.where(found & np.uint64(1), 1.0, -1.0)
        places = ((found >> np.uint64(1)) % np.uint64(self._dimensions)).astype(np.intp)
        row = np.bincount(places, told, self._dimensions)
        length = float(np.linalg.norm(row))
        return np.asarray(row / length if length else row, np.float64)


_Numbers = NDArray[np.uint64]
_Weights = NDArray[np.float64]


def _features(terms: Sequence[str]) -> tuple[_Numbers, _Weights]:
    """Every feature of the text with its weight, as often as it occurs."""
    words = [term for term in terms if not term.startswith(CONCEPT)]
    parts = [_of_term(term) for term in terms]
    pairs = _numbers(f"{left} {right}" for left, right in pairwise(words))
    numbers = np.concatenate([*(part[0] for part in parts), pairs])
    weights = [*(part[1] for part in parts), np.full(len(pairs), _PAIR_WEIGHT)]
    return numbers, np.concatenate(weights)


@lru_cache(maxsize=10_000)
def _of_term(term: str) -> tuple[_Numbers, _Weights]:
    """A concept is one feature; a word is itself and its pieces."""
    if term.startswith(CONCEPT):
        return _numbers([term]), np.array([_CONCEPT_WEIGHT])
    features = [term, *(f"#{piece}" for piece in _pieces(term))]
    return _numbers(features), np.array([1.0] + [_PIECE_WEIGHT] * (len(features) - 1))


def _numbers(features: Iterable[str]) -> _Numbers:
    digests = (blake2b(feature.encode(), digest_size=8, key=b"firstmate").digest() for feature in features)
    return np.frombuffer(b"".join(digests), ">u8").astype(np.uint64)


def _pieces(word: str) -> Iterator[str]:
    if word.isascii():
        framed, size = f"^{word}$", 4
    else:
        framed, size = word, 2
    yield from (framed[start : start + size] for start in range(max(1, len(framed) - size + 1)))
