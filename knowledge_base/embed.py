"""Vectors of texts, behind one small port.

The default needs no download and no network: terms, pairs of neighbouring words and pieces of words are hashed into a fixed number of
dimensions with a sign, weighted sublinearly and normalised. It sees what BM25 cannot (a misspelt name, a word's other form, two words
that belong together) and, through the concepts among its terms, some of what a translation would give. Hashing is a keyed digest, never
Python's own hash, so a vector stored yesterday still means the same today; the name changes when the recipe does.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
            self._fill(row, _weights(self._segmenter.terms(text[:_MAX_TEXT])))
        return rows

    def question(self, text: str) -> NDArray[np.float32]:
        row: NDArray[np.float32] = self.embed([text])[0]
        return row

    def _fill(self, row: Vectors, weights: Mapping[str, float]) -> None:
        for feature, weight in weights.items():
            place, sign = _place(feature)
            row[place % self._dimensions] += sign * weight
        length = float(np.linalg.norm(row))
        if length:
            row /= length


def _weights(terms: Sequence[str]) -> dict[str, float]:
    counts: dict[tuple[str, float], int] = defaultdict(int)
    for feature, weight in _features(terms):
        counts[feature, weight] += 1
    return {feature: weight * (1.0 + math.log(count)) for (feature, weight), count in counts.items()}


def _features(terms: Sequence[str]) -> Iterator[tuple[str, float]]:
    words = [term for term in terms if not term.startswith(CONCEPT)]
    yield from ((term, _CONCEPT_WEIGHT) for term in terms if term.startswith(CONCEPT))
    yield from ((word, 1.0) for word in words)
    yield from ((f"{left} {right}", _PAIR_WEIGHT) for left, right in pairwise(words))
    for word in words:
        yield from ((f"#{piece}", _PIECE_WEIGHT) for piece in _pieces(word))


def _pieces(word: str) -> Iterator[str]:
    if word.isascii():
        framed, size = f"^{word}$", 4
    else:
        framed, size = word, 2
    yield from (framed[start : start + size] for start in range(max(1, len(framed) - size + 1)))


@lru_cache(maxsize=100_000)
def _place(feature: str) -> tuple[int, int]:
    number = int.from_bytes(blake2b(feature.encode(), digest_size=8, key=b"firstmate").digest(), "big")
    return number >> 1, 1 if number & 1 else -1
