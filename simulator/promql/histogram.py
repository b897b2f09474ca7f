"""histogram_quantile over classic histograms: series of one histogram differ in `le` alone.

At most steps all buckets of a histogram exist together and are interpolated for all those steps in one go; steps at which some
are missing are grouped by which ones exist.
"""

import numpy as np

from simulator.promql.chunks import Values
from simulator.promql.quantiles import bucket_quantiles
from simulator.promql.tsdb import Labels
from simulator.promql.values import Mask, Vector, at_any, drop_labels, groups_of, merged, names_of, without_name


def histogram_quantile(q: Values, vector: Vector) -> Vector:
    bounds = [_bound(labels) for labels in vector.labels]
    buckets = vector.rows(np.array([bound is not None for bound in bounds], dtype=bool))
    uppers = np.array([bound for bound in bounds if bound is not None])
    groups = groups_of([drop_labels(labels, names_of("le")) for labels in buckets.labels])
    shape = (len(groups), len(q))
    values, present = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    for target, members in enumerate(groups):
        rows = np.array(members)[np.argsort(uppers[members], kind="stable")]
        values[target], present[target] = _one(q, uppers[rows], buckets.values[rows], buckets.present[rows])
    labels = [drop_labels(without_name(buckets.labels[rows[0]]), names_of("le")) for rows in groups]
    return merged(Vector(labels, values, present))


def _bound(labels: Labels) -> float | None:
    text = dict(labels).get("le")
    if text is None or "_" in text or text != text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _one(q: Values, bounds: Values, counts: Values, present: Mask) -> tuple[Values, Mask]:
    result = np.full(len(q), np.nan)
    exists = at_any(present)
    if present[:, exists].all():
        result[exists] = bucket_quantiles(q[exists], bounds, counts[:, exists])
        return result, exists
    patterns, which = np.unique(present, axis=1, return_inverse=True)
    for number in range(patterns.shape[1]):
        rows, steps = patterns[:, number], which.ravel() == number
        if rows.any():
            result[steps] = bucket_quantiles(q[steps], bounds[rows], counts[np.ix_(rows, steps)])
    return result, exists
