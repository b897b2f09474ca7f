"""Quantiles of columns: of raw values, and of cumulative histogram buckets, as Prometheus interpolates both."""

import numpy as np

from simulator.promql.chunks import Values
from simulator.promql.values import Mask


def column_quantiles(q: Values, values: Values, present: Mask) -> Values:
    """The q-th quantile of each column over its present cells. NaN sorts below everything; no cell gives NaN."""
    counts = present.sum(axis=0)
    unknown = (np.isnan(values) & present).sum(axis=0)
    keys = np.where(present, np.where(np.isnan(values), -np.inf, values), np.inf)
    ordered = np.sort(keys, axis=0)
    ordered[np.arange(len(ordered))[:, None] < unknown] = np.nan
    rank = np.where(np.isnan(q), 0.0, q) * (counts - 1)
    floor = np.floor(rank)
    lower = np.clip(floor, 0, np.maximum(counts - 1, 0)).astype(np.int64)
    upper = np.minimum(lower + 1, np.maximum(counts - 1, 0))
    weight = rank - floor
    columns = np.arange(ordered.shape[1])
    result = ordered[lower, columns] * (1 - weight) + ordered[upper, columns] * weight
    result = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, result))
    return np.where(np.isnan(q) | (counts == 0), np.nan, result)


def bucket_quantiles(q: Values, bounds: Values, counts: Values) -> Values:
    """The q-th quantile of each column of cumulative counts; `bounds` ascend, a row of `counts` for each."""
    bounds, counts = _coalesced(bounds, counts)
    if len(bounds) < 2 or not np.isposinf(bounds[-1]):
        result = np.full(counts.shape[1], np.nan)
    else:
        result = _interpolated(q, bounds, _monotonic(counts))
    result = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, result))
    return np.where(np.isnan(q), np.nan, result)


def _coalesced(bounds: Values, counts: Values) -> tuple[Values, Values]:
    """Bounds that are written in two ways ("0.1" and "0.10") are one bucket."""
    unique, starts = np.unique(bounds, return_index=True)
    if len(unique) == len(bounds):
        return bounds, counts
    return unique, np.add.reduceat(counts, starts, axis=0)


def _monotonic(counts: Values) -> Values:
    highest = counts[0]
    rows = [highest]
    for row in counts[1:]:
        rows.append(np.where(row < highest, highest, row))
        highest = np.where(row > highest, row, highest)
    return np.array(rows)


def _interpolated(q: Values, bounds: Values, counts: Values) -> Values:
    columns = np.arange(counts.shape[1])
    total = counts[-1]
    rank = q * total
    reached = counts[:-1] >= rank
    bucket = np.where(reached.any(axis=0), reached.argmax(axis=0), len(bounds) - 1)
    below = np.maximum(bucket - 1, 0)
    start = np.where(bucket > 0, bounds[below], 0.0)
    before = np.where(bucket > 0, counts[below, columns], 0.0)
    share = (rank - before) / (counts[bucket, columns] - before)
    result = start + (bounds[bucket] - start) * share
    result = np.where((bucket == 0) & (bounds[0] <= 0), bounds[0], result)
    result = np.where(bucket == len(bounds) - 1, bounds[-2], result)
    return np.where(total == 0, np.nan, result)
