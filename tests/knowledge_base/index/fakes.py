"""Small documents for an index, without files, pages or a database."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from secrets import token_hex

import numpy as np
import pytest

from core.language import Language
from knowledge_base.embed import LexicalEmbedder
from knowledge_base.index.choice import Wish, chosen
from knowledge_base.index.port import Index, Question, Shown
from knowledge_base.index.redis import RedisIndex
from knowledge_base.knowledge import SHIPPED
from knowledge_base.parse import parse
from knowledge_base.search import ask
from knowledge_base.segment import Segmenter
from knowledge_base.split import split
from knowledge_base.store import StoredPassage
from tests.conftest import NEEDS

SEGMENTER = Segmenter()
EMBEDDER = LexicalEmbedder(SEGMENTER)


@dataclass(frozen=True)
class Document:
    page: str
    texts: tuple[str, ...]
    language: Language = "en"
    tags: tuple[str, ...] = ()
    compared: bool = True

    @property
    def id(self) -> str:
        return f"{self.page}-{self.language}"

    @property
    def shown(self) -> Shown:
        revision = f"{self.id}:{hash((self.texts, self.tags, self.compared))}"
        path = f"{self.language}/{self.page}.md"
        title = self.page.replace("-", " ").title()
        return Shown(self.id, revision, self.page, title, self.language, path, self.tags, self.compared)

    @property
    def passages(self) -> list[StoredPassage]:
        texts = [f"{self.shown.title}\n{text}" for text in self.texts]
        vectors = EMBEDDER.embed(texts).astype(np.float16)
        return [
            StoredPassage(f"Part {place}", text, tuple(SEGMENTER.terms(whole)), vector)
            for place, (text, whole, vector) in enumerate(zip(self.texts, texts, vectors, strict=True))
        ]


def document(page: str, *texts: str, language: Language = "en", tags: Sequence[str] = ()) -> Document:
    return Document(page, texts, language, tuple(tags))


@dataclass
class Reading:
    """Reads from a list, two documents at a time, and remembers what was asked for."""

    documents: Sequence[Document]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, revisions: Sequence[str]) -> AsyncIterator[Mapping[str, Sequence[StoredPassage]]]:
        known = {one.shown.revision: one for one in self.documents}
        self.asked.extend(known[revision].id for revision in revisions)
        for start in range(0, len(revisions), 2):
            yield {revision: known[revision].passages for revision in revisions[start : start + 2]}


async def hold(index: Index, *documents: Document) -> list[str]:
    """Which documents were read for it."""
    reading = Reading(documents)
    await index.update([one.shown for one in documents], reading)
    return reading.asked


def question(text: str, language: Language | None = None) -> Question:
    return ask(text, language, SEGMENTER, EMBEDDER)


@asynccontextmanager
async def redis_index(url: str) -> AsyncIterator[RedisIndex]:
    """Under a name of its own, which is empty again at the end; skipped aloud where the server has no Query Engine."""
    made = await chosen(Wish(url=url, owner=f"test-{token_hex(4)}"))
    if made is None:
        pytest.skip(f"{NEEDS}Query Engine: the server at REDIS_URL has none that serves")
    try:
        yield made
    finally:
        await made.wipe()
        await made.close()


def shipped(faults: int) -> list[Document]:
    """Some of the shipped pages, in both languages."""
    names = sorted({path.name for path in SHIPPED.glob("*/*.md")})
    pages = [
        parse((SHIPPED / place / name).read_bytes(), name) for name in names[::5][:faults] for place in ("en", "zh")
    ]
    return [Document(page.id, tuple(piece.text for piece in split(page.text)), page.language) for page in pages]
