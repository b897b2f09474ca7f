"""A chart of what a rule watches, as a drawing made of numbers alone: no name and no label of a system is ever in it.

An expression with a comparison has no value while it does not hold, which makes a poor picture of what led there. So where the comparison
with a number is the last thing that the expression does, what stands before it is drawn, and the number as a line across.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

WIDTH, HEIGHT, STEPS = 720, 180, 3
MAX_LINES = 8
Points = Sequence[tuple[float, float]]
_TRAILING = re.compile(
    r"^(?P<watched>.+?)\s*(?P<op>>=|<=|==|!=|>|<)\s*(?P<limit>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*$", re.DOTALL
)
_SETS = re.compile(r"\b(and|or|unless)\b|[<>]|[=!]=")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`")


@dataclass(frozen=True, slots=True)
class Watched:
    expr: str
    limit: float | None = None


def watched(expr: str) -> Watched:
    found = _TRAILING.match(expr.strip())
    if found is None or not _stands_alone(found["watched"]):
        return Watched(expr)
    return Watched(found["watched"], float(found["limit"]))


def _stands_alone(expr: str) -> bool:
    """Whether the comparison after it is about all of it: no other comparison and no `and` beside it, outside parentheses."""
    bare, depth, outside = _QUOTED.sub("''", expr), 0, []
    for char in bare:
        depth += (char in "([{") - (char in ")]}")
        if depth < 0:
            return False
        if depth == 0:
            outside.append(char)
    return depth == 0 and not _SETS.search("".join(outside))


def belongs(series: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether a series is the alert's own: what it is labelled with, the alert is, too."""
    return all(labels.get(name) == value for name, value in series.items() if name != "__name__")


def drawing(lines: Sequence[Points], limit: float | None, start: datetime, end: datetime, mark: datetime | None) -> str:
    """As HTML; `mark` is when it began to fire. Numbers stand beside the drawing: a narrow screen squeezes lines and not text."""
    shown = [[point for point in line if math.isfinite(point[1])] for line in lines[:MAX_LINES]]
    values = [value for line in shown for _, value in line] + ([limit] if limit is not None else [])
    low, high = _range(values)
    scale = _Scale(start.timestamp(), end.timestamp(), low, high)
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img">']
    parts += [_across("grid", HEIGHT * step / STEPS) for step in range(STEPS + 1)]
    if mark is not None and start <= mark <= end:
        at = scale.x(mark.timestamp())
        parts.append(f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{HEIGHT}"/>')
    if limit is not None:
        parts.append(_across("limit", scale.y(limit)))
    parts += [_line(scale, line, number) for number, line in enumerate(shown)]
    heights = _spans(short(high - (high - low) * step / STEPS) for step in range(STEPS + 1))
    length = (end - start) / STEPS
    moments = _spans((start + length * step).astimezone(UTC).strftime("%H:%M") for step in range(STEPS + 1))
    picture = "".join([*parts, "</svg>"])
    return (
        f'<div class="fm-chart"><div class="heights">{heights}</div>{picture}<div class="moments">{moments}</div></div>'
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    begin: float
    end: float
    low: float
    high: float

    def x(self, at: float) -> float:
        return (at - self.begin) / ((self.end - self.begin) or 1) * WIDTH

    def y(self, value: float) -> float:
        return (self.high - value) / ((self.high - self.low) or 1) * HEIGHT


def _range(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return (0.0 if 0 <= low <= high - low else low - room), high + room


def _across(kind: str, down: float) -> str:
    return f'<line class="{kind}" x1="0" x2="{WIDTH}" y1="{down:.1f}" y2="{down:.1f}"/>'


def _spans(texts: Iterable[str]) -> str:
    return "".join(f"<span>{text}</span>" for text in texts)


def _line(scale: _Scale, line: Points, number: int) -> str:
    """Broken where samples are missing for longer than usual."""
    gaps = sorted(after[0] - before[0] for before, after in pairwise(line))
    usual = gaps[len(gaps) // 2] * 2.5 if gaps else 0.0
    steps, before = [], -math.inf
    for at, value in line:
        steps.append(f"{'M' if at - before > usual else 'L'}{scale.x(at):.1f} {scale.y(value):.1f}")
        before = at
    return f'<path class="line l{number}" d="{"".join(steps)}"/>' if steps else ""


def short(value: float) -> str:
    """A number for people: three digits that count, and a letter for thousands."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"
