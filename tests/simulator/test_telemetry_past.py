"""History that comes in stretches is one history."""

from __future__ import annotations

import math

import numpy as np

from simulator.promql.tsdb import Tsdb
from simulator.telemetry.past import ENOUGH_SAMPLES, Past

ONE, OTHER = (("__name__", "one"),), (("__name__", "other"),)


def stretch(start: int, length: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(start, start + length, dtype=np.int64) * 60_000


def stored(tsdb: Tsdb, name: str) -> list[tuple[int, float]]:
    found = [each for each in tsdb.select([], 0, 10**12) if dict(each.labels)["__name__"] == name]
    return [
        (int(at) // 60_000, float(value)) for each in found for at, value in zip(each.times, each.values, strict=True)
    ]


def test_stretches_of_one_series_follow_one_another() -> None:
    tsdb = Tsdb()
    past = Past(tsdb)
    for start in (0, 3, 6):
        times = stretch(start, 3)
        past.append_block(ONE, times, np.full(3, float(start)))
        past.end_stretch(times)
    assert stored(tsdb, "one") == []
    past.write()
    assert [at for at, _ in stored(tsdb, "one")] == list(range(9))
    assert [value for _, value in stored(tsdb, "one")][::3] == [0.0, 3.0, 6.0]


def test_a_series_that_a_stretch_has_not_ends_where_it_begins_and_may_come_back() -> None:
    tsdb = Tsdb()
    past = Past(tsdb)
    for start, labels in ((0, ONE), (3, OTHER), (6, ONE)):
        times = stretch(start, 3)
        past.append_block(labels, times, np.ones(3))
        past.end_stretch(times)
    past.write()
    ends = [at for at, value in stored(tsdb, "one") if math.isnan(value)]
    assert ends == [3]
    assert [at for at, _ in stored(tsdb, "one")] == [0, 1, 2, 3, 6, 7, 8]
    assert [at for at, value in stored(tsdb, "other") if math.isnan(value)] == [6]


def test_what_is_long_enough_is_written_at_once_behind_what_waited() -> None:
    tsdb = Tsdb()
    past = Past(tsdb)
    past.append_block(ONE, stretch(0, 2), np.zeros(2))
    past.end_stretch(stretch(0, 2))
    past.append_block(ONE, stretch(2, ENOUGH_SAMPLES), np.ones(ENOUGH_SAMPLES))
    assert len(stored(tsdb, "one")) == ENOUGH_SAMPLES + 2


def test_enough_short_stretches_are_written_without_being_asked() -> None:
    tsdb = Tsdb()
    past = Past(tsdb)
    for start in range(0, ENOUGH_SAMPLES, ENOUGH_SAMPLES // 4):
        times = stretch(start, ENOUGH_SAMPLES // 4)
        past.append_block(ONE, times, np.ones(len(times)))
        past.end_stretch(times)
    assert len(stored(tsdb, "one")) == ENOUGH_SAMPLES


def test_nothing_is_nothing() -> None:
    past = Past(Tsdb())
    past.append_block(ONE, stretch(0, 0), np.zeros(0))
    past.write()
