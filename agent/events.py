"""A run's events: the one stream that every reader follows.

Events are kept in order in memory while a run is live, so any number of readers can follow at their own pace, join late or come back: a
reader is an index into the list and costs the run nothing. Everything but single tokens is also stored; the whole text comes again in
the `answer` event, so a run that is read from the database later lacks nothing but the typing.

Tokens are what is said, and `answer` is what counts: its text replaces theirs. A `warning` with `discard_tokens` takes back every token
so far, because a model broke off or said what no page bears out; what is told anew follows as tokens, so who only types along ends with
the same text.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from core.clock import Clock

EventType = Literal[
    "run_started",
    "routed",
    "token",
    "tool_started",
    "tool_progress",
    "tool_finished",
    "evidence",
    "diagnosis",
    "plan",
    "approval_required",
    "approval_recorded",
    "answer",
    "usage",
    "warning",
    "error",
    "run_finished",
]


@dataclass(frozen=True, slots=True)
class RunEvent:
    type: EventType
    run_id: str
    seq: int
    at: datetime
    data: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {"type": self.type, "run_id": self.run_id, "seq": self.seq, "at": self.at.isoformat(), "data": self.data}


class Stream:
    """The events of one run while somebody may still add to them."""

    def __init__(self, run_id: str, clock: Clock, earlier: Sequence[RunEvent] = (), most: int = 20_000) -> None:
        self.run_id = run_id
        self.active = False
        self._clock = clock
        self._most = most
        self._events = list(earlier)
        self._stored = len(self._events)
        self._bell = asyncio.Event()

    def add(self, kind: EventType, data: dict[str, Any]) -> None:
        if kind == "token" and len(self._events) >= self._most:
            return  # the answer event still carries the whole text
        seq = self._events[-1].seq + 1 if self._events else 1
        self._events.append(RunEvent(kind, self.run_id, seq, self._clock.now(), data))
        self._ring()

    def close(self) -> None:
        self.active = False
        self._ring()

    def unstored(self) -> list[RunEvent]:
        """What came since the last call, without single tokens."""
        fresh = self._events[self._stored :]
        self._stored = len(self._events)
        return [event for event in fresh if event.type != "token"]

    async def follow(self, after: int = 0) -> AsyncIterator[RunEvent]:
        index = 0
        while True:
            bell = self._bell
            for event in self._events[index:]:
                index += 1
                if event.seq > after:
                    yield event
            if index < len(self._events):
                continue
            if not self.active:
                return
            await bell.wait()

    def _ring(self) -> None:
        self._bell.set()
        self._bell = asyncio.Event()
