"""Live news of alerts for whoever watches: the console, a stream of events, a bot.

A watcher that is slower than the news loses the oldest of it, never slows the evaluator, and can always read the present from the desk.
"""

import asyncio
from collections.abc import AsyncIterator

from alerts.model import Alert, Change

MAX_WAITING = 256
MAX_WATCHERS = 200


class Feed:
    def __init__(self) -> None:
        self._watchers: set[asyncio.Queue[Alert]] = set()

    def put(self, change: Change) -> None:
        """The evaluator's listener: moves are news, a value that wanders is not."""
        if change.transition:
            self.publish(change.alert)

    def publish(self, alert: Alert) -> None:
        for queue in self._watchers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(alert)

    async def follow(self) -> AsyncIterator[Alert]:
        queue: asyncio.Queue[Alert] = asyncio.Queue(MAX_WAITING)
        if len(self._watchers) >= MAX_WATCHERS:
            self._watchers.pop()
        self._watchers.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._watchers.discard(queue)
