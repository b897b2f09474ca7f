"""The alerts beside the conversation, kept fresh, with the two things one does first: ask why, and say that one has it."""

from collections.abc import Callable
from dataclasses import replace

from nicegui import ui

from alerts.model import Alert
from api.console.words import say
from api.wiring import House
from core.errors import FirstmateError
from core.language import Language
from tools.spec import Caller

REFRESH_SECONDS = 2.0
MAX_SHOWN = 40
ORDER = {"firing": 0, "pending": 1, "resolved": 2}


class Watch:
    def __init__(
        self, house: House, caller: Caller, language: Language, ask: Callable[[str, str | None], None]
    ) -> None:
        self._house = house
        self._caller = caller
        self._language: Language = language
        self._ask = ask
        self._shown: list[Alert] | None = None
        with ui.element("div").classes("fm-side"):
            ui.label(say(language, "alerts")).classes("text-weight-medium")
            self._list = ui.column().classes("w-full gap-2").props("data-testid=alerts")
        ui.timer(REFRESH_SECONDS, self.refresh, immediate=True)

    async def refresh(self) -> None:
        try:
            rows, _ = await self._house.desk.list(limit=MAX_SHOWN, offset=0)
        except FirstmateError as error:
            self._say(error.sentence, "fm-bad")
            return
        rows = sorted(rows, key=lambda row: ORDER.get(row.state, 3))
        # Compared without the value: a number that moves must not rebuild the buttons under somebody's finger.
        seen = [replace(row, value=0.0) for row in rows]
        if seen == self._shown:
            return
        self._shown = seen
        self._list.clear()
        with self._list:
            if not any(row.state == "firing" for row in rows):
                ui.label(say(self._language, "quiet")).classes("fm-dim")
            for row in rows:
                self._card(row)

    def _say(self, sentence: str, style: str) -> None:
        self._shown = None
        self._list.clear()
        with self._list:
            ui.label(sentence).classes(f"fm-dim {style}")

    def _card(self, alert: Alert) -> None:
        severity = alert.severity
        with ui.column().classes(f"fm-alert {alert.state} {severity}").props("data-testid=alert"):
            with ui.row().classes("items-center gap-2"):
                ui.label(alert.name).classes("text-weight-medium")
                ui.label(say(self._language, alert.state)).classes("fm-chip")
            ui.label(alert.annotation("summary", self._language)).classes("fm-dim")
            ui.label(say(self._language, "since", time=alert.starts_at.strftime("%H:%M:%S UTC"))).classes("fm-dim")
            if alert.acknowledged_by:
                ui.label(say(self._language, "acknowledged", name=alert.acknowledged_by)).classes("fm-dim fm-good")
            if alert.state == "firing":
                self._buttons(alert)

    def _buttons(self, alert: Alert) -> None:
        question = say(self._language, "explain_question", name=alert.name)
        with ui.row().classes("gap-2"):
            explain = ui.button(say(self._language, "explain"), on_click=lambda: self._ask(question, alert.fingerprint))
            explain.props("dense unelevated no-caps size=sm color=teal-8 data-testid=explain")
            if not alert.acknowledged_by and self._caller.may("write"):
                acknowledge = ui.button(
                    say(self._language, "acknowledge"), on_click=lambda: self._acknowledge(alert.fingerprint)
                )
                acknowledge.props("dense flat no-caps size=sm data-testid=acknowledge")

    async def _acknowledge(self, fingerprint: str) -> None:
        try:
            await self._house.desk.acknowledge(fingerprint, by=self._caller.name, note="")
        except FirstmateError as error:
            ui.notify(error.sentence, type="negative")
        await self.refresh()
