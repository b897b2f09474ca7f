"""Terms as numbers, so that another system can keep them and they can be measured when they come back.

A term becomes a number of 40 bits and a token of eleven letters and digits. A full-text engine then sees one plain word for any Chinese
word, path or concept: nothing to escape, to stem or to leave out, and no text of ours is ever part of a query. A passage's numbers with
their counts are packed beside it; from these BM25 and coverage are worked out here to the last digit as the local index works them out,
so that the engine decides only who is looked at.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from core.language import Language
from knowledge_base.index.port import Flags, Question, Scores
from knowledge_base.index.weights import FOREIGN, LENGTH, SATURATION, lead, rarity, weights

Numbers = NDArray[np.uint64]
PACK = np.dtype([("term", "<u8"), ("count", "<u2")])
_MOST = 65_535
_SPEAKS: dict[Language, int] = {"en": 1, "zh": 2}


@lru_cache(maxsize=50_000)
def number(term: str) -> int:
    return int.from_bytes(blake2b(term.encode(errors="replace"), digest_size=5, key=b"firstmate").digest(), "big")


def token(term: str) -> str:
    return f"t{number(term):010x}"


def packed(terms: Iterable[str]) -> bytes:
    counts = sorted(Counter(number(term) for term in terms).items())
    return np.array([(term, min(count, _MOST)) for term, count in counts], PACK).tobytes()


def numbers(pack: bytes) -> Numbers:
    return np.frombuffer(pack, PACK)["term"].astype(np.uint64)


def length(pack: bytes) -> int:
    return int(np.frombuffer(pack, PACK)["count"].sum(dtype=np.int64))


def packed_page(parts: Iterable[tuple[Language, bytes]], before: bytes = b"\0") -> bytes:
    """What a page says in all its passages and languages, and which languages these are; `before` is what was packed of it already."""
    speaks, found = before[0], [_of_page(before)]
    for language, pack in parts:
        speaks |= _SPEAKS[language]
        found.append(numbers(pack))
    return bytes([speaks]) + np.unique(np.concatenate(found)).astype("<u8").tobytes()


def _of_page(page: bytes) -> Numbers:
    return np.frombuffer(page[1:], "<u8").astype(np.uint64)


@dataclass(frozen=True, slots=True)
class Stock:
    """What is known of all passages together."""

    passages: int
    length: int
    frequency: dict[str, int]

    def of(self, term: str) -> int:
        return self.frequency.get(term, 0)


@dataclass(frozen=True, slots=True)
class Measured:
    keywords: Scores
    passage: Scores
    page: Scores
    technical: Flags


def measure(question: Question, stock: Stock, packs: Sequence[bytes], pages: Sequence[bytes]) -> Measured:
    """Row for row of passages and the pages that they stand on."""
    asked = np.unique(np.array([number(term) for term in question.terms], np.uint64))
    counts, lengths = _counts(asked, packs)
    says, fluent = _said(asked, pages, question.asked_in)
    leads = np.searchsorted(asked, np.array([number(lead(unit)) for unit in question.units], np.uint64))
    technical = np.array([unit.kind == "technical" for unit in question.units], np.bool_)
    told = np.array(weights(question.units, stock.of, stock.passages), np.float32)
    factor = np.where(fluent, 1.0, FOREIGN).astype(np.float32)
    by_row = told * np.where(technical, np.float32(1.0), factor[:, None])
    total = by_row.sum(axis=1)
    total[total == 0] = 1.0
    on_page = says[:, leads]
    return Measured(
        keywords=_bm25(question, stock, asked, counts, lengths),
        passage=np.asarray((by_row * (counts[:, leads] > 0)).sum(axis=1) / total, np.float32),
        page=np.asarray((by_row * on_page).sum(axis=1) / total, np.float32),
        technical=np.asarray((on_page & technical).any(axis=1), np.bool_),
    )


def telling(question: Question, stock: Stock, most: int) -> list[str]:
    """The terms to look for: known ones, of a long question the rarest, because common ones cost most and tell least."""
    counts = Counter(term for term in question.terms if stock.of(term))
    worth = {term: count * rarity(stock.of(term), stock.passages) for term, count in counts.items()}
    return sorted(worth, key=lambda term: (-worth[term], term))[:most]


def _bm25(question: Question, stock: Stock, asked: Numbers, counts: Scores, lengths: Scores) -> Scores:
    mean = max(1.0, stock.length / max(1, stock.passages))
    damping = (SATURATION * (1 - LENGTH + LENGTH * lengths / mean))[:, None]
    worth = np.zeros(len(asked), np.float32)
    for term in question.terms:
        if stock.of(term):
            worth[np.searchsorted(asked, np.uint64(number(term)))] += rarity(stock.of(term), stock.passages)
    return np.asarray((worth * counts / (counts + damping)).sum(axis=1), np.float32)


def _counts(asked: Numbers, packs: Sequence[bytes]) -> tuple[Scores, Scores]:
    """How often each passage holds each number asked for, and how long it is."""
    rows = [np.frombuffer(pack, PACK) for pack in packs]
    counts = np.zeros((len(rows), len(asked)), np.float32)
    for row, held in zip(counts, rows, strict=True):
        places, hit = _placed(asked, held["term"])
        row[hit] = held["count"][places[hit]]
    return counts, np.array([row["count"].sum(dtype=np.int64) for row in rows], np.float32)


def _said(asked: Numbers, pages: Sequence[bytes], language: Language) -> tuple[Flags, Flags]:
    """Which numbers asked for each page holds, and whether it speaks the question's language."""
    each = {page: place for place, page in enumerate(dict.fromkeys(pages))}
    says = np.zeros((len(each), len(asked)), np.bool_)
    for row, page in zip(says, each, strict=True):
        row[:] = _placed(asked, _of_page(page))[1]
    fluent = np.array([bool(page[0] & _SPEAKS[language]) for page in each], np.bool_)
    rows = np.array([each[page] for page in pages], np.intp)
    return says[rows], fluent[rows]


def _placed(asked: Numbers, held: Numbers) -> tuple[NDArray[np.intp], Flags]:
    """Where each number would stand among those held, and whether it does: few are asked for and many held, so few are looked up."""
    if not len(held):
        return np.zeros(len(asked), np.intp), np.zeros(len(asked), np.bool_)
    places = np.minimum(np.searchsorted(held, asked), len(held) - 1)
    return places, np.asarray(held[places] == asked, np.bool_)
