"""What a stretch of time was like: how many alerts fired, on what, how soon they were taken, how long they lasted.

Counted are episodes, not alerts: what fired three times counts three times, because somebody was disturbed three times. Means of
nothing are absent rather than zero.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any, Literal

GroupBy = Literal["severity", "name", "namespace", "status", "hour_of_day", "weekday"]
GROUPS: tuple[GroupBy, ...] = ("severity", "name", "namespace", "status", "hour_of_day", "weekday")
MAX_EPISODES = 50_000
MAX_BUCKETS = 200
MAX_LISTED = 20


@dataclass(frozen=True, slots=True)
class Episode:
    """One firing of one alert, from its beginning to its end."""

    fingerprint: str
    episode: str
    fired_at: datetime
    name: str
    severity: str
    namespace: str
    taken_at: datetime | None
    closed_at: datetime | None
    resolved_at: datetime | None

    @property
    def status(self) -> str:
        if self.resolved_at or self.closed_at:
            return "closed"
        return "confirmed" if self.taken_at else "open"


_KEYS: Mapping[GroupBy, Callable[[Episode], str]] = {
    "severity": lambda one: one.severity,
    "name": lambda one: one.name,
    "namespace": lambda one: one.namespace or "-",
    "status": lambda one: one.status,
    "hour_of_day": lambda one: f"{one.fired_at.hour:02}",
    "weekday": lambda one: f"{one.fired_at:%A}".lower(),
}


def summary(episodes: Sequence[Episode], start: datetime, end: datetime, group_by: GroupBy) -> dict[str, Any]:
    return {
        "start_time": start.isoformat(),
        "end_time": end.isoformat(),
        "total": len(episodes),
        "by_severity": _tally(episodes, "severity"),
        "by_status": {"open": 0, "confirmed": 0, "closed": 0} | _tally(episodes, "status"),
        "group_by": group_by,
        "groups": _tally(episodes, group_by),
        "noisiest": _tally(episodes, "name", MAX_LISTED),
        "seconds_to_take": _spread((one.taken_at - one.fired_at) for one in episodes if one.taken_at),
        "seconds_to_end": _spread((one.resolved_at - one.fired_at) for one in episodes if one.resolved_at),
        "trend": trend(episodes, start, end),
        "cut": len(episodes) >= MAX_EPISODES,
    }


def trend(episodes: Iterable[Episode], start: datetime, end: datetime) -> dict[str, Any]:
    """How many fired in each stretch of equal length; an empty stretch is a zero and not missing."""
    step = _step(end - start)
    first = _floor(start, step)
    counts = Counter((one.fired_at - first) // step for one in episodes)
    last = max((end - first) // step, 0)
    points = [[(first + step * place).isoformat(), counts[place]] for place in range(last + 1)]
    return {"step_seconds": step.total_seconds(), "points": points}


def _tally(episodes: Sequence[Episode], by: GroupBy, limit: int = 1000) -> dict[str, int]:
    return dict(Counter(map(_KEYS[by], episodes)).most_common(limit))


def _spread(lengths: Iterable[timedelta]) -> dict[str, float] | None:
    seconds = sorted(length.total_seconds() for length in lengths)
    if not seconds:
        return None
    return {"count": len(seconds), "mean": sum(seconds) / len(seconds), "median": median(seconds), "max": seconds[-1]}


def _step(length: timedelta) -> timedelta:
    for step in (timedelta(minutes=5), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)):
        if length / step <= MAX_BUCKETS:
            return step
    return timedelta(days=30)


def _floor(at: datetime, step: timedelta) -> datetime:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return at - (at - epoch) % step
