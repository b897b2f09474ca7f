import math

import numpy as np
import pytest

from simulator.promql.chunks import HEAD_SAMPLES, SEALED_SAMPLES, STALE_BITS, STALE_NAN, TimeShare, seal
from simulator.promql.errors import OutOfOrder
from simulator.promql.matchers import Matcher, MatchType
from simulator.promql.tsdb import DAY_MS, Tsdb, sorted_labels
from tests.simulator.promql_data import labels_of

UP = labels_of("up", job="api")
EVER = 1 << 60


def named(name: str) -> list[Matcher]:
    return [Matcher("__name__", MatchType.EQUAL, name)]


def points(tsdb: Tsdb, name: str, start: int = 0, end: int = EVER) -> list[tuple[int, float]]:
    (series,) = tsdb.select(named(name), start, end)
    return list(zip(series.times.tolist(), series.values.tolist(), strict=True))


def bits(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[int]:
    found: list[int] = values.view(np.int64).tolist()
    return found


def test_what_is_appended_is_selected_in_time_order() -> None:
    tsdb = Tsdb()
    for t in range(3):
        tsdb.append({"__name__": "up", "job": "api"}, t, float(t))
    assert points(tsdb, "up") == [(0, 0.0), (1, 1.0), (2, 2.0)]


def test_an_empty_label_is_no_label() -> None:
    assert sorted_labels({"b": "", "a": "1"}) == (("a", "1"),)


def test_a_selection_is_closed_on_both_ends() -> None:
    tsdb = Tsdb()
    for t in range(10):
        tsdb.append_many(t, [(UP, 1.0)])
    assert [t for t, _ in points(tsdb, "up", 3, 5)] == [3, 4, 5]


def test_a_selection_that_holds_no_sample_yields_no_series() -> None:
    tsdb = Tsdb()
    tsdb.append_many(10, [(UP, 1.0)])
    tsdb.append_many(90, [(UP, 1.0)])
    assert tsdb.select(named("up"), 11, 89) == []
    assert tsdb.select(named("up"), 91, 99) == []


def test_an_older_sample_is_refused_and_the_others_of_its_scrape_are_kept() -> None:
    tsdb = Tsdb()
    tsdb.append_many(100, [(UP, 1.0)])
    with pytest.raises(OutOfOrder, match="out of order at 50 ms: 1 series"):
        tsdb.append_many(50, [(UP, 0.0), (labels_of("fresh"), 7.0)])
    assert points(tsdb, "up") == [(100, 1.0)]
    assert points(tsdb, "fresh") == [(50, 7.0)]


def test_the_same_sample_twice_is_kept_once_and_a_contradiction_is_refused() -> None:
    tsdb = Tsdb()
    tsdb.append_many(100, [(UP, math.nan)])
    tsdb.append_many(100, [(UP, math.nan)])
    with pytest.raises(OutOfOrder):
        tsdb.append_many(100, [(UP, 2.0)])
    assert len(points(tsdb, "up")) == 1


def test_history_comes_first_and_samples_follow() -> None:
    tsdb = Tsdb()
    times = np.arange(0, 2 * SEALED_SAMPLES + 7, dtype=np.int64)
    tsdb.append_block(UP, times, times.astype(np.float64) * 0.5)
    tsdb.append_many(int(times[-1]) + 1, [(UP, -1.0)])
    found = points(tsdb, "up")
    assert found[:-1] == [(int(t), t * 0.5) for t in times]
    assert found[-1] == (len(times), -1.0)


def test_history_behind_later_samples_is_refused() -> None:
    tsdb = Tsdb()
    tsdb.append_many(100, [(UP, 1.0)])
    with pytest.raises(OutOfOrder, match="history must come before"):
        tsdb.append_block(UP, np.array([50, 60]), np.array([1.0, 2.0]))


def test_history_that_is_not_in_time_order_is_refused() -> None:
    with pytest.raises(OutOfOrder, match="not in time order"):
        Tsdb().append_block(UP, np.array([50, 50]), np.array([1.0, 2.0]))


def test_history_needs_a_value_for_each_timestamp() -> None:
    with pytest.raises(ValueError, match="2 timestamps for 1 values"):
        Tsdb().append_block(UP, np.array([1, 2]), np.array([1.0]))


def test_series_of_one_scrape_share_their_timestamps_once_sealed() -> None:
    share = TimeShare()
    first, second = np.arange(5, dtype=np.int64), np.arange(5, dtype=np.int64)
    assert share.shared(first) is share.shared(second)
    assert share.shared(np.array([0, 2, 3, 3, 4])) is not first


def test_the_memory_for_shared_timestamps_is_bounded() -> None:
    share = TimeShare(remember=2)
    runs = [share.shared(np.array([i, i + 1])) for i in range(3)]
    assert share.shared(np.array([0, 1])) is not runs[0]
    assert share.shared(np.array([2, 3])) is runs[2]


@pytest.mark.parametrize(
    ("values", "bytes_each"),
    [
        ([1.0] * 480, 1 / 60),
        ([float(i % 100) for i in range(480)], 1),
        ([float(i) for i in range(480)], 2),
        ([i * 1000.0 for i in range(480)], 4),
        ([round(i * 0.013, 3) for i in range(480)], 2),
        ([math.pi * i for i in range(480)], 8),
        ([-0.0, 0.0] * 240, 8),
        ([1.0, math.nan, math.inf, -math.inf] * 120, 8),
        ([1.0, STALE_NAN] * 240, 8),
        ([1e300, 1.0] * 240, 8),
    ],
)
def test_a_sealed_chunk_gives_back_every_bit_and_takes_as_little_as_it_can(
    values: list[float], bytes_each: float
) -> None:
    given = np.array(values)
    chunk = seal(np.arange(len(values), dtype=np.int64), given)
    assert bits(chunk.values()) == bits(given)
    assert chunk.packed.nbytes <= bytes_each * len(values)


def test_a_head_that_is_full_is_sealed_and_what_was_handed_out_stays_true() -> None:
    tsdb = Tsdb()
    for t in range(HEAD_SAMPLES):
        tsdb.append_many(t, [(UP, math.sqrt(t))])
    (before,) = tsdb.select(named("up"), 0, EVER)
    kept = before.values.copy()
    for t in range(HEAD_SAMPLES, 2 * HEAD_SAMPLES):
        tsdb.append_many(t, [(UP, -1.0)])
    assert np.array_equal(before.values, kept)
    assert len(points(tsdb, "up")) == 2 * HEAD_SAMPLES


def test_the_stale_marker_is_the_one_nan_that_prometheus_uses() -> None:
    tsdb = Tsdb()
    tsdb.append_many(1, [(UP, 1.0)])
    tsdb.mark_stale(UP, 2)
    (series,) = tsdb.select(named("up"), 0, EVER)
    assert bits(series.values)[-1] == STALE_BITS


def test_a_series_that_never_was_is_not_created_by_a_stale_marker() -> None:
    tsdb = Tsdb()
    tsdb.mark_stale(UP, 2)
    assert len(tsdb) == 0


def test_chunks_beyond_the_retention_are_forgotten() -> None:
    tsdb = Tsdb(retention_ms=2 * DAY_MS)
    hours = np.arange(0, 5 * 24 * 12, dtype=np.int64) * 300_000
    tsdb.append_block(UP, hours, hours.astype(np.float64) * 0.1)
    tsdb.append_many(6 * DAY_MS, [(UP, 0.0)])
    assert points(tsdb, "up")[0][0] > 2 * DAY_MS


def test_a_series_that_ended_before_the_retention_is_gone_and_may_come_back() -> None:
    tsdb = Tsdb(retention_ms=DAY_MS)
    tsdb.append_many(0, [(UP, 1.0)])
    tsdb.append_many(3 * DAY_MS, [(labels_of("other"), 1.0)])
    assert tsdb.select(named("up"), 0, EVER) == []
    tsdb.append_many(4 * DAY_MS, [(UP, 2.0)])
    assert points(tsdb, "up") == [(4 * DAY_MS, 2.0)]


def test_series_come_in_the_order_of_their_labels() -> None:
    tsdb = Tsdb()
    tsdb.append_many(1, [(labels_of("up", job=job), 1.0) for job in "cab"])
    assert [dict(s.labels)["job"] for s in tsdb.select(named("up"), 0, 9)] == ["a", "b", "c"]


def test_labels_are_listed_for_series_whose_life_touches_the_span() -> None:
    tsdb = Tsdb()
    tsdb.append_many(10, [(labels_of("a"), 1.0)])
    tsdb.append_many(90, [(labels_of("b"), 1.0)])
    assert tsdb.select_labels([], 0, 50) == [labels_of("a")]
    assert tsdb.select_labels([], 50, 99) == [labels_of("b")]


def test_the_metric_name_may_be_matched_like_any_label() -> None:
    tsdb = Tsdb()
    tsdb.append_many(1, [(labels_of(name), 1.0) for name in ("up", "uptime", "down")])
    found = tsdb.select([Matcher("__name__", MatchType.REGEX, "up.*")], 0, 9)
    assert [dict(s.labels)["__name__"] for s in found] == ["up", "uptime"]
    both = [*named("up"), Matcher("__name__", MatchType.NOT_EQUAL, "up")]
    assert tsdb.select(both, 0, 9) == []
