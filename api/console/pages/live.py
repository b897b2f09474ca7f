"""Keeping a page fresh: redrawn soon after something happened to an alert, and now and then for what nobody announces.

News only sets a mark. A timer looks at the mark once a second and does nothing when there is none, so a storm of alerts costs a page one
reading a second, a quiet night one in SLOW_SECONDS, and a page that nobody looks at any more ends with its client.
"""

import contextlib
from collections.abc import Awaitable, Callable

from nicegui import background_tasks, ui

from api.console.visitor import Visitor

LOOK_SECONDS = 1.0
SLOW_SECONDS = 15


class Live:
    def __init__(self, visitor: Visitor, redraw: Callable[[], Awaitable[None]]) -> None:
        self._visitor = visitor
        self._redraw = redraw
        self._quiet_for = SLOW_SECONDS
        self._timer = ui.timer(LOOK_SECONDS, self._look, immediate=True)
        following = background_tasks.create(self._follow())
        ui.context.client.on_delete(following.cancel)

    async def now(self) -> None:
        self._quiet_for = 0
        await self._redraw()

    async def _look(self) -> None:
        self._quiet_for += 1
        if self._quiet_for >= SLOW_SECONDS:
            await self.now()

    async def _follow(self) -> None:
        async with contextlib.aclosing(self._visitor.house.desk.changes()) as changes:  # type: ignore[type-var]
            async for _ in changes:
                self._quiet_for = SLOW_SECONDS
