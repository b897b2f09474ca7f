"""One rule: what it asks, how its last evaluation went, what it fires now, what it was in former versions, and what it would have done."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fastapi import Request
from nicegui import ui

from alerts.model import Alert
from alerts.rulebook.book import Version
from api import rulings
from api.console.frame import Frame, address, link
from api.console.pages.hindsight import Hindsight
from api.console.pages.live import Live
from api.console.pages.parts import Ages, attempt, button, chip, facts, label_chips, section, stamp, title
from api.console.pages.rule_form import rule_changed
from api.console.pages.rules import place_of, standing, switch
from api.console.visitor import Visitor
from api.console.words import known, say
from core.errors import FirstmateError

MAX_ALERTS = 50
MAX_VERSIONS = 30


@ui.page("/rules/{rule_id}")
async def page(request: Request, rule_id: str) -> None:
    frame = Frame(request, "rules")
    with frame.body:
        RulePage(frame.visitor, rule_id[:64])


class RulePage:
    def __init__(self, visitor: Visitor, rule_id: str) -> None:
        self._visitor = visitor
        self._id = rule_id
        self._ages = Ages(visitor)
        self._shown: Any = None
        with ui.element("div").classes("fm-column"):
            self._top = ui.element("div").classes("fm-column")
            with section(say(visitor.language, "backtest"), "backtest"):
                Hindsight(visitor, self._rule)
            self._below = ui.element("div").classes("fm-column")
        self._live = Live(visitor, self.refresh)

    async def _rule(self) -> Any:
        house = self._visitor.house
        return house.alerts.evaluator.rule(self._id) or (await house.alerts.book.get(self._id)).rule

    async def refresh(self) -> None:
        try:
            row = await rulings.shown_one(self._visitor.house, self._id)
            alerts, total = await self._firing(row["name"])
            versions = await self._visitor.house.alerts.book.versions(self._id) if row.get("version") else []
        except FirstmateError as error:
            self._top.clear()
            self._shown = None
            with self._top:
                ui.label(error.sentence).classes("fm-note bad").props("data-testid=problem")
            return
        still = {name: value for name, value in row.items() if name not in ("evaluated_at", "seconds")}
        seen = (still, [alert.fingerprint for alert in alerts], total, len(versions))
        if seen != self._shown:
            self._shown = seen
            self._draw(row, alerts, total, versions)
        self._evaluated(row)
        self._ages.refresh()

    async def _firing(self, name: str) -> tuple[list[Alert], int]:
        found, total = await self._visitor.house.desk.list(state="firing", name=name, limit=MAX_ALERTS)
        return [alert for alert in found if alert.rule_id == self._id], total

    def _draw(self, row: dict[str, Any], alerts: Sequence[Alert], total: int, versions: Sequence[Version]) -> None:
        self._top.clear()
        self._below.clear()
        self._ages.clear()
        with self._top:
            self._headline(row)
        with self._below:
            self._alerts(alerts, total)
            if versions:
                self._versions(row, versions)

    def _headline(self, row: dict[str, Any]) -> None:
        language = self._visitor.language
        state = standing(row)
        with ui.element("section").classes("fm-card").props("data-testid=headline"):
            with ui.element("div").classes("fm-row"):
                title(row["name"])
                chip(known(language, state), state, "standing")
            ui.label(row["expr"] or _series(row)).classes("fm-mono").props("data-testid=expression")
            if row.get("error"):
                ui.label(row["error"]).classes("fm-note bad")
            if row.get("note"):
                ui.label(row["note"]).classes("fm-dim")
            self._facts = ui.element("div")
            label_chips(row.get("labels") or row.get("definition", {}).get("labels", {}))
            for name, text in sorted((row.get("annotations") or {}).items()):
                ui.label(f"{name}: {text}").classes("fm-dim")
            self._buttons(row)

    def _evaluated(self, row: dict[str, Any]) -> None:
        """Moves with every evaluation, and so is drawn apart from what does not."""
        language = self._visitor.language
        last = stamp(datetime.fromisoformat(row["evaluated_at"])) if row.get("evaluated_at") else "–"
        took = f" · {row['seconds'] * 1000:.0f} ms" if row.get("evaluated_at") else ""
        self._facts.clear()
        with self._facts:
            facts(
                [
                    (say(language, "written_in"), place_of(row, say(language, "kept_here"))),
                    (say(language, "health"), known(language, str(row.get("health", "unknown_health")))),
                    (say(language, "evaluated"), last + took),
                    (say(language, "hold"), str(row.get("for", row.get("definition", {}).get("hold", "0s")))),
                ]
            )

    def _buttons(self, row: dict[str, Any]) -> None:
        visitor, language = self._visitor, self._visitor.language
        if not visitor.may_act:
            ui.label(say(language, "only_look", name=visitor.caller.name)).classes("fm-dim").props(
                "data-testid=may-not"
            )
            return
        if not row.get("version"):
            ui.label(say(language, "of_a_file", file=row.get("file", ""))).classes("fm-dim")
            return
        with ui.element("div").classes("fm-actions"):
            button(
                say(language, "change"), "change", lambda: rule_changed(visitor, self._id, self._live.now), "fm-solid"
            )
            switch(visitor, row, self._live.now)

    def _alerts(self, alerts: Sequence[Alert], total: int) -> None:
        language = self._visitor.language
        with section(say(language, "fires_now", count=len(alerts)), "fires-now"):
            for alert in alerts:
                with ui.element("div").classes("fm-move"):
                    link(alert.annotation("summary", language) or alert.name, address("alerts", alert.fingerprint))
                    self._ages.label(alert.starts_at)
            if total > MAX_ALERTS:
                link(say(language, "and_more", count=total - MAX_ALERTS), address("alerts"))

    def _versions(self, row: dict[str, Any], versions: Sequence[Version]) -> None:
        language = self._visitor.language
        with section(say(language, "versions"), "versions"):
            for version in versions[:MAX_VERSIONS]:
                with ui.element("div").classes("fm-move").props("data-testid=version"):
                    chip(f"v{version.number}")
                    ui.label(version.what)
                    ui.label(version.by).classes("fm-dim")
                    ui.label(version.definition.promql()[:300]).classes("fm-mono")
                    if self._visitor.may_act and version.number != row["version"]:
                        number = version.number
                        button(say(language, "restore"), "restore", lambda n=number: self._restore(n))
                    self._ages.label(version.at)

    async def _restore(self, number: int) -> None:
        async def work() -> None:
            by = self._visitor.acting.name
            await self._visitor.house.alerts.book.restore(self._id, number, by)

        await attempt(work())
        await self._live.now()


def _series(row: dict[str, Any]) -> str:
    """What is watched where no expression says it."""
    detector = row.get("definition", {}).get("detector") or {}
    return "\n".join(
        f"{each.get('name') or detector.get('kind')}: {each['expr']}" for each in detector.get("series", [])
    )
