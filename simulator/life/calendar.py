"""When something happens that is nobody's fault: a function of the seed and the date, nothing else.

For every habit and every day of the shop's own time zone the number of occurrences and their moments are drawn by hash, so that the week
before the start, the live present and any jump between them tell one story.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from simulator.noise import uniform

Kind = Literal["release", "restart", "kernel", "settings", "crawler", "blip"]
DAY = 86_400
SHOP_OFFSET = timedelta(hours=8)  # the load curve's clock
SUNDAY = 6


@dataclass(frozen=True)
class Habit:
    """How often a day (a fraction is a chance), and between which hours of the shop's clock."""

    kind: Kind
    a_day: float
    first_hour: float = 0.0
    last_hour: float = 24.0
    weekend: bool = True


HABITS = (
    Habit("release", 2.4, 10.0, 17.5, weekend=False),
    Habit("restart", 0.5),
    Habit("kernel", 0.8),
    Habit("settings", 0.5, 9.0, 18.0, weekend=False),
    Habit("crawler", 1.5),
    Habit("blip", 5.0),
)


@dataclass(frozen=True, order=True)
class Happening:
    at: datetime
    kind: Kind
    name: str  # of this one, for whatever is to be drawn about it


class Calendar:
    def __init__(self, seed: int, habits: tuple[Habit, ...] = HABITS) -> None:
        self._seed = seed
        self._habits = habits
        self._days: dict[int, list[Happening]] = {}

    def between(self, after: datetime, until: datetime) -> list[Happening]:
        """What falls after the one moment and not after the other, in order."""
        days = range(_day(after), _day(until) + 1)
        return [each for day in days for each in self._of(day) if after < each.at <= until]

    def next(self, after: datetime) -> datetime:
        day = _day(after)
        while True:
            found = [each.at for each in self._of(day) if each.at > after]
            if found:
                return found[0]
            day += 1

    def _of(self, day: int) -> list[Happening]:
        if day not in self._days:
            happenings = [each for habit in self._habits for each in self._drawn(habit, day)]
            self._days[day] = sorted(happenings)
        return self._days[day]

    def _drawn(self, habit: Habit, day: int) -> list[Happening]:
        midnight = datetime.fromtimestamp(day * DAY, UTC) - SHOP_OFFSET
        if not habit.weekend and (midnight + SHOP_OFFSET).weekday() >= SUNDAY - 1:
            return []
        name = f"life/{habit.kind}/{day}"
        whole = int(habit.a_day)
        count = whole + (uniform(self._seed, name) < habit.a_day - whole)
        hours = habit.last_hour - habit.first_hour
        drawn = []
        for index in range(count):
            hour = habit.first_hour + hours * uniform(self._seed, f"{name}/{index}/hour")
            drawn.append(Happening(midnight + timedelta(seconds=round(hour * 3600)), habit.kind, f"{name}/{index}"))
        return drawn


def _day(moment: datetime) -> int:
    return int((moment + SHOP_OFFSET).timestamp() // DAY)
