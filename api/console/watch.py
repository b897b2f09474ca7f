"""The alerts beside the conversation, kept fresh, with the two things one does first: ask why, and say that one has it."""

from collections.abc import Callable
from dataclasses import replace

from nicegui import ui

from alerts.model import Alert
from api.console.frame import address, link
from api.console.visitor import Visitor
from api.console.words import ago, say
from core.errors import FirstmateError

REFRESH_SECONDS = 2.0
MAX_SHOWN = 60
SEVERITIES = {"critical": 0, "warning": 1, "info": 2}


class Watch:
    def __init__(self, visitor: Visitor, ask: Callable[[str, str | None], None], count: ui.label) -> None:
        self._visitor = visitor
        self._language = visitor.language
        self._ask = ask
        self._count = count
        self._shown: list[Alert] | None = None
        self._ages: list[tuple[ui.label, Alert]] = []
        with ui.element("aside").classes("fm-side") as root:
            root.props["aria-label"] = say(self._language, "alerts")
            link(say(self._language, "alerts"), address("alerts"), "fm-link fm-side-title")
            self._list = ui.element("div").classes("fm-alerts").props("data-testid=alerts aria-live=polite")
        ui.timer(REFRESH_SECONDS, self.refresh, immediate=True)

    async def refresh(self) -> None:
        try:
            rows, _ = await self._visitor.house.desk.list(limit=MAX_SHOWN, offset=0)
        except FirstmateError as error:
            self._shown = None
            self._list.clear()
            with self._list:
                ui.label(error.sentence).classes("fm-note bad")
            return
        # Compared without the value: a number that moves must not rebuild the buttons under somebody's finger.
        seen = [replace(row, value=0.0) for row in rows]
        if seen != self._shown:
            self._shown = seen
            self._draw(rows)
        for label, alert in self._ages:
            label.text = self._age(alert)

    def _draw(self, rows: list[Alert]) -> None:
        active = sorted((row for row in rows if row.state in {"firing", "pending"}), key=_urgency)
        over = [row for row in rows if row.state == "resolved"]
        firing = sum(row.state == "firing" for row in active)
        self._count.text = str(firing) if firing else ""
        self._list.clear()
        self._ages = []
        with self._list:
            if not firing:
                ui.label(say(self._language, "quiet" if rows else "calm")).classes("fm-dim").props("data-testid=quiet")
            for row in active:
                self._card(row)
            if over:
                self._earlier(over)

    def _card(self, alert: Alert) -> None:
        severity = alert.severity if alert.severity in SEVERITIES else "other"
        with ui.element("div").classes(f"fm-alert {alert.state} {severity}").props("data-testid=alert"):
            with ui.element("div").classes("fm-row"):
                link(alert.name, address("alerts", alert.fingerprint), "fm-link fm-alert-name")
                ui.label(alert.severity[:20]).classes(f"fm-chip {severity}")
            ui.label(alert.annotation("summary", self._language)).classes("fm-alert-text")
            with ui.element("div").classes("fm-row"):
                if alert.state == "firing":
                    self._buttons(alert)
                else:
                    ui.label(say(self._language, alert.state)).classes("fm-dim")
                if alert.acknowledged_by:
                    taken = say(self._language, "acknowledged", name=alert.acknowledged_by)
                    ui.label(taken).classes("fm-dim good")
                self._age_label(alert)

    def _earlier(self, over: list[Alert]) -> None:
        with ui.element("details").classes("fm-fold").props("data-testid=earlier"):
            with ui.element("summary"):
                ui.label(say(self._language, "earlier", count=len(over)))
            for alert in over:
                with ui.element("div").classes("fm-past"):
                    with ui.element("div").classes("fm-row"):
                        link(alert.name, address("alerts", alert.fingerprint))
                        self._age_label(alert)
                    ui.label(alert.annotation("summary", self._language)).classes("fm-dim")

    def _buttons(self, alert: Alert) -> None:
        question = say(self._language, "explain_question", name=alert.name)
        explain = ui.button(
            say(self._language, "explain"), color=None, on_click=lambda: self._ask(question, alert.fingerprint)
        )
        explain.classes("fm-solid").props("dense unelevated no-caps data-testid=explain")
        explain.props["aria-label"] = f"{say(self._language, 'explain')} {alert.name}"
        if not alert.acknowledged_by and self._visitor.may_act:
            word = say(self._language, "acknowledge")
            taken = ui.button(word, color=None, on_click=lambda: self._acknowledge(alert.fingerprint))
            taken.classes("fm-plain").props("dense flat no-caps data-testid=acknowledge")

    def _age_label(self, alert: Alert) -> None:
        label = ui.label(self._age(alert)).classes("fm-age")
        label.props["title"] = alert.starts_at.strftime("%Y-%m-%d %H:%M:%S UTC")
        self._ages.append((label, alert))

    def _age(self, alert: Alert) -> str:
        moment = alert.resolved_at if alert.state == "resolved" and alert.resolved_at else alert.starts_at
        return ago(self._language, self._visitor.seconds_since(moment))

    async def _acknowledge(self, fingerprint: str) -> None:
        try:
            await self._visitor.house.desk.acknowledge(fingerprint, by=self._visitor.acting.name, note="")
        except FirstmateError as error:
            ui.notify(error.sentence, type="negative")
        await self.refresh()


def _urgency(alert: Alert) -> tuple[bool, int, float]:
    return alert.state != "firing", SEVERITIES.get(alert.severity, 3), -alert.starts_at.timestamp()
