"""Cases: what past incidents taught, listed and filtered by the server; a draft looks like one."""

from collections.abc import Sequence

from fastapi import Request
from nicegui import ui

from api.console.frame import Frame, address, link
from api.console.pages.listing import Listing
from api.console.pages.parts import chip, choice, field, title
from api.console.words import say
from knowledge_base.cases.case import Case, State
from knowledge_base.cases.records import Filter

STATES: tuple[State, ...] = ("draft", "confirmed")
_WORDS = {"draft": "draft", "confirmed": "case_confirmed"}


@ui.page("/cases")
async def page(request: Request, tag: str = "") -> None:
    frame = Frame(request, "cases")
    with frame.body:
        Cases(frame, tag[:60])


class Cases:
    def __init__(self, frame: Frame, tag: str) -> None:
        self._visitor = visitor = frame.visitor
        language = visitor.language
        title(say(language, "cases"))
        with ui.element("div").classes("fm-row fm-filters"):
            self._state = choice(visitor, "state", list(_WORDS.values()), "filter-state", self._again)
            self._text = field(say(language, "search_in_cases"), "filter-text", most=200)
            self._tag = field(say(language, "tag"), "filter-tag", value=tag, most=60)
            self._namespace = field(say(language, "namespace"), "filter-namespace", most=253)
        for each in (self._text, self._tag, self._namespace):
            each.props("debounce=400 clearable").on_value_change(self._again)
        self._listing: Listing[Case] = Listing(visitor, self._read, self._row, "no_case")

    async def _again(self) -> None:
        await self._listing.restart()

    async def _read(self, limit: int, offset: int) -> tuple[Sequence[Case], int]:
        state = next((each for each in STATES if _WORDS[each] == self._state.value), None)
        tag, namespace, text = ((each.value or "").strip() for each in (self._tag, self._namespace, self._text))
        return await self._visitor.house.cases.page(Filter(state, tag, "", namespace, text), limit, offset)

    def _row(self, case: Case) -> None:
        language = self._visitor.language
        with ui.element("div").classes(f"fm-item {case.state}").props("data-testid=row"):
            with ui.element("div").classes("fm-row"):
                link(case.body.title(language), address("cases", case.id), "fm-link fm-item-name")
                chip(say(language, _WORDS[case.state])).classes(case.state)
                if case.stars is not None:
                    chip(f"★ {case.stars:g}")
                self._listing.ages.label(case.facts.times.closed or case.made_at)
            ui.label(case.body.cause(language).partition("\n")[0]).classes("fm-dim")
            with ui.element("div").classes("fm-tags"):
                for tag in case.body.tags[:8]:
                    ui.label(tag).classes("fm-label-chip")
