"""Documents in and out of the database; every refresh is one transaction, so a crash leaves the old knowledge or the new.

Vectors are kept in half precision, and rounded to it before they are first used, so that a search after a restart sees the very numbers
it saw before.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from knowledge_base.parse import Page
from knowledge_base.tables import KnowledgeDocument, KnowledgePassage

_BATCH = 400


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of a file, to tell whether it changed."""

    id: str
    folder: str
    path: str
    stamp: str
    digest: str
    recipe: str


@dataclass(frozen=True, slots=True)
class StoredPassage:
    heading: str
    text: str
    terms: tuple[str, ...]
    vector: NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Document:
    known: Known
    page: Page
    passages: tuple[StoredPassage, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    written: Sequence[Document]
    touched: Sequence[Known]
    """Same content under a new stamp."""
    removed: Collection[str]

    def __bool__(self) -> bool:
        return bool(self.written or self.touched or self.removed)


class Store:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self) -> dict[str, Known]:
        columns = [getattr(KnowledgeDocument, name) for name in Known.__slots__]
        async with self._database.read() as session:
            rows = (await session.execute(select(*columns))).all()
        return {row.id: Known(*row) for row in rows}

    async def save(self, changes: Changes, now: datetime) -> None:
        async with self._database.write() as session:
            gone = [*changes.removed, *(document.known.id for document in changes.written)]
            for start in range(0, len(gone), _BATCH):
                await _delete(session, gone[start : start + _BATCH])
            for document in changes.written:
                await session.execute(insert(KnowledgeDocument), [_row(document, now)])
                await session.execute(insert(KnowledgePassage), _passage_rows(document))
            for known in changes.touched:
                touched = update(KnowledgeDocument).where(KnowledgeDocument.id == known.id)
                await session.execute(touched.values(stamp=known.stamp))

    async def documents(self) -> list[Document]:
        """All of them, in a fixed order; read in batches with a turn for others between, for a store may be large."""
        async with self._database.read() as session:
            passages = await _passages(session)
            found = await session.execute(select(KnowledgeDocument).order_by(KnowledgeDocument.id))
            return [_document(row, passages.get(row.id, ())) for row in found.scalars()]


async def _delete(session: AsyncSession, ids: Sequence[str]) -> None:
    await session.execute(delete(KnowledgePassage).where(KnowledgePassage.document.in_(ids)))
    await session.execute(delete(KnowledgeDocument).where(KnowledgeDocument.id.in_(ids)))


async def _passages(session: AsyncSession) -> dict[str, tuple[StoredPassage, ...]]:
    columns = (
        KnowledgePassage.document,
        KnowledgePassage.heading,
        KnowledgePassage.text,
        KnowledgePassage.terms,
        KnowledgePassage.vector,
    )
    ordered = select(*columns).order_by(KnowledgePassage.document, KnowledgePassage.position)
    gathered: dict[str, list[StoredPassage]] = {}
    async for rows in (await session.stream(ordered)).partitions(_BATCH):
        for document, heading, text, terms, vector in rows:
            stored = StoredPassage(heading, text, tuple(terms.split()), np.frombuffer(vector, dtype="<f2"))
            gathered.setdefault(document, []).append(stored)
        await asyncio.sleep(0)
    return {document: tuple(passages) for document, passages in gathered.items()}


def _row(document: Document, now: datetime) -> dict[str, object]:
    known, page = document.known, document.page
    return {
        "id": known.id,
        "folder": known.folder,
        "path": known.path,
        "page": page.id,
        "language": page.language,
        "title": page.title,
        "tags": list(page.tags),
        "faults": list(page.faults),
        "alerts": list(page.alerts),
        "text": page.text,
        "stamp": known.stamp,
        "digest": known.digest,
        "recipe": known.recipe,
        "updated_at": now,
    }


def _passage_rows(document: Document) -> list[dict[str, object]]:
    return [
        {
            "document": document.known.id,
            "position": position,
            "heading": passage.heading,
            "text": passage.text,
            "terms": " ".join(passage.terms),
            "vector": passage.vector.astype("<f2").tobytes(),
        }
        for position, passage in enumerate(document.passages)
    ]


def _document(row: KnowledgeDocument, passages: tuple[StoredPassage, ...]) -> Document:
    page = Page(
        id=row.page,
        title=row.title,
        language="zh" if row.language == "zh" else "en",
        tags=tuple(row.tags),
        faults=tuple(row.faults),
        alerts=tuple(row.alerts),
        text=row.text,
    )
    known = Known(row.id, row.folder, row.path, row.stamp, row.digest, row.recipe)
    return Document(known, page, passages)
