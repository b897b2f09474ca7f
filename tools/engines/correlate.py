"""Which curves move together: the coefficient of every pair, over the moments at which both were measured.

Correlation is a hint where to look and never a cause, so nothing here feeds the ranking of causes. A flat curve moves with nobody, and
a few points move together by chance: neither gives a pair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import StatisticsError, correlation

from core.language import Language, Text

LEAST_POINTS = 8
LEAST = 0.5
STRONG, MODERATE = 0.8, 0.6
Curve = Sequence[tuple[float, float]]
_STRENGTHS = {
    (True, True): Text("strong positive", "强正相关"),
    (True, False): Text("moderate positive", "中等正相关"),
    (False, True): Text("strong negative", "强负相关"),
    (False, False): Text("moderate negative", "中等负相关"),
}
_SAID = Text("{one} and {other} move together: {strength}", "{one} 与 {other} 呈{strength}")


@dataclass(frozen=True, slots=True)
class Pair:
    one: str
    other: str
    coefficient: float
    points: int

    def strength(self, language: Language) -> str:
        return _STRENGTHS[(self.coefficient > 0, abs(self.coefficient) >= STRONG)](language)

    def said(self, language: Language) -> str:
        return _SAID(language, one=self.one, other=self.other, strength=self.strength(language))


def pairs(curves: Mapping[str, Curve], least: float = LEAST) -> list[Pair]:
    """The strongest first."""
    found = (_pair(one, curves[one], other, curves[other]) for one, other in combinations(sorted(curves), 2))
    kept = [pair for pair in found if pair and abs(pair.coefficient) >= least]
    return sorted(kept, key=lambda pair: (-abs(pair.coefficient), pair.one, pair.other))


def _pair(one: str, first: Curve, other: str, second: Curve) -> Pair | None:
    held = dict(second)
    both = [(value, held[at]) for at, value in first if at in held]
    if len(both) < LEAST_POINTS:
        return None
    try:
        coefficient = correlation([a for a, _ in both], [b for _, b in both])
    except StatisticsError:
        return None  # one of them is flat
    return Pair(one, other, round(coefficient, 3), len(both))
