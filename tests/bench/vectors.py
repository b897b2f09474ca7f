"""Search over 20,000 passages: the shipped runbooks' sentences, shuffled into new passages in the same two languages.

The index is the product's own and so is every question's way through it. Terms of a passage are the terms of its sentences; its vector is
their sum, so that a bench need not cut and weigh thirteen megabytes of text. What that costs is measured on the shipped pages instead.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import psutil

from core.language import Language
from knowledge_base.embed import DIMENSIONS, LexicalEmbedder, Vectors
from knowledge_base.index.local import LocalIndex
from knowledge_base.index.port import Entry
from knowledge_base.knowledge import SHIPPED
from knowledge_base.parse import Page, parse
from knowledge_base.search import ask, search
from knowledge_base.segment import Segmenter
from tests.bench.table import Line, milliseconds, spread
from tests.knowledge_base.questions import CROSSING, SAME_LANGUAGE, UNANSWERABLE

PASSAGES = 20_000
SENTENCES = 6
PASSAGES_A_PAGE = 8
ROUNDS = 3
_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")


@dataclass(frozen=True, slots=True)
class Sentence:
    text: str
    terms: tuple[str, ...]
    vector: Vectors


Stock = dict[Language, list[Sentence]]


async def measure() -> list[Line]:
    segmenter = Segmenter()
    segmenter.warm()
    embedder = LexicalEmbedder(segmenter)
    began = perf_counter()
    stock: Stock = {language: _sentences(language, segmenter, embedder) for language in ("en", "zh")}
    intake = (perf_counter() - began) / sum(len(found) for found in stock.values()) * SENTENCES
    entries, terms, vectors = _passages(stock)
    before = psutil.Process().memory_info().rss
    began = perf_counter()
    index = LocalIndex(entries, terms, vectors)
    built = perf_counter() - began
    grown = (psutil.Process().memory_info().rss - before + vectors.nbytes) / 2**20
    took = await _asked(index, segmenter, embedder)
    how = f"BM25, vectors and coverage fused over {PASSAGES:,} passages, {len(took)} questions in two languages"
    pace = f"cutting and weighing new text {milliseconds(intake)} a passage"
    facts = f"from stored terms and vectors; vectors and index {grown:.0f} MiB; {pace}"
    return [
        Line("vector search", "20 ms at p95", spread(took, 0.5, 0.95), how),
        Line("index of 20,000 passages", "-", f"{built:.1f} s to build", facts),
    ]


async def _asked(index: LocalIndex, segmenter: Segmenter, embedder: LexicalEmbedder) -> list[float]:
    took = []
    for _ in range(ROUNDS):
        for question in (*SAME_LANGUAGE, *CROSSING, *UNANSWERABLE):
            began = perf_counter()
            await search(index, ask(question.text, question.reads, segmenter, embedder), 5, segmenter)
            took.append(perf_counter() - began)
    return took


def _sentences(language: Language, segmenter: Segmenter, embedder: LexicalEmbedder) -> list[Sentence]:
    texts = {text for page in _pages() if page.language == language for text in _END.split(page.text) if len(text) > 20}
    ordered = sorted(texts)
    return [
        Sentence(text, tuple(segmenter.terms(text)), vector)
        for text, vector in zip(ordered, embedder.embed(ordered), strict=True)
    ]


def _pages() -> list[Page]:
    return [parse(path.read_bytes(), path.relative_to(SHIPPED).as_posix()) for path in sorted(SHIPPED.glob("*/*.md"))]


def _passages(stock: Stock) -> tuple[list[Entry], list[list[str]], Vectors]:
    dice = random.Random(7)
    entries, terms = [], []
    vectors = np.zeros((PASSAGES, DIMENSIONS), dtype=np.float32)
    for number, row in enumerate(vectors):
        language: Language = "en" if number % 2 else "zh"
        chosen: Sequence[Sentence] = dice.sample(stock[language], SENTENCES)
        page = f"page-{number // 2 // PASSAGES_A_PAGE}"
        text = "\n".join(sentence.text for sentence in chosen)
        entries.append(Entry(page, page, f"Part {number}", text, language, f"{language}/{page}.md"))
        terms.append([term for sentence in chosen for term in sentence.terms])
        row[:] = np.sum([sentence.vector for sentence in chosen], axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return entries, terms, vectors
