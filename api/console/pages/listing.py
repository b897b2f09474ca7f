"""A list that the server filters and pages: a page of rows is read, drawn, and drawn anew only when it says something else."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from nicegui import ui

from api.console.pages.live import Live
from api.console.pages.parts import Ages, button
from api.console.visitor import Visitor
from api.console.words import say
from core.errors import FirstmateError

PAGE = 25
Row = TypeVar("Row")
Read = Callable[[int, int], Awaitable[tuple[Sequence[Row], int]]]


class Listing(Generic[Row]):
    def __init__(
        self,
        visitor: Visitor,
        read: Read[Row],
        draw: Callable[[Row], None],
        empty: str,
        lasting: Callable[[Row], object] = lambda row: row,
    ) -> None:
        """`read` is given how many and from where; `draw` makes the elements of one row.

        `lasting` is what of a row is worth drawing it anew for: a number that moves must not rebuild the buttons under somebody's finger.
        """
        self._visitor = visitor
        self._read = read
        self._draw = draw
        self._empty = empty
        self._lasting = lasting
        self._offset = 0
        self._shown: tuple[list[object], int] | None = None
        self.ages = Ages(visitor)
        self._rows = ui.element("div").classes("fm-list").props("data-testid=list aria-live=polite")
        with ui.element("div").classes("fm-row fm-pager") as self._pager:
            self._before = button(say(visitor.language, "previous"), "previous", lambda: self._turn(-PAGE))
            self._where = ui.label("").classes("fm-dim").props("data-testid=where")
            self._after = button(say(visitor.language, "next"), "next", lambda: self._turn(PAGE))
        self.live = Live(visitor, self.refresh)

    async def restart(self) -> None:
        """From the first page: what was asked for has changed."""
        self._offset, self._shown = 0, None
        await self.live.now()

    async def refresh(self) -> None:
        try:
            rows, total = await self._read(PAGE, self._offset)
        except FirstmateError as error:
            self._complain(error.sentence)
            return
        if not rows and self._offset:
            self._offset = max(0, (total - 1) // PAGE * PAGE)
            await self.refresh()
            return
        seen = [self._lasting(row) for row in rows], total
        if self._shown != seen:
            self._shown = seen
            self._fill(rows, total)
        self.ages.refresh()

    def _fill(self, rows: Sequence[Row], total: int) -> None:
        self._rows.clear()
        self.ages.clear()
        with self._rows:
            for row in rows:
                self._draw(row)
            if not rows:
                ui.label(say(self._visitor.language, self._empty)).classes("fm-dim").props("data-testid=empty")
        last = self._offset + len(rows)
        first = self._offset + 1 if rows else 0
        self._where.text = say(self._visitor.language, "page_of", first=first, last=last, total=total)
        self._before.set_enabled(self._offset > 0)
        self._after.set_enabled(last < total)
        self._pager.set_visibility(total > 0)

    def _complain(self, sentence: str) -> None:
        self._shown = None
        self._rows.clear()
        with self._rows:
            ui.label(sentence).classes("fm-note bad")

    async def _turn(self, by: int) -> None:
        self._offset = max(0, self._offset + by)
        await self.live.now()
