"""Label sets as the time series database wants them: sorted tuples, made once and used for every scrape."""

from __future__ import annotations

from simulator.promql.tsdb import Labels, sorted_labels

Sample = tuple[Labels, float]


def labelled(name: str, base: dict[str, str], /, **extra: str) -> Labels:
    return sorted_labels({"__name__": name, **base, **extra})
