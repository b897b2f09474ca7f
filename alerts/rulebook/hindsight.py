"""An isolation forest tried on the past: walked through it, learning only from what lay before.

The past is read once, with as much before it as the first lesson needs. Then, block by block, the forests are learnt from the moments
before the block and judge the moments in it, in a thread. Where the rule's own pace of learning would take too many lessons the blocks are
longer, and the report says how long. Turns lie at the detector's step. A moment that cannot be judged repeats what was found before it, as
the watch leaves an alert as it is; a thing that has no sample at all has ended.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from alerts.durations import parse_duration
from alerts.rulebook.backtest import LONGEST, MAX_SAMPLES, Past, Replay, Report, play
from alerts.rulebook.detectors import IsolationForest
from alerts.rulebook.forest import Bools
from alerts.rulebook.forests import Thing, learn_calm, read_past, standing_out
from alerts.rulebook.usual import Floats, Grid
from alerts.rules import Rule
from core.errors import Invalid

MAX_LESSONS = 600
MAX_TURNS = 10_000


@dataclass(frozen=True)
class Found:
    """A thing's line of scores, where it stood out."""

    labels: dict[str, str]
    points: list[tuple[float, float]]


async def backtest_forest(rule: Rule, forest: IsolationForest, past: Past, end: datetime, length: timedelta) -> Report:
    if not timedelta(0) < length <= LONGEST:
        raise Invalid(f"The past is tried for up to {LONGEST.days} days.", field="days")
    step, train = parse_duration(forest.step), parse_duration(forest.train)
    turns = length // step
    before = train // step
    if turns + before > MAX_TURNS:
        raise Invalid(
            f"That is {turns + before} steps of {forest.step}; at most {MAX_TURNS}: try fewer days.", field="days"
        )
    start = end - step * turns
    grid = await read_past(rule, forest, past, start - step * before, end)
    if sum(rows.size for rows in grid.things.values()) > MAX_SAMPLES:
        raise Invalid("The series have too many samples to be tried on the past: try fewer days.", field="series")
    block = _block(forest, turns + 1, len(grid.things), step)
    lines = await asyncio.to_thread(_walk, rule.id, forest, grid, before, block)
    replay = Replay(rule)
    played = play(replay, lines, start, end, step)
    return Report(start, end, step, step, played, replay.finish(), replay.pending_only, block * step)


def _block(forest: IsolationForest, turns: int, things: int, step: timedelta) -> int:
    """Its own pace in turns, or the smallest with which the lessons stay within their bound."""
    own = max(1, parse_duration(forest.retrain) // step)
    return max(own, -(-turns * max(things, 1) // MAX_LESSONS))


def _walk(rule_id: str, forest: IsolationForest, grid: Grid, before: int, block: int) -> list[Found]:
    times = grid.times()
    return [_line(rule_id, forest, thing, rows, times, before, block) for thing, rows in grid.things.items()]


def _line(
    rule_id: str, forest: IsolationForest, thing: Thing, rows: Floats, times: Floats, before: int, block: int
) -> Found:
    scores = np.full(len(rows), np.nan)
    for begin in range(before, len(rows), block):
        usual = learn_calm(rule_id, forest, thing, rows[begin - before : begin])
        part = rows[begin : begin + block]
        whole = np.isfinite(part).all(axis=1)
        if usual is not None and whole.any():
            found, told = standing_out(forest, usual, part[whole])
            scores[begin + np.flatnonzero(whole)] = np.where(told, found, 0.0)
    there: Bools = np.asarray(np.isfinite(rows).any(axis=1))
    _repeat_over_gaps(scores, there)
    points = [(float(times[turn]), float(scores[turn])) for turn in range(before, len(rows)) if scores[turn] > 0]
    return Found(dict(zip(forest.by, thing, strict=True)), points)


def _repeat_over_gaps(scores: Floats, there: Bools) -> None:
    for turn in np.flatnonzero(np.isnan(scores)):
        scores[turn] = scores[turn - 1] if turn and there[turn] and np.isfinite(scores[turn - 1]) else 0.0
