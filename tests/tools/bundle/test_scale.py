"""However large a bundle is, a diagnosis takes a bounded amount of memory. The long form (`--soak`) has a million events and a gigabyte."""

from pathlib import Path

import pytest

from tests.tools.bundle.estate import diagnosed, write_estate

BOUND_MB = 1000
SHORT_MB = 250
MB = 1_000_000


def test_a_hundred_thousand_events_and_long_logs_take_little_more_memory_than_none(tmp_path: Path) -> None:
    plain = diagnosed(write_estate(tmp_path / "plain", 600))
    full = diagnosed(write_estate(tmp_path / "full", 600, events=100_000, log_bytes=60 * MB, logs=50))
    assert full.megabytes < plain.megabytes + SHORT_MB
    assert [cause["fault"] for cause in full.answers[0]["causes"]] == ["oom_killed"]
    told = " ".join(f"{gap['what']}: {gap['why']}" for gap in full.answers[0]["gaps"])
    assert "no more than 20000 events are kept" in told
    assert "its beginning and its end were read" in told


def test_many_bundles_in_one_process_take_no_more_memory_than_one(tmp_path: Path) -> None:
    bundles = [write_estate(tmp_path / str(number), 1200) for number in range(6)]
    one, all_of_them = diagnosed(bundles[0]), diagnosed(*bundles)
    assert len(all_of_them.answers) == len(bundles)
    assert all_of_them.megabytes < one.megabytes * 2


@pytest.mark.soak
@pytest.mark.parametrize(
    ("objects", "events", "log_bytes"), [(20_000, 0, 1000 * MB), (200, 1_000_000, 0), (60_000, 100_000, 100 * MB)]
)
def test_what_a_whole_estate_sends_stays_within_the_bound(
    tmp_path: Path, objects: int, events: int, log_bytes: int
) -> None:
    found = diagnosed(write_estate(tmp_path, objects, events=events, log_bytes=log_bytes, logs=1000))
    assert found.megabytes < BOUND_MB
    assert [cause["fault"] for cause in found.answers[0]["causes"]][:1] == ["oom_killed"]


@pytest.mark.soak
def test_one_enormous_log_is_read_at_both_ends(tmp_path: Path) -> None:
    found = diagnosed(write_estate(tmp_path, 60, log_bytes=1000 * MB, logs=1))
    assert found.megabytes < BOUND_MB
    assert any("its beginning and its end" in gap["why"] for gap in found.answers[0]["gaps"])
