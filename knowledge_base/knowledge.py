"""The knowledge base as the rest of the product sees it.

Pages stand on an immutable shelf held in one attribute, and the index goes from one whole state to the next, so no search waits for a
change or sees half of it. Whoever changed something waits until it can be found, and several who wait share
one building. Another replica's changes are noticed by their count. Where two sources hold a page of the same id and language, the later
folder wins (a team's own runbook takes the place of the shipped one), and what somebody brought wins over any folder.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
from pydantic import BaseModel, Field

from core.clock import Clock
from core.database import Database
from core.errors import Conflict, FirstmateError, Invalid, NotFound, Upstream, near_misses
from core.language import Language, Text
from core.logs import get
from core.metrics import Metrics
from knowledge_base.checks import Check, checks
from knowledge_base.embed import Embedder, LexicalEmbedder, Vectors
from knowledge_base.folder import Problem, folder_key
from knowledge_base.index.local import LocalIndex
from knowledge_base.index.port import Filters, Index, Passages, Question, Shown
from knowledge_base.index.spare import SparedIndex
from knowledge_base.intake import Intake, Reader, heading_of
from knowledge_base.refreshing import Refresher
from knowledge_base.search import Rerank, SearchAnswer, Standing, ask, search
from knowledge_base.segment import Segmenter, Unit
from knowledge_base.sources.kept import Fate, Incoming, Said
from knowledge_base.sources.web import Web
from knowledge_base.split import split
from knowledge_base.store import Document, Known, Source, Store, View

SHIPPED = Path(__file__).with_name("runbooks")
MAX_QUERY = 4_000
MAX_HITS = 20
MAX_TOLD = 120
LOOK = 2.0
"""Seconds between two looks at the count of changes, which is one small read."""
RETRY = 60.0
"""Seconds between two tries to give pages the vectors they lack."""
_log = get(__name__)

_SILENT = Text(
    en="The embedder does not answer: pages were found by their words alone.",
    zh="向量模型没有应答：本次仅按词语检索。",
)
_MENDED = Text(
    en="Nothing was found for the words as they are written; this answers “{text}”.",
    zh="按原文没有找到结果，以下是“{text}”的结果。",
)
_INDEXING = Text(
    en="Being indexed anew: {left} of {all} pages are found by their words alone until that is done.",
    zh="正在重建索引：{all} 篇文档中有 {left} 篇在完成之前仅按词语检索。",
)


class PageInfo(BaseModel):
    id: str
    language: Language
    title: str
    tags: list[str]
    faults: list[str]
    alerts: list[str]
    path: str
    document: str = Field(default="", description="Tells it from a page of the same id elsewhere")
    source: Source = "folder"
    collection: str = Field(default="", description="What it was added with; of a folder's page nothing")
    added_by: str = ""
    added_at: datetime | None = None
    updated_at: datetime | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    digest: str = ""
    notes: dict[str, str] = Field(default_factory=dict)


class RefreshProblem(BaseModel):
    path: str
    why: str


class RefreshReport(BaseModel):
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    problems: list[RefreshProblem] = Field(default_factory=list)
    pages: int = 0
    passages: int = 0
    took_ms: float = 0.0


class _Progress(BaseModel):
    step: str
    done: int
    total: int
    since: datetime | None


class Status(BaseModel):
    pages: int = Field(description="That can be found: of two for the same id and language, the one that wins")
    passages: int
    documents: int
    sources: dict[str, int]
    folders: list[str]
    embedder: str
    index: str
    waiting: int = Field(
        description="Documents that this embedder and splitter have not cut yet: found by their words, as they were"
    )
    indexing: bool
    progress: _Progress
    generation: int
    problems: list[RefreshProblem]
    refreshed_at: datetime | None
    last_refresh: RefreshReport | None


@dataclass(frozen=True, slots=True)
class _Shelf:
    pages: dict[tuple[str, Language], tuple[PageInfo, str]] = field(default_factory=dict)
    without_vectors: int = 0
    """Pages whose vectors are another embedder's, or missing."""
    edition: str = ""
    """Another one once any page has changed, come or gone."""


class Knowledge:
    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        folders: Sequence[Path],
        metrics: Metrics,
        embedder: Embedder | None = None,
        index: Index | None = None,
        web: Web | None = None,
        rerank: Rerank | None = None,
    ) -> None:
        self._clock = clock
        self._metrics = metrics
        self._folders = tuple(folders)
        self._segmenter = Segmenter()
        self._embedder = embedder or LexicalEmbedder(self._segmenter)
        self._reader = Reader(self._segmenter, self._embedder)
        self._store = Store(database)
        self._refresher = Refresher(
            store=self._store, reader=self._reader, clock=clock, folders=self._folders, web=web or Web()
        )
        self._turn = asyncio.Lock()
        self._generation = -1
        self._last: RefreshReport | None = None
        self._rerank = rerank
        self._index: Index = LocalIndex() if index is None else SparedIndex(index, self._on_show)
        self._shelf = _Shelf()
        self.problems: tuple[Problem, ...] = ()

    async def load(self) -> RefreshReport:
        """At a start: what the database holds is searchable at once, then the folders are looked through for changes.

        An embedder that takes its time is not waited for: new pages are found by their words until `complete` gives them vectors.
        """
        await asyncio.to_thread(self._segmenter.warm)
        await self._caught_up()
        return await self.refresh(hurried=True)

    async def complete(self) -> None:
        """Refresh again while pages lack vectors: soon after the start, and from time to time while the embedder is away."""
        while True:
            if self._shelf.without_vectors:
                try:
                    await self.refresh()
                except FirstmateError as error:
                    _log.warning("pages could not be given their vectors", reason=error.sentence)
            await self._clock.sleep(RETRY)

    async def run(self) -> None:
        """Follow what other replicas change, and what was changed here without waiting for it."""
        while True:
            await self._clock.sleep(LOOK)
            try:
                await self._caught_up()
                await self._index.keep_up()
            except FirstmateError as error:
                _log.warning("the knowledge of other replicas could not be read", reason=error.sentence)

    async def close(self) -> None:
        await self._index.close()

    async def refresh(self, *, hurried: bool = False) -> RefreshReport:
        started = self._clock.monotonic()
        intake = await self._refresher.refresh(hurried=hurried)
        await self._caught_up()
        self.problems = tuple(intake.problems)
        for problem in self.problems:
            _log.warning("knowledge file not taken", path=problem.path, why=problem.why)
        self._last = self._report(intake, self._clock.monotonic() - started)
        return self._last

    async def add(self, incoming: AsyncIterator[Incoming | Fate], *, wait: bool = True) -> list[Fate]:
        """Without waiting it is found as soon as the index has followed, which is good for many documents one after the other."""
        fates = await self._refresher.add(incoming)
        if wait:
            await self._caught_up()
        for fate in fates:
            if fate.outcome in {"added", "changed"}:
                _log.info("knowledge document taken", name=fate.name, document=fate.document, outcome=fate.outcome)
        return fates

    async def add_page(self, url: str, said: Said, by: str, *, wait: bool = True) -> Fate:
        """A page of the web, which refreshes will ask for again."""
        incoming = await self._refresher.fetched(url, said, by)

        async def alone() -> AsyncIterator[Incoming | Fate]:
            yield incoming

        return (await self.add(alone(), wait=wait))[0]

    async def remove(self, documents: Iterable[str], by: str, *, wait: bool = True) -> list[Known]:
        """Kept documents only: what a folder holds would come back with the next refresh."""
        known = await self._store.known()
        chosen = [_removable(document, known.get(document)) for document in documents]
        await self._refresher.remove([one.version for one in chosen])
        if wait:
            await self._caught_up()
        for one in chosen:
            _log.info("knowledge document removed", path=one.path, document=one.id, by=by)
        return chosen

    async def kept(self, source: Source, collection: str) -> dict[str, Known]:
        """By their names inside the collection."""
        known = (await self._store.known()).values()
        start = len(collection) + 1 if collection else 0
        return {one.path[start:]: one for one in known if (one.source, one.folder) == (source, collection)}

    async def status(self) -> Status:
        shelf = self._shelf
        documents = (await self._store.known()).values()
        sources: dict[str, int] = {"folder": 0, "upload": 0, "url": 0}
        for one in documents:
            sources[one.source] += 1
        return Status(
            pages=len(shelf.pages),
            passages=len(self._index),
            documents=len(documents),
            sources=sources,
            folders=[folder.name for folder in self._folders],
            embedder=self._embedder.name,
            index=self._index.name,
            waiting=sum(one.recipe != self._reader.recipe for one in documents),
            indexing=self._refresher.progress.step != "idle" or self._turn.locked(),
            progress=_Progress.model_validate(self._refresher.progress, from_attributes=True),
            generation=self._generation,
            problems=[RefreshProblem(path=problem.path, why=problem.why) for problem in self.problems],
            refreshed_at=await self._store.refreshed_at(),
            last_refresh=self._last,
        )

    async def search(
        self, query: str, *, limit: int = 5, language: Language | None = None, filters: Filters | None = None
    ) -> SearchAnswer:
        """`language` is the one to answer in; without it, the question's own."""
        if not query.strip():
            raise Invalid("The query is empty.", field="query")
        if len(query) > MAX_QUERY:
            raise Invalid(f"The query is longer than {MAX_QUERY} characters.", field="query")
        if not 1 <= limit <= MAX_HITS:
            raise Invalid(f"The limit must be from 1 to {MAX_HITS}.", field="limit")
        started = self._clock.monotonic()
        shelf = self._shelf
        standing = _standing(shelf, self._clock.now().date())
        question, answer = await self._look(query, language, limit, filters, standing)
        notices = _notices(shelf, question)
        if answer.nothing_found and (mended := self._segmenter.mended(query)) != query:
            _, again = await self._look(mended, question.language, limit, filters, standing)
            if not again.nothing_found:
                answer, notices = again, [*notices, _MENDED(question.language, text=mended[:MAX_TOLD])]
        seconds = self._clock.monotonic() - started
        self._metrics.search_seconds.observe(seconds)
        return answer.model_copy(update={"took_ms": round(seconds * 1000, 2), "notices": notices})

    async def _look(
        self, text: str, language: Language | None, limit: int, filters: Filters | None, standing: Standing
    ) -> tuple[Question, SearchAnswer]:
        question = await asyncio.to_thread(ask, text, language, self._segmenter, self._embedder)
        found = search(self._index, question, limit, self._segmenter, filters, rerank=self._rerank, standing=standing)
        return question, await found

    def edition(self) -> str:
        """Another one once any page has changed, come or gone."""
        return self._shelf.edition

    def digest(self, page: str, language: Language) -> str:
        """Of the page's content in this very language; empty where there is none."""
        found = self._shelf.pages.get((page, language))
        return found[0].digest if found else ""

    def vector(self, text: str) -> Vectors:
        """A row of length one; empty where the embedder does not answer. May block."""
        try:
            row: Vectors = self._embedder.embed([text])[0]
        except Upstream:
            return np.zeros(0, np.float32)
        return row

    @property
    def embedder(self) -> str:
        return self._embedder.name

    async def first(self, question: str, language: Language) -> str:
        """The page that comes first; empty where none answers."""
        hits = (await self.search(question[:MAX_QUERY], limit=1, language=language)).hits
        return hits[0].page if hits else ""

    def units(self, text: str) -> list[Unit]:
        """What a text speaks of, as the search reads it."""
        return self._segmenter.units(text)

    def terms(self, text: str) -> list[str]:
        """The terms that a text is found by, for whatever else is to be found the same way."""
        return self._segmenter.terms(text)

    @property
    def index(self) -> str:
        """Which one is searched, and why it is not the one that was meant."""
        return self._index.name

    def pages(self) -> list[PageInfo]:
        return [info for info, _ in self._shelf.pages.values()]

    def page(self, page_id: str, language: Language | None = None) -> str:
        """The page's Markdown, in the other language where it exists in no other form."""
        return self._on_shelf(page_id, language)[1]

    def _on_shelf(self, page_id: str, language: Language | None) -> tuple[PageInfo, str]:
        shelf = self._shelf.pages
        wished: Language = language or "en"
        other: Language = "en" if wished == "zh" else "zh"
        found = shelf.get((page_id, wished)) or shelf.get((page_id, other))
        if found is None:
            raise NotFound(f"There is no page {page_id}.", near=near_misses(page_id, {known for known, _ in shelf}))
        return found

    def version(self, page_id: str, language: Language) -> PageInfo | None:
        """What is known of the page in this very language."""
        found = self._shelf.pages.get((page_id, language))
        return found[0] if found else None

    def sections(self, page_id: str, language: Language) -> list[tuple[str, str]]:
        """The page's passages in their order, each under the headings that lead to it; those of a search are among them."""
        found = self._shelf.pages.get((page_id, language))
        return [(heading_of(found[0].title, piece), piece.text) for piece in split(found[1])] if found else []

    @property
    def size(self) -> tuple[int, int]:
        """Pages and passages."""
        return len(self._shelf.pages), len(self._index)

    def checks(self, page_id: str, language: Language | None = None) -> tuple[Check, ...]:
        """What the page asks, check by check, ready to be filled in and run."""
        return checks(self.page(page_id, language))

    def page_for(self, fault: str) -> str | None:
        """The page that is about this fault; the one that is about the fewest others, where several are."""
        named = [(len(info.faults), info.id) for info in self.pages() if fault in info.faults]
        return min(named)[1] if named else None

    def info(self, page_id: str, language: Language | None = None) -> PageInfo:
        """By the page's id, in the other language where it exists in no other form, or by its document's."""
        found = next((one for one in self.pages() if one.document == page_id), None)
        return found or self._on_shelf(page_id, language)[0]

    async def _caught_up(self) -> None:
        """Until what is shown is at least what the database held when this was asked."""
        async with self._turn:
            generation = await self._store.generation()
            if generation != self._generation:
                await self._put_up()
                self._generation = generation

    async def _put_up(self) -> None:
        async with self._view() as (winners, view):
            shown = await asyncio.to_thread(self._shown, winners)
            await self._index.update(shown, view.passages)
        pages = await asyncio.to_thread(_pages, winners)
        self._shelf = _Shelf(pages, sum(not one.compared for one in shown), _edition(pages))

    @asynccontextmanager
    async def _on_show(self) -> AsyncIterator[tuple[Sequence[Shown], Passages]]:
        async with self._view() as (winners, view):
            yield await asyncio.to_thread(self._shown, winners), view.passages

    @asynccontextmanager
    async def _view(self) -> AsyncIterator[tuple[Sequence[Document], View]]:
        async with self._store.view() as view:
            documents, folders = await view.documents(), [folder_key(folder) for folder in self._folders]
            yield await asyncio.to_thread(_winners, documents, folders), view

    def _shown(self, winners: Sequence[Document]) -> list[Shown]:
        return [_shown(one, compared=self._reader.has_vectors(one.known)) for one in winners]

    def _report(self, intake: Intake, seconds: float) -> RefreshReport:
        return RefreshReport(
            added=intake.added,
            changed=intake.changed,
            removed=len(intake.removed),
            unchanged=intake.unchanged,
            problems=[RefreshProblem(path=problem.path, why=problem.why) for problem in intake.problems],
            pages=len(self._shelf.pages),
            passages=len(self._index),
            took_ms=round(seconds * 1000, 2),
        )


def _standing(shelf: _Shelf, today: date) -> Standing:
    def holds(page: str, language: Language) -> bool:
        info = shelf.pages[page, language][0] if (page, language) in shelf.pages else None
        if info is None:
            return True
        return (info.valid_from or today) <= today <= (info.valid_until or today)

    return Standing(lambda page, language: (page, language) in shelf.pages, holds)


def _edition(pages: Mapping[tuple[str, Language], tuple[PageInfo, str]]) -> str:
    lines = sorted(f"{page}|{language}|{info.digest}" for (page, language), (info, _) in pages.items())
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


def _notices(shelf: _Shelf, question: Question) -> list[str]:
    if not question.vector.size:
        return [_SILENT(question.language)]
    if not shelf.without_vectors:
        return []
    return [_INDEXING(question.language, left=shelf.without_vectors, all=len(shelf.pages))]


def _pages(winners: Sequence[Document]) -> dict[tuple[str, Language], tuple[PageInfo, str]]:
    return {(one.page.id, one.page.language): (_info(one), one.page.text) for one in winners}


def _winners(documents: Iterable[Document], folders: Sequence[str]) -> list[Document]:
    order = {folder: place for place, folder in enumerate(folders)}

    def rank(document: Document) -> tuple[int, str, str]:
        known = document.known
        if known.source == "folder":
            return order.get(known.folder, -1), "", known.path
        return len(order), known.updated_at.isoformat() if known.updated_at else "", known.path

    last = {(document.page.id, document.page.language): document for document in sorted(documents, key=rank)}
    return sorted(last.values(), key=lambda document: (document.page.id, document.page.language))


def _removable(document: str, known: Known | None) -> Known:
    if known is None:
        raise NotFound(f"There is no document {document}.")
    if known.source == "folder":
        raise Conflict(f"{known.path} comes from a folder: remove the file there and refresh.", found=known.path)
    return known


def _shown(document: Document, *, compared: bool) -> Shown:
    known, page = document.known, document.page
    return Shown(
        id=known.id,
        revision=known.version,
        page=page.id,
        title=page.title,
        language=page.language,
        path=known.path,
        tags=page.tags,
        compared=compared,
    )


def _info(document: Document) -> PageInfo:
    page, known = document.page, document.known
    return PageInfo(
        id=page.id,
        language=page.language,
        title=page.title,
        tags=list(page.tags),
        faults=list(page.faults),
        alerts=list(page.alerts),
        path=known.path,
        document=known.id,
        source=known.source,
        collection="" if known.source == "folder" else known.folder,
        added_by=known.added_by,
        added_at=known.added_at,
        updated_at=known.updated_at,
        valid_from=page.valid_from,
        valid_until=page.valid_until,
        digest=known.digest,
        notes=known.said.get("notes", {}),
    )
