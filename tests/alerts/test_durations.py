from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.durations import parse_duration, show_duration
from core.errors import Invalid


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("0s", 0), ("30s", 30), ("5m", 300), ("1h30m", 5400), ("1d", 86400), ("2w", 1209600), ("250ms", 0.25)],
)
def test_durations_are_read_as_prometheus_reads_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "5 m", "-5m", "1.5h", "30s5m", "5m5m", "five", "9999999999y", "１m"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Invalid):
        parse_duration(text)


@given(st.integers(0, 10**10))
def test_a_duration_that_is_shown_can_be_read_again(milliseconds: int) -> None:
    duration = timedelta(milliseconds=milliseconds)
    assert parse_duration(show_duration(duration)) == duration
