"""A day of alerts in numbers."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.daily import day_of, report
from alerts.statistics import Episode
from core.errors import Invalid
from tests.alerts.night import Begin, rules

NOW = datetime(2026, 3, 30, 12, 30, tzinfo=UTC)


def fired(at: datetime, severity: str = "warning", name: str = "Trouble", ended: datetime | None = None) -> Episode:
    return Episode("f", f"{at}", at, name, severity, "shop", None, None, ended)


def test_a_day_is_from_midnight_to_midnight_of_its_zone() -> None:
    day = day_of(date(2026, 3, 2), ZoneInfo("Asia/Shanghai"), "Asia/Shanghai", NOW)
    assert (day.start, day.end) == (datetime(2026, 3, 1, 16, tzinfo=UTC), datetime(2026, 3, 2, 16, tzinfo=UTC))
    assert day.before.end == day.start


def test_today_is_told_as_far_as_it_has_come_and_tomorrow_is_refused() -> None:
    assert day_of(None, UTC, "UTC", NOW).end == NOW
    for wanted in (date(2026, 3, 31), date(1999, 1, 1)):
        with pytest.raises(Invalid, match="2026-03-30"):
            day_of(wanted, UTC, "UTC", NOW)


@pytest.mark.parametrize(("wanted", "hours"), [("2026-03-28", 24), ("2026-03-29", 23), ("2025-10-26", 25)])
def test_a_day_on_which_the_clocks_change_has_its_own_number_of_hours(wanted: str, hours: int) -> None:
    day = day_of(date.fromisoformat(wanted), ZoneInfo("Europe/Berlin"), "Europe/Berlin", NOW)
    told = report(day, [fired(day.end - timedelta(minutes=1))], 0, [])
    assert len(told["hours"]) == hours
    assert told["hours"][-1] == {"hour": "23:00", "by_severity": {"warning": 1}}
    assert told["hours"][0]["hour"] == "00:00"


def test_what_is_counted() -> None:
    day = day_of(date(2026, 3, 2), UTC, "UTC", NOW)
    noon = day.start + timedelta(hours=12)
    told = report(
        day,
        [
            fired(noon, ended=noon + timedelta(minutes=4)),
            fired(noon, "critical", ended=day.end + timedelta(hours=1)),
            fired(noon, "info", name="Other"),
        ],
        7,
        [],
    )
    assert (told["total"], told["day_before"], told["still_firing"]) == (3, 7, 2)
    assert list(told["by_severity"]) == ["critical", "warning", "info"]
    assert told["noisiest"] == {"Trouble": 2, "Other": 1}
    assert told["hours"][12]["by_severity"] == {"critical": 1, "info": 1, "warning": 1}
    assert told["by_namespace"] == {"shop": 3}


async def test_the_desk_tells_of_today_and_of_the_day_before(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a", "b")
    await night.until(30)
    today = await night.desk.daily(None, "UTC")
    assert (today["total"], today["day_before"], today["still_firing"]) == (2, 0, 2)
    assert [(each["alerts"], each["state"]) for each in today["incidents"]] == [(2, "open")]
    await night.clock.advance(86_400)
    tomorrow = await night.desk.daily(None, "UTC")
    assert (tomorrow["total"], tomorrow["day_before"]) == (0, 2)
    with pytest.raises(Invalid, match="no time zone"):
        await night.desk.daily(None, "Mars/Base")
