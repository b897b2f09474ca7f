"""The knowledge base: a question and the passages that answer it, or, with no question, the pages there are.

What was asked stays in the address, so that a search can be sent to a colleague and the way back leads to it.
"""

from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlencode

from fastapi import Request
from nicegui import ui

from api.console.frame import Frame, address, link
from api.console.pages.listing import Listing
from api.console.pages.parts import chip, choice, field, title
from api.console.render import line_html
from api.console.visitor import Visitor
from api.console.words import known, say
from core.errors import FirstmateError
from core.language import Language, detect
from knowledge_base.index.port import LANGUAGES, Filters
from knowledge_base.knowledge import MAX_QUERY, PageInfo
from knowledge_base.search import Passage, SearchAnswer

MAX_HITS = 10
MAX_TAGS = 40


@ui.page("/knowledge")
async def page(request: Request, q: str = "", tag: str = "", language: str = "") -> None:
    frame = Frame(request, "knowledge")
    with frame.body:
        search = Search(frame.visitor, q[:MAX_QUERY], tag[:80], language)
    await search.ask()


class Search:
    def __init__(self, visitor: Visitor, query: str, tag: str, wanted: str) -> None:
        self._visitor = visitor
        language = visitor.language
        title(say(language, "knowledge"))
        with ui.element("search").classes("fm-search"):
            self._query = field(say(language, "knowledge_ask"), "knowledge-ask", value=query, most=MAX_QUERY)
            self._query.props("clearable debounce=350 type=search autofocus").on_value_change(self.ask)
            tags = _tags(visitor.house.knowledge.pages(), tag)
            self._tag = choice(visitor, "tag", tags, "filter-tag", self.ask, tag if tag in tags else "")
            chosen = wanted if wanted in LANGUAGES else ""
            self._language = choice(visitor, "page_language", LANGUAGES, "filter-language", self.ask, chosen)
        self._found = ui.element("div").classes("fm-list").props("data-testid=hits aria-live=polite")
        self._all = ui.element("div")
        with self._all:
            self._pages: Listing[PageInfo] = Listing(visitor, self._read, self._row, "no_page")

    async def ask(self) -> None:
        query = (self._query.value or "").strip()
        self._remember(query)
        self._found.set_visibility(bool(query))
        self._all.set_visibility(not query)
        if not query:
            await self._pages.restart()
            return
        try:
            answer = await self._answer(query)
        except FirstmateError as error:
            self._complain(error.sentence)
            return
        if query == (self._query.value or "").strip():  # else a later question has been asked meanwhile
            self._show(answer)

    async def _answer(self, query: str) -> SearchAnswer:
        knowledge, wanted = self._visitor.house.knowledge, self._wanted
        tags = frozenset([self._tag.value] if self._tag.value else [])
        # Latin letters decide nothing about the reader's language, a Chinese reader pastes them too.
        spoken = wanted or ("zh" if detect(query) == "zh" else self._visitor.language)
        answer = await knowledge.search(query, limit=MAX_HITS, language=spoken, filters=Filters(wanted, tags))
        clean = self._visitor.house.redactor.value(answer.model_dump(mode="json"))
        return SearchAnswer.model_validate(clean)

    @property
    def _wanted(self) -> Language | None:
        return next((each for each in LANGUAGES if each == self._language.value), None)

    def _remember(self, query: str) -> None:
        given = {"q": query, "tag": self._tag.value or "", "language": self._language.value or ""}
        kept = urlencode({name: value for name, value in given.items() if value})
        ui.run_javascript(f"history.replaceState(null, '', location.pathname + '{'?' + kept if kept else ''}')")

    def _complain(self, sentence: str) -> None:
        self._found.clear()
        with self._found:
            ui.label(sentence).classes("fm-note bad").props("data-testid=problem")

    def _show(self, answer: SearchAnswer) -> None:
        language = self._visitor.language
        self._found.clear()
        with self._found:
            if answer.nothing_found:
                ui.label(answer.reason).classes("fm-note").props("data-testid=nothing")
                return
            told = say(language, "hits_found", count=len(answer.hits), ms=round(answer.took_ms))
            ui.label(told).classes("fm-dim").props("data-testid=count")
            for notice in answer.notices:
                ui.label(notice).classes("fm-note warn").props("data-testid=notice")
            for hit in answer.hits:
                self._hit(hit)

    def _hit(self, hit: Passage) -> None:
        with ui.element("div").classes("fm-item").props("data-testid=hit"):
            with ui.element("div").classes("fm-row"):
                link(hit.title, page_address(hit.page, hit.language), "fm-link fm-item-name")
                chip(known(self._visitor.language, hit.language))
            if hit.heading:
                ui.label(hit.heading).classes("fm-heading").props("data-testid=heading")
            ui.html(line_html(hit.quote)).classes("fm-answer fm-quote").props("data-testid=quote")
            ui.label(hit.path).classes("fm-dim")

    async def _read(self, limit: int, offset: int) -> tuple[Sequence[PageInfo], int]:
        tag, wanted = self._tag.value, self._wanted
        found = [
            info
            for info in self._visitor.house.knowledge.pages()
            if (not tag or tag in info.tags) and info.language == (wanted or info.language)
        ]
        found.sort(key=lambda info: (info.language != self._visitor.language, info.title.casefold()))
        return found[offset : offset + limit], len(found)

    def _row(self, info: PageInfo) -> None:
        with ui.element("div").classes("fm-item").props("data-testid=row"), ui.element("div").classes("fm-row"):
            link(info.title, page_address(info.id, info.language), "fm-link fm-item-name")
            chip(known(self._visitor.language, info.language))
            for tag in info.tags[:6]:
                ui.label(tag).classes("fm-label-chip")


def page_address(page: str, language: str) -> str:
    return f"{address('knowledge', page)}?language={language}"


def _tags(pages: Sequence[PageInfo], chosen: str) -> list[str]:
    """The most used; with the one that is chosen, however rare."""
    counts = Counter(tag for info in pages for tag in info.tags)
    common = sorted(counts, key=lambda tag: (-counts[tag], tag))[:MAX_TAGS]
    return sorted({*common, *([chosen] if chosen in counts else [])})
