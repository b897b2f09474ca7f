"""A few threads of a channel's own, for libraries that wait: what hangs there delays nobody else.

A thread cannot be stopped. One that has not come back in its time is left to its own bounds, and while all of them are out the next message
is refused for now rather than queued behind them.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from alerts.patience import within
from core.clock import Clock
from core.errors import Upstream

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    def __init__(self, system: str, clock: Clock, seconds: float, count: int) -> None:
        self._system = system
        self._clock = clock
        self._seconds = seconds
        self._count = count
        self._pool = ThreadPoolExecutor(max_workers=count, thread_name_prefix="channel")
        self._turns = asyncio.Semaphore(count)
        self._out: set[Future[Any]] = set()

    async def call(self, work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """What it gives or raises, once it is its turn; retryable Upstream where it takes too long."""
        async with self._turns:
            self._out = {each for each in self._out if not each.done()}
            if len(self._out) >= self._count:
                raise Upstream(self._system, "is still busy with an earlier message", retryable=True)
            running = self._pool.submit(work, *args, **options)
            self._out.add(running)
            try:
                return await within(self._clock, self._seconds, _end(running))
            except TimeoutError:
                if running.done() and not running.cancelled():
                    raise
                words = f"did not answer within {self._seconds:g} s"
                raise Upstream(self._system, words, retryable=True) from None

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


async def _end(running: Future[T]) -> T:
    # Shielded: whether it still runs must stay to be seen.
    return await asyncio.shield(asyncio.wrap_future(running))
