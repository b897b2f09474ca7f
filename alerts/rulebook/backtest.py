"""Would this rule have fired? The past, evaluated turn by turn with the same life cycle that tonight will have.

The expression is asked over the whole past in pieces that Prometheus will answer, each turn's samples are handed to the lifecycle as
the evaluator hands them, and what comes out is when it would have fired, on what, and for how long. Where the past is too long for the
rule's own interval the turns are spread further apart, and the answer says so: a rule that was tried every five minutes has not been
tried every fifteen seconds.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Protocol

from alerts.model import Alert
from alerts.reading import advance, read
from alerts.rules import Rule
from core.errors import Invalid

MAX_TURNS = 20_000
MAX_SAMPLES = 2_000_000
TURNS_A_PIECE = 5_000
MAX_LISTED = 200
LONGEST = timedelta(days=30)


class Line(Protocol):
    """One series of a range query's answer."""

    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def points(self) -> Sequence[tuple[float, float]]: ...


class Past(Protocol):
    async def query_range(self, expr: str, start: datetime, end: datetime, step: float) -> Iterable[Line]: ...


@dataclass(frozen=True, slots=True)
class Firing:
    """One episode that would have been."""

    labels: dict[str, str]
    began_at: datetime
    fired_at: datetime
    ended_at: datetime | None

    def to_json(self) -> dict[str, Any]:
        return {
            "labels": self.labels,
            "began_at": self.began_at.isoformat(),
            "fired_at": self.fired_at.isoformat(),
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
        }


@dataclass(frozen=True, slots=True)
class Report:
    start: datetime
    end: datetime
    step: timedelta
    asked_step: timedelta
    turns: int
    firings: list[Firing] = field(default_factory=list)
    pending_only: int = 0
    """How often it held, but not for long enough."""
    learnt_every: timedelta | None = None
    """For a detector that learns: how often it did so while it was tried."""

    def to_json(self) -> dict[str, Any]:
        return {
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "step_seconds": self.step.total_seconds(),
            "coarser_than_rule": self.step > self.asked_step,
            "turns": self.turns,
            **({"learnt_every_seconds": self.learnt_every.total_seconds()} if self.learnt_every else {}),
            "would_have_fired": len(self.firings),
            "held_too_short": self.pending_only,
            "firing_seconds": sum((_ended(one, self.end) - one.fired_at).total_seconds() for one in self.firings),
            "firings": [one.to_json() for one in self.firings[:MAX_LISTED]],
        }


@dataclass(frozen=True, slots=True)
class _Sample:
    labels: Mapping[str, str]
    value: float


async def backtest(rule: Rule, past: Past, end: datetime, length: timedelta, interval: timedelta) -> Report:
    if not timedelta(0) < length <= LONGEST:
        raise Invalid(f"The past is tried for up to {LONGEST.days} days.", field="days")
    step = _step(length, interval)
    start = end - step * (length // step)
    replay = Replay(rule)
    turns = 0
    for begin, until in _pieces(start, end, step):
        lines = list(await past.query_range(rule.expr, begin, until, step.total_seconds()))
        turns += play(replay, lines, begin, until, step)
    return Report(start, end, step, interval, turns, replay.finish(), replay.pending_only)


class Replay:
    """The lifecycle of one rule over turns that are given it in their order."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._active: dict[str, Alert] = {}
        self._ended: list[Firing] = []
        self._episodes: Callable[[], str] = lambda numbers=count(1): f"episode-{next(numbers)}"  # type: ignore[misc]
        self.pending_only = 0

    def turn(self, samples: Iterable[_Sample], at: datetime) -> None:
        for change in advance(self._rule, self._active, read(self._rule, samples), at, self._episodes):
            alert = change.alert
            if alert.state in ("pending", "firing"):
                self._active[alert.fingerprint] = alert
                continue
            self._active.pop(alert.fingerprint, None)
            if alert.state == "inactive":
                self.pending_only += 1
            elif alert.fired_at:
                self._ended.append(Firing(alert.labels, alert.active_at, alert.fired_at, alert.resolved_at or at))

    def finish(self) -> list[Firing]:
        """Those that have ended, and those that still fire at the end, by when they fired."""
        still = [Firing(one.labels, one.active_at, one.fired_at, None) for one in self._active.values() if one.fired_at]
        return sorted([*self._ended, *still], key=lambda one: (one.fired_at, sorted(one.labels.items())))


def play(replay: Replay, lines: Sequence[Line], begin: datetime, until: datetime, step: timedelta) -> int:
    if sum(len(line.points) for line in lines) > MAX_SAMPLES:
        raise Invalid(
            "The expression gives too many samples to be tried on the past: narrow it, or try fewer days.", field="expr"
        )
    by_turn: dict[int, list[_Sample]] = {}
    for line in lines:
        for at, value in line.points:
            turn = round((at - begin.timestamp()) / step.total_seconds())
            by_turn.setdefault(turn, []).append(_Sample(line.labels, value))
    turns = (until - begin) // step + 1
    for turn in range(turns):
        replay.turn(by_turn.get(turn, ()), begin + turn * step)
    return turns


def _step(length: timedelta, interval: timedelta) -> timedelta:
    """The rule's own, or the smallest multiple of it that keeps the turns within their bound."""
    times = -(-(length // interval) // MAX_TURNS) or 1
    return interval * times


def _pieces(start: datetime, end: datetime, step: timedelta) -> Iterator[tuple[datetime, datetime]]:
    begin = start
    while begin <= end:
        until = min(begin + step * (TURNS_A_PIECE - 1), end)
        yield begin, until
        begin = until + step


def _ended(one: Firing, end: datetime) -> datetime:
    return one.ended_at or end
