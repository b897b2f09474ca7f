"""The chart on an alert's page: what its rule watches, around the time that it began to fire."""

from datetime import timedelta

from nicegui import background_tasks, ui

from alerts.model import Alert
from api.console.pages.chart import MAX_LINES, belongs, drawing, watched
from api.console.pages.parts import section
from api.console.visitor import Visitor
from api.console.words import say
from core.errors import FirstmateError

POINTS = 120
BEFORE = timedelta(minutes=30)
LONGEST = timedelta(hours=24)
EVERY_SECONDS = 60.0


class Charted:
    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._asked_at: float | None = None
        self._busy = False
        with section(say(visitor.language, "chart"), "chart") as self._root:
            self._drawing = ui.html("", sanitize=False)
            self._note = ui.label("").classes("fm-dim")
        self._root.set_visibility(False)

    def show(self, alert: Alert) -> None:
        now = self._visitor.house.clock.monotonic()
        expr = self._visitor.house.desk.expression(alert)
        if not expr or self._busy or (self._asked_at is not None and now - self._asked_at < EVERY_SECONDS):
            return
        self._asked_at, self._busy = now, True
        background_tasks.create(self._ask(alert, expr))

    async def _ask(self, alert: Alert, expr: str) -> None:
        house = self._visitor.house
        what = watched(expr)
        end = min(house.clock.now(), (alert.resolved_at or house.clock.now()) + BEFORE)
        start = max(alert.active_at - BEFORE, end - LONGEST)
        step = max((end - start).total_seconds() / POINTS, 1.0)
        try:
            series = await house.prometheus.query_range(what.expr, start, end, step)
        except FirstmateError as error:
            self._say(error.sentence)
            return
        finally:
            self._busy = False
        own = [one for one in series if belongs(one.labels, alert.labels)] or list(series)
        picture = drawing([one.points for one in own], what.limit, start, end, alert.fired_at)
        if self._root.is_deleted:
            return
        self._drawing.content = picture
        left = len(own) - MAX_LINES
        nothing = say(self._visitor.language, "chart_empty") if not own else ""
        self._say(say(self._visitor.language, "chart_more", count=left) if left > 0 else nothing)

    def _say(self, sentence: str) -> None:
        if not self._root.is_deleted:
            self._note.text = sentence
            self._root.set_visibility(True)
