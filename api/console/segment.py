"""One stretch of an answer: the tools' steps, the diagnosis, the text, and the evidence under it.

A run has one stretch, and a second one after somebody gave their word on its plan, so that what was explained before stays to be read.
Every word that a system said is shown as text, or as Markdown built by `render`.
"""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from agent.events import RunEvent
from api.console.render import answer_html
from api.console.words import say
from core.language import Language

REDRAW_SECONDS = 0.08
MAX_EVIDENCE = 40
MAX_SOURCES = 8
MAX_VALUE = 60
MAX_CAUSES = 3


class Segment:
    def __init__(self, language: Language, evidence: dict[str, dict[str, Any]]) -> None:
        self._language: Language = language
        self._evidence = evidence
        self._text = ""
        self._drawn = ""
        self._steps: dict[str, Step] = {}
        with ui.element("div").classes("fm-segment"):
            self._step_list = ui.element("div").classes("fm-steps")
            self._cards = ui.element("div").classes("fm-cards")
            self._answer = ui.html("").classes("fm-answer").props("data-testid=answer")
            self._foot = ui.element("div").classes("fm-foot")
            # Drawn a few times a second: every token would render the whole text anew.
            self._redraw = ui.timer(REDRAW_SECONDS, self.draw, active=False)

    def show(self, event: RunEvent) -> None:
        handler: Callable[[dict[str, Any]], None] | None = getattr(self, f"_on_{event.type}", None)
        if handler:
            handler(event.data)

    def settle(self) -> None:
        self._redraw.deactivate()
        self.draw()

    def draw(self) -> None:
        if self._text != self._drawn:
            self._answer.content = answer_html(self._text, self._evidence)
            self._drawn = self._text

    def note(self, sentence: str, style: str) -> None:
        with self._foot:
            ui.label(sentence).classes(f"fm-note {style}").props("data-testid=error role=alert")

    def _on_token(self, data: dict[str, Any]) -> None:
        self._text += data["text"]
        self._redraw.activate()

    def _on_tool_started(self, data: dict[str, Any]) -> None:
        with self._step_list:
            self._steps[str(data["id"])] = Step(data, self._language)

    def _on_tool_progress(self, data: dict[str, Any]) -> None:
        if step := self._steps.get(str(data["id"])):
            step.progress(str(data["message"]))

    def _on_tool_finished(self, data: dict[str, Any]) -> None:
        if step := self._steps.get(str(data["id"])):
            step.finish(data)

    def _on_evidence(self, data: dict[str, Any]) -> None:
        self._know(data)

    def _know(self, evidence: dict[str, Any]) -> None:
        """By its id, and a page's passage by its number too, which is how an answer from pages names it."""
        self._evidence[str(evidence.get("id"))] = evidence
        if passage := evidence.get("passage"):
            self._evidence[str(passage["number"])] = evidence

    def _on_diagnosis(self, data: dict[str, Any]) -> None:
        causes = data.get("causes", [])[:MAX_CAUSES]
        if not causes:
            return  # the text says so, and names what could not be read
        with self._cards, ui.element("div").classes("fm-card").props("data-testid=diagnosis"):
            ui.label(say(self._language, "causes")).classes("fm-card-title")
            for cause in causes:
                _cause(cause)

    def _on_answer(self, data: dict[str, Any]) -> None:
        self._text = data.get("text", self._text)
        for each in data.get("evidence", []):
            self._know(each)
        self.settle()
        self._evidence_list(data.get("evidence", [])[:MAX_EVIDENCE])

    def _evidence_list(self, evidence: list[dict[str, Any]]) -> None:
        if not evidence:
            return
        with self._foot, ui.element("details").classes("fm-fold").props("data-testid=evidence"):
            with ui.element("summary"):
                ui.label(say(self._language, "evidence", count=len(evidence)))
            for one in evidence:
                with ui.element("div").classes("fm-proof"):
                    ui.label(_number(one)).classes("fm-cite")
                    ui.label(f"{one.get('source', '')} · {one.get('ref', '')}").classes("fm-dim")
                    ui.label(str(one.get("quote", ""))).classes("fm-mono")

    def _on_warning(self, data: dict[str, Any]) -> None:
        if data.get("discard_tokens"):
            self._text = ""  # what the model said before it failed is begun anew by the next one
        with self._foot:
            ui.label(data["message"]).classes("fm-note warn")

    def _on_error(self, data: dict[str, Any]) -> None:
        self.note(data["message"], "bad")


def _number(evidence: dict[str, Any]) -> str:
    passage = evidence.get("passage")
    return str(passage["number"]) if passage else str(evidence.get("id", ""))[1:]


class Step:
    """One call of a tool: a line that folds open."""

    def __init__(self, data: dict[str, Any], language: Language) -> None:
        self._language: Language = language
        arguments = "  ".join(f"{key}={_short(value)}" for key, value in data.get("arguments", {}).items())
        self._root = ui.element("details").classes("fm-step run").props("data-testid=step")
        with self._root:
            with ui.element("summary"):
                ui.label(data["name"]).classes("fm-tool")
                ui.label(arguments[:400]).classes("fm-arguments")
                self._aside = ui.label("").classes("fm-aside")
            self._body = ui.element("div").classes("fm-step-body")

    def progress(self, message: str) -> None:
        with self._body:
            ui.label(message).classes("fm-dim")

    def finish(self, data: dict[str, Any]) -> None:
        missing = data.get("missing") or []
        self._root.classes(remove="run", add="bad" if not data.get("ok") else "warn" if missing else "ok")
        self._aside.text = f"{float(data.get('seconds') or 0):.1f} s"
        with self._body:
            ui.label(str(data.get("summary", ""))).classes("fm-mono")
            for gap in missing:
                ui.label(f"{say(self._language, 'gaps')}: {gap.get('what', '')} — {gap.get('why', '')}").classes(
                    "fm-note warn"
                )
            for source in (data.get("source") or [])[:MAX_SOURCES]:
                ui.label(f"{source.get('system', '')} · {source.get('query', '')}").classes("fm-dim")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE // 2]}…"


def _cause(cause: dict[str, Any]) -> None:
    component, sure = cause["component"], round(cause["confidence"] * 100)
    with ui.element("div").classes("fm-cause"):
        with ui.element("div").classes("fm-bar").props("aria-hidden=true"):
            ui.element("div").style(f"width: {sure}%")
        ui.label(f"{sure}%").classes("fm-percent")
        ui.label(str(cause["fault"])).classes("fm-tool")
        ui.label(f"{component['kind']} {component.get('namespace', '')}/{component['name']}").classes("fm-dim")
