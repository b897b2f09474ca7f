"""One alert: what it says, what was done about it, whom it was told to and why, and the things one does to it.

Read whole and drawn whole whenever something about it has changed; the chart is asked of Prometheus apart, once a minute, so that a slow
answer keeps nothing else waiting.
"""

from dataclasses import dataclass, replace

from fastapi import Request
from nicegui import ui

from alerts.model import Alert, Transition
from alerts.notify.records import Decision, Delivery
from api.console.frame import Frame, address, go, link
from api.console.pages import acts
from api.console.pages.charted import Charted
from api.console.pages.live import Live
from api.console.pages.parts import Ages, button, chip, facts, label_chips, section, stamp, title
from api.console.pages.silencing import silence_alert
from api.console.pages.why import why
from api.console.visitor import Visitor
from api.console.words import known, say
from core.errors import FirstmateError

MAX_MOVES = 100


@dataclass(frozen=True, slots=True)
class _Read:
    alert: Alert
    moves: tuple[Transition, ...]
    decisions: tuple[Decision, ...]
    deliveries: tuple[Delivery, ...]

    def told(self) -> "_Read":
        """Compared without the value: a number that moves must not rebuild the buttons under somebody's finger."""
        return replace(self, alert=replace(self.alert, value=0.0))


@ui.page("/alerts/{fingerprint}")
async def page(request: Request, fingerprint: str) -> None:
    frame = Frame(request, "alerts")
    with frame.body:
        AlertPage(frame.visitor, fingerprint)


class AlertPage:
    def __init__(self, visitor: Visitor, fingerprint: str) -> None:
        self._visitor = visitor
        self._fingerprint = fingerprint
        self._ages = Ages(visitor)
        self._shown: _Read | None = None
        self._value: ui.label | None = None
        with ui.element("div").classes("fm-two"):
            with ui.element("div").classes("fm-column"):
                self._top = ui.element("div").classes("fm-column")
                self._chart = Charted(visitor)
                self._told = ui.element("div").classes("fm-column")
            self._aside = ui.element("div").classes("fm-column")
        self._live = Live(visitor, self.refresh)

    async def refresh(self) -> None:
        try:
            read = await self._read()
        except FirstmateError as error:
            self._shown = None
            self._top.clear()
            with self._top:
                ui.label(error.sentence).classes("fm-note bad").props("data-testid=problem")
            return
        if self._shown is None or read.told() != self._shown.told():
            self._shown = read
            self._draw(read)
        if self._value:
            self._value.text = f"{read.alert.value:.6g}"
        self._ages.refresh()
        self._chart.show(read.alert)

    async def _read(self) -> _Read:
        desk = self._visitor.house.desk
        alert = await desk.get(self._fingerprint)
        key = alert.fingerprint
        moves, decisions = await desk.transitions(key), await desk.decisions(key)
        return _Read(alert, tuple(moves), tuple(decisions), tuple(await desk.deliveries(key)))

    def _draw(self, read: _Read) -> None:
        for part in (self._top, self._told, self._aside):
            part.clear()
        self._ages.clear()
        with self._top:
            self._headline(read.alert)
        with self._told:
            why(self._visitor, read.alert, read.decisions, read.deliveries)
            self._history(read.moves)
        with self._aside:
            self._about(read.alert)

    def _headline(self, alert: Alert) -> None:
        language = self._visitor.language
        with ui.element("section").classes(f"fm-card fm-alert-head {alert.severity}").props("data-testid=headline"):
            with ui.element("div").classes("fm-row"):
                title(alert.name)
                chip(known(language, alert.severity), alert.severity)
                chip(say(language, standing(alert)), alert.state, "status")
            ui.label(alert.annotation("summary", language)).classes("fm-summary")
            description = alert.annotation("description", language)
            if description:
                ui.label(description).classes("fm-dim")
            self._people(alert)
            with ui.element("div").classes("fm-actions"):
                self._buttons(alert)

    def _people(self, alert: Alert) -> None:
        language = self._visitor.language
        with ui.element("div").classes("fm-row"):
            if alert.acknowledged_by:
                ui.label(say(language, "acknowledged", name=alert.acknowledged_by)).classes("fm-dim good")
                if alert.acknowledged_until:
                    ui.label(say(language, "taken_until", end=stamp(alert.acknowledged_until))).classes("fm-dim")
            if alert.assignee:
                ui.label(say(language, "assigned_to", name=alert.assignee)).classes("fm-dim")
            if alert.closed_by:
                ui.label(say(language, "closed_by", name=alert.closed_by)).classes("fm-dim")

    def _buttons(self, alert: Alert) -> None:
        visitor, language = self._visitor, self._visitor.language
        ask = f"?why={alert.fingerprint}"
        button(say(language, "explain"), "explain", lambda: go("conversation", query=ask), "fm-solid")
        if alert.incident:
            button(say(language, "open_incident"), "incident", lambda: go("incidents", alert.incident or ""))
        if not visitor.may_act:
            ui.label(say(language, "only_look", name=visitor.caller.name)).classes("fm-dim").props(
                "data-testid=may-not"
            )
            return
        done = self._live.now
        if alert.state == "firing":
            if not alert.acknowledged_by:
                button(say(language, "acknowledge"), "acknowledge", lambda: acts.acknowledge(visitor, alert, done))
            button(say(language, "assign"), "assign", lambda: acts.assign(visitor, alert, done))
            if not alert.closed_by:
                button(say(language, "close"), "close", lambda: acts.close(visitor, alert, done))
        button(say(language, "silence_it"), "silence", lambda: silence_alert(visitor, alert.labels, done))

    def _about(self, alert: Alert) -> None:
        language = self._visitor.language
        with section(say(language, "about")):
            ages = ui.element("div").classes("fm-row")
            with ages:
                ui.label(say(language, "since")).classes("fm-dim")
                self._ages.label(alert.starts_at)
            facts(
                [
                    (say(language, "began"), stamp(alert.active_at)),
                    (say(language, "fired"), stamp(alert.fired_at) or "–"),
                    (say(language, "ended"), stamp(alert.resolved_at) or "–"),
                ]
            )
            with ui.element("div").classes("fm-row"):
                ui.label(say(language, "value")).classes("fm-dim")
                self._value = ui.label("").classes("fm-mono").props("data-testid=value")
        with section(say(language, "labels")):
            label_chips(alert.labels)
        expr = self._visitor.house.desk.expression(alert)
        if expr:
            with section(say(language, "expression")):
                ui.label(expr).classes("fm-mono").props("data-testid=expression")
                link(say(language, "open_rule"), address("rules", alert.rule_id))

    def _history(self, moves: tuple[Transition, ...]) -> None:
        language = self._visitor.language
        with section(say(language, "history"), "history"):
            for move in reversed(moves[-MAX_MOVES:]):
                with ui.element("div").classes("fm-move"):
                    chip(known(language, move.after), move.after)
                    ui.label(move.say(language))
                    if move.by != "evaluator":
                        ui.label(move.by).classes("fm-dim")
                    if move.note:
                        ui.label(f"“{move.note}”").classes("fm-dim")
                    self._ages.label(move.at)


def standing(alert: Alert) -> str:
    """The word for how it stands; what was pending and went away again never was an alert to anybody."""
    return "inactive" if alert.state == "inactive" else alert.status
