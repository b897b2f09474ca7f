"""The knowledge base as the rest of the product sees it.

Searches run on an immutable shelf (pages and index) held in one attribute; a refresh builds the next shelf in a thread and replaces the
attribute, so no search waits for it or sees half of it. Refreshes take turns. Where two folders hold a page of the same id and
language, the later folder wins: a team's own runbook takes the place of the shipped one.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from core.clock import Clock
from core.database import Database
from core.errors import Invalid, NotFound, near_misses
from core.language import Language, Text
from core.logs import get
from core.metrics import Metrics
from knowledge_base.checks import Check, checks
from knowledge_base.embed import Embedder, LexicalEmbedder
from knowledge_base.folder import Problem, folder_key
from knowledge_base.index.local import LocalIndex
from knowledge_base.index.port import Entry, Filters, Question
from knowledge_base.intake import Intake, Reader
from knowledge_base.search import SearchAnswer, ask, search
from knowledge_base.segment import Segmenter
from knowledge_base.store import Document, Store

SHIPPED = Path(__file__).with_name("runbooks")
MAX_QUERY = 4_000
MAX_HITS = 20
_log = get(__name__)

_SILENT = Text(
    en="The embedder does not answer: pages were found by their words alone.",
    zh="向量模型没有应答：本次仅按词语检索。",
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


@dataclass(frozen=True, slots=True)
class _Shelf:
    index: LocalIndex
    pages: dict[tuple[str, Language], tuple[PageInfo, str]] = field(default_factory=dict)
    without_vectors: int = 0
    """Pages whose vectors are another embedder's, or missing."""


class Knowledge:
    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        folders: Sequence[Path],
        metrics: Metrics,
        embedder: Embedder | None = None,
    ) -> None:
        self._clock = clock
        self._metrics = metrics
        self._folders = tuple(folders)
        self._segmenter = Segmenter()
        self._embedder = embedder or LexicalEmbedder(self._segmenter)
        self._reader = Reader(self._segmenter, self._embedder)
        self._store = Store(database)
        self._turn = asyncio.Lock()
        self._shelf = _Shelf(LocalIndex([], [], np.zeros((0, 0), np.float32)))
        self.problems: tuple[Problem, ...] = ()

    async def load(self) -> RefreshReport:
        """At a start: what the database holds is searchable at once, then the folders are looked through for changes."""
        await asyncio.to_thread(self._segmenter.warm)
        async with self._turn:
            await self._put_up()
        return await self.refresh()

    async def refresh(self) -> RefreshReport:
        async with self._turn:
            started = self._clock.monotonic()
            intake = await asyncio.to_thread(self._reader.take, self._folders, await self._store.known())
            if intake.changes:
                await self._store.save(intake.changes, self._clock.now())
                await self._put_up()
            self.problems = tuple(intake.problems)
            for problem in self.problems:
                _log.warning("knowledge file not taken", path=problem.path, why=problem.why)
            return self._report(intake, self._clock.monotonic() - started)

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
        question = await asyncio.to_thread(ask, query, language, self._segmenter, self._embedder)
        answer = await search(shelf.index, question, limit, self._segmenter, filters)
        seconds = self._clock.monotonic() - started
        self._metrics.search_seconds.observe(seconds)
        notices = _notices(shelf, question)
        return answer.model_copy(update={"took_ms": round(seconds * 1000, 2), "notices": notices})

    def pages(self) -> list[PageInfo]:
        return [info for info, _ in self._shelf.pages.values()]

    def page(self, page_id: str, language: Language | None = None) -> str:
        """The page's Markdown, in the other language where it exists in no other form."""
        shelf = self._shelf.pages
        wished: Language = language or "en"
        other: Language = "en" if wished == "zh" else "zh"
        found = shelf.get((page_id, wished)) or shelf.get((page_id, other))
        if found is None:
            raise NotFound(f"There is no page {page_id}.", near=near_misses(page_id, {known for known, _ in shelf}))
        return found[1]

    def checks(self, page_id: str, language: Language | None = None) -> tuple[Check, ...]:
        """What the page asks, check by check, ready to be filled in and run."""
        return checks(self.page(page_id, language))

    def page_for(self, fault: str) -> str | None:
        """The page that is about this fault; the one that is about the fewest others, where several are."""
        named = [(len(info.faults), info.id) for info in self.pages() if fault in info.faults]
        return min(named)[1] if named else None

    async def _put_up(self) -> None:
        documents = await self._store.documents()
        self._shelf = await asyncio.to_thread(self._built, documents)

    def _built(self, documents: Sequence[Document]) -> _Shelf:
        shown = _winners(documents, [folder_key(folder) for folder in self._folders])
        entries = [_entry(document, place) for document in shown for place in range(len(document.passages))]
        terms = [passage.terms for document in shown for passage in document.passages]
        compared = [self._reader.has_vectors(document.known) for document in shown]
        index = LocalIndex(entries, terms, _matrix(shown, compared))
        pages = {(d.page.id, d.page.language): (_info(d), d.page.text) for d in shown}
        return _Shelf(index, pages, compared.count(False))

    def _report(self, intake: Intake, seconds: float) -> RefreshReport:
        return RefreshReport(
            added=intake.added,
            changed=len(intake.written) - intake.added,
            removed=len(intake.removed),
            unchanged=intake.unchanged,
            problems=[RefreshProblem(path=problem.path, why=problem.why) for problem in intake.problems],
            pages=len(self._shelf.pages),
            passages=len(self._shelf.index),
            took_ms=round(seconds * 1000, 2),
        )


def _matrix(documents: Sequence[Document], compared: Sequence[bool]) -> NDArray[np.float32]:
    """A row a passage; of zeros, which are like nothing, where the vectors cannot be compared with a question's."""
    fluent = [passage.vector for d, yes in zip(documents, compared, strict=True) if yes for passage in d.passages]
    matrix = np.zeros((sum(len(d.passages) for d in documents), len(fluent[0]) if fluent else 0), np.float32)
    row = 0
    for document, yes in zip(documents, compared, strict=True):
        for passage in document.passages:
            if yes and passage.vector.size == matrix.shape[1]:
                matrix[row] = passage.vector
            row += 1
    return matrix


def _notices(shelf: _Shelf, question: Question) -> list[str]:
    if not question.vector.size:
        return [_SILENT(question.language)]
    if not shelf.without_vectors:
        return []
    return [_INDEXING(question.language, left=shelf.without_vectors, all=len(shelf.pages))]


def _winners(documents: Iterable[Document], folders: Sequence[str]) -> list[Document]:
    order = {folder: place for place, folder in enumerate(folders)}
    ranked = sorted(documents, key=lambda document: (order.get(document.known.folder, -1), document.known.path))
    last = {(document.page.id, document.page.language): document for document in ranked}
    return sorted(last.values(), key=lambda document: (document.page.id, document.page.language))


def _entry(document: Document, place: int) -> Entry:
    page, passage = document.page, document.passages[place]
    return Entry(
        page=page.id,
        title=page.title,
        heading=passage.heading,
        text=passage.text,
        language=page.language,
        path=document.known.path,
        document=document.known.id,
        position=place,
        tags=page.tags,
    )


def _info(document: Document) -> PageInfo:
    page = document.page
    return PageInfo(
        id=page.id,
        language=page.language,
        title=page.title,
        tags=list(page.tags),
        faults=list(page.faults),
        alerts=list(page.alerts),
        path=document.known.path,
    )
