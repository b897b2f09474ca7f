"""The forests of rules in force: learnt in the background, kept, and asked at every turn of their rule.

A turn asks one question per series, at the turn's moment, and judges each thing by the forest of its own past. Learning reads that past
with one range query per series and grows the forests in a thread, one rule at a time, so that a turn never waits for it: until a rule has
learnt, its turns fail with a sentence that says so, and a failed turn moves no alert. What was learnt is in memory only; after a restart
or a change of the rule it is learnt anew, which gives the same, because chance is seeded by the rule's id.

No data is no anomaly. A thing that misses a sample of one series, or that has too short a past, is not judged: its alert stays as it is
and the rule's note says which and why. A thing that is gone from every series is gone, as it is for any other rule.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from alerts.durations import parse_duration
from alerts.patience import together
from alerts.reading import Sample, Seen, Told
from alerts.rulebook.backtest import Past
from alerts.rulebook.detectors import IsolationForest
from alerts.rulebook.forest import Bools
from alerts.rulebook.usual import Floats, Grid, Usual, gridded, learn, seed_of
from alerts.rules import Rule
from core.clock import Clock
from core.errors import FirstmateError, Invalid, Unready
from core.logs import get
from core.metrics import Metrics

MAX_THINGS = 50
MAX_IN_ALL = 100
"""A thing's forest takes about a megabyte."""
MAX_TOLD = 5
AGAIN = timedelta(minutes=1)
FORGET = timedelta(minutes=30)
Thing = tuple[str, ...]
Ask = Callable[[str], Coroutine[Any, Any, Sequence[Sample]]]
_log = get(__name__)


@dataclass(frozen=True)
class Learnt:
    """What one rule knows of its things; None for one whose past is too short."""

    detector: IsolationForest
    at: datetime
    things: Mapping[Thing, Usual | None]


@dataclass
class _Pupil:
    learnt: Learnt | None = None
    lesson: "asyncio.Task[None] | None" = None
    tried_at: datetime | None = None
    failed: str = ""
    asked_at: datetime | None = None


@dataclass
class Forests:
    past: Past
    clock: Clock
    metrics: Metrics
    _pupils: dict[str, _Pupil] = field(default_factory=dict)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self, rule: Rule, detector: IsolationForest, ask: Ask) -> Seen:
        """What stands out now, by the forest of each thing's past."""
        pupil = self._pupil(rule.id, detector)
        pupil.asked_at = self.clock.now()
        self._teach(rule, detector, pupil)
        if pupil.learnt is None:
            why = pupil.failed or f"its usual is being learnt from the last {detector.train}"
            raise Unready(f"The rule {rule.name}", f"does not watch yet: {why}")
        answers = await together(ask(series.expr) for series in detector.series)
        moment = _moment(rule, detector, answers)
        return await asyncio.to_thread(judge, detector, pupil.learnt, moment, pupil.failed)

    async def settle(self) -> None:
        """Until no lesson is under way."""
        lessons = [pupil.lesson for pupil in self._pupils.values() if pupil.lesson]
        await asyncio.gather(*lessons, return_exceptions=True)

    async def close(self) -> None:
        for pupil in self._pupils.values():
            if pupil.lesson:
                pupil.lesson.cancel()
        await self.settle()

    def _pupil(self, rule_id: str, detector: IsolationForest) -> _Pupil:
        pupil = self._pupils.get(rule_id)
        if pupil is None or (pupil.learnt is not None and pupil.learnt.detector != detector):
            pupil = self._pupils[rule_id] = _Pupil()
        return pupil

    def _teach(self, rule: Rule, detector: IsolationForest, pupil: _Pupil) -> None:
        now = self.clock.now()
        fresh = pupil.learnt is not None and now - pupil.learnt.at < parse_duration(detector.retrain)
        just_tried = pupil.tried_at is not None and now - pupil.tried_at < AGAIN
        under_way = pupil.lesson is not None and not pupil.lesson.done()
        if not (fresh or just_tried or under_way):
            pupil.tried_at = now
            pupil.lesson = asyncio.create_task(self._lesson(rule, detector, pupil, now), name=f"forest {rule.name}")

    def _make_room(self, rule: Rule, many: int) -> None:
        """Forests of rules that nobody has asked for since their last lesson fell due are forgotten."""
        now = self.clock.now()
        for rule_id, pupil in list(self._pupils.items()):
            if rule_id != rule.id and pupil.learnt and pupil.asked_at and now - pupil.asked_at > FORGET:
                del self._pupils[rule_id]
        others = sum(len(one.learnt.things) for name, one in self._pupils.items() if one.learnt and name != rule.id)
        if others + many > MAX_IN_ALL:
            raise Invalid(
                f"{others} things are learnt for other rules and this one has {many}; at most {MAX_IN_ALL} in all: "
                "narrow one of the rules.",
                field="by",
            )

    async def _lesson(self, rule: Rule, detector: IsolationForest, pupil: _Pupil, now: datetime) -> None:
        async with self._one_at_a_time:
            started = self.clock.monotonic()
            try:
                span = parse_duration(detector.train)
                grid = await read_past(rule, detector, self.past, now - span, now)
                self._make_room(rule, len(grid.things))
                things = await asyncio.to_thread(learn_all, rule.id, detector, grid)
            except FirstmateError as error:
                pupil.failed = error.sentence
                self.metrics.forest_lessons.labels("failed").inc()
                _log.warning("a forest could not be learnt", rule=rule.name, error=error.sentence)
                return
            pupil.learnt, pupil.failed = Learnt(detector, now, things), ""
            self.metrics.forest_lessons.labels("ok").inc()
            self.metrics.forest_seconds.observe(self.clock.monotonic() - started)


def learn_all(rule_id: str, detector: IsolationForest, grid: Grid) -> dict[Thing, Usual | None]:
    return {thing: learn_calm(rule_id, detector, thing, rows) for thing, rows in grid.things.items()}


def learn_calm(rule_id: str, detector: IsolationForest, thing: Thing, rows: Floats) -> Usual | None:
    """Learnt twice, the second time without what stood out by the first: trouble that lasts is not to become what is usual.

    Only what lasts for a good part of the past does: then it has moved the middle itself, and is a new life rather than a trouble.
    """
    seed = seed_of(rule_id, *thing)
    first = learn(rows, seed)
    if first is None:
        return None
    whole = rows[np.isfinite(rows).all(axis=1)]
    _, told = standing_out(detector, first, whole)
    return learn(whole[~told], seed) or first if told.any() else first


async def read_past(rule: Rule, detector: IsolationForest, past: Past, start: datetime, end: datetime) -> Grid:
    step = parse_duration(detector.step)
    columns = []
    for series in detector.series:
        lines = await past.query_range(series.expr, start, end, step.total_seconds())
        columns.append([(_thing(detector, line.labels), line.points) for line in lines])
        _refuse_doubles(rule, detector, series.shown, [thing for thing, _ in columns[-1]])
    grid = gridded(columns, start.timestamp(), step.total_seconds(), int((end - start) / step) + 1)
    _refuse_crowds(rule, len(grid.things))
    return grid


def judge(detector: IsolationForest, learnt: Learnt, moment: Mapping[Thing, Floats], failed: str = "") -> Seen:
    samples: list[Told] = []
    unjudged: dict[Thing, str] = {}
    for thing, row in moment.items():
        usual = learnt.things.get(thing)
        missing = [series.shown for series, value in zip(detector.series, row, strict=True) if not np.isfinite(value)]
        if missing:
            unjudged[thing] = f"no sample of {', '.join(missing)}"
        elif usual is None:
            unjudged[thing] = "too short a past"
        else:
            samples += _told(detector, thing, usual, row)
    held = frozenset(_labels(detector, thing) for thing in unjudged)
    return Seen(samples, held, _note(detector, learnt, len(moment), unjudged, failed))


def standing_out(detector: IsolationForest, usual: Usual, rows: Floats) -> tuple[Floats, Bools]:
    """The scores, and which of them are told."""
    scores, distances = usual.judge(rows)
    return scores, (scores >= detector.threshold) & (distances >= detector.deviation)


def _told(detector: IsolationForest, thing: Thing, usual: Usual, row: Floats) -> Iterable[Told]:
    scores, stands_out = standing_out(detector, usual, row[None, :])
    if not stands_out[0]:
        return
    odd = usual.odd_one(row)
    name = detector.series[odd].shown
    value, low, high = (_figure(each[odd]) for each in (row, usual.low, usual.high))
    said = f"{name} is {value}; usually it is {low} to {high} (as in the last {detector.train})."
    said_zh = f"{name} 当前为 {value}；过去 {detector.train} 的通常范围为 {low} 至 {high}。"
    yield Told(dict(_labels(detector, thing)), float(scores[0]), {"description": said, "description_zh": said_zh})


def _figure(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1_000 else f"{value:.0f}"


def _note(detector: IsolationForest, learnt: Learnt, many: int, unjudged: Mapping[Thing, str], failed: str) -> str:
    parts = [f"learnt {learnt.at:%Y-%m-%d %H:%M} UTC"]
    if failed:
        parts.append(f"it could not be learnt anew: {failed}")
    if not many:
        parts.append("no series has a sample now: nothing is judged")
    if unjudged:
        shown = [f"{_shown(detector, thing)} {why}" for thing, why in list(unjudged.items())[:MAX_TOLD]]
        parts.append(f"{len(unjudged)} of {many} not judged: {'; '.join(shown)}")
    return ". ".join(parts)


def _moment(rule: Rule, detector: IsolationForest, answers: Sequence[Sequence[Sample]]) -> dict[Thing, Floats]:
    things: dict[Thing, Floats] = {}
    for column, samples in enumerate(answers):
        keys = [_thing(detector, sample.labels) for sample in samples]
        _refuse_doubles(rule, detector, detector.series[column].shown, keys)
        for key, sample in zip(keys, samples, strict=True):
            things.setdefault(key, np.full(len(answers), np.nan))[column] = sample.value
    _refuse_crowds(rule, len(things))
    return things


def _refuse_doubles(rule: Rule, detector: IsolationForest, name: str, things: Sequence[Thing]) -> None:
    if len(set(things)) == len(things):
        return
    doubled = next(thing for thing in things if things.count(thing) > 1)
    by = ", ".join(detector.by)
    raise Invalid(
        f"The rule {rule.name}: {name} has several series for {_shown(detector, doubled)}. "
        f"Aggregate it, as in sum by ({by}) (...), or name more labels in by.",
        field="series",
    )


def _refuse_crowds(rule: Rule, many: int) -> None:
    if many > MAX_THINGS:
        raise Invalid(
            f"The rule {rule.name} tells {many} things apart; at most {MAX_THINGS} are learnt: name fewer labels in by, "
            "or narrow the series.",
            field="by",
        )


def _thing(detector: IsolationForest, labels: Mapping[str, str]) -> Thing:
    return tuple(labels.get(name, "") for name in detector.by)


def _labels(detector: IsolationForest, thing: Thing) -> tuple[tuple[str, str], ...]:
    return tuple(zip(detector.by, thing, strict=True))


def _shown(detector: IsolationForest, thing: Thing) -> str:
    return ", ".join(f"{name}={value}" for name, value in _labels(detector, thing)) or "the whole"
