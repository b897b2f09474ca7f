"""How far a series has moved from what it was, and since when, in measures that do not depend on its scale.

With a known onset the samples before it are compared with the last ones; without one, the change points of the series give it, and a slow
rise is seen from its first quarter against its end. The distance is measured in spreads (median of the absolute deviations) of the time
before. Few samples allow few claims: fewer than four, and nothing has moved; a spread of nothing is taken as a small share of the level.
What went back to where it was has not moved: a diagnosis is about now.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from tools.engines.changepoint import ChangePoint, change_points

Points = Sequence[tuple[float, float]]
LEAST_SAMPLES = 4
LEAST_SPREAD = 0.03
NORMAL = 1.4826
FAR = 5.0
FEW = 12
NO_BEFORE = 15
"""Fewer samples than this that all say the same may all be of the time of trouble."""


@dataclass(frozen=True, slots=True)
class Shift:
    before: float
    after: float
    spread: float
    onset: float
    samples: int

    @property
    def score(self) -> float:
        """In spreads of the time before; negative where it fell."""
        floor = LEAST_SPREAD * max(abs(self.before), abs(self.after)) or 1e-12
        return (self.after - self.before) / max(self.spread, floor)

    @property
    def times(self) -> float:
        if self.before <= 0:
            return float("inf") if self.after > 0 else 1.0
        return self.after / self.before

    def rose(self, times: float = 1.3, by: float = 0.0) -> bool:
        return self.score >= FAR and self.times >= times and self.after - self.before >= by

    def fell(self, times: float = 1.3) -> bool:
        return self.score <= -FAR and self.after * times <= self.before


def shift(points: Points, onset: float | None = None) -> Shift | None:
    if len(points) < LEAST_SAMPLES:
        return None
    if onset is not None:
        early = [value for at, value in points if at < onset]
        late = [value for at, value in points if at >= onset]
        if len(early) >= 2 and len(late) >= 1:
            return _between(early, late[-max(3, len(late) // 2) :], onset, len(points))
    return _found(points)


def _found(points: Points) -> Shift | None:
    latest = level(points)
    gone = _risen(points, latest)
    begun = _begun(change_points(points), latest)
    if begun is None:
        return gone
    early = [value for at, value in points if at < begun]
    if len(early) < 2:
        return gone
    stepped = _between(early, [latest], begun, len(points))
    # Of a slow rise the time before the step is part of it already.
    return stepped if abs(stepped.score) >= abs(gone.score) else gone


def _begun(steps: Sequence[ChangePoint], latest: float) -> float | None:
    """When the present level began: several steps in one direction are one, begun with the first of them."""
    lasting = list(steps)
    while lasting and not _lasts(lasting[-1].before, lasting[-1].after, latest):
        lasting.pop()
    if not lasting:
        return None
    first = lasting[-1]
    for step in reversed(lasting[:-1]):
        if (step.after - step.before) * (first.after - first.before) <= 0:
            break
        first = step
    return first.at


def _risen(points: Points, latest: float) -> Shift:
    """The first quarter against the end."""
    early = [value for _, value in points[: max(2, len(points) // 4)]]
    found = _between(early, [latest], points[0][0], len(points))
    return Shift(found.before, found.after, found.spread, _left(points, found), len(points))


def _lasts(before: float, after: float, latest: float) -> bool:
    """Whether the end is nearer to the new level than to the old."""
    return abs(latest - after) <= abs(latest - before)


def _left(points: Points, found: Shift) -> float:
    """When it had gone half of the way for the last time."""
    half = (found.before + found.after) / 2
    rising = found.after >= found.before
    begin = points[-1][0]
    for at, value in reversed(points):
        if (value >= half) != rising and value != half:
            break
        begin = at
    return begin


def _between(early: Sequence[float], late: Sequence[float], onset: float, samples: int) -> Shift:
    before = median(early)
    spread = NORMAL * median(abs(value - before) for value in early)
    return Shift(before, median(late), spread, onset, samples)


def level(points: Points) -> float:
    """Where it is now: the median of the last few."""
    many = max(1, min(3, len(points) // 4 or 1))
    return median(value for _, value in points[-many:])


def outliers(levels: Sequence[tuple[str, float]], times: float = 2.0) -> list[str]:
    """Who stands far above its peers: the few of many, each against the median of the others."""
    if len(levels) < 2:
        return []
    # Of many, one more or less does not move the median.
    middle, spread = _middle([value for _, value in levels]) if len(levels) > FEW else (0.0, 0.0)
    found = []
    for name, value in levels:
        if len(levels) <= FEW:
            middle, spread = _middle([other for who, other in levels if who != name])
        if value > 0 and value >= times * middle and value - middle > FAR * max(spread, LEAST_SPREAD * abs(middle)):
            found.append(name)
    return found if len(found) * 2 <= len(levels) else []


def _middle(values: Sequence[float]) -> tuple[float, float]:
    middle = median(values)
    return middle, NORMAL * median(abs(value - middle) for value in values)


def beside(value: float, peers: Sequence[float], points: Points) -> Shift:
    """Where no time before was measured, the peers stand for it: what they are at is what would be usual."""
    middle, spread = _middle(peers)
    return Shift(middle, value, spread, points[0][0], len(points))


def mean_of(many: Iterable[Points]) -> list[tuple[float, float]]:
    """One series out of several: at each time the mean of those that were sampled then."""
    total: dict[float, list[float]] = {}
    for points in many:
        for at, value in points:
            total.setdefault(at, []).append(value)
    return [(at, sum(values) / len(values)) for at, values in sorted(total.items())]
