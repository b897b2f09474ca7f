"""What is past its time goes, what is still needed stays however old it is, and nobody waits for the keeper."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from alerts.escalation.tables import EscalationRow
from alerts.incidents.records import Filter
from alerts.incidents.tables import IncidentRow
from alerts.keeping import removals as removals_module
from alerts.keeping.keeper import REST, Keeper, Terms
from alerts.pictures.tables import PictureRow
from alerts.routing.matchers import Matcher
from alerts.routing.silence import Silence
from alerts.rulebook.book import MAX_VERSIONS, RuleBook
from alerts.rulebook.definition import Definition
from alerts.tables import (
    AlertNotificationRow,
    AlertNotifyLogRow,
    AlertTransitionRow,
    ManagedRuleRow,
    ManagedRuleVersionRow,
)
from core.database import Base
from core.errors import Upstream
from core.metrics import Metrics
from tests.alerts.keeping.conftest import Years, years
from tests.alerts.night import Night

CPU = Definition(name="HighCpu", expr="cpu > 80")


async def test_of_an_episode_that_ended_long_ago_nothing_is_left(kept: Years) -> None:
    await kept.hours("a", "b")
    await kept.hours()
    assert kept.night.phone.said == ["firing first", "resolved resolved"]
    before = await kept.counts()
    assert await kept.later(days=13) == {"memories": 1}
    assert await kept.later(days=76) == {"bodies": 2}
    assert await kept.counts() == {name: count for name, count in before.items() if name != "alert_notify_log"}
    await kept.later(days=2)
    assert await kept.counts() == {}


async def test_what_goes_on_keeps_its_row_its_moves_its_incident_and_what_was_told_of_it(kept: Years) -> None:
    await kept.hours("a", "b")
    await kept.hours("a")
    (alert,) = await kept.night.store.active()
    mark = {"step": "escalation:urgent/1", "way": "phone", "receiver": "boss", "at": kept.night.clock.now()}
    marks = [{"fingerprint": alert.fingerprint, "episode": each, **mark} for each in (alert.episode, "an earlier one")]
    async with kept.night.database.write() as session:
        await session.execute(insert(EscalationRow), marks)
    gone = await kept.later(days=200)
    some = {"bodies": 2, "decisions": gone["decisions"], "escalations": 1, "transitions": 2, "alerts": 1, "groups": 1}
    assert gone == some
    assert [move.after for move in await kept.night.store.transitions(alert.fingerprint)] == ["firing"]
    assert (await kept.night.incidents.of_alert(alert.fingerprint)) is not None
    await kept.night.restart()
    told = len(kept.night.phone.said)
    await kept.hours("a")
    assert kept.night.phone.said[told:] == ["firing repeat"]  # a repeat, and no first message once more


async def test_an_end_that_could_not_be_told_yet_is_told_after_a_round_and_a_restart(kept: Years) -> None:
    night = kept.night
    await kept.hours("a")
    night.at(night.second).sees()
    await night.until(night.second + 20)  # it has ended, and its group's next turn is yet to come
    assert night.phone.said == ["firing first"]
    await kept.later(days=80)
    await night.restart()
    await night.until(night.second + 75)
    assert night.phone.said == ["firing first", "resolved resolved"]


async def test_a_message_that_has_not_arrived_stays_word_for_word(kept: Years) -> None:
    night = kept.night
    night.at(0).receiver_fails(Upstream("The receiver", "is away", retryable=True))
    await kept.hours("a")
    gone = await kept.later(days=200)
    assert "bodies" not in gone
    (waiting,) = await night.records.pending("phone", 10)
    assert waiting.message.items[0].annotations["summary"] == "a is at 1"
    async with night.database.read() as session:
        assert (await session.scalars(select(AlertNotificationRow.told))).all() == [True]


async def test_the_words_of_a_message_go_first_and_the_delivery_stays(kept: Years) -> None:
    await kept.hours("a")
    (key,) = kept.night.latest
    await kept.later(days=13)
    (whole,) = await kept.night.records.deliveries_about(key)
    assert whole.message.items[0].labels["pod"] == "a"
    assert (await kept.later(days=2))["bodies"] == 1
    (bare,) = await kept.night.records.deliveries_about(key)
    assert bare.to_json() == whole.to_json()
    assert (bare.message.common_labels, bare.message.items[0].labels) == ({}, {})
    assert "bodies" not in await kept.later(days=2)


async def test_silences_stay_for_days_after_their_end(kept: Years) -> None:
    night = kept.night
    now = night.clock.now()
    made = Silence("", (Matcher("a", "b"),), now, now + timedelta(days=30), now, "mei", "works")
    await night.silences.save(made, "mei")
    assert "silences" not in await kept.later(days=34)
    assert (await kept.later(days=2))["silences"] == 1


async def test_an_incident_goes_with_what_flowed_into_it_and_its_neighbour_stays(kept: Years) -> None:
    night = kept.night
    await kept.hours("a", "b")
    (one,), _ = await night.incidents.list(Filter())
    part = await night.incidents.split(one.id, [sorted(night.latest)[0]], "mei")
    await night.incidents.merge(one.id, [part.id], "mei")
    await kept.hours()
    await night.clock.advance(timedelta(days=60).total_seconds())
    await kept.hours("c")
    await kept.hours()
    gone = await kept.later(days=40)
    assert (gone["incidents"], gone["arrangements"]) == (2, 2)
    async with night.database.read() as session:
        assert (await session.scalars(select(IncidentRow.size))).all() == [1]


async def test_of_a_rule_the_latest_versions_stay_and_of_one_removed_they_go_in_time(kept: Years) -> None:
    night = kept.night

    async def nothing() -> None: ...

    book = RuleBook(night.database, night.clock, lambda: f"rule-{night.second}", nothing)
    much = await book.add(CPU, "mei")
    async with night.database.write() as session:
        (first,) = await session.scalars(select(ManagedRuleVersionRow))
        same = {name: getattr(first, name) for name in ("rule_id", "definition", "enabled", "at", "by", "what")}
        rows = [{**same, "number": number} for number in range(2, MAX_VERSIONS + 11)]
        await session.execute(insert(ManagedRuleVersionRow), rows)
        await session.execute(update(ManagedRuleRow).values(version=MAX_VERSIONS + 10))
    assert await kept.later(days=1) == {"versions": 10}
    gone = await book.add(CPU.changed(name="Gone"), "mei")
    await night.clock.advance(timedelta(days=80).total_seconds())
    await book.remove(gone.id, "mei")
    assert await kept.later(days=80) == {}
    assert await kept.later(days=11) == {"versions": 2}
    assert len(await book.versions(much.id)) == MAX_VERSIONS


async def test_a_memory_of_alerts_that_are_gone_does_not_stay_for_ever(kept: Years) -> None:
    """Its receiver was taken out of the configuration while they fired."""
    now = kept.night.clock.now()
    rows = [
        {"group_key": f"group {n}", "receiver": "gone", "firing": ["0" * 16], "resolved": [], "at": now}
        for n in range(7)
    ]
    async with kept.night.database.write() as session:
        await session.execute(insert(AlertNotifyLogRow), rows)
    assert await kept.later(days=89) == {}
    assert await kept.later(days=2) == {"memories": 7}


async def test_what_may_not_go_hides_nothing_that_may(kept: Years) -> None:
    """More of it than is looked at in one turn."""
    night = kept.night
    await kept.hours("a")
    (key,) = night.latest
    now = night.clock.now()
    rows = [{"group_key": f"{n}", "receiver": "r", "firing": [key], "resolved": [], "at": now} for n in range(30)]
    async with night.database.write() as session:
        await session.execute(insert(AlertNotifyLogRow), [*rows, {**rows[0], "group_key": "x", "firing": ["0" * 16]}])
    small = years(night, batch=10)
    await night.clock.advance(timedelta(days=91).total_seconds())
    assert (await small.round())["memories"] == 1


async def test_others_write_between_two_turns(kept: Years) -> None:
    night = kept.night
    old = {"fingerprint": "0" * 16, "rule_id": "r", "episode": "e", "before": "inactive", "after": "firing"}
    moves = [{**old, "reason": "seen", "at": night.clock.now(), "by": "evaluator", "note": ""}] * 25
    async with night.database.write() as session:
        await session.execute(insert(AlertTransitionRow), moves)
    await night.clock.advance(timedelta(days=91).total_seconds())
    small = years(night, batch=10)
    round_ = asyncio.create_task(small.keeper.round())
    while len(await night.store.transitions("0" * 16)) == 25:  # noqa: ASYNC110 - the database's thread has no event
        await asyncio.sleep(0.001)
    # The clock stands still, so the keeper rests; it has taken no more than its batch, and the database is free.
    assert len(await night.store.transitions("0" * 16)) == 15
    await night.store.evaluated("a group", night.clock.now())
    while not round_.done():
        await night.clock.advance(REST)
        await asyncio.sleep(0.001)
    assert round_.result() == {"transitions": 25}
    text = night.metrics.exposition().decode()
    assert 'firstmate_records_removed_total{records="transitions"} 25.0' in text


def test_every_table_of_the_room_is_thought_of() -> None:
    """Whoever adds one says here what bounds it."""
    bounded_otherwise = {"alert_rules", PictureRow.__tablename__}
    rows = [one for one in vars(removals_module).values() if isinstance(one, type) and issubclass(one, Base)]
    there = {table.name for table in Base.metadata.sorted_tables if table.name.startswith("alert")}
    assert there == {one.__tablename__ for one in rows} | bounded_otherwise


class Failing:
    name = "what fails"

    async def __call__(self, _now: datetime, _most: int) -> int:
        raise Upstream("The database", "is locked", retryable=True)


class Working:
    name = "what works"

    def __init__(self, there: Sequence[int]) -> None:
        self.there = list(there)

    async def __call__(self, _now: datetime, _most: int) -> int:
        return self.there.pop(0) if self.there else 0


async def test_a_removal_that_fails_keeps_the_others_from_nothing(kept: Years) -> None:
    keeper = Keeper(removals=[Failing(), Working([3, 2])], clock=kept.night.clock, metrics=Metrics())
    assert await Years(kept.night, keeper).round() == {"what works": 5}


async def _days(night: Night, terms: Terms, days: int) -> list[dict[str, int]]:
    """Every day another pod is in trouble for a while; the tables at the end of each of the last days."""
    kept, found = years(night, terms), []
    for day in range(days):
        await kept.hours(f"pod-{day}")
        await kept.hours()
        await kept.later(days=1)
        found.append(await kept.counts())
    return found


async def test_tables_grow_no_further_than_their_terms(kept: Years) -> None:
    found = await _days(kept.night, Terms(*[timedelta(days=3)] * 3), 7)
    assert found[0] != found[4] == found[6]
    assert found[6]["alerts"] == 2


@pytest.mark.soak
async def test_after_a_year_the_tables_are_as_after_ninety_days(kept: Years) -> None:
    found = await _days(kept.night, Terms(), 365)
    assert found[120] == found[364]
    assert found[364]["alerts"] == 89
