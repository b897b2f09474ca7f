"""Who is on duty now, and who comes next."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.escalation.duty import AHEAD, Turn, ahead, duty, lines
from alerts.escalation.rota import Override, Rota
from alerts.routing.intervals import TimeInterval, read_time_interval
from tests.alerts.escalation.test_rota import rota, utc

MONDAY = utc("2026-03-02T12:00")
NATIONAL = read_time_interval(
    {"name": "national", "time_intervals": [{"days_of_month": ["10"], "months": ["march"]}]}, "time_intervals[0]:"
)


def told(one: Rota, at: datetime = MONDAY, turns: int = 3) -> list[tuple[str, str, bool]]:
    found = ahead(one, at, {}, turns)
    return [(turn.receiver, f"{turn.ends:%m-%dT%H:%M}" if turn.ends else "", turn.override) for turn in found]


def test_a_week_each_with_the_moment_of_relief() -> None:
    assert told(rota()) == [
        ("mei", "03-09T09:00", False),
        ("tom", "03-16T09:00", False),
        ("mei", "03-23T09:00", False),
    ]


def test_at_the_moment_of_relief_it_is_the_next_one() -> None:
    assert told(rota(), utc("2026-03-09T08:59"), 1) == [("mei", "03-09T09:00", False)]
    assert told(rota(), utc("2026-03-09T09:00"), 1) == [("tom", "03-16T09:00", False)]


def test_a_swap_cuts_a_turn_in_three() -> None:
    swapped = rota(overrides=[{"receiver": "ann", "from": "2026-03-04T09:00", "to": "2026-03-05T09:00"}])
    assert told(swapped) == [
        ("mei", "03-04T09:00", False),
        ("ann", "03-05T09:00", True),
        ("mei", "03-09T09:00", False),
    ]


def test_who_overrides_nobody_but_themselves_is_still_named_as_an_override() -> None:
    same = rota(overrides=[{"receiver": "mei", "from": "2026-03-02T00:00", "to": "2026-03-10T00:00"}])
    assert told(same, turns=1) == [("mei", "03-10T00:00", True)]


def test_one_person_alone_has_no_end_in_sight() -> None:
    assert told(rota(receivers=["mei"])) == [("mei", "", False)]


def test_times_are_those_of_the_rotas_zone_through_a_change_of_clocks() -> None:
    berlin = rota(location="Europe/Berlin", every="1d", start="2026-03-28")
    (shown,) = duty({"night": berlin}, utc("2026-03-28T12:00"), {}, 3)
    assert shown["now"]["to"] == "2026-03-29T09:00:00+02:00"
    assert shown["now"]["from"] == "2026-03-28T13:00:00+01:00"
    assert [turn["to"] for turn in shown["next"]] == ["2026-03-30T09:00:00+02:00", "2026-03-31T09:00:00+02:00"]
    assert (shown["location"], shown["handover"], shown["every_days"]) == ("Europe/Berlin", "09:00", 1)


def test_holidays_are_named_beside_the_turn_they_fall_in() -> None:
    calendars: dict[str, TimeInterval] = {"national": NATIONAL}
    (shown,) = duty({"night": rota(holidays=["national", "local"])}, MONDAY, calendars)
    assert (shown["now"]["holidays"], shown["next"][0]["holidays"]) == ([], ["2026-03-10 national"])
    assert shown["unknown_holidays"] == ["local"]


def test_overrides_that_are_to_come_are_listed_and_those_that_are_over_are_not() -> None:
    written = [
        {"receiver": "ann", "from": "2026-02-01", "to": "2026-02-02"},
        {"receiver": "bob", "from": "2026-05-01", "to": "2026-05-02"},
    ]
    (shown,) = duty({"night": rota(overrides=written)}, MONDAY, {})
    assert [one["receiver"] for one in shown["overrides"]] == ["bob"]


def test_a_terminal_shows_a_line_for_now_and_one_for_each_turn_after_it() -> None:
    swapped = rota(overrides=[{"receiver": "ann", "from": "2026-03-04T09:00", "to": "2026-03-05T09:00"}])
    assert list(lines(duty({"night": swapped, "alone": rota(receivers=["mei"])}, MONDAY, {}))) == [
        "alone (UTC, handed over at 09:00)",
        "  now  mei until no change in sight",
        "night (UTC, handed over at 09:00)",
        "  now  mei until 2026-03-04 09:00",
        "  then ann until 2026-03-05 09:00 (override)",
    ]


zones = st.sampled_from([UTC, *(ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Asia/Shanghai"))])
moments = st.integers(0, 364 * 24 * 60).map(lambda minute: utc("2026-01-01T00:00") + timedelta(minutes=minute))
overrides = st.builds(
    lambda who, begins, hours: Override(who, begins, begins + timedelta(hours=hours)),
    st.sampled_from(["ann", "bob"]),
    moments,
    st.integers(1, 400),
)
rotas = st.builds(
    lambda receivers, days, hour, zone, exceptions: Rota(
        "r", tuple(receivers), date(2026, 1, 5), days, hour, zone, tuple(exceptions)
    ),
    st.lists(st.sampled_from(["mei", "tom", "eve"]), min_size=1, max_size=4),
    st.integers(1, 14),
    st.times().map(lambda at: time(at.hour, at.minute)),
    zones,
    st.lists(overrides, max_size=4),
)


@settings(max_examples=60, deadline=None)
@given(rotas, moments, st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_turns_follow_each_other_without_a_gap_and_say_what_the_rota_says(
    one: Rota, at: datetime, places: list[float]
) -> None:
    found = ahead(one, at, {}, 4)
    assert found[0].begins == at
    for turn, after in pairwise(found):
        assert turn.ends == after.begins
        assert (turn.receiver, turn.override) != (after.receiver, after.override)
    for turn in found:
        assert all(one.turn(moment) == (turn.receiver, turn.override) for moment in _within(turn, places))


def _within(turn: Turn, places: list[float]) -> list[datetime]:
    length = (turn.ends or turn.begins + AHEAD) - turn.begins
    inside = [turn.begins + length * place * 0.999 for place in places]
    return [turn.begins, *inside, *([turn.ends - timedelta(seconds=1)] if turn.ends and length.seconds > 1 else [])]


@settings(max_examples=100, deadline=None)
@given(rotas, moments)
def test_somebody_of_the_rota_is_on_duty_at_any_moment_and_nobody_twice_in_a_day_of_their_own(
    one: Rota, at: datetime
) -> None:
    assert one.on_duty(at) in one.named()
    relief = one.relief(at.date())
    before, after = one.on_duty(relief - timedelta(seconds=1)), one.on_duty(relief)
    again = one.on_duty(relief + timedelta(hours=3))
    if not any(each.begins <= relief + timedelta(hours=3) and each.ends > relief for each in one.overrides):
        assert after == again, f"{before} was relieved and came back"
