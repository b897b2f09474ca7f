"""What the bench computes and prints, away from every clock."""

import pytest

from tests.bench.machine import machine
from tests.bench.table import milliseconds, percentile, render, spread


def test_a_percentile_is_a_value_that_occurred() -> None:
    values = [float(number) for number in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values, 1.0) == 100


def test_the_order_of_the_values_does_not_matter() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2


def test_with_few_values_a_high_percentile_is_the_worst_of_them() -> None:
    assert percentile([1.0, 9.0, 2.0, 3.0], 0.99) == 9
    assert percentile([4.0], 0.5) == 4


@pytest.mark.parametrize("share", [0, -0.1, 1.01])
def test_a_share_outside_of_the_whole_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        percentile([1.0], share)


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)


def test_short_times_keep_a_decimal_and_long_ones_do_not() -> None:
    assert milliseconds(0.00312) == "3.1 ms"
    assert milliseconds(1.2345) == "1234 ms"


def test_a_spread_names_its_percentiles_and_its_worst() -> None:
    assert spread([0.001, 0.002, 0.25], 0.5, 0.99) == "p50 2.0 ms, p99 250 ms, max 250 ms"


def test_columns_stand_under_each_other_in_both_languages() -> None:
    table = render(("figure", "here"), [("启动", "3 s"), ("search", "20 ms")])
    assert table.splitlines() == [
        "figure  here",
        "------  -----",
        "启动    3 s",
        "search  20 ms",
    ]


def test_the_machine_is_named() -> None:
    here = machine()
    assert here["cpu"]
    assert int(here["cores"]) >= 1
    assert here["python"].startswith("CPython 3.")
