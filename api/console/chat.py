"""The conversation: questions, streamed answers, tool steps that fold open, and the repair that waits for a word.

It renders a run's events and nothing else: what the console shows is what every other face gets. What systems said is shown as plain text
or as Markdown that the page sanitises, never as HTML.
"""

import time
from collections.abc import Callable
from typing import Any

from nicegui import background_tasks, ui

from agent.events import RunEvent
from api import approvals, conversations
from api.console.words import say
from api.schemas.assistant import Query
from api.wiring import House
from core.errors import FirstmateError
from core.language import Language
from core.logs import get
from tools.spec import Caller

REDRAW_SECONDS = 0.06
MAX_EVIDENCE = 30
_log = get(__name__)


class Chat:
    def __init__(self, house: House, caller: Caller, language: Language) -> None:
        self._house = house
        self._caller = caller
        self._language: Language = language
        self._session: str | None = None
        with ui.element("div").classes("fm-chat"):
            self._scroll = ui.element("div").classes("fm-scroll").props("id=fm-scroll")
            with self._scroll:
                self._thread = ui.element("div").classes("fm-thread")
            self._welcome()
            self._question_box()

    def ask(self, question: str, alert: str | None = None) -> None:
        question = question.strip()
        if not question:
            return
        self._box.value = ""
        with self._thread:
            ui.label(question).classes("fm-mine").props("data-testid=question")
            turn = Turn(self._house, self._caller, self._language, self._follow)
        background_tasks.create(self._start(question, alert, turn))

    def renew(self) -> None:
        self._session = None
        self._thread.clear()
        self._welcome()

    def _welcome(self) -> None:
        with self._thread:
            ui.label(say(self._language, "welcome")).classes("fm-dim")
            with ui.row().classes("gap-2"):
                for word in ("try_overview", "try_alerts", "try_knowledge"):
                    suggestion = say(self._language, word)
                    ui.label(suggestion).classes("fm-try").on("click", lambda text=suggestion: self.ask(text))

    def _question_box(self) -> None:
        with (
            ui.element("div").classes("fm-ask"),
            ui.row().classes("fm-thread").style("flex-direction: row; flex-wrap: nowrap"),
        ):
            self._box = ui.input(placeholder=say(self._language, "ask")).props(
                "outlined dense autofocus data-testid=ask maxlength=16000"
            )
            self._box.classes("grow").on("keydown.enter", lambda: self.ask(self._box.value))
            send = ui.button(icon="send", on_click=lambda: self.ask(self._box.value))
            send.props(f'unelevated color=teal-8 data-testid=send aria-label="{say(self._language, "send")}"')

    async def _start(self, question: str, alert: str | None, turn: "Turn") -> None:
        try:
            asked = Query(question=question, session_id=self._session, alert=alert)
            run = await conversations.start(self._house, asked, self._caller)
        except FirstmateError as error:
            turn.fail(error.sentence)
            return
        self._session = run.session_id
        await self._follow(run.id, 0, turn)

    async def _follow(self, run_id: str, after: int, turn: "Turn") -> None:
        try:
            async for event in self._house.agent.events(run_id, after=after):
                turn.show(event)
                self._to_bottom()
        except FirstmateError as error:
            turn.fail(error.sentence)
        turn.settle()
        self._to_bottom()

    def _to_bottom(self) -> None:
        self._scroll.client.run_javascript(
            "{const s=document.getElementById('fm-scroll'); if (s) s.scrollTop=s.scrollHeight}"
        )


class Turn:
    """One answer as it grows."""

    def __init__(
        self, house: House, caller: Caller, language: Language, follow: Callable[[str, int, "Turn"], Any]
    ) -> None:
        self._house = house
        self._caller = caller
        self._language: Language = language
        self._follow = follow
        self._text = ""
        self._drawn = 0.0
        self._steps: dict[str, ui.expansion] = {}
        self._buttons: ui.row | None = None
        self._root = ui.element("div").classes("fm-turn")
        with self._root:
            self._step_list = ui.column().classes("fm-steps")
            self._cards = ui.column().classes("w-full gap-2")
            self._answer = (
                ui.markdown("", extras=["fenced-code-blocks", "tables", "breaks"])
                .classes("fm-answer")
                .props("data-testid=answer")
            )
            self._foot = ui.column().classes("w-full gap-1")
            self._spinner = ui.label(say(language, "working")).classes("fm-dim")

    def show(self, event: RunEvent) -> None:
        handler = getattr(self, f"on_{event.type}", None)
        if handler:
            with self._root:
                handler(event.data, event)

    def fail(self, sentence: str) -> None:
        with self._foot:
            ui.label(sentence).classes("fm-bad").props("data-testid=error")
        self.settle()

    def settle(self) -> None:
        self._answer.content = self._text
        self._spinner.set_visibility(False)

    def on_token(self, data: dict[str, Any], _event: RunEvent) -> None:
        self._text += data["text"]
        now = time.monotonic()
        # Redrawn a few times a second: every token would render the whole Markdown anew.
        if now - self._drawn >= REDRAW_SECONDS:
            self._answer.content, self._drawn = self._text, now

    def on_tool_started(self, data: dict[str, Any], _event: RunEvent) -> None:
        arguments = " ".join(f"{key}={value}" for key, value in data.get("arguments", {}).items())
        with self._step_list:
            step = ui.expansion(f"{data['name']}  {arguments}"[:120], icon="hourglass_empty").classes("fm-step w-full")
            step.props("dense dense-toggle data-testid=step")
        self._steps[str(data["id"])] = step

    def on_tool_progress(self, data: dict[str, Any], _event: RunEvent) -> None:
        step = self._steps.get(str(data["id"]))
        if step:
            with step:
                ui.label(data["message"]).classes("fm-dim")

    def on_tool_finished(self, data: dict[str, Any], _event: RunEvent) -> None:
        step = self._steps.get(str(data["id"]))
        if step is None:
            return
        step.props(f"icon={'check' if data.get('ok') else 'error_outline'}")
        with step:
            ui.label(str(data.get("summary", ""))).classes("fm-mono")
            for source in data.get("source") or []:
                ui.label(f"{source.get('system', '')}: {source.get('query', '')}").classes("fm-dim")
            for missing in data.get("missing") or []:
                ui.label(f"? {missing.get('what', '')}: {missing.get('why', '')}").classes("fm-warn fm-dim")

    def on_diagnosis(self, data: dict[str, Any], _event: RunEvent) -> None:
        with self._cards, ui.column().classes("fm-card gap-2").props("data-testid=diagnosis"):
            ui.label(say(self._language, "causes")).classes("text-weight-medium")
            for cause in data.get("causes", [])[:3]:
                self._cause(cause)
            for gap in data.get("gaps", [])[:5]:
                ui.label(f"{say(self._language, 'gaps')}: {gap['what']} — {gap['why']}").classes("fm-dim fm-warn")

    def _cause(self, cause: dict[str, Any]) -> None:
        component = cause["component"]
        with ui.row().classes("items-center gap-3 w-full"):
            with ui.element("div").classes("fm-bar"):
                ui.element("div").style(f"width: {round(cause['confidence'] * 100)}%")
            ui.label(f"{cause['confidence']:.0%}").classes("fm-dim")
            ui.label(f"{cause['fault']} · {component['kind']} {component['name']}").classes("fm-mono")
        ui.label(cause["statement"]).classes("fm-dim")

    def on_approval_required(self, data: dict[str, Any], event: RunEvent) -> None:
        with self._cards, ui.column().classes("fm-card gap-2").props("data-testid=plan"):
            with ui.row().classes("items-center gap-3"):
                ui.label(f"{say(self._language, 'plan')}: {data['title']}").classes("text-weight-medium")
                ui.label(say(self._language, "risk", risk=data.get("risk", ""))).classes("fm-chip")
            ui.label(say(self._language, "expires", time=str(data.get("expires_at", ""))[11:16] + " UTC")).classes(
                "fm-dim"
            )
            diff(data.get("diff", ""))
            with ui.row().classes("gap-2") as self._buttons:
                approve = ui.button(
                    say(self._language, "approve"), on_click=lambda: self._decide(data, event, approved=True)
                )
                approve.props("unelevated no-caps color=teal-8 data-testid=approve")
                refuse = ui.button(
                    say(self._language, "refuse"), on_click=lambda: self._decide(data, event, approved=False)
                )
                refuse.props("outline no-caps color=red-7 data-testid=refuse")

    async def _decide(self, data: dict[str, Any], event: RunEvent, *, approved: bool) -> None:
        if self._buttons:
            self._buttons.set_visibility(False)  # at once: a second click must find nothing to press
        self._spinner.set_visibility(True)
        note = "" if approved else say(self._language, "refuse_note")
        try:
            if not self._caller.may("write"):
                self.fail(f"{self._caller.name}: {self._caller.role}")
                return
            await approvals.decide_in_run(
                self._house, event.run_id, data["plan_id"], data["hash"], approved, self._caller, note
            )
        except FirstmateError as error:
            with self._foot:
                ui.label(error.sentence).classes("fm-bad").props("data-testid=error")
        # Also after a refusal by the plan's own state: the run then goes on to say why nothing was done.
        background_tasks.create(self._follow(event.run_id, event.seq + 1, self))

    def on_approval_recorded(self, data: dict[str, Any], _event: RunEvent) -> None:
        word = "approved" if data.get("approved") else "refused"
        with self._cards:
            ui.label(say(self._language, word, name=data.get("by", ""))).classes(
                "fm-good" if data.get("approved") else "fm-warn"
            )

    def on_answer(self, data: dict[str, Any], _event: RunEvent) -> None:
        self._text = data.get("text", self._text)
        self._answer.content = self._text
        evidence = data.get("evidence", [])[:MAX_EVIDENCE]
        if evidence:
            with (
                self._foot,
                ui.expansion(say(self._language, "evidence", count=len(evidence)), icon="fact_check").classes(
                    "fm-step w-full"
                ),
            ):
                for one in evidence:
                    ui.label(f"[{one.get('id')}] {one.get('source')} · {one.get('ref')}").classes("fm-dim")
                    ui.label(str(one.get("quote", ""))).classes("fm-mono")

    def on_warning(self, data: dict[str, Any], _event: RunEvent) -> None:
        if data.get("discard_tokens"):
            self._text = ""  # what the model said before it failed is begun anew by the next one
        with self._foot:
            ui.label(data["message"]).classes("fm-warn fm-dim")

    def on_error(self, data: dict[str, Any], _event: RunEvent) -> None:
        with self._foot:
            ui.label(data["message"]).classes("fm-bad").props("data-testid=error")


def diff(text: str) -> None:
    """A unified diff, line by line as plain text."""
    with ui.column().classes("fm-diff fm-mono").props("data-testid=diff"):
        for line in text.splitlines()[:400]:
            kind = {"+": "add", "-": "del"}.get(line[:1], "")
            ui.label(line or " ").classes(kind)
