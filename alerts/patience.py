"""Three kinds of patience: waiting that ends, pauses that end early, and loops that outlive one bad turn.

A deadline is counted by the clock that was passed in, so that a hanging server is tested without waiting for it. `survive` is the one
place in this room that catches everything: it stands at the edge of a background loop, says what happened, and lets the loop go on.
"""

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from core.clock import Clock
from core.errors import FirstmateError
from core.logs import get

T = TypeVar("T")
_log = get(__name__)


async def within(clock: Clock, seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, or TimeoutError once the clock has moved on by `seconds`; the work is cancelled then."""
    task = asyncio.ensure_future(work)
    limit = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({task, limit}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise TimeoutError
    finally:
        for each in (task, limit):
            each.cancel()
        await asyncio.gather(task, limit, return_exceptions=True)


class Bell:
    """A loop's pause that ends early when somebody rings; rung between two pauses, it ends the next at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await within(self._clock, seconds, self._rung.wait())
        self._rung.clear()


async def together(works: Iterable[Awaitable[T]]) -> list[T]:
    """What each gave. All come to their ends first, also when one fails or all are cancelled: none is left behind in a write."""
    ended = await asyncio.gather(*works, return_exceptions=True)
    return [_given(end) for end in ended]


def _given(end: T | BaseException) -> T:
    if isinstance(end, BaseException):
        raise end
    return end


async def until_rung(rung: asyncio.Event, loops: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Loops side by side, all stopped when the bell is rung, or when one of them fails: that failure is raised."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    waiting = asyncio.create_task(rung.wait())
    everything: list[asyncio.Task[Any]] = [*tasks, waiting]
    try:
        await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()  # it never ends by itself: this raises what ended it
    finally:
        for each in everything:
            each.cancel()
        await asyncio.gather(*everything, return_exceptions=True)


async def survive(turn: Awaitable[T], otherwise: T, what: str, **ids: str) -> T:
    """What the turn gave, or `otherwise` after saying why it failed."""
    try:
        return await turn
    except FirstmateError as error:
        _log.warning(what, error=error.sentence, **ids)
    except Exception:  # noqa: BLE001 - the edge of a loop that must go on; the traceback is logged
        _log.exception(what, **ids)
    return otherwise
