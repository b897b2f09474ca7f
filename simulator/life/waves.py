"""Pressures that come and go by the calendar: a crawler's wave at the edge, a moment in which one program answers slowly.

A wave is a level over all time, pressed once and never lifted: whoever asks for any moment, of the week before the start or of the
present, gets what the calendar has for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from simulator.conditions import Level
from simulator.life.calendar import Calendar, Happening
from simulator.noise import Floats

LONGEST = timedelta(hours=1)
EDGE_SECONDS = 20.0  # in which a wave rises and falls


@dataclass(frozen=True)
class Swell:
    """One wave: how high above the base, how long."""

    height: float
    seconds: float


@dataclass(frozen=True)
class Wave(Level):
    """`swell` says what a happening of the calendar is here; None: it is somewhere else."""

    calendar: Calendar | None = None
    swell: Callable[[Happening], Swell | None] = lambda _happening: None

    def at(self, times: Floats) -> Floats:
        level = np.full_like(times, self.base)
        if self.calendar is None or not len(times):
            return level
        first, last = (datetime.fromtimestamp(float(each), UTC) for each in (times[0], times[-1]))
        for happening in self.calendar.between(first - LONGEST, last):
            swell = self.swell(happening)
            if swell is not None:
                level = level + swell.height * _shape(times - happening.at.timestamp(), swell.seconds)
        return level


def _shape(age: Floats, seconds: float) -> Floats:
    """Up within some seconds, level, and down again."""
    shape: Floats = np.clip(np.minimum(age, seconds - age) / min(EDGE_SECONDS, seconds / 2), 0.0, 1.0)
    return shape
