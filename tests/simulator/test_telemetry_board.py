"""Blocks of series that are written in one stroke: what queries see of them, and what goes stale when."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.promql.chunks import HEAD_SAMPLES, is_stale
from simulator.promql.errors import OutOfOrder
from simulator.promql.matchers import Matcher, MatchType
from simulator.promql.tsdb import Labels, Series, Tsdb
from simulator.telemetry.board import Board
from simulator.telemetry.labels import labelled


def series(name: str, **labels: str) -> Labels:
    return labelled(name, {}, **labels)


def read(tsdb: Tsdb, name: str) -> list[Series]:
    return tsdb.select([Matcher("__name__", MatchType.EQUAL, name)], 0, 1 << 50)


ROWS = [series("up", pod="a"), series("up", pod="b")]


def test_each_row_of_a_block_is_a_series_of_its_own() -> None:
    tsdb = Tsdb()
    columns = tsdb.open_columns(ROWS)
    for step in range(3):
        tsdb.append_columns(columns, 1000 * step, np.array([step, -step]))
    first, second = read(tsdb, "up")
    assert (first.times.tolist(), first.values.tolist()) == ([0, 1000, 2000], [0, 1, 2])
    assert second.values.tolist() == [0, -1, -2]


def test_a_full_matrix_is_sealed_and_loses_nothing() -> None:
    tsdb = Tsdb()
    columns = tsdb.open_columns(ROWS)
    early = None
    for step in range(HEAD_SAMPLES + 5):
        tsdb.append_columns(columns, step, np.array([step, 1.0]))
        early = early or read(tsdb, "up")[0]
    (first, _) = read(tsdb, "up")
    assert first.values.tolist() == list(range(HEAD_SAMPLES + 5))
    assert early is not None
    assert early.values.tolist() == [0]


def test_a_block_goes_on_where_single_samples_ended() -> None:
    tsdb = Tsdb()
    tsdb.append_many(5, [(ROWS[0], 1.0)])
    columns = tsdb.open_columns(ROWS)
    tsdb.append_columns(columns, 10, np.array([2.0, 3.0]))
    assert read(tsdb, "up")[0].values.tolist() == [1, 2]


def test_a_series_that_somebody_else_writes_leaves_its_block() -> None:
    tsdb = Tsdb()
    columns = tsdb.open_columns(ROWS)
    tsdb.append_columns(columns, 10, np.array([1.0, 2.0]))
    tsdb.append_many(20, [(ROWS[0], 9.0)])
    tsdb.append_columns(columns, 30, np.array([7.0, 8.0]))
    first, second = read(tsdb, "up")
    assert first.values.tolist() == [1, 9]
    assert second.values.tolist() == [2, 8]


def test_a_block_does_not_go_back_in_time() -> None:
    tsdb = Tsdb()
    columns = tsdb.open_columns(ROWS)
    tsdb.append_columns(columns, 10, np.array([1.0, 2.0]))
    with pytest.raises(OutOfOrder, match="at 10 ms"):
        tsdb.append_columns(columns, 10, np.array([1.0, 2.0]))


def shown(board: Board, t_ms: int, blocks: dict[str, list[Labels]]) -> None:
    board.begin(t_ms)
    for key, labels in blocks.items():
        board.show(key, labels, np.ones(len(labels)))
    board.show_loose([])
    board.end()


def test_a_block_that_is_not_shown_again_goes_stale() -> None:
    tsdb = Tsdb()
    board = Board(tsdb)
    shown(board, 10, {"one": ROWS[:1], "two": ROWS[1:]})
    shown(board, 20, {"one": ROWS[:1]})
    first, second = read(tsdb, "up")
    assert not is_stale(first.values).any()
    assert is_stale(second.values).tolist() == [False, True]


def test_a_series_that_only_changes_its_block_does_not_go_stale() -> None:
    tsdb = Tsdb()
    board = Board(tsdb)
    shown(board, 10, {"one": list(ROWS)})
    shown(board, 20, {"one": ROWS[:1], "two": ROWS[1:]})
    assert not any(is_stale(each.values).any() for each in read(tsdb, "up"))


def test_equal_labels_in_a_new_list_are_the_same_block() -> None:
    tsdb = Tsdb()
    board = Board(tsdb)
    for step in range(4):
        shown(board, step, {"one": list(ROWS)})
    assert [len(each.values) for each in read(tsdb, "up")] == [4, 4]


def test_loose_series_come_and_go_one_by_one() -> None:
    tsdb = Tsdb()
    board = Board(tsdb)
    for t_ms, kept in ((10, ROWS), (20, ROWS[:1])):
        board.begin(t_ms)
        board.show_loose([(labels, 1.0) for labels in kept])
        board.end()
    first, second = read(tsdb, "up")
    assert not is_stale(first.values).any()
    assert is_stale(second.values)[-1]
