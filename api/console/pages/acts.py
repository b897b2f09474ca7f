"""What one does to an alert, each asked for in a small dialog and done at the same desk, by the same right, as over HTTP."""

from collections.abc import Awaitable, Callable

from alerts.desk import MAX_NOTE
from alerts.durations import parse_duration
from alerts.model import Alert
from api.console.pages.parts import Form, field
from api.console.visitor import Visitor
from api.console.words import say

Done = Callable[[], Awaitable[None]]


def acknowledge(visitor: Visitor, alert: Alert, done: Done) -> None:
    async def act() -> None:
        length = (hold.value or "").strip()
        await visitor.house.desk.acknowledge(
            alert.fingerprint,
            by=visitor.acting.name,
            note=note.value or "",
            hold=parse_duration(length, "hold") if length else None,
        )
        await done()

    form = Form(visitor, f"{say(visitor.language, 'acknowledge')}: {alert.name}", "acknowledge", act)
    with form.fields:
        note = field(say(visitor.language, "note"), "note", long=True, most=MAX_NOTE)
        hold = field(say(visitor.language, "taken_for"), "hold", most=20)
    form.open()


def assign(visitor: Visitor, alert: Alert, done: Done) -> None:
    """To nobody, where the name is left empty."""

    async def act() -> None:
        to = (name.value or "").strip() or None
        await visitor.house.desk.assign(alert.fingerprint, to, by=visitor.acting.name)
        await done()

    form = Form(visitor, f"{say(visitor.language, 'assign')}: {alert.name}", "assign", act)
    with form.fields:
        name = field(
            say(visitor.language, "assignee"), "assignee", value=alert.assignee or visitor.caller.name, most=255
        )
    form.open()


def close(visitor: Visitor, alert: Alert, done: Done) -> None:
    async def act() -> None:
        await visitor.house.desk.close(alert.fingerprint, by=visitor.acting.name, reason=note.value or "")
        await done()

    form = Form(visitor, f"{say(visitor.language, 'close')}: {alert.name}", "close", act)
    with form.fields:
        note = field(say(visitor.language, "note"), "note", long=True, most=MAX_NOTE)
    form.open()
