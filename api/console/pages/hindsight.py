"""Would it have fired? Asked at a press, answered with how often and when, and nothing is saved and nobody told."""

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from alerts.rulebook.backtest import Report
from alerts.rules import Rule
from api import rulings
from api.console.pages.parts import button, stamp
from api.console.visitor import Visitor
from api.console.words import say
from core.errors import FirstmateError

DAYS = (1, 3, 7, 14, 30)
MAX_SHOWN = 50


class Hindsight:
    def __init__(self, visitor: Visitor, rule: Callable[[], Awaitable[Rule]], failed: Any = None) -> None:
        """`rule` gives what is to be tried; `failed` is told what is wrong with it, where a form can show that better."""
        self._visitor = visitor
        self._rule = rule
        self._failed = failed
        language = visitor.language
        with ui.element("div").classes("fm-row"):
            options = {days: say(language, "days", count=days) for days in DAYS}
            self._days = ui.select(options, value=7).classes("fm-choice").props("outlined dense data-testid=days")
            self._press = button(say(language, "try_it"), "try", self._try)
        self._found = ui.element("div").classes("fm-column").props("data-testid=hindsight aria-live=polite")

    async def _try(self) -> None:
        self._visitor.caller  # noqa: B018 - whose session has ended asks nothing
        self._press.set_enabled(False)
        try:
            report = await rulings.would_have_fired(
                self._visitor.house, await self._rule(), float(self._days.value or 7)
            )
        except FirstmateError as error:
            self._found.clear()
            if self._failed:
                self._failed(error)
                return
            with self._found:
                ui.label(error.sentence).classes("fm-note bad")
            return
        finally:
            self._press.set_enabled(True)
        self._draw(report)

    def _draw(self, report: Report) -> None:
        language = self._visitor.language
        self._found.clear()
        with self._found:
            said = say(
                language, "would_fire", count=len(report.firings), days=f"{(report.end - report.start).days or 1}"
            )
            ui.label(said).classes("fm-verdict").props("data-testid=would-fire")
            if report.pending_only:
                ui.label(say(language, "too_short", count=report.pending_only)).classes("fm-dim")
            if report.step > report.asked_step:
                ui.label(say(language, "coarser", seconds=f"{report.step.total_seconds():.0f}")).classes("fm-note warn")
            with ui.element("div").classes("fm-scrolled"):
                for firing in list(reversed(report.firings))[:MAX_SHOWN]:
                    with ui.element("div").classes("fm-move"):
                        ui.label(f"{stamp(firing.fired_at)} – {stamp(firing.ended_at) or '…'}")
                        ui.label(_named(firing.labels)).classes("fm-dim")


def _named(labels: dict[str, str]) -> str:
    return " ".join(
        f"{name}={value}" for name, value in sorted(labels.items()) if name not in ("alertname", "severity")
    )
