"""The same night on PostgreSQL: every statement the room makes, on the engine that a larger house uses."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from alerts.escalation.escalator import Escalator, build_escalation
from alerts.escalation.policy import Escalations, Policy, Step
from alerts.incidents.records import Filter
from core.database import Database
from tests.alerts.escalation.test_escalation import afterwards_of
from tests.alerts.night import Night, rules
from tests.services import Postgres


@pytest.fixture
async def night(postgres: Postgres) -> AsyncIterator[Night]:
    # A database of its own: other tests migrate the server's first one.
    connection = await asyncpg.connect(postgres.url)
    await connection.execute("DROP DATABASE IF EXISTS alerts_night WITH (FORCE)")
    await connection.execute("CREATE DATABASE alerts_night")
    await connection.close()
    database = Database(postgres.url.rpartition("/")[0] + "/alerts_night")
    await database.create_tables()
    night = Night(database, rules(hold="15s"))
    await night.restore()
    yield night
    await database.close()


@pytest.mark.real("postgres")
async def test_an_alert_lives_is_told_taken_and_ends_on_postgresql(night: Night) -> None:
    night.at(0).sees("a", "b", value=float("nan"))
    await night.until(30)
    night.expect(firing=["a", "b"])
    await night.restart()
    (alert, _), total = await night.desk.list("firing", namespace="shop")
    assert total == 2
    assert (await night.desk.acknowledge(alert.fingerprint[:10], "mei", "值班")).acknowledged_note == "值班"
    night.at(45).sees()
    await night.until(150)
    assert night.phone.said == ["firing first", "resolved resolved"]
    assert [move.after for move in await night.desk.transitions(alert.fingerprint)] == [
        "pending",
        "firing",
        "acknowledged",
        "resolved",
    ]
    assert [row.reason for row in await night.desk.decisions(alert.fingerprint)] == [
        "first",
        "duplicate",  # after the restart the group was looked at again
        "resolved",
    ]
    told = await night.desk.statistics()
    assert told["by_state"] == {"pending": 0, "firing": 0, "resolved": 2}
    assert told["last_24h"]["deliveries"] == {"sent": 2}
    night.channels = []
    await night.restart()


@pytest.mark.real("postgres")
async def test_incidents_are_merged_and_split_and_a_step_is_told_once_on_postgresql(night: Night) -> None:
    night.at(0).sees("a", "b")
    await night.until(30)
    (one,), _ = await night.incidents.list(Filter(state="open"))
    assert one.size == 2
    key = sorted(night.latest)[0]
    part = await night.incidents.split(one.id, [key], "mei")
    assert (await night.incidents.merge(one.id, [part.id], "mei")).size == 2
    assert (await night.desk.get(key)).incident == one.id
    assert [row.what for row in (await night.incidents.arrangements(part.id))[0]] == ["merge", "split"]
    assert (await night.incidents.undo(one.id, None, "mei")).what == "merge"
    assert (await night.desk.get(key)).incident == part.id
    await night.incidents.undo(one.id, None, "mei")
    escalations = Escalations((Policy("urgent", (), (Step(1, timedelta(seconds=20), receiver="everybody"),)),))
    pipeline = build_escalation(
        store=night.store, records=night.records, routing=night.routing, silences=night.silences
    )
    for told in (0, 1, 0):
        escalator = Escalator(
            escalations=escalations,
            pipeline=pipeline,
            afterwards=afterwards_of(night),
            routing=night.routing,
            database=night.database,
            clock=night.clock,
        )
        await escalator.restore()
        assert await escalator.tick() == told
        await night.until(60)
    await night.desk.acknowledge(key, "mei", hold=timedelta(minutes=5))
    assert await escalator.tick() == 1  # of the two that were told together, one is taken
    await night.clock.advance(301)
    assert await afterwards_of(night).lapse() == 1
    assert (await night.desk.get(key)).status == "open"
