"""Quantiles out of the buckets of a histogram, sample by sample, as Prometheus works them out."""

import math
from collections.abc import Sequence

from tools.engines.metrics.numbers import Points

Bucket = tuple[str, Points]
"""The bound as its label says it, and the rate of everything below it."""
WANTED = {"0.5": 0.5, "0.95": 0.95}


def quantiles(buckets: Sequence[Bucket]) -> dict[str, Points]:
    by_time: dict[float, dict[float, float]] = {}
    for text, points in buckets:
        bound = _bound(text)
        if bound is None:
            continue
        for at, rate in points:
            row = by_time.setdefault(at, {})
            row[bound] = row.get(bound, 0.0) + rate
    found: dict[str, Points] = {name: [] for name in WANTED}
    for at, row in sorted(by_time.items()):
        for name, share in WANTED.items():
            value = _quantile(share, sorted(row.items()))
            if value is not None:
                found[name].append((at, value))
    return {name: points for name, points in found.items() if points}


def _bound(text: str) -> float | None:
    try:
        return math.inf if text.lstrip("+").lower() == "inf" else float(text)
    except ValueError:
        return None


def _quantile(share: float, row: list[tuple[float, float]]) -> float | None:
    if len(row) < 2 or not math.isinf(row[-1][0]) or row[-1][1] <= 0:
        return None
    rank = share * row[-1][1]
    below, start = 0.0, 0.0
    for bound, total in row:
        if total >= rank:
            if math.isinf(bound):
                return start
            inside = total - below
            return start + (bound - start) * ((rank - below) / inside if inside > 0 else 1.0)
        below, start = total, bound
    return start
