"""Three ways to look for a passage: the product's search, plain BM25 and plain vectors, over the same passages.

The plain ones read what the product stored: its words without the glossary's concepts, its vectors as they are. They know no language, no
page and no floor: the best passage is the best passage, however little it has to do with the question.
"""

import math
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import select

from core.clock import SystemClock
from core.database import Database
from knowledge_base.embed import LexicalEmbedder
from knowledge_base.knowledge import SHIPPED, Knowledge
from knowledge_base.segment import CONCEPT, Segmenter
from knowledge_base.tables import KnowledgeDocument, KnowledgePassage
from tests.evaluation.knowledge.questions import DOCUMENTS
from tests.knowledge_base.fakes import empty_database, knowledge

LIMIT = 5
SATURATION, LENGTH = 1.2, 0.75


@dataclass(frozen=True, slots=True)
class Hit:
    page: str
    text: str


Way = Callable[[str], Awaitable[Sequence[Hit]]]


@dataclass(frozen=True, slots=True)
class Stored:
    page: str
    heading: str
    text: str
    terms: tuple[str, ...]
    vector: np.ndarray[tuple[int], np.dtype[np.float32]]


@asynccontextmanager
async def library(folder: Path) -> AsyncIterator[tuple[Knowledge, Database]]:
    """The shipped pages and the documents, taken in as they would be."""
    database = await empty_database(folder)
    base = knowledge(database, SystemClock(), SHIPPED, DOCUMENTS)
    report = await base.load()
    if report.problems:
        raise ValueError(f"pages were not taken: {report.problems}")
    yield base, database
    await database.close()


async def stored(database: Database) -> list[Stored]:
    columns = (KnowledgeDocument.page, KnowledgePassage.heading, KnowledgePassage.text, KnowledgePassage.terms)
    joined = select(*columns, KnowledgePassage.vector).join(KnowledgeDocument)
    async with database.read() as session:
        rows = (await session.execute(joined.order_by(KnowledgePassage.document, KnowledgePassage.position))).all()
    return [
        Stored(page, heading, text, tuple(terms.split()), np.frombuffer(vector, "<f2").astype(np.float32))
        for page, heading, text, terms, vector in rows
    ]


def product(base: Knowledge) -> Way:
    async def look(text: str) -> Sequence[Hit]:
        return [Hit(hit.page, f"{hit.heading}\n{hit.text}") for hit in (await base.search(text, limit=LIMIT)).hits]

    return look


def plain_words(passages: Sequence[Stored]) -> Way:
    words = [Counter(term for term in passage.terms if not term.startswith(CONCEPT)) for passage in passages]
    mean = sum(each.total() for each in words) / len(words)
    holding: dict[str, list[int]] = defaultdict(list)
    for place, each in enumerate(words):
        for word in each:
            holding[word].append(place)

    def weight(word: str, place: int) -> float:
        count, known = words[place][word], len(holding[word])
        damping = SATURATION * (1 - LENGTH + LENGTH * words[place].total() / mean)
        return math.log(1 + (len(words) - known + 0.5) / (known + 0.5)) * count / (count + damping)

    segmenter = Segmenter()

    async def look(text: str) -> Sequence[Hit]:
        scores = np.zeros(len(words))
        for word in segmenter.words(text):
            for place in holding.get(word, ()):
                scores[place] += weight(word, place)
        return _best(passages, scores)

    return look


def plain_vectors(passages: Sequence[Stored]) -> Way:
    rows = np.stack([passage.vector for passage in passages])
    embedder = LexicalEmbedder(Segmenter())

    async def look(text: str) -> Sequence[Hit]:
        return _best(passages, rows @ embedder.embed([text])[0])

    return look


def _best(passages: Sequence[Stored], scores: np.ndarray[tuple[int], np.dtype[np.floating]]) -> list[Hit]:
    order = [int(place) for place in np.argsort(-scores, kind="stable")[:LIMIT] if scores[place] > 0]
    return [Hit(passages[place].page, f"{passages[place].heading}\n{passages[place].text}") for place in order]
