"""What is kept back is written down with what kept it back, and is read at the desk as the answer to "why wasn't this sent"."""

from datetime import timedelta

import pytest

from alerts.notify.pipeline import REASONS, Routing
from alerts.notify.receivers import Integration
from alerts.notify.records import Decision
from alerts.routing.config import parse_config
from alerts.routing.matchers import Matcher
from alerts.routing.silence import Silence
from alerts.silences import Silences
from core.clock import ManualClock
from core.database import Database
from core.errors import Conflict, Invalid
from tests.alerts.night import EVENING, Begin, Night, rules

ROOT = "route: {receiver: everybody, group_by: [alertname], group_wait: 10s, group_interval: 1m"
RECEIVERS = "receivers: [{name: everybody}]"
LATE = "time_intervals: [{name: late, time_intervals: [{times: [{start_time: '20:00', end_time: '24:00'}]}]}]"
EARLY = "time_intervals: [{name: early, time_intervals: [{times: [{start_time: '06:00', end_time: '09:00'}]}]}]"


def configured(night: Night, *written: str) -> None:
    config = parse_config("\n".join(written), "am.yml")
    ways = {"everybody": (Integration(night.phone.name, night.phone.kind),)}
    night.routing.replace(config, ways, (), night.clock.now())


async def decisions(night: Night, pod: str) -> list[Decision]:
    found = next(alert for alert in night.latest.values() if alert.labels["pod"] == pod)
    return list(await night.desk.decisions(found.fingerprint))


def silence(night: Night, pod: str, **times: timedelta) -> Silence:
    now = night.clock.now()
    begin, end = now + times.get("begin", timedelta(0)), now + times.get("end", timedelta(hours=1))
    return Silence("", (Matcher("pod", pod),), begin, end, now, "mei", "works")


async def test_of_two_the_silenced_one_is_kept_back_by_the_silences_id(begin: Begin) -> None:
    night = await begin(rules())
    made = await night.silences.save(silence(night, "a"), "mei")
    night.at(0).sees("a", "b")
    await night.until(10)
    ((message, _),) = night.phone.got
    assert [item.labels["pod"] for item in message.items] == ["b"]
    (decision,) = await decisions(night, "a")
    assert list(decision.kept_back.values()) == [f"silenced: {made.id}"]
    assert decision.told


async def test_when_all_are_silenced_nobody_is_told_and_the_row_says_why(begin: Begin) -> None:
    night = await begin(rules())
    await night.silences.save(silence(night, "a", end=timedelta(seconds=60)), "mei")
    night.at(0).sees("a")
    await night.until(69)
    assert night.phone.tried == 0
    assert [(row.reason, row.told) for row in await decisions(night, "a")] == [("silenced", False)]
    await night.until(70)
    assert night.phone.said == ["firing first"]


async def test_an_inhibited_alert_names_the_one_that_inhibits_it(begin: Begin) -> None:
    night = await begin(rules())
    inhibits = "inhibit_rules: [{source_matchers: [pod=a], target_matchers: [pod=b], equal: [namespace]}]"
    configured(night, ROOT + "}", RECEIVERS, inhibits)
    night.at(0).sees("a", "b")
    await night.until(10)
    (larger,) = [alert for alert in night.latest.values() if alert.labels["pod"] == "a"]
    (decision,) = await decisions(night, "b")
    assert list(decision.kept_back.values()) == [f"inhibited: {larger.fingerprint}"]


@pytest.mark.parametrize(
    ("child", "interval", "reason", "by"),
    [
        ("mute_time_intervals: [late]", LATE, "muted", "late"),
        ("active_time_intervals: [early]", EARLY, "inactive", "active"),
    ],
)
async def test_a_route_outside_of_its_hours_says_so(
    begin: Begin, child: str, interval: str, reason: str, by: str
) -> None:
    night = await begin(rules())
    configured(night, ROOT + f", routes: [{{matchers: [pod=a], {child}}}]}}", RECEIVERS, interval)
    night.at(0).sees("a")
    await night.until(10)
    assert night.phone.tried == 0
    (decision,) = await decisions(night, "a")
    assert (decision.reason, list(decision.kept_back.values())) == (reason, [f"{reason}: {by}"])


async def test_every_reason_to_stay_quiet_has_words_in_both_languages() -> None:
    assert all(text("en") and text("zh") for text in REASONS.values())


async def test_a_routing_replaced_forgets_sources_that_no_longer_fire(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    await night.until(0)
    assert isinstance(night.routing, Routing)
    assert len(night.routing.firing) == 1
    configured(night, ROOT + "}", RECEIVERS)
    assert night.routing.firing == {}


@pytest.fixture
def store(database: Database) -> tuple[Silences, ManualClock]:
    clock = ManualClock(EVENING)
    numbers = iter(range(100))
    return Silences(database, clock, lambda: f"s{next(numbers)}"), clock


def wanted(clock: ManualClock, **other: object) -> Silence:
    now = clock.now()
    usual = {"id": "", "matchers": (Matcher("a", "b"),), "starts_at": now, "ends_at": now + timedelta(hours=1)}
    return Silence(**{"updated_at": now, "created_by": "mei", **usual, **other})  # type: ignore[arg-type]


async def test_a_later_end_is_a_change_and_other_matchers_are_another_silence(
    store: tuple[Silences, ManualClock],
) -> None:
    silences, clock = store
    first = await silences.save(wanted(clock), "mei")
    longer = await silences.save(
        wanted(clock, id=first.id, starts_at=first.starts_at, ends_at=EVENING + timedelta(hours=2)), "mei"
    )
    assert longer.id == first.id
    other = await silences.save(wanted(clock, id=first.id, matchers=(Matcher("a", "c"),)), "mei")
    assert other.id != first.id
    assert (await silences.get(first.id)).state(clock.now()) == "expired"
    assert [one.id for one in await silences.in_force(clock.now())] == [other.id]


async def test_what_has_expired_is_in_force_no_more_and_cannot_expire_again(
    store: tuple[Silences, ManualClock],
) -> None:
    silences, clock = store
    made = await silences.save(wanted(clock), "mei")
    await silences.expire(made.id, "mei")
    with pytest.raises(Conflict):
        await silences.expire(made.id, "mei")
    assert await silences.in_force(clock.now()) == []


async def test_a_silence_that_is_refused_leaves_nothing(store: tuple[Silences, ManualClock]) -> None:
    silences, clock = store
    with pytest.raises(Invalid):
        await silences.save(wanted(clock, matchers=()), "mei")
    assert await silences.all() == []


async def test_silences_are_listed_by_state_and_page(store: tuple[Silences, ManualClock]) -> None:
    silences, clock = store
    for number in range(1, 4):
        await silences.save(wanted(clock, ends_at=EVENING + timedelta(hours=number)), "mei")
    later = EVENING + timedelta(hours=5)
    await silences.save(wanted(clock, starts_at=later, ends_at=later + timedelta(hours=1)), "mei")
    assert [one.id for one in (await silences.page("active", 2, 0))[0]] == ["s2", "s1"]
    assert ([one.id for one in (await silences.page("active", 2, 2))[0]], 3) == (["s0"], 3)
    assert (await silences.page("pending", 10, 0))[1] == 1
    await clock.advance(timedelta(hours=1, seconds=1).total_seconds())
    assert [one.id for one in (await silences.page("expired", 10, 0))[0]] == ["s0"]
    assert (await silences.page(None, 1, 0))[1] == 4
