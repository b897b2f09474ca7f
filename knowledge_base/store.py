"""Documents in and out of the database, so that a reader and a crash see the old knowledge or the new, never a part.

New versions are written beside the live ones in small transactions (`stage`), which keeps a database with one writer free for alerts
while some hundred pages come in. One short transaction then makes them all live (`switch`) and counts one generation on; other replicas
watch that count. What a switch has replaced, and what a killed process had staged, is removed afterwards in small turns (`tidy`).

Vectors are kept in half precision, and rounded to it before they are first used, so that a search after a restart sees the very numbers
it saw before.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from knowledge_base.formats.reading import Kind
from knowledge_base.parse import Page
from knowledge_base.tables import KnowledgeDocument, KnowledgePassage, KnowledgeState

LEFT_BEHIND = timedelta(days=1)
"""After so long without its switch, what was staged belongs to a process that was killed; a slow embedder may well take hours."""
_BATCH = 400
_REMOVED_AT_ONCE = 100
_TURN = 100
"""Rows that are made into what we know of them before others have a turn."""
_READ_AT_ONCE = 40
Source = Literal["folder", "upload", "url"]


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of a document, to tell whether it changed and who brought it."""

    id: str
    """The same through all its versions."""
    folder: str
    """The folder that it was read from; of a kept one, the collection that it was added with."""
    path: str
    stamp: str
    digest: str
    recipe: str
    source: Source = "folder"
    added_by: str = ""
    added_at: datetime | None = None
    updated_at: datetime | None = None
    etag: str = ""
    modified: str = ""
    said: Mapping[str, Any] = field(default_factory=dict)
    """What was said beside it."""
    version: str = ""
    """The row of what is live."""


@dataclass(frozen=True, slots=True)
class StoredPassage:
    heading: str
    text: str
    terms: tuple[str, ...]
    vector: NDArray[np.float16]
    section: int = 0
    """Its place among `split.sections` of the page's text, to show what stood around it."""


@dataclass(frozen=True, slots=True)
class Document:
    known: Known
    page: Page
    passages: tuple[StoredPassage, ...]


@dataclass(frozen=True, slots=True)
class Switch:
    """What one transaction makes of what was staged."""

    batch: str
    touched: Sequence[Known] = ()
    """Same content, other marks of it (stamp, ETag)."""
    removed: Collection[str] = ()
    """Versions, not documents: what was replaced meanwhile stays."""
    basis: Mapping[str, str] = field(default_factory=dict)
    """Documents that were staged from a live version, and which: where it is gone meanwhile, somebody's later word stands."""
    refreshed_at: datetime | None = None


class Store:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self) -> dict[str, Known]:
        names = [name for name in Known.__slots__ if name not in {"id", "version"}]
        columns = [KnowledgeDocument.document, *(getattr(KnowledgeDocument, name) for name in names)]
        live = select(*columns, KnowledgeDocument.id).where(_LIVE)
        known: dict[str, Known] = {}
        async with self._database.read() as session:
            async for rows in (await session.stream(live)).partitions(_TURN):
                known |= {
                    row[0]: Known(row[0], **dict(zip(names, row[1:-1], strict=True)), version=row[-1]) for row in rows
                }
                await asyncio.sleep(0)
        return known

    async def generation(self) -> int:
        async with self._database.read() as session:
            return int(await session.scalar(select(KnowledgeState.generation)) or 0)

    async def refreshed_at(self) -> datetime | None:
        async with self._database.read() as session:
            return await session.scalar(select(KnowledgeState.refreshed_at))

    async def stage(self, batch: str, documents: Sequence[Document], now: datetime) -> None:
        """Written and seen by nobody, until the batch's switch."""
        if not documents:
            return
        async with self._database.write() as session:
            for document in documents:
                row = _row(document, now, batch)
                await session.execute(insert(KnowledgeDocument), [row])
                await session.execute(insert(KnowledgePassage), _passage_rows(document, str(row["id"])))

    async def switch(self, change: Switch) -> bool:
        """In one transaction, all of it; says whether what is found has changed."""
        async with self._database.write() as session:
            # First of all, so that switches of several replicas take turns on this row.
            await _mark(session, change.refreshed_at)
            await _drop_overtaken(session, change)
            changed = await _replace(session, change)
            for known in change.touched:
                marks = {"stamp": known.stamp, "etag": known.etag, "modified": known.modified}
                await session.execute(
                    update(KnowledgeDocument).where(KnowledgeDocument.id == known.version).values(**marks)
                )
            if changed:
                await session.execute(update(KnowledgeState).values(generation=KnowledgeState.generation + 1))
        return changed

    async def tidy(self, now: datetime) -> int:
        """Remove what a switch replaced or a killed process left, a little at a time with a turn for others between."""
        removed = 0
        while ids := await self._past(now):
            async with self._database.write() as session:
                # Asked again, for a switch may have made them live since.
                still = select(KnowledgeDocument.id).where(KnowledgeDocument.id.in_(ids), _past(now)).with_for_update()
                ids = list((await session.execute(still)).scalars())
                await session.execute(delete(KnowledgePassage).where(KnowledgePassage.document.in_(ids)))
                await session.execute(delete(KnowledgeDocument).where(KnowledgeDocument.id.in_(ids)))
            removed += len(ids)
            await asyncio.sleep(0)
        return removed

    @asynccontextmanager
    async def view(self) -> AsyncIterator["View"]:
        """All that is live, at one moment."""
        async with self._snapshot() as session:
            yield View(session)

    async def pages(self, versions: Sequence[str]) -> list[Document]:
        """Without their passages: what is cut anew."""
        async with self._database.read() as session:
            found = await session.execute(select(KnowledgeDocument).where(KnowledgeDocument.id.in_(versions)))
            return [_document(row, ()) for row in found.scalars()]

    async def _past(self, now: datetime) -> list[str]:
        past = select(KnowledgeDocument.id).where(_past(now))
        async with self._database.read() as session:
            return list((await session.execute(past.limit(_REMOVED_AT_ONCE))).scalars())

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[AsyncSession]:
        """A read whose every statement sees the same moment."""
        async with self._database.read() as session:
            if session.get_bind().dialect.name == "sqlite":
                await session.execute(text("BEGIN"))
            else:
                await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session


class View:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def documents(self) -> list[Document]:
        """Without their passages, in a fixed order."""
        live = select(KnowledgeDocument).where(_LIVE).order_by(KnowledgeDocument.document, KnowledgeDocument.id)
        documents: list[Document] = []
        async for rows in (await self._session.stream_scalars(live)).partitions(_TURN):
            documents.extend(_document(row, ()) for row in rows)
            await asyncio.sleep(0)
        return documents

    async def passages(self, versions: Sequence[str]) -> AsyncIterator[dict[str, list[StoredPassage]]]:
        """Those of some versions at a time with a turn for others between, for a store may be large."""
        for start in range(0, len(versions), _READ_AT_ONCE):
            some = _PASSAGES.where(KnowledgePassage.document.in_(versions[start : start + _READ_AT_ONCE]))
            gathered: dict[str, list[StoredPassage]] = {}
            for version, heading, passage, terms, vector, section in (await self._session.execute(some)).all():
                numbers = np.frombuffer(vector, dtype="<f2")
                stored = StoredPassage(heading, passage, tuple(terms.split()), numbers, section)
                gathered.setdefault(version, []).append(stored)
            yield gathered


_LIVE = KnowledgeDocument.state == "live"
_PASSAGES = select(
    KnowledgePassage.document,
    KnowledgePassage.heading,
    KnowledgePassage.text,
    KnowledgePassage.terms,
    KnowledgePassage.vector,
    KnowledgePassage.section,
).order_by(KnowledgePassage.document, KnowledgePassage.position)


def _past(now: datetime) -> ColumnElement[bool]:
    left = (KnowledgeDocument.state == "staged") & (KnowledgeDocument.updated_at < now - LEFT_BEHIND)
    return (KnowledgeDocument.state == "gone") | left


def _staged(batch: str) -> ColumnElement[bool]:
    return (KnowledgeDocument.batch == batch) & (KnowledgeDocument.state == "staged")


async def _mark(session: AsyncSession, refreshed_at: datetime | None) -> None:
    values = {"refreshed_at": refreshed_at} if refreshed_at else {"generation": KnowledgeState.generation}
    found = await session.execute(update(KnowledgeState).values(**values).returning(KnowledgeState.id))
    if found.first() is None:
        await session.execute(insert(KnowledgeState).values(id=1, generation=1, refreshed_at=refreshed_at))


async def _drop_overtaken(session: AsyncSession, change: Switch) -> None:
    """What was made from a version that is live no more: it was removed or replaced while this was at work."""
    live: set[str] = set()
    for part in _parts(list(change.basis.values())):
        asked = select(KnowledgeDocument.id).where(_LIVE, KnowledgeDocument.id.in_(part))
        live.update((await session.execute(asked)).scalars())
    late = [document for document, version in change.basis.items() if version not in live]
    for part in _parts(late):
        overtaken = update(KnowledgeDocument).where(_staged(change.batch), KnowledgeDocument.document.in_(part))
        await session.execute(overtaken.values(state="gone"))


async def _replace(session: AsyncSession, change: Switch) -> bool:
    count = 0
    for part in _parts(list(change.removed)):
        removed = update(KnowledgeDocument).where(_LIVE, KnowledgeDocument.id.in_(part))
        count += len((await session.execute(removed.values(state="gone").returning(KnowledgeDocument.id))).all())
    newer = select(KnowledgeDocument.document).where(_staged(change.batch)).scalar_subquery()
    before = update(KnowledgeDocument).where(_LIVE, KnowledgeDocument.document.in_(newer))
    await session.execute(before.values(state="gone"), execution_options={"synchronize_session": False})
    live = update(KnowledgeDocument).where(_staged(change.batch)).values(state="live")
    count += len((await session.execute(live.returning(KnowledgeDocument.id))).all())
    return count > 0


def _parts(items: list[str]) -> Iterator[list[str]]:
    return (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))


def _row(document: Document, now: datetime, batch: str) -> dict[str, object]:
    known, page = document.known, document.page
    return {
        "id": token_hex(16),
        "document": known.id,
        "state": "staged",
        "batch": batch,
        "folder": known.folder,
        "path": known.path,
        "page": page.id,
        "language": page.language,
        "title": page.title,
        "tags": list(page.tags),
        "faults": list(page.faults),
        "alerts": list(page.alerts),
        "text": page.text,
        "kind": page.kind,
        "valid_from": page.valid_from,
        "valid_until": page.valid_until,
        "stamp": known.stamp,
        "digest": known.digest,
        "recipe": known.recipe,
        "updated_at": now,
        "source": known.source,
        "added_by": known.added_by[:80],
        "added_at": known.added_at or now,
        "etag": known.etag,
        "modified": known.modified,
        "said": dict(known.said),
    }


def _passage_rows(document: Document, row: str) -> list[dict[str, object]]:
    return [
        {
            "document": row,
            "position": position,
            "heading": passage.heading,
            "text": passage.text,
            "terms": " ".join(passage.terms),
            "vector": passage.vector.astype("<f2").tobytes(),
            "section": passage.section,
        }
        for position, passage in enumerate(document.passages)
    ]


def _kind(stored: str) -> Kind:
    """A kind that a later version stored, read by an earlier one, is text all the same."""
    kinds: tuple[Kind, ...] = get_args(Kind)
    return next((kind for kind in kinds if kind == stored), "text")


def _document(row: KnowledgeDocument, passages: tuple[StoredPassage, ...]) -> Document:
    page = Page(
        id=row.page,
        title=row.title,
        language="zh" if row.language == "zh" else "en",
        tags=tuple(row.tags),
        faults=tuple(row.faults),
        alerts=tuple(row.alerts),
        text=row.text,
        kind=_kind(row.kind),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
    )
    return Document(_known(row), page, passages)


def _known(row: KnowledgeDocument) -> Known:
    source: Source = "url" if row.source == "url" else "upload" if row.source == "upload" else "folder"
    return Known(
        id=row.document,
        folder=row.folder,
        path=row.path,
        stamp=row.stamp,
        digest=row.digest,
        recipe=row.recipe,
        source=source,
        added_by=row.added_by,
        added_at=row.added_at,
        updated_at=row.updated_at,
        etag=row.etag,
        modified=row.modified,
        said=row.said,
        version=row.id,
    )
