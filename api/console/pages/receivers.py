"""Who can be told, what came of the last message to each, a test message at a press; and whose turn it is now."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from nicegui import ui

from alerts.escalation.duty import ahead
from alerts.escalation.rota import Rota
from alerts.notify.records import Delivery
from alerts.notify.trial import Outcome, trial
from alerts.routing.intervals import TimeInterval
from api.console.pages.parts import attempt, button, chip, section, stamp
from api.console.visitor import Visitor
from api.console.words import known, say

MAX_RECEIVERS = 100
_SHADES = {"sent": "good", "failed": "bad", "pending": "pending"}


class Receivers:
    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._shown: Any = None
        self._outcomes: dict[str, Sequence[Outcome]] = {}
        with section(say(visitor.language, "receivers"), "receivers"):
            self._root = ui.element("div").classes("fm-column")

    async def refresh(self) -> None:
        known_ways = self._visitor.house.alerts.routing.receivers
        last = await self._visitor.house.desk.latest_deliveries()
        seen = (
            list(known_ways),
            {name: (one.id, one.status, one.attempts) for name, one in last.items()},
            dict(self._outcomes),
        )
        if seen == self._shown:
            return
        self._shown = seen
        self._root.clear()
        with self._root:
            for name, ways in list(known_ways.items())[:MAX_RECEIVERS]:
                self._receiver(name, ways, last)
            if len(known_ways) > MAX_RECEIVERS:
                ui.label(say(self._visitor.language, "and_more", count=len(known_ways) - MAX_RECEIVERS)).classes(
                    "fm-dim"
                )

    def _receiver(self, name: str, ways: Sequence[Any], last: Mapping[str, Delivery]) -> None:
        language = self._visitor.language
        with ui.element("div").classes("fm-told").props("data-testid=receiver"):
            with ui.element("div").classes("fm-row"):
                ui.label(name).classes("fm-told-name")
                if ways and self._visitor.may_act:
                    button(say(language, "test_message"), "test", lambda: self._test(name))
            if not ways:
                ui.label(say(language, "no_ways")).classes("fm-dim")
            for way in ways:
                self._way(way, last.get(way.name))
            for outcome in self._outcomes.get(name, ()):
                word = "test_arrived" if outcome.delivered else "test_failed"
                said = f"{say(language, word, way=outcome.way)} {outcome.said}".strip()
                shade = "good" if outcome.delivered else "bad"
                ui.label(said[:500]).classes(f"fm-note {shade}").props("data-testid=outcome")

    def _way(self, way: Any, delivery: Delivery | None) -> None:
        language = self._visitor.language
        with ui.element("div").classes("fm-move"):
            chip(way.kind)
            if delivery is None:
                ui.label(say(language, "never_sent")).classes("fm-dim")
                return
            chip(known(language, delivery.status), _SHADES.get(delivery.status, ""))
            ui.label(delivery.said[:200]).classes("fm-dim")
            ui.label(stamp(delivery.finished_at or delivery.created_at)).classes("fm-age")

    async def _test(self, name: str) -> None:
        async def work() -> None:
            caller, house = self._visitor.acting, self._visitor.house
            side = house.alerts
            self._outcomes[name] = await trial(
                name,
                side.routing.receivers,
                side.outbox.channels,
                house.clock.now(),
                caller.name,
                house.settings.public_url,
            )

        await attempt(work())
        await self.refresh()


class Duty:
    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._shown: list[tuple[str, tuple[str, str]]] = []
        with section(say(visitor.language, "on_duty"), "duty") as self._card:
            self._root = ui.element("div").classes("fm-column")
        self._card.set_visibility(False)

    def refresh(self) -> None:
        side, now = self._visitor.house.alerts, self._visitor.house.clock.now()
        rotas = side.escalator.escalations.rotas
        calendars = side.routing.config.time_intervals
        seen = [(name, self._said(rota, now, calendars)) for name, rota in list(rotas.items())[:MAX_RECEIVERS]]
        if seen == self._shown:
            return
        self._shown = seen
        self._card.set_visibility(bool(seen))
        self._root.clear()
        with self._root:
            for name, (who, then) in seen:
                with ui.element("div").classes("fm-row").props("data-testid=rota"):
                    ui.label(name).classes("fm-dim")
                    ui.label(who).classes("fm-told-name")
                    ui.label(then).classes("fm-dim")

    def _said(self, rota: Rota, now: datetime, calendars: Mapping[str, TimeInterval]) -> tuple[str, str]:
        """Who it is, and until when, and who then, in the rota's own time zone."""
        present, *later = ahead(rota, now, calendars)
        if present.ends is None or not later:
            return present.receiver, ""
        ends = f"{present.ends.astimezone(rota.zone):%Y-%m-%d %H:%M} ({rota.zone})"
        return present.receiver, say(self._visitor.language, "then", end=ends, name=later[0].receiver)
