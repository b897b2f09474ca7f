"""A page of the knowledge base as it is written, with where it is from, how long it holds and what can be run of it; it can be printed."""

from fastapi import Request
from nicegui import ui

from api.console.frame import Frame, link
from api.console.pages.knowledge import page_address
from api.console.pages.parts import button, chip, facts, section, stamp, title
from api.console.render import page_html
from api.console.visitor import Visitor
from api.console.words import known, say
from core.errors import FirstmateError
from core.language import Language

MAX_CHECKS = 40


@ui.page("/knowledge/{page_id}")
async def page(request: Request, page_id: str, language: str = "") -> None:
    frame = Frame(request, "knowledge")
    spoken: Language = "zh" if (language or frame.visitor.language) == "zh" else "en"
    with frame.body:
        try:
            KnowledgePage(frame.visitor, page_id[:80], spoken)
        except FirstmateError as error:
            ui.label(error.sentence).classes("fm-note bad").props("data-testid=problem")


class KnowledgePage:
    def __init__(self, visitor: Visitor, page_id: str, wanted: Language) -> None:
        self._visitor = visitor
        knowledge = visitor.house.knowledge
        self._info = info = knowledge.info(page_id, wanted)
        text = visitor.house.redactor.text(knowledge.page(info.id, info.language))
        with ui.element("div").classes("fm-two"):
            with ui.element("article").classes("fm-card").props("data-testid=page") as article:
                article.props(f"lang={'zh-CN' if info.language == 'zh' else 'en'}")
                self._head()
                ui.html(page_html(text)).classes("fm-answer fm-book").props("data-testid=text")
            with ui.element("div").classes("fm-column"):
                self._facts()
                self._checks()

    def _head(self) -> None:
        info, language = self._info, self._visitor.language
        title(info.title)
        with ui.element("div").classes("fm-tags fm-no-print"):
            for tag in info.tags:
                ui.label(tag).classes("fm-label-chip")
        with ui.element("div").classes("fm-row fm-no-print"):
            chip(known(language, info.language))
            other = "en" if info.language == "zh" else "zh"
            if any((one.id, one.language) == (info.id, other) for one in self._visitor.house.knowledge.pages()):
                word = say("zh" if other == "zh" else "en", "in_other_language")
                link(word, page_address(info.id, other)).props("data-testid=other-language")
            made = button(say(language, "print"), "print", lambda: None)
            made.on("click", js_handler="() => window.print()")

    def _facts(self) -> None:
        info, language = self._info, self._visitor.language
        told = {
            "source": info.path,
            "by": say(language, "source_upload", name=info.added_by) if info.added_by else "",
            "changed": stamp(info.updated_at),
            "valid_from": str(info.valid_from or ""),
            "valid_until": str(info.valid_until or ""),
            "of_faults": ", ".join(info.faults),
            "of_alerts_named": ", ".join(info.alerts),
        }
        with section(say(language, "source"), "facts"):
            facts(
                [
                    (say(language, "source") if name == "by" else say(language, name), value)
                    for name, value in told.items()
                    if value
                ]
            )
            if info.valid_until and info.valid_until < self._visitor.house.clock.now().date():
                ui.label(say(language, "out_of_date", at=str(info.valid_until))).classes("fm-note warn").props(
                    "data-testid=out-of-date"
                )

    def _checks(self) -> None:
        info = self._info
        found = [one for one in self._visitor.house.knowledge.checks(info.id, info.language) if one.calls]
        if not found:
            return
        with section(say(self._visitor.language, "page_checks"), "checks"), ui.element("ol").classes("fm-checks"):
            for one in found[:MAX_CHECKS]:
                with ui.element("li"):
                    ui.label(one.title or say(self._visitor.language, f"of_{one.section}"))
                    for call in one.calls:
                        with ui.element("code"):
                            ui.label(str(call))
