"""Cron schedules by their words alone: ranges, steps, the two kinds of days, changes of the clock; and how long a refused one waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from simulator.controllers.backoff import LONGEST, SHORTEST, Backoff
from simulator.controllers.schedule import Unparseable, parse
from simulator.objects import Object

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday
BERLIN = ZoneInfo("Europe/Berlin")


def following(schedule: str, count: int = 3, zone: ZoneInfo | None = None, after: datetime = NEW_YEAR) -> list[str]:
    moments = parse(schedule, zone).between(after, after + timedelta(days=400), count)
    return [f"{moment:%m-%d %H:%M}" for moment in moments]


@pytest.mark.parametrize(
    ("schedule", "moments"),
    [
        ("0 0 * * *", ["01-02 00:00", "01-03 00:00", "01-04 00:00"]),  # strictly after
        ("50/5 * * * *", ["01-01 00:50", "01-01 00:55", "01-01 01:50"]),
        ("10-20/10 8,20 * * *", ["01-01 08:10", "01-01 08:20", "01-01 20:10"]),
        ("0 12 31 * *", ["01-31 12:00", "03-31 12:00", "05-31 12:00"]),
        ("0 12 ? FEB-mar Sun", ["02-01 12:00", "02-08 12:00", "02-15 12:00"]),
        ("0 0 10 * MON", ["01-05 00:00", "01-10 00:00", "01-12 00:00"]),  # either of the two days
        ("0 0 */10 * WED", ["01-07 00:00", "01-11 00:00", "01-14 00:00"]),  # a step restricts too
        ("0 0 */1 * WED", ["01-07 00:00", "01-14 00:00", "01-21 00:00"]),
        ("0 0 * * 0,6", ["01-03 00:00", "01-04 00:00", "01-10 00:00"]),
        ("  @weekly ", ["01-04 00:00", "01-11 00:00", "01-18 00:00"]),
        ("@monthly", ["02-01 00:00", "03-01 00:00", "04-01 00:00"]),
        ("@every 1h30m", ["01-01 01:30", "01-01 03:00", "01-01 04:30"]),
    ],
)
def test_a_schedule_comes_again_and_again(schedule: str, moments: list[str]) -> None:
    assert following(schedule) == moments


def test_a_clock_that_is_put_forward_moves_the_schedule_with_it() -> None:
    saturday = datetime(2026, 3, 28, 0, 0, tzinfo=UTC)
    assert following("0 5 * * *", 2, BERLIN, saturday) == ["03-28 04:00", "03-29 03:00"]


@pytest.mark.parametrize("most", [0, 1, 4])
def test_no_more_moments_are_given_than_were_asked_for(most: int) -> None:
    assert len(following("* * * * *", most)) == most


def test_the_end_of_a_stretch_belongs_to_it() -> None:
    hour = NEW_YEAR + timedelta(hours=1)
    assert parse("@hourly").between(NEW_YEAR, hour, 9) == [hour]
    assert parse("@hourly").between(NEW_YEAR, hour - timedelta(seconds=1), 9) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("* 9-5 * * *", "beginning of range (9) beyond end of range (5): 9-5"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("* * * Foo *", 'failed to parse int from Foo: strconv.Atoi: parsing "Foo": invalid syntax'),
        ("@fortnightly", "unrecognized descriptor: @fortnightly"),
        ("@every soon", 'failed to parse duration @every soon: time: invalid duration "soon"'),
    ],
)
def test_what_is_wrong_with_a_schedule_is_said_in_the_parsers_words(text: str, told: str) -> None:
    with pytest.raises(Unparseable) as refused:
        parse(text)
    assert str(refused.value) == told


def owner(uid: str = "a", generation: int = 1) -> Object:
    return {"metadata": {"uid": uid, "generation": generation}}


def test_each_pause_is_as_long_as_all_before_it_and_none_is_longer_than_the_longest() -> None:
    backoff, now, pauses = Backoff(), NEW_YEAR, []
    for _ in range(9):
        following_try = backoff.failed(owner(), now, "exceeded quota")
        pauses.append((following_try - now).total_seconds())
        now = following_try
    assert pauses == [1, 1, 2, 4, 8, 16, 32, 60, 60]
    assert (pauses[0], pauses[-1]) == (SHORTEST.total_seconds(), LONGEST.total_seconds())


def test_only_who_failed_waits_and_only_until_its_time() -> None:
    backoff = Backoff()
    again = backoff.failed(owner(), NEW_YEAR, "exceeded quota")
    assert backoff.waits_until(owner(), NEW_YEAR) == again
    assert backoff.waits_until(owner("b"), NEW_YEAR) is None
    assert backoff.waits_until(owner(), again) is None
    assert (backoff.message(owner()), backoff.message(owner("b"))) == ("exceeded quota", "")


def test_a_changed_wish_or_a_success_ends_the_waiting() -> None:
    backoff = Backoff()
    backoff.failed(owner(), NEW_YEAR, "exceeded quota")
    assert backoff.waits_until(owner(generation=2), NEW_YEAR) is None
    backoff.succeeded(owner())
    assert backoff.waits_until(owner(), NEW_YEAR) is None
    assert backoff.message(owner()) == ""
