"""Lines that may be written in a tick: how many of a kind are to be expected, and how one is told."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.logs.styles import Fields

Line = tuple[datetime, str, str, Fields]  # when, level, message, fields


class Moment:
    """A tick's span of time and its dice."""

    def __init__(self, now: datetime, seconds: float, chance: random.Random) -> None:
        self.now = now
        self.seconds = seconds
        self.chance = chance

    def sometime(self) -> datetime:
        return self.now - timedelta(seconds=self.chance.random() * self.seconds)

    def how_many(self, expected: float, limit: int) -> int:
        """A whole number around an expectation, at most the limit."""
        if expected >= limit:
            return limit
        whole = int(expected)
        return whole + (self.chance.random() < expected - whole)


@dataclass(frozen=True)
class Chance:
    """One kind of line: how many are to be expected from each pod in a tick, and how one is told."""

    expected: float
    limit: int
    tell: Callable[[Moment], Line]
