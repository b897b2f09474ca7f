"""Whether a series only grows: a leak, which is told by its slope and not by its level.

The slope is the median of the slopes between samples far apart (Theil and Sen), so that single samples do not count. A restart
sets a leak back to its start and it grows again: such a saw is cut at its falls, and the pieces have to agree. What grew for a while and
then stood still, a cache that is full or a program that warmed up, is no leak.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

Points = Sequence[tuple[float, float]]
LEAST_SAMPLES = 8
FELL = 0.35
LEAST_GROWTH = 0.3
MAX_SAMPLES = 120


@dataclass(frozen=True, slots=True)
class Growth:
    start: float
    end: float
    per_second: float
    since: float
    """When the last piece began to grow."""
    pieces: int
    """One more than the falls between them."""

    @property
    def times(self) -> float:
        return self.end / self.start if self.start > 0 else float("inf")


def growth(points: Points) -> Growth | None:
    pieces = [piece for piece in _pieces(points) if piece]
    long = [_grown(piece) for piece in pieces if len(piece) >= LEAST_SAMPLES]
    grown = [found for found in long if found]
    # The last piece may be too young to show it; what is long enough and does not grow says no.
    if not grown or len(grown) * 2 < len(long) or long[-1] is None:
        return None
    last = grown[-1]
    return Growth(last.start, last.end, last.per_second, last.since, len(pieces))


def _pieces(points: Points) -> list[Points]:
    """Cut where it falls by much from one sample to the next."""
    cuts, top = [0], 0.0
    for place, (_, value) in enumerate(points):
        if place and value < (1 - FELL) * top:
            cuts.append(place)
            top = 0.0
        top = max(top, value)
    return [points[start:end] for start, end in zip(cuts, [*cuts[1:], len(points)], strict=True)]


def _grown(points: Points) -> Growth | None:
    if len(points) < LEAST_SAMPLES:
        return None
    points = _without_the_flat_start(points)
    if len(points) < LEAST_SAMPLES:
        return None
    thinned = points[:: max(1, len(points) // MAX_SAMPLES)]
    slope = _slope(thinned)
    eighth = max(2, len(thinned) // 8)
    start = median(value for _, value in thinned[:eighth])
    end = median(value for _, value in thinned[-eighth:])
    if slope <= 0 or end - start < LEAST_GROWTH * abs(start) or not _is_steady(thinned, end - start):
        return None
    return Growth(start, end, slope, points[0][0], 1)


def _without_the_flat_start(points: Points) -> Points:
    """A leak may begin within the window."""
    values = [value for _, value in points]
    low, high = min(values), max(values)
    quiet = low + 0.08 * (high - low)
    begin = next((place for place, value in enumerate(values) if value > quiet), 0)
    return points[max(0, begin - 1) :]


def _slope(points: Points) -> float:
    half = len(points) // 2
    slopes = [
        (late - early) / (then - at) for (at, early), (then, late) in zip(points[:half], points[-half:], strict=True)
    ]
    return median(slopes)


def _is_steady(points: Points, whole: float) -> bool:
    """Growing in each of its parts, with no part that takes nearly all of it: no step, no saturation."""
    parts = 5 if len(points) >= 20 else 4
    size = len(points) / parts
    middles = [
        median(value for _, value in points[int(part * size) : max(int((part + 1) * size), int(part * size) + 1)])
        for part in range(parts)
    ]
    steps = [later - earlier for earlier, later in pairwise(middles)]
    return all(0.05 * whole < step < 0.6 * whole for step in steps)
