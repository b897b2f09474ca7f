"""Latencies as distributions, and what a Prometheus histogram makes of them.

Successful requests follow a log-logistic distribution around their mean: right-skewed like real latencies, with a distribution function
in closed form, so a week of buckets is one vectorised expression.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.noise import Floats

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
LE = (*(f"{bound:g}" for bound in BUCKETS), "+Inf")
_BOUNDS = np.array(BUCKETS)[:, None]
SPREAD = 3.2
TIGHT = 14.0
_MEAN_OVER_MEDIAN = {spread: (np.pi / spread) / np.sin(np.pi / spread) for spread in (SPREAD, TIGHT)}


@dataclass(frozen=True)
class Part:
    """A share of the requests with its mean latency; `spread` is the shape (higher is tighter)."""

    share: Floats
    mean: Floats
    spread: float = SPREAD


def below(bound: float, mean: Floats, spread: float = SPREAD) -> Floats:
    """The share of requests that take at most `bound` seconds."""
    median = np.maximum(mean, 1e-6) / _MEAN_OVER_MEDIAN[spread]
    share: Floats = 1 / (1 + (median / bound) ** spread)
    return share


def buckets(rate: Floats, parts: list[Part]) -> Floats:
    """Requests a second at or under each bound: shape (bounds + 1, times)."""
    shares = np.zeros((len(LE), len(rate)))
    for part in parts:
        median = np.maximum(part.mean, 1e-6) / _MEAN_OVER_MEDIAN[part.spread]
        power = median**part.spread
        shares[:-1] += part.share / (1 + power * _BOUNDS**-part.spread)
        shares[-1] += part.share
    return shares * rate


_FALLING = {spread: tuple(bound**-spread for bound in BUCKETS) for spread in (SPREAD, TIGHT)}


def buckets_now(rate: float, parts: list[Part]) -> list[float]:
    """As `buckets`, and the sum and the count behind them, for one moment: plain numbers are quicker than arrays of one."""
    counts, total, seconds = [0.0] * len(BUCKETS), 0.0, 0.0
    for part in parts:
        share = float(part.share[0])
        if share <= 0:
            continue
        took = float(part.mean[0])
        power = float((max(took, 1e-6) / _MEAN_OVER_MEDIAN[part.spread]) ** part.spread)
        for index, falling in enumerate(_FALLING[part.spread]):
            counts[index] += share / (1 + power * falling)
        total += share
        seconds += share * took
    return [*(rate * count for count in counts), rate * total, rate * seconds, rate * total]


def mean(parts: list[Part]) -> Floats:
    return sum((part.share * part.mean for part in parts), parts[0].share * 0.0)


def merged(parts: list[Part]) -> list[Part]:
    """One part for each spread, with the mean of its members: what a histogram can tell apart anyway."""
    result = []
    for spread in (SPREAD, TIGHT):
        alike = [part for part in parts if part.spread == spread]
        if alike:
            share = sum((part.share for part in alike), alike[0].share * 0.0)
            result.append(Part(share, mean(alike) / np.maximum(share, 1e-12), spread))
    return result


def quantile(q: float, counts: list[float]) -> float | None:
    """histogram_quantile over cumulative counts, for the state page; None without requests."""
    total = counts[-1]
    if total <= 0:
        return None
    rank = q * total
    lower, before = 0.0, 0.0
    for bound, count in zip(BUCKETS, counts, strict=False):
        if count >= rank:
            return lower + (bound - lower) * (rank - before) / max(count - before, 1e-12)
        lower, before = bound, count
    return BUCKETS[-1]
