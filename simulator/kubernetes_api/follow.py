"""Following a log: what a container writes from now on, until it ends, goes, or the client leaves.

The world is asked again every second for the lines since the last one sent; the timestamps in front of the lines tell the new
from the known, and are cut off again where the client did not want them. Nothing is kept but the last timestamp.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

POLL_SECONDS = 1.0
MAX_SECONDS = 3_600.0


@dataclass(slots=True)
class Follower:
    """`read` gives the timestamped lines of the last so many seconds; None when the container is gone."""

    read: Callable[[int], str | None]
    now: Callable[[], datetime]
    timestamps: bool
    last: str = ""

    async def chunks(self, first: str) -> AsyncIterator[str]:
        """`first` is what was there when the client asked, timestamped."""
        clock = asyncio.get_running_loop().time
        end, asked = clock() + MAX_SECONDS, self.now()
        if begun := self._new(first):
            yield begun
        while clock() < end:
            await asyncio.sleep(POLL_SECONDS)
            now = self.now()
            seconds = math.ceil((now - asked) / timedelta(seconds=1)) + 1
            text, asked = self.read(seconds), now
            if text is None:
                return
            if more := self._new(text):
                yield more

    def _new(self, text: str) -> str:
        fresh = [line for line in text.splitlines(keepends=True) if line.partition(" ")[0] > self.last]
        if fresh:
            self.last = fresh[-1].partition(" ")[0]
        return "".join(line if self.timestamps else line.partition(" ")[2] for line in fresh)
