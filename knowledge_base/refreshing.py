"""How the store changes: a refresh of the folders and the web, documents that are brought, documents that are taken away.

All of it is staged in small batches under a token of its own and made live by one switch at the end, so that searches, other replicas
and a restart after a crash see what was before or what came after. Two refreshes take turns; a document that is brought while one is at
work waits for nothing, and the later word stands. What is at work is told by `progress`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import Literal

from core.clock import Clock
from core.errors import FirstmateError, Invalid, Upstream
from core.logs import get
from knowledge_base.folder import Problem
from knowledge_base.intake import Intake, Reader
from knowledge_base.sources.kept import Fate, Incoming, Said
from knowledge_base.sources.web import Fetched, Web, plain
from knowledge_base.store import Document, Known, Store, Switch

FILES_AT_ONCE = 64
"""Looked at before the loop and the reader of the progress have a turn again."""
PASSAGES_AT_ONCE = 256
"""Written in one transaction, and held in memory."""
FETCHES_AT_ONCE = 4
MAX_KEPT = 20_000
_STAYS = "The version fetched before stays in use."
_LOG_EVERY = 10.0
_log = get(__name__)
Step = Literal["idle", "looking", "reading", "fetching", "cutting anew", "switching"]


@dataclass(frozen=True, slots=True)
class Progress:
    step: Step = "idle"
    done: int = 0
    total: int = 0
    since: datetime | None = None


class Refresher:
    def __init__(self, *, store: Store, reader: Reader, clock: Clock, folders: Sequence[Path], web: Web) -> None:
        self._web = web
        self._store = store
        self._reader = reader
        self._clock = clock
        self._folders = tuple(folders)
        self._turn = asyncio.Lock()
        self.progress = Progress()
        self._told = 0.0

    async def refresh(self, *, hurried: bool) -> Intake:
        """Hurried, as at a start, it waits for nobody: pages of the web are not asked for again, nor an embedder that takes its time."""
        async with self._turn:
            with self._at_work():
                return await self._refresh(hurried=hurried)

    async def fetched(self, url: str, said: Said, by: str) -> Incoming:
        found = await self._web.fetch(url)
        if found is None:
            raise Upstream(url, "says that its page has not changed, and nobody has it", retryable=True)
        return _of_the_web(str(plain(url)), found, said, by)

    async def add(self, incoming: AsyncIterator[Incoming | Fate]) -> list[Fate]:
        """One after the other as they arrive, and all that could be taken at once in the end; each is told what became of it."""
        self._reader.begin()
        batch, known = token_hex(8), await self._store.known()
        room = MAX_KEPT - sum(one.source != "folder" for one in known.values())
        fates: list[Fate] = []
        seen: set[str] = set()
        async for one in incoming:
            if isinstance(one, Fate):
                fate = one
            elif one.id in seen:
                fate = refused(one.name, "This name came twice; the first one was taken.")
            else:
                seen.add(one.id)
                fate = await self._stage_one(batch, one, known.get(one.id), room)
            room -= fate.outcome == "added"
            fates.append(fate)
        await self._store.switch(Switch(batch))
        await self._store.tidy(self._clock.now())
        return fates

    async def remove(self, versions: Sequence[str]) -> bool:
        changed = await self._store.switch(Switch(token_hex(8), removed=versions))
        await self._store.tidy(self._clock.now())
        return changed

    async def _refresh(self, *, hurried: bool) -> Intake:
        batch, known = token_hex(8), await self._store.known()
        self._reader.begin(hurried=hurried)
        intake = await asyncio.to_thread(self._reader.look, self._folders, known)
        await self._read(batch, intake)
        if not hurried:
            await self._fetch(batch, intake)
        await self._cut_anew(batch, intake)
        intake.problems.extend(self._reader.silence)
        self._goes_on("switching", 0, 0)
        removed, touched = intake.removed, intake.touched
        now = self._clock.now()
        await self._store.switch(Switch(batch, touched, removed, intake.basis, refreshed_at=now))
        await self._store.tidy(now)
        return intake

    async def _read(self, batch: str, intake: Intake) -> None:
        steps, total = self._reader.documents(intake), len(intake.files)
        done = 0
        while done < total:
            self._goes_on("reading", done, total)
            looked, documents = await asyncio.to_thread(_some, steps)
            await self._store.stage(batch, documents, self._clock.now())
            done += looked

    async def _fetch(self, batch: str, intake: Intake) -> None:
        urls = sorted((one for one in intake.known.values() if one.source == "url"), key=lambda one: one.path)
        for start in range(0, len(urls), FETCHES_AT_ONCE):
            self._goes_on("fetching", start, len(urls))
            part = urls[start : start + FETCHES_AT_ONCE]
            found = await asyncio.gather(*(self._fetched_again(one, intake) for one in part))
            documents = [document for document in found if document]
            await self._store.stage(batch, documents, self._clock.now())

    async def _fetched_again(self, before: Known, intake: Intake) -> Document | None:
        """A page that fails stays as it was, and is named."""
        try:
            found = await self._web.fetch(before.path, before.etag, before.modified)
            if found is None:
                intake.unchanged += 1
                return None
            incoming = _of_the_web(before.path, found, Said.again(before.said), before.added_by)
            if (before.digest, before.recipe) == (incoming.digest, self._reader.recipe):
                intake.unchanged += 1
                intake.touched.append(replace(before, etag=found.etag, modified=found.modified))
                return None
            document = await asyncio.to_thread(self._taken, incoming, before)
        except FirstmateError as error:
            intake.problems.append(Problem(before.path, f"{error.sentence.rstrip('.')}. {_STAYS}"))
            return None
        intake.written(document)
        return document

    async def _cut_anew(self, batch: str, intake: Intake) -> None:
        stale = intake.stale(self._reader.recipe)
        for start in range(0, len(stale), FILES_AT_ONCE):
            self._goes_on("cutting anew", start, len(stale))
            part = stale[start : start + FILES_AT_ONCE]
            kept = await self._store.pages([one.version for one in part])
            documents = await asyncio.to_thread(self._all_anew, kept, intake)
            await self._store.stage(batch, documents, self._clock.now())

    def _all_anew(self, kept: Sequence[Document], intake: Intake) -> list[Document]:
        documents: list[Document] = []
        for one in kept:
            try:
                document = self._reader.cut(one.known, one.page)
            except Invalid as error:
                intake.problems.append(Problem(one.known.path, error.sentence))
                continue
            intake.written(document)
            documents.append(document)
        return documents

    async def _stage_one(self, batch: str, incoming: Incoming, before: Known | None, room: int) -> Fate:
        same = before and (before.digest, before.recipe) == (incoming.digest, self._reader.recipe)
        if before and same:
            return Fate(name=incoming.name, outcome="unchanged", document=before.id)
        if before is None and room < 1:
            return refused(incoming.name, f"No more than {MAX_KEPT} documents are kept; remove some.")
        try:
            document = await asyncio.to_thread(self._taken, incoming, before)
        except Invalid as error:
            return refused(incoming.name, error.sentence)
        await self._store.stage(batch, [document], self._clock.now())
        return Fate(
            name=incoming.name,
            outcome="changed" if before else "added",
            document=incoming.id,
            page=document.page.id,
            language=document.page.language,
            title=document.page.title,
            passages=len(document.passages),
        )

    def _taken(self, incoming: Incoming, before: Known | None) -> Document:
        known = incoming.known()
        if before:
            known = replace(known, added_at=before.added_at)
        return self._reader.cut(known, incoming.page())

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        self._told = self._clock.monotonic()
        self.progress = Progress("looking", since=self._clock.now())
        try:
            yield
        finally:
            self.progress = Progress()

    def _goes_on(self, step: Step, done: int, total: int) -> None:
        self.progress = replace(self.progress, step=step, done=done, total=total)
        now = self._clock.monotonic()
        if now - self._told >= _LOG_EVERY:
            self._told = now
            _log.info("knowledge is being refreshed", step=step, done=done, total=total)


def _of_the_web(url: str, found: Fetched, said: Said, by: str) -> Incoming:
    return Incoming(
        name=url,
        raw=found.raw,
        source="url",
        by=by,
        file=found.file,
        said=said,
        etag=found.etag,
        modified=found.modified,
    )


def refused(name: str, why: str) -> Fate:
    return Fate(name=name, outcome="refused", why=why)


def _some(steps: Iterator[Document | None]) -> tuple[int, list[Document]]:
    """So many files that the work can be told of and stopped between, and no more new passages than are written at once."""
    looked, passages = 0, 0
    documents: list[Document] = []
    for document in steps:
        looked += 1
        if document:
            documents.append(document)
            passages += len(document.passages)
        if looked >= FILES_AT_ONCE or passages >= PASSAGES_AT_ONCE:
            break
    return looked, documents
