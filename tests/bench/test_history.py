from collections import Counter

import numpy as np
import pytest

from tests.bench.history import A_TARGET, MIX, QUERIES, histories


def test_the_kinds_of_series_have_their_shares() -> None:
    names = Counter(dict(labels)["__name__"] for _, labels, _ in histories(2 * A_TARGET, 8))
    assert sum(share for _, share in MIX) == pytest.approx(1)
    assert {name: names[name] / (2 * A_TARGET) for name, _ in MIX} == pytest.approx(dict(MIX))


def test_there_are_two_hundred_series_to_ask_for() -> None:
    groups = Counter(dict(labels)["group"] for _, labels, _ in histories(1_000, 2) if labels[0][1] == "requests_total")
    assert groups["0"] == 200
    assert all("sized" in query for query in QUERIES.values())


def test_the_targets_are_scraped_at_phases_of_their_own_and_each_at_one_rhythm() -> None:
    times = [times for times, _, _ in histories(3 * A_TARGET, 8)]
    assert {tuple(np.diff(one)) for one in times} == {(60_000,) * 7}
    assert len({int(one[0]) % 60_000 for one in times}) > 1


def test_the_same_history_is_made_again() -> None:
    first, second = list(histories(A_TARGET, 8)), list(histories(A_TARGET, 8))
    assert all(np.array_equal(one[2], other[2]) for one, other in zip(first, second, strict=True))
