"""Functions of range vectors: each turns the samples of every window into one value.

The formulas are Prometheus's, among them the extrapolation of `rate`, `increase` and `delta` to the edges of the window, and
compensated sums where plain ones would lose what the answer is about.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from simulator.promql.chunks import Values
from simulator.promql.errors import ExecutionFailed
from simulator.promql.quantiles import column_quantiles
from simulator.promql.values import Mask
from simulator.promql.windows import Block, Positions, Windows

Kernel = Callable[[Windows, Sequence[Values]], tuple[Values, Mask]]

CANCELLED = 1e-4


def rate(windows: Windows, _: Sequence[Values]) -> tuple[Values, Mask]:
    values, present = _extrapolated(windows, counter=True)
    return values / (_range_ms(windows) / 1000), present


def increase(windows: Windows, _: Sequence[Values]) -> tuple[Values, Mask]:
    return _extrapolated(windows, counter=True)


def delta(windows: Windows, _: Sequence[Values]) -> tuple[Values, Mask]:
    return _extrapolated(windows, counter=False)


def _range_ms(windows: Windows) -> int:
    return int(windows.span.ends[0] - windows.span.starts[0])


def _extrapolated(windows: Windows, *, counter: bool) -> tuple[Values, Mask]:
    counts = windows.counts
    first_t, first = windows.first()
    last_t, last = windows.last()
    change = last - first
    if counter:
        change = change + _lost_to_resets(windows)
    sampled = (last_t - first_t) / 1000
    spacing = sampled / (counts - 1)
    to_start = (first_t - windows.span.starts) / 1000
    to_end = (windows.span.ends - last_t) / 1000
    if counter:
        to_zero = sampled * (first / change)
        to_start = np.where((change > 0) & (first >= 0) & (to_zero < to_start), to_zero, to_start)
    threshold = spacing * 1.1
    covered = sampled + np.where(to_start < threshold, to_start, spacing / 2)
    covered = covered + np.where(to_end < threshold, to_end, spacing / 2)
    return change * (covered / sampled), counts >= 2


def _lost_to_resets(windows: Windows) -> Values:
    """What a counter had reached before each reset within the window."""
    values, times = windows.values, windows.times
    if len(values) == 0:
        return np.zeros(windows.low.shape)
    same_series = times[1:] > times[:-1]  # nearly always: what it lets through no window reaches
    fell = np.concatenate(([False], (values[1:] < values[:-1]) & same_series))
    if not fell.any():
        return np.zeros(windows.low.shape)
    before = np.concatenate(([0.0], values[:-1]))
    return windows.reduced(np.add, np.where(fell, before, 0.0), skip=1, empty=0.0)


def irate(windows: Windows, _: Sequence[Values]) -> tuple[Values, Mask]:
    last_t, last = windows.last()
    previous_t, previous = windows.last(back=1)
    change = np.where(last < previous, last, last - previous)
    return change / ((last_t - previous_t) / 1000), windows.counts >= 2


def idelta(windows: Windows, _: Sequence[Values]) -> tuple[Values, Mask]:
    return windows.last()[1] - windows.last(back=1)[1], windows.counts >= 2


def changes(windows: Windows, _: Sequence[Values]) -> tuple[Values, Mask]:
    values = windows.values
    differs = values[1:] != values[:-1]
    both_nan = np.isnan(values[1:]) & np.isnan(values[:-1])
    return _flagged(windows, differs & ~both_nan), windows.counts >= 1


def resets(windows: Windows, _: Sequence[Values]) -> tuple[Values, Mask]:
    return _flagged(windows, windows.values[1:] < windows.values[:-1]), windows.counts >= 1


def _flagged(windows: Windows, flags: Mask) -> Values:
    all_flags = np.concatenate(([False], flags)) if len(windows.values) else np.zeros(0, dtype=bool)
    return windows.count_between(all_flags).astype(np.float64)


def sum_over_time(windows: Windows, _: Sequence[Values]) -> tuple[Values, Mask]:
    return _sums(windows), windows.counts >= 1


def avg_over_time(windows: Windows, _: Sequence[Values]) -> tuple[Values, Mask]:
    counts = windows.counts
    means = windows.reduced(np.add, windows.values) / counts
    for row, step in _doubtful(windows, means * counts):
        means[row, step] = _compensated_mean(windows.samples(row, step))
    overflowed = np.isinf(means) & (counts > 0)
    if overflowed.any():
        largest = windows.reduced(np.maximum, np.abs(windows.values))
        shares = windows.computed(lambda block: _masked(block, block.values / block.valid.sum(1)[:, None]).sum(1))
        means = np.where(overflowed & np.isfinite(largest), shares, means)
    return means, counts >= 1


def _sums(windows: Windows) -> Values:
    """Sums of windows; where large terms cancelled each other the sum is made again as Prometheus makes it."""
    sums = windows.reduced(np.add, windows.values)
    for row, step in _doubtful(windows, sums):
        sums[row, step] = _compensated_sum(windows.samples(row, step))
    return sums


def _doubtful(windows: Windows, sums: Values) -> Iterator[tuple[int, int]]:
    sizes = windows.reduced(np.add, np.abs(windows.values))
    for row, step in np.argwhere(np.isfinite(sizes) & (np.abs(sums) < CANCELLED * sizes)).tolist():
        windows.check_time()
        yield row, step


def _compensated_sum(values: Sequence[float]) -> float:
    total = lost = 0.0
    for value in values:
        total, lost = _add(value, total, lost)
    return total + lost


def _compensated_mean(values: Sequence[float]) -> float:
    mean = lost = 0.0
    for count, value in enumerate(values, 1):
        mean, lost = _add(value / count - mean / count, mean, lost)
    return mean + lost


def _add(value: float, total: float, lost: float) -> tuple[float, float]:
    """Neumaier's step: the sum, and what rounding has taken from it so far."""
    added = total + value
    larger, smaller = (total, value) if abs(total) >= abs(value) else (value, total)
    return added, lost + ((larger - added) + smaller)


def min_over_time(windows: Windows, _: Sequence[Values]) -> tuple[Values, Mask]:
    return windows.reduced(np.fmin, windows.values), windows.counts >= 1


def max_over_time(windows: Windows, _: Sequence[Values]) -> tuple[Values, Mask]:
    return windows.reduced(np.fmax, windows.values), windows.counts >= 1


def count_over_time(windows: Windows, _: Sequence[Values]) -> tuple[Values, Mask]:
    return windows.counts.astype(np.float64), windows.counts >= 1


def last_over_time(windows: Windows, _: Sequence[Values]) -> tuple[Values, Mask]:
    return windows.last()[1], windows.counts >= 1


def present_over_time(windows: Windows, _: Sequence[Values]) -> tuple[Values, Mask]:
    return np.ones(windows.low.shape), windows.counts >= 1


def stdvar_over_time(windows: Windows, _: Sequence[Values]) -> tuple[Values, Mask]:
    return windows.computed(_variance), windows.counts >= 1


def stddev_over_time(windows: Windows, _: Sequence[Values]) -> tuple[Values, Mask]:
    return np.sqrt(windows.computed(_variance)), windows.counts >= 1


def _masked(block: Block, values: Values) -> Values:
    return np.where(block.valid, values, 0.0)


def _variance(block: Block) -> Values:
    """From the first sample on, so that equal samples deviate by exactly nothing."""
    counts = block.valid.sum(axis=1)
    shifted = _masked(block, block.values - block.values[:, :1])
    means = shifted.sum(axis=1) / counts
    variance: Values = (_masked(block, shifted - means[:, None]) ** 2).sum(axis=1) / counts
    return variance


def quantile_over_time(windows: Windows, params: Sequence[Values]) -> tuple[Values, Mask]:
    def compute(block: Block) -> Values:
        return column_quantiles(params[0][windows.step_of(block)], block.values.T, block.valid.T)

    return windows.computed(compute), windows.counts >= 1


def deriv(windows: Windows, _: Sequence[Values]) -> tuple[Values, Mask]:
    def compute(block: Block) -> Values:
        return _regression(block, block.times[:, 0])[0]

    return windows.computed(compute, least=2), windows.counts >= 2


def predict_linear(windows: Windows, params: Sequence[Values]) -> tuple[Values, Mask]:
    def compute(block: Block) -> Values:
        steps = windows.step_of(block)
        slope, intercept = _regression(block, windows.span.steps[steps])
        return slope * params[0][steps] + intercept

    return windows.computed(compute, least=2), windows.counts >= 2


def _regression(block: Block, origin: Positions) -> tuple[Values, Values]:
    """Least squares; the intercept is the line's value at `origin`."""
    counts = block.valid.sum(axis=1)
    x = _masked(block, (block.times - origin[:, None]) / 1000)
    y = _masked(block, block.values)
    mean_x, mean_y = x.sum(axis=1) / counts, y.sum(axis=1) / counts
    from_x = _masked(block, x - mean_x[:, None])
    slope = (from_x * _masked(block, y - mean_y[:, None])).sum(axis=1) / (from_x**2).sum(axis=1)
    intercept = mean_y - slope * mean_x
    first = block.values[:, :1]
    constant = ((block.values == first) | ~block.valid).all(axis=1)
    level = np.where(np.isinf(first[:, 0]), np.nan, first[:, 0])
    return np.where(constant, np.where(np.isnan(level), np.nan, 0.0), slope), np.where(constant, level, intercept)


def holt_winters(windows: Windows, params: Sequence[Values]) -> tuple[Values, Mask]:
    _check_factors("smoothing", params[0])
    _check_factors("trend", params[1])

    def compute(block: Block) -> Values:
        steps = windows.step_of(block)
        return _smoothed(block, params[0][steps], params[1][steps])

    return windows.computed(compute, least=2), windows.counts >= 2


def _check_factors(which: str, factors: Values) -> None:
    for factor in factors:
        if not 0 < factor < 1:
            raise ExecutionFailed(f"invalid {which} factor. Expected: 0 < {which[0]}f < 1, got: {factor:f}")


def _smoothed(block: Block, smoothing: Values, trend_factor: Values) -> Values:
    values = block.values
    before, level = np.zeros(len(values)), values[:, 0]
    trend = values[:, 1] - values[:, 0]
    for i in range(1, values.shape[1]):
        new_trend = trend if i == 1 else trend_factor * (level - before) + (1 - trend_factor) * trend
        new_level = smoothing * values[:, i] + (1 - smoothing) * (level + new_trend)
        there = block.valid[:, i]
        before, level = np.where(there, level, before), np.where(there, new_level, level)
        trend = np.where(there, new_trend, trend)
    return level


KERNELS: dict[str, Kernel] = {
    "avg_over_time": avg_over_time,
    "changes": changes,
    "count_over_time": count_over_time,
    "delta": delta,
    "deriv": deriv,
    "holt_winters": holt_winters,
    "idelta": idelta,
    "increase": increase,
    "irate": irate,
    "last_over_time": last_over_time,
    "max_over_time": max_over_time,
    "min_over_time": min_over_time,
    "predict_linear": predict_linear,
    "present_over_time": present_over_time,
    "quantile_over_time": quantile_over_time,
    "rate": rate,
    "resets": resets,
    "stddev_over_time": stddev_over_time,
    "stdvar_over_time": stdvar_over_time,
    "sum_over_time": sum_over_time,
}
