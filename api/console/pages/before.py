"""Past cases like an incident, with why they are alike: a hint beside it, and the way to its own case once it has one."""

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import ui

from api.console.frame import address, link
from api.console.pages.parts import chip, section
from api.console.visitor import Visitor
from api.console.words import say
from core.errors import FirstmateError
from knowledge_base.cases.tools import SimilarCase, shown

MAX_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Before:
    similar: tuple[SimilarCase, ...] = ()
    own: str = ""


async def read(visitor: Visitor, incident: str) -> Before:
    """Whatever fails here keeps the incident's page from nothing."""
    house = visitor.house
    try:
        found = await house.lessons.similar(incident, MAX_SHOWN)
        own = await house.cases.of_incident(incident)
    except FirstmateError:
        return Before()
    is_shown = own is not None and own.state != "open"
    return Before(tuple(shown(one, visitor.language) for one in found), incident if is_shown else "")


def seen_before(visitor: Visitor, before: Before) -> None:
    if before.own:
        link(say(visitor.language, "open_case"), address("cases", before.own)).props("data-testid=own-case")
    if before.similar:
        with section(say(visitor.language, "seen_before"), "seen-before"):
            ui.label(say(visitor.language, "seen_hint")).classes("fm-dim")
            _rows(visitor, before.similar)


def _rows(visitor: Visitor, cases: Sequence[SimilarCase]) -> None:
    language = visitor.language
    for case in cases:
        with ui.element("div").classes("fm-member").props("data-testid=precedent"):
            with ui.element("div").classes("fm-row"):
                link(case.title, address("cases", case.id), "fm-link fm-item-name")
                word = "case_confirmed" if case.state == "confirmed" else "draft"
                chip(say(language, word)).classes(case.state)
                if case.minutes is not None:
                    chip(say(language, "minutes", count=case.minutes))
                ui.label(f"{case.at:%Y-%m-%d}").classes("fm-age")
            ui.label(case.cause)
            ui.label(case.fix).classes("fm-dim")
            ui.label(("；" if language == "zh" else "; ").join(case.why)).classes("fm-dim")
