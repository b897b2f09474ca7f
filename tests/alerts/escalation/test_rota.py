"""Whose turn it is."""

from datetime import UTC, datetime, timedelta

import pytest
import yaml

from alerts.escalation.rota import Rota, read_rota
from core.errors import Invalid


def rota(**written: object) -> Rota:
    return read_rota({"name": "night", "receivers": ["mei", "tom"], "start": "2026-03-02", **written}, "rotas[0]:")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "who"),
    [
        ("2026-03-02T09:00", "mei"),
        ("2026-03-09T08:59", "mei"),
        ("2026-03-09T09:00", "tom"),
        ("2026-03-16T09:00", "mei"),
        ("2026-03-02T08:59", "tom"),  # before the start it is counted backwards
    ],
)
def test_a_week_is_handed_over_at_nine(at: str, who: str) -> None:
    assert rota().on_duty(utc(at)) == who


def test_the_hour_is_that_of_the_rotas_own_zone() -> None:
    shanghai = rota(location="Asia/Shanghai", every="1d")
    assert shanghai.on_duty(utc("2026-03-02T01:00")) == "mei"
    assert shanghai.on_duty(utc("2026-03-02T00:59")) == "tom"


def test_a_change_to_summer_time_does_not_move_the_hour() -> None:
    berlin = rota(location="Europe/Berlin", every="1d", start="2026-03-28")
    assert [berlin.on_duty(utc(f"2026-03-29T0{hour}:59")) for hour in (6, 7)] == ["mei", "tom"]  # 08:59 and 09:59
    assert berlin.on_duty(utc("2026-03-29T07:00")) == "tom"
    assert berlin.on_duty(utc("2026-03-28T08:00")) == "mei"


def test_an_exception_holds_while_it_lasts_and_the_last_one_written_wins() -> None:
    with_exceptions = rota(
        overrides=[
            {"receiver": "tom", "from": "2026-03-03T00:00", "to": "2026-03-05T00:00"},
            {"receiver": "ann", "from": "2026-03-04T00:00", "to": "2026-03-04T12:00"},
        ]
    )
    days = ("2026-03-02T12:00", "2026-03-03T00:00", "2026-03-04T06:00", "2026-03-04T12:00", "2026-03-05T00:00")
    assert [with_exceptions.on_duty(utc(day)) for day in days] == ["mei", "tom", "ann", "tom", "mei"]
    assert with_exceptions.named() == {"mei", "tom", "ann"}


def test_dates_may_be_written_as_yaml_has_them() -> None:
    written = yaml.safe_load(
        "{start: 2026-03-02, overrides: [{receiver: x, from: 2026-03-03, to: 2026-03-04 12:00:00}]}"
    )
    assert rota(**written).on_duty(utc("2026-03-04T11:00")) == "x"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"receivers": []}, "at least one"),
        ({"every": "36h"}, "whole days"),
        ({"start": "monday"}, "2026-03-02"),
        ({"handover": "9"}, "HH:MM"),
        ({"location": "Mars/Base"}, "no time zone"),
        ({"overrides": [{"receiver": "x", "from": "2026-03-04", "to": "2026-03-04"}]}, "before its to"),
        ({"reciever": "x"}, "unknown field"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(written: dict[str, object], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        rota(**written)


def test_an_hour_that_comes_twice_hands_over_once_and_one_that_is_skipped_hands_over_after_it() -> None:
    autumn = rota(location="Europe/Berlin", every="1d", start="2026-10-24", handover="02:30")
    # On the 25th half past two comes at 00:30 and at 01:30 UTC.
    hours = ("00:29", "00:30", "01:00", "01:29", "01:30", "02:00")
    assert [autumn.on_duty(utc(f"2026-10-25T{hour}")) for hour in hours] == ["mei", *["tom"] * 5]
    spring = rota(location="Europe/Berlin", every="1d", start="2026-03-28", handover="02:30")
    # On the 29th it is two o'clock, and then three, at 01:00 UTC.
    before = ("00:59", "01:00", "01:29")
    assert [spring.on_duty(utc(f"2026-03-29T{hour}")) for hour in before] == ["mei"] * 3
    assert spring.on_duty(utc("2026-03-29T01:30")) == "tom"


def test_everybody_has_the_same_share() -> None:
    start = utc("2026-03-02T09:00")
    turns = [rota(every="1d").on_duty(start + timedelta(days=day)) for day in range(60)]
    assert turns.count("mei") == turns.count("tom") == 30
