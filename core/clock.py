"""Time as an argument.

Nothing else in the product asks the operating system what time it is or sleeps by itself: a Clock is passed in. That is what lets
an alert's five minutes, an approval's expiry and a back-off be tested in milliseconds, and what keeps a replayed incident true to
its own hours. ManualClock moves only when told, and wakes its sleepers in the order of their deadlines.
"""

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The wall time, always with a zone (UTC)."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that stands still until `advance`; for tests, replays and simulated time."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._start).total_seconds()

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        await _let_others_run()  # a task that was only just created has yet to reach its first sleep
        until = self._now + timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= until:
            due, _, woken = heapq.heappop(self._sleepers)
            self._now = due
            if not woken.done():
                woken.set_result(None)
            await _let_others_run()
        self._now = until
        await _let_others_run()


async def _let_others_run() -> None:
    # A woken task may need several turns of the loop before it sleeps again; the count is generous, each turn is microseconds.
    for _ in range(20):
        await asyncio.sleep(0)
