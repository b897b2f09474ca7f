"""A stretch of time in numbers, and what people do about an episode."""

from datetime import datetime, timedelta

import pytest

from alerts.desk import LONGEST
from alerts.statistics import Episode, summary, trend
from core.errors import Conflict, Invalid
from tests.alerts.night import EVENING, Begin, Night, rules

HOUR = timedelta(hours=1)


def episode(
    minutes: float = 0,
    taken: float | None = None,
    ended: float | None = None,
    name: str = "Trouble",
    severity: str = "warning",
) -> Episode:
    def after(offset: float | None) -> datetime | None:
        return None if offset is None else EVENING + timedelta(minutes=offset)

    fired = EVENING + timedelta(minutes=minutes)
    return Episode("f", f"e{minutes}{name}", fired, name, severity, "shop", after(taken), None, after(ended))


def test_episodes_are_counted_by_how_bad_they_were_and_how_people_stood_to_them() -> None:
    told = summary(
        [episode(), episode(1, taken=4), episode(2, taken=3, ended=12, severity="critical")],
        EVENING,
        EVENING + HOUR,
        "name",
    )
    assert told["total"] == 3
    assert told["by_severity"] == {"warning": 2, "critical": 1}
    assert told["by_status"] == {"open": 1, "confirmed": 1, "closed": 1}
    assert told["groups"] == {"Trouble": 3}


def test_how_soon_they_were_taken_and_how_long_they_lasted() -> None:
    told = summary([episode(0, taken=2, ended=10), episode(0, taken=4), episode()], EVENING, EVENING + HOUR, "severity")
    assert told["seconds_to_take"] == {"count": 2, "mean": 180, "median": 180, "max": 240}
    assert told["seconds_to_end"]["max"] == 600


def test_means_of_nothing_are_absent() -> None:
    assert summary([], EVENING, EVENING + HOUR, "severity")["seconds_to_take"] is None


def test_a_trend_has_a_zero_where_nothing_fired() -> None:
    told = trend([episode(0), episode(1), episode(13)], EVENING, EVENING + timedelta(minutes=20))
    assert told["step_seconds"] == 300
    assert [count for _, count in told["points"]] == [2, 0, 1, 0, 0]


def test_a_long_trend_has_few_points() -> None:
    told = trend([episode()], EVENING, EVENING + timedelta(days=365))
    assert told["step_seconds"] == 7 * 86_400
    assert len(told["points"]) <= 200


async def firing(begin: Begin) -> tuple[Night, str]:
    night = await begin(rules())
    night.at(0).sees("a")
    await night.until(0)
    return night, next(iter(night.latest))


async def test_the_store_finds_every_episode_with_its_times(begin: Begin) -> None:
    night, key = await firing(begin)
    night.at(30).sees()
    night.at(60).sees("a")
    await night.desk.acknowledge(key, "mei")
    await night.until(90)
    told = await night.desk.history(night.start - HOUR, night.clock.now())
    assert told["total"] == 2
    assert told["by_status"] == {"closed": 1, "open": 1, "confirmed": 0}
    assert told["seconds_to_end"]["max"] == 30
    assert told["seconds_to_take"]["max"] == 0
    assert (await night.desk.history(night.start + HOUR, night.start + 2 * HOUR))["total"] == 0


async def test_a_closed_alert_is_told_to_nobody_until_it_fires_anew(begin: Begin) -> None:
    night, key = await firing(begin)
    closed = await night.desk.close(key, "mei", "known, being fixed")
    assert (closed.status, closed.state) == ("closed", "firing")
    night.at(60).sees()
    await night.until(120)
    assert night.phone.said == []
    reasons = [(row.reason, row.kept_back) for row in await night.desk.decisions(key)]
    assert ("closed", {key: "closed: mei"}) in reasons
    night.at(200).sees("a")
    await night.until(280)
    assert night.phone.said == ["firing first"]
    assert (await night.desk.get(key)).status == "open"


async def test_an_alert_is_given_to_somebody_and_taken_back(begin: Begin) -> None:
    night, key = await firing(begin)
    assert (await night.desk.assign(key, "tom", "mei")).assignee == "tom"
    assert (await night.desk.assign(key, None, "mei")).assignee is None
    moves = [(move.after, move.by, move.note) for move in await night.desk.transitions(key)]
    assert moves[-2:] == [("assigned", "mei", "tom"), ("assigned", "mei", "")]


async def test_only_what_fires_can_be_closed_or_given(begin: Begin) -> None:
    night, key = await firing(begin)
    night.at(15).sees()
    await night.until(15)
    for attempt in (night.desk.close(key, "mei"), night.desk.assign(key, "tom", "mei")):
        with pytest.raises(Conflict, match="only a firing alert"):
            await attempt


async def test_a_list_is_of_those_that_were_there_between_two_times_and_of_one_status(begin: Begin) -> None:
    night, key = await firing(begin)
    night.at(30).sees()
    await night.until(60)
    for since, until, count in ((-60, -1, 0), (-60, 10, 1), (20, 40, 1), (31, 90, 0)):
        begins, ends = night.start + timedelta(seconds=since), night.start + timedelta(seconds=until)
        assert (await night.desk.list(since=begins, until=ends))[1] == count
    assert (await night.desk.list(status="resolved"))[0][0].fingerprint == key
    assert (await night.desk.list(status="open"))[1] == 0


async def test_a_time_is_bounded(begin: Begin) -> None:
    night, _ = await firing(begin)
    for start, end in ((night.start, night.start), (night.start - LONGEST - HOUR, night.start)):
        with pytest.raises(Invalid, match="start_time"):
            await night.desk.history(start, end)
