"""Samples as they come out of a file, made fit to reckon with: in order, finite, counters as rates.

A counter that falls was restarted: what it shows after that is what it has grown by since. The rate is taken over a window that is long
enough to bridge a scrape or two and short against the whole, because answers are often sampled more finely than anybody measured.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

Points = list[tuple[float, float]]
RATE_WINDOW = 120.0
MOST = 1e300
"""Sums of more than this have no number."""
LAST = 1e11
"""A time beyond this is none, or counted in milliseconds."""
LEAST_MONOTONE = 6
HAIR = 0.01


def cleaned(points: Iterable[Any]) -> Points:
    """Pairs of time and finite value in order of time; the last one where a time is told twice."""
    found: dict[float, float] = {}
    for pair in points:
        read = _pair(pair)
        if read:
            found[read[0]] = read[1]
    return sorted(found.items())


def _pair(pair: Any) -> tuple[float, float] | None:
    try:
        at, value = pair
        at, value = float(at), float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if at > LAST:
        at /= 1000  # milliseconds since the epoch
    return (at, value) if 0 <= at < LAST and abs(value) <= MOST else None


def step_of(points: Sequence[tuple[float, float]]) -> float:
    gaps = [later[0] - earlier[0] for earlier, later in pairwise(points)]
    return median(gaps) if gaps else 0.0


def rates(points: Sequence[tuple[float, float]]) -> Points:
    """A counter's increase a second; nothing where there is but one sample."""
    if len(points) < 2:
        return []
    span = points[-1][0] - points[0][0]
    window = max(step_of(points), min(RATE_WINDOW, span / 5))
    grown, total = [0.0], 0.0
    for (_, before), (_, now) in pairwise(points):
        total += now - before if now >= before else _after_a_fall(before, now)
        grown.append(total)
    found, start = [], 0
    for place in range(1, len(points)):
        while start + 1 < place and points[place][0] - points[start + 1][0] >= window:
            start += 1
        seconds = points[place][0] - points[start][0]
        if seconds > 0:
            found.append((points[place][0], (grown[place] - grown[start]) / seconds))
    return found


def _after_a_fall(before: float, now: float) -> float:
    """Since a restart a counter has grown by what it shows; one that falls by a hair was only read again, as kernels do with idle time."""
    return 0.0 if now >= (1 - HAIR) * before else max(now, 0.0)


def only_grows(points: Sequence[tuple[float, float]]) -> bool:
    """Whether it looks like a counter that nobody made a rate of: many steps up, hardly one down, and those to near zero."""
    if len(points) < LEAST_MONOTONE:
        return False
    values = [value for _, value in points]
    ups = sum(later > earlier for earlier, later in pairwise(values))
    downs = [later for earlier, later in pairwise(values) if later < earlier]
    grown = max(values) - min(values)
    if len(downs) > len(values) // 10 or any(value > 0.2 * max(values) for value in downs):
        return False
    return ups >= len(values) // 2 and values[0] > 3 * grown / len(values)


def summed(many: Sequence[Sequence[tuple[float, float]]]) -> Points:
    if len(many) == 1:
        return list(many[0])
    total: dict[float, float] = {}
    for points in many:
        for at, value in points:
            total[at] = total.get(at, 0.0) + value
    return sorted(total.items())


def combined(left: Sequence[tuple[float, float]], right: Sequence[tuple[float, float]], sign: str) -> Points:
    """Sample by sample where both were taken at one time; a division by nothing has no value."""
    other = dict(right)
    found = []
    for at, value in left:
        second = other.get(at)
        if second is None or (sign == "/" and second <= 0):
            continue
        found.append((at, value / second if sign == "/" else value - second))
    return found


def scaled(points: Iterable[tuple[float, float]], by: float) -> Points:
    return [(at, value * by) for at, value in points]
