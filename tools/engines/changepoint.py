"""Where a series of numbers moved to another level, and when.

Binary segmentation on binned medians: the cut that best explains the values by two levels instead of one is accepted if the step stands
far out of the noise, then both sides are searched in turn. A cut that turns out to be part of a slope, or of a spike, is dropped again,
and the several small steps that a moving average makes of one are put together. The thresholds are deliberately deaf: a person reads at
most three moments, and each of them must be one that can be seen with bare eyes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

MAX_BINS = 240
MIN_SIDE = 3
MOST = 3
MAX_CUTS = 20
STANDS_OUT = 6.0
MATTERS = 0.15
VISIBLE = 3.0
NEAR = 0.06


# Where, the level before, the level after.
Step = tuple[int, float, float]


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """From `at` on, the values are around `after`."""

    at: float
    before: float
    after: float


def change_points(points: Sequence[tuple[float, float]]) -> list[ChangePoint]:
    """At most three, in order of time; not-a-number and infinities are left out."""
    bins = _binned([(at, value) for at, value in points if math.isfinite(value)])
    values = [value for _, value in bins]
    if len(values) < 2 * MIN_SIDE:
        return []
    noise = _noise(values)
    cuts: list[int] = []
    _search(values, 0, len(values), STANDS_OUT * noise, cuts)
    steps = _merged(_steps(values, sorted(cuts), noise), _span(values))
    largest = sorted(steps, key=lambda step: abs(step[2] - step[1]), reverse=True)[:MOST]
    return [ChangePoint(bins[cut][0], before, after) for cut, before, after in sorted(largest)]


def _steps(values: Sequence[float], cuts: list[int], noise: float) -> list[Step]:
    """The cuts that are steps between two levels, with the levels; where one falls away its neighbours are judged anew."""
    while True:
        levels = [median(values[start:end]) for start, end in pairwise([0, *cuts, len(values)])]
        steps = [(cut, levels[place], levels[place + 1]) for place, cut in enumerate(cuts)]
        doubtful = [step for step in steps if not (_matters(step, noise) and _is_sharp(values, *step))]
        if not doubtful:
            return steps
        # One at a time, the smallest first: a step that a moving average smeared is several small cuts until they merge.
        cuts.remove(min(doubtful, key=lambda step: abs(step[2] - step[1]))[0])


def _merged(steps: list[Step], span: int) -> list[Step]:
    """Steps in one direction that follow each other closely are one, begun at the first."""
    merged: list[Step] = []
    last = 0
    for cut, before, after in steps:
        if merged and cut - last <= span and (after - before) * (merged[-1][2] - merged[-1][1]) > 0:
            merged[-1] = (merged[-1][0], merged[-1][1], after)
        else:
            merged.append((cut, before, after))
        last = cut
    return merged


def _is_sharp(values: Sequence[float], cut: int, before: float, after: float) -> bool:
    """Most of the way happens close to the cut; a long slope is not a step."""
    near = max(MIN_SIDE, round(len(values) * NEAR))
    local = median(values[cut : cut + near]) - median(values[max(0, cut - near) : cut])
    return local * (after - before) > 0 and abs(local) >= abs(after - before) / 2


def _span(values: Sequence[float]) -> int:
    return max(MIN_SIDE, len(values) // 12)


def _binned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    width = max(1, math.ceil(len(points) / MAX_BINS))
    if width == 1:
        return points
    groups = (points[start : start + width] for start in range(0, len(points), width))
    return [(group[0][0], median(value for _, value in group)) for group in groups]


def _noise(values: Sequence[float]) -> float:
    """How far two values differ where nothing happened: between neighbours, and over a twelfth of the range (a rate of rare events
    wanders slowly). A step shows in few of these differences, so the seventieth of a hundred does not see it."""
    found = 1e-3 * max(abs(value) for value in values)
    for apart in (1, max(1, len(values) // 12)):
        jumps = sorted(abs(later - earlier) for earlier, later in zip(values, values[apart:], strict=False))
        # 1.036 standard deviations hold seventy of a hundred; a difference holds two noises.
        found = max(found, jumps[int(0.7 * (len(jumps) - 1))] / 1.036 / math.sqrt(2))
    return max(found, 1e-12)


def _search(values: Sequence[float], start: int, end: int, least: float, cuts: list[int]) -> None:
    found = _best_cut(values[start:end])
    if found is None or found[0] < least or len(cuts) >= MAX_CUTS:
        return
    cut = start + found[1]
    cuts.append(cut)
    _search(values, start, cut, least, cuts)
    _search(values, cut, end, least, cuts)


def _best_cut(values: Sequence[float]) -> tuple[float, int] | None:
    """The cut with the largest difference of means, weighed by how many values stand behind both."""
    size, total, left = len(values), math.fsum(values), 0.0
    best: tuple[float, int] | None = None
    for cut in range(1, size):
        left += values[cut - 1]
        if cut < MIN_SIDE or size - cut < MIN_SIDE:
            continue
        step = abs(left / cut - (total - left) / (size - cut))
        score = step * math.sqrt(cut * (size - cut) / size)
        if best is None or score > best[0]:
            best = (score, cut)
    return best


def _matters(step: Step, noise: float) -> bool:
    _, before, after = step
    size = abs(after - before)
    return size > VISIBLE * noise and size > MATTERS * max(abs(before), abs(after))
