"""How many customers knock at the edge at a time of day and week.

A double-humped day (late morning, evening), quieter nights, busier weekends, slow drift and fine grain on top. Everything is a pure
function of the time and the seed, over arrays, so that the week of history and the live ticks join without a seam.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.noise import Floats, drift, grain

DAY = 86_400.0
WEEK = 7 * DAY
# 1970-01-01 was a Thursday: this many days later the week starts on a Monday.
_FIRST_MONDAY = 4 * DAY


@dataclass(frozen=True)
class LoadCurve:
    seed: int
    peak_rps: float
    night_share: float = 0.35
    weekend_factor: float = 1.12
    utc_offset_hours: float = 8.0
    drift_share: float = 0.04
    grain_share: float = 0.025

    def at(self, times: Floats) -> Floats:
        """Requests a second at the edge at these unix times."""
        local = times + self.utc_offset_hours * 3600
        level = self.night_share + (1 - self.night_share) * _day_shape(local)
        wobble = (
            1 + self.drift_share * drift(self.seed, "load", times) + self.grain_share * grain(self.seed, "load", times)
        )
        return self.peak_rps * level * self._week_shape(local) * wobble

    def _week_shape(self, local: Floats) -> Floats:
        day_of_week = ((local - _FIRST_MONDAY) % WEEK) / DAY
        # A smooth step into Saturday and out of Sunday, so that the rate does not jump at midnight.
        weekend = 1 / (1 + np.exp(-24 * (day_of_week - 5.1))) - 1 / (1 + np.exp(-24 * (day_of_week - 6.7)))
        return 1 + (self.weekend_factor - 1) * weekend


def _day_shape(local: Floats) -> Floats:
    """0 at the quietest hour, about 1 at the busiest."""
    hour = (local % DAY) / 3600.0
    return np.minimum(_hump(hour, 11.0, 3.2) * 0.86 + _hump(hour, 20.3, 2.4) + _hump(hour, 15.5, 3.0) * 0.45, 1.0)


def _hump(hour: Floats, centre: float, width: float) -> Floats:
    away = np.abs(hour - centre)
    away = np.minimum(away, 24.0 - away)
    return np.exp(-0.5 * (away / width) ** 2)
