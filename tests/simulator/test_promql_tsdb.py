import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from simulator.promql.chunks import HEAD_SAMPLES, SEALED_SAMPLES, STALE_BITS, STALE_NAN, Chunk, TimeShare, seal
from simulator.promql.errors import OutOfOrder
from simulator.promql.matchers import Matcher, MatchType
from simulator.promql.tsdb import DAY_MS, Block, Tsdb, sorted_labels
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
    other = share.shared(np.array([0, 2, 3, 3, 4]))
    assert other is not share.shared(first)
    assert other.times(0, 5).tolist() == [0, 2, 3, 3, 4]


@pytest.mark.parametrize("moments", [[7], [10, 20, 30, 40], [10, 11, 30, 41], [0, 5_000_000_000, 5_000_000_001]])
def test_the_moments_of_a_run_are_cut_as_a_search_would_cut_them(moments: list[int]) -> None:
    times = np.array(moments, dtype=np.int64)
    run = TimeShare().shared(times)
    assert (run.first, run.last, len(run), run.times(0, len(run)).tolist()) == (
        times[0],
        times[-1],
        len(times),
        moments,
    )
    edges = sorted({edge + shift for edge in moments for shift in (-1, 0, 1)})
    for start in edges:
        for end in edges:
            low, high = run.bounds(start, end)
            assert run.times(low, high).tolist() == [t for t in moments if start <= t <= end]


def test_timestamps_in_rhythm_cost_nothing_and_others_four_bytes() -> None:
    share = TimeShare()
    assert share.shared(np.arange(0, 60_000, 60, dtype=np.int64)).nbytes == 0
    assert share.shared(np.arange(1000, dtype=np.int64) ** 2).nbytes == 4000


def test_the_memory_for_shared_timestamps_is_bounded() -> None:
    share = TimeShare(remember=2)
    runs = [share.shared(np.array([i, i + 1])) for i in range(3)]
    assert share.shared(np.array([0, 1])) is not runs[0]
    assert share.shared(np.array([2, 3])) is runs[2]


@pytest.mark.parametrize(
    ("values", "bytes_each"),
    [
        ([1.0] * 480, 0),
        ([math.nan] * 480, 0),
        ([STALE_NAN] * 480, 0),
        ([-0.0] * 480, 0),
        ([float(i % 100) for i in range(480)], 1),
        ([float(i) for i in range(480)], 1),
        ([i * 1000.0 for i in range(480)], 1),
        ([1e12 + i * 1000.0 + i % 7 for i in range(480)], 1),
        ([-7.0 - 7.0 * i for i in range(480)], 1),
        ([float(i * i) for i in range(480)], 2),
        ([5e9 - (i % 3) * 1e6 for i in range(480)], 4),
        ([float((i * 7919) % 481) * 1e10 for i in range(480)], 8),
        ([round(i * 0.013, 3) for i in range(480)], 1),
        ([round(i % 91 * 0.713, 3) for i in range(480)], 2),
        ([round(i * 12.123457, 6) for i in range(480)], 4),
        ([math.pi * i for i in range(480)], 8),
        ([-0.0, 0.0] * 240, 8),
        ([1.0, math.nan, math.inf, -math.inf] * 120, 8),
        ([1.0, STALE_NAN] * 240, 8),
        ([1e300, 1.0] * 240, 8),
        ([0.0] * 20 + [0.1 + 0.2] * 460, 8),
    ],
)
def test_a_sealed_chunk_gives_back_every_bit_and_takes_as_little_as_it_can(
    values: list[float], bytes_each: float
) -> None:
    given = np.array(values)
    (chunk,) = sealed(given)
    assert bits(chunk.samples()[1]) == bits(given)
    assert chunk.nbytes <= bytes_each * len(values)


def sealed(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[Chunk]:
    return seal([TimeShare().shared(np.arange(len(values), dtype=np.int64))], values)


@pytest.mark.parametrize("kind", ["constant", "narrow", "rising", "any"])
def test_a_part_of_a_chunk_is_what_the_whole_holds_there(kind: str) -> None:
    values = {
        "constant": np.full(50, 7.5),
        "narrow": np.array([(i * 37) % 11 / 1000 for i in range(50)]),
        "rising": np.array([1e9 + i * 1000 + i % 3 for i in range(50)]),
        "any": np.sqrt(np.arange(50)),
    }[kind]
    (chunk,) = sealed(values)
    for low, high in ((0, 49), (0, 0), (49, 49), (10, 20), (60, 90), (-9, -1)):
        times, found = chunk.within(low, high)
        expected = values[max(low, 0) : max(high + 1, 0)]
        assert bits(found) == bits(expected)
        assert times.tolist() == list(range(50))[max(low, 0) : max(high + 1, 0)]


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
    minutes = np.arange(0, 5 * 24 * 60, dtype=np.int64) * 60_000
    tsdb.append_block(UP, minutes, minutes.astype(np.float64) * 0.1)
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


def test_small_chunks_grow_together_as_heads_are_sealed() -> None:
    tsdb = Tsdb()
    for t in range(10 * HEAD_SAMPLES):
        tsdb.append_many(t, [(UP, float(t % 5))])
    assert tsdb.extent().chunks <= 4
    assert points(tsdb, "up") == [(t, float(t % 5)) for t in range(10 * HEAD_SAMPLES)]


def test_heads_that_were_opened_together_are_not_sealed_together() -> None:
    tsdb = Tsdb()
    labels = [labels_of("up", pod=str(n)) for n in range(50)]
    sealed_at: list[int] = []
    chunks = 50
    for t in range(2 * HEAD_SAMPLES):
        tsdb.append_many(t, [(one, 1.0) for one in labels])
        sealed_at.append(tsdb.extent().chunks - chunks)
        chunks = tsdb.extent().chunks
    assert max(sealed_at) <= 5


def test_an_import_is_kept_however_old_it_is_and_does_not_age_the_worlds_own() -> None:
    tsdb = Tsdb(retention_ms=DAY_MS)
    tsdb.append_many(100 * DAY_MS, [(UP, 1.0)])
    imported = labels_of("old")
    tsdb.import_blocks([Block(imported, np.array([5, 6]), np.array([1.0, 2.0]))])
    tsdb.import_blocks([Block(labels_of("future"), np.array([900 * DAY_MS]), np.array([1.0]))])
    tsdb.append_many(100 * DAY_MS + 7_200_000, [(UP, 1.0)])
    assert points(tsdb, "old") == [(5, 1.0), (6, 2.0)]
    assert len(points(tsdb, "up")) == 2


def test_of_an_import_that_would_go_before_what_is_stored_nothing_is_kept() -> None:
    tsdb = Tsdb()
    tsdb.append_many(100, [(UP, 1.0)])
    fresh = Block(labels_of("fresh"), np.array([1]), np.array([1.0]))
    with pytest.raises(OutOfOrder, match=r"'job': 'api'.* at 100 ms is not newer than 100 ms"):
        tsdb.import_blocks([fresh, Block(UP, np.array([100, 200]), np.array([2.0, 2.0]))])
    assert tsdb.select(named("fresh"), 0, EVER) == []
    assert points(tsdb, "up") == [(100, 1.0)]


def test_the_extent_counts_what_is_held() -> None:
    tsdb = Tsdb()
    tsdb.append_block(UP, np.arange(0, 3000, dtype=np.int64), np.ones(3000))
    tsdb.append_many(5000, [(UP, 1.0), (labels_of("other"), 1.0)])
    extent = tsdb.extent()
    assert (extent.series, extent.samples, extent.first_ms, extent.last_ms) == (2, 3002, 0, 5000)
    assert extent.bytes < 1000


def test_what_was_read_stays_true_while_the_world_goes_on() -> None:
    """Readers unpack outside the lock: nothing that they hold may be written again."""
    tsdb = Tsdb()
    columns = tsdb.open_columns([UP, labels_of("other")])
    reads = []
    for t in range(5 * HEAD_SAMPLES):
        tsdb.append_columns(columns, t, np.array([float(t), 1.0]))
        if t % 37 == 0:
            (series,) = tsdb.select(named("up"), 0, EVER)
            reads.append((t, series))
    for t, series in reads:
        assert series.times.tolist() == list(range(t + 1))
        assert series.values.tolist() == [float(i) for i in range(t + 1)]


def test_imports_from_several_threads_lose_nothing() -> None:
    tsdb = Tsdb()

    def bring(number: int) -> None:
        for round_ in range(20):
            block = Block(labels_of("m", n=str(number)), np.array([round_ * 10, round_ * 10 + 5]), np.ones(2))
            tsdb.import_blocks([block])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(bring, range(8)))
    assert tsdb.extent().samples == 8 * 40


def test_the_newest_moment_is_that_of_any_sample() -> None:
    tsdb = Tsdb()
    tsdb.append_many(50, [(UP, 1.0)])
    tsdb.import_blocks([Block(labels_of("m"), np.array([80]), np.ones(1))])
    assert tsdb.newest_ms == 80
    columns = tsdb.open_columns([labels_of("c")])
    tsdb.append_columns(columns, 90, np.ones(1))
    assert tsdb.newest_ms == 90


def test_a_series_is_found_by_labels_without_its_name_and_by_labels_it_lacks() -> None:
    tsdb = Tsdb()
    tsdb.append_many(
        1, [(labels_of("a", job="x"), 1.0), (labels_of("b", job="x", zone="1"), 1.0), (labels_of("c"), 1.0)]
    )

    def found(*matchers: Matcher) -> list[str]:
        return [dict(labels)["__name__"] for labels in tsdb.select_labels(matchers, 0, 9)]

    assert found(Matcher("job", MatchType.EQUAL, "x")) == ["a", "b"]
    assert found(Matcher("job", MatchType.EQUAL, "x"), Matcher("zone", MatchType.EQUAL, "")) == ["a"]
    assert found(Matcher("job", MatchType.NOT_EQUAL, "x")) == ["c"]
    assert found(Matcher("job", MatchType.EQUAL, "y")) == []
    assert found() == ["a", "b", "c"]
