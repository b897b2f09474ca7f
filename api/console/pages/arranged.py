"""What people have put together and taken apart by hand about one incident, the latest first, and the way back."""

from collections.abc import Sequence

from nicegui import ui

from alerts.incidents.arrangements import Arrangement
from api.console.pages.acts import Done
from api.console.pages.parts import attempt, button, section, stamp
from api.console.visitor import Visitor
from api.console.words import say

MAX_SHOWN = 20


async def read(visitor: Visitor, incident: str) -> tuple[Arrangement, ...]:
    found, _ = await visitor.house.desk.incidents.arrangements(incident, MAX_SHOWN)
    return tuple(found)


def arranged(visitor: Visitor, incident: str, rows: Sequence[Arrangement], done: Done) -> None:
    if not rows:
        return
    language = visitor.language
    standing = next((row.id for row in rows if row.undone_by is None), None)
    with section(say(language, "by_hand"), "arranged"):
        for row in rows:
            with ui.element("div").classes("fm-move").props("data-testid=arrangement"):
                ui.label(say(language, f"did_{row.what}", name=row.by, count=len(row.moved)))
                if row.note:
                    ui.label(f"“{row.note}”").classes("fm-dim")
                if row.undone_by:
                    ui.label(say(language, "undone_by", name=row.undone_by)).classes("fm-dim")
                elif visitor.may_act and row.id == standing:
                    button(say(language, "undo"), "undo", lambda number=row.id: _undo(visitor, incident, number, done))
                ui.label(stamp(row.at)).classes("fm-age")


async def _undo(visitor: Visitor, incident: str, number: int, done: Done) -> None:
    async def work() -> None:
        await visitor.house.desk.incidents.undo(incident, number, visitor.acting.name)

    await attempt(work())
    await done()
