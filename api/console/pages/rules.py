"""Rules: which there are, whether they can be evaluated, what they say now; those that are kept here can be switched off and on."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fastapi import Request
from nicegui import ui

from api import rulings
from api.console.frame import Frame, address, link
from api.console.pages.listing import Listing
from api.console.pages.parts import attempt, button, chip, choice, field, title
from api.console.pages.rule_form import rule_anew
from api.console.words import known, say

STANDINGS = ("firing", "pending", "failing", "disabled")
Row = Mapping[str, Any]


@ui.page("/rules")
async def page(request: Request) -> None:
    frame = Frame(request, "rules")
    with frame.body:
        Rules(frame)


class Rules:
    def __init__(self, frame: Frame) -> None:
        self._visitor = visitor = frame.visitor
        self._evaluated: dict[str, datetime] = {}
        language = visitor.language
        with ui.element("div").classes("fm-row"):
            title(say(language, "rules"))
            if visitor.may_act:
                button(say(language, "new_rule"), "new-rule", lambda: rule_anew(visitor, self._again), "fm-solid")
        with ui.element("div").classes("fm-row fm-filters"):
            self._standing = choice(visitor, "state", STANDINGS, "filter-state", self._again)
            self._name = field(say(language, "name"), "filter-name", most=200)
        self._name.props("debounce=400 clearable").on_value_change(self._again)
        self._listing: Listing[Row] = Listing(visitor, self._read, self._row, "nothing_found", _lasting)

    async def _again(self) -> None:
        await self._listing.restart()

    async def _read(self, limit: int, offset: int) -> tuple[Sequence[Row], int]:
        found = [
            row
            for row in await rulings.shown(self._visitor.house)
            if stands(row, self._standing.value or "") and (self._name.value or "").lower() in row["name"].lower()
        ]
        found.sort(key=lambda row: (_PLACES.get(standing(row), len(_PLACES)), row["name"].lower(), row["rule_id"]))
        page = found[offset : offset + limit]
        last = {row["rule_id"]: row.get("evaluated_at") for row in page}
        self._evaluated = {key: datetime.fromisoformat(at) for key, at in last.items() if at}
        return page, len(found)

    def _row(self, row: Row) -> None:
        language = self._visitor.language
        with ui.element("div").classes("fm-item").props("data-testid=row"):
            with ui.element("div").classes("fm-row"):
                link(row["name"], address("rules", row["rule_id"]), "fm-link fm-item-name")
                severity = str(row.get("severity") or row.get("definition", {}).get("severity", "warning"))
                chip(known(language, severity), severity)
                state = standing(row)
                chip(known(language, state), state, "standing")
                if row.get("alerts"):
                    ui.label(say(language, "alerts_now", count=row["alerts"])).classes("fm-dim")
                if row["rule_id"] in self._evaluated:
                    last = self._evaluated[row["rule_id"]]
                    self._listing.ages.moving(lambda: self._evaluated.get(row["rule_id"], last))
            with ui.element("div").classes("fm-row"):
                ui.label(place_of(row, say(language, "kept_here"))).classes("fm-dim")
                if row.get("version") and self._visitor.may_act:
                    switch(self._visitor, row, self._again)
            if row.get("error"):
                ui.label(row["error"]).classes("fm-note bad")


def switch(visitor: Any, row: Row, done: Any) -> None:
    """On or off, at one press."""
    enabled = row.get("status") != "disabled"

    async def press() -> None:
        async def work() -> None:
            await rulings.enable(visitor.house, row["rule_id"], visitor.acting.name, enabled=not enabled)

        await attempt(work())
        await done()

    button(say(visitor.language, "disable" if enabled else "enable"), "switch", press)


def standing(row: Row) -> str:
    if row.get("status") == "disabled":
        return "disabled"
    return "failing" if row.get("health") == "failing" else str(row.get("state", "inactive"))


def stands(row: Row, wanted: str) -> bool:
    return not wanted or standing(row) == wanted


def place_of(row: Row, here: str) -> str:
    """Where it is written: a file and its group, or here."""
    return f"{here} · v{row['version']}" if row.get("version") else f"{row.get('file', '')} · {row.get('group', '')}"


def _lasting(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ("evaluated_at", "seconds")}


_PLACES = {name: number for number, name in enumerate(("failing", "firing", "pending", "inactive", "disabled"))}
