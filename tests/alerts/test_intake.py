"""Alerts from other systems: written before they are acknowledged, together, bounded, and ended when their sender falls silent."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from alerts import intake as gate_module
from alerts.arriving import Arrival
from alerts.intake import Intake
from alerts.model import Change
from alerts.store import AlertStore, Filter
from core.clock import ManualClock
from core.database import Database
from core.errors import Upstream
from tests.alerts.night import EVENING, Begin, rules

PATIENCE = timedelta(minutes=5)
DISK_FULL = Upstream("The database", "has no room left", retryable=True)


def lamp(house: str = "1", **said: object) -> Arrival:
    return Arrival({"alertname": "Lamp", "house": house}, {"summary": "dark"}, **said)  # type: ignore[arg-type]


class CountingStore(AlertStore):
    """The real one, which counts its transactions and fails when it is told to."""

    saves = 0
    error: Upstream | None = None

    async def save(self, changes: Sequence[Change]) -> None:
        if self.error:
            raise self.error
        self.saves += bool(changes)
        await super().save(changes)


class Gate:
    def __init__(self, database: Database) -> None:
        self.clock = ManualClock(EVENING)
        self.store = CountingStore(database)
        self.changes: list[Change] = []
        self.reopen()

    def reopen(self) -> None:
        self.intake = Intake(
            store=self.store, clock=self.clock, patience=lambda: PATIENCE, listeners=[self.changes.append]
        )

    async def send(self, *posts: Sequence[Arrival]) -> list[BaseException | None]:
        """As senders do: each waits for its answer while the gate does its work."""
        sending = [asyncio.create_task(self.intake.take(post)) for post in posts]
        await asyncio.sleep(0)
        await asyncio.gather(self.intake.tick(), return_exceptions=True)
        return await asyncio.gather(*sending, return_exceptions=True)

    async def states(self) -> dict[str, str]:
        alerts, _ = await self.store.page(Filter(), 100, 0)
        return {alert.labels["house"]: alert.state for alert in alerts}


@pytest.fixture
def gate(database: Database) -> Gate:
    return Gate(database)


async def test_an_alert_is_on_disk_when_its_sender_is_answered(gate: Gate) -> None:
    assert await gate.send([lamp()]) == [None]
    assert await gate.states() == {"1": "firing"}


async def test_many_senders_at_once_cost_one_transaction(gate: Gate) -> None:
    await gate.send(*([lamp(str(number))] for number in range(50)))
    assert gate.store.saves == 1
    assert len(await gate.states()) == 50


async def test_an_alert_that_begins_and_ends_in_one_batch_has_ended_and_may_come_back(gate: Gate) -> None:
    await gate.send([lamp()], [lamp(ends_at=EVENING)])
    assert await gate.states() == {"1": "resolved"}
    await gate.send([lamp()], [lamp(ends_at=EVENING)], [lamp()])
    assert await gate.states() == {"1": "firing"}
    moves = await gate.store.transitions(gate.changes[0].alert.fingerprint)
    assert [move.after for move in moves] == ["firing", "resolved", "firing", "resolved", "firing"]


async def test_a_sender_that_falls_silent_ends_its_alert_and_one_that_repeats_does_not(gate: Gate) -> None:
    await gate.send([lamp("1"), lamp("2")])
    await gate.clock.advance(240)
    await gate.send([lamp("2")])
    await gate.clock.advance(60)
    await gate.intake.tick()
    assert await gate.states() == {"1": "resolved", "2": "firing"}


async def test_what_could_not_be_written_is_told_to_its_sender_and_leaves_no_trace(gate: Gate) -> None:
    gate.store.error = DISK_FULL
    assert await gate.send([lamp()]) == [DISK_FULL]
    assert gate.changes == []
    gate.store.error = None
    assert await gate.send([lamp()]) == [None]
    assert gate.changes[0].begins


async def test_after_a_restart_a_repetition_is_no_new_episode(gate: Gate) -> None:
    await gate.send([lamp()])
    gate.reopen()
    await gate.intake.restore()
    await gate.send([lamp()])
    assert [change.begins for change in gate.changes] == [True, False]


async def test_more_than_can_wait_is_sent_away(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "MAX_WAITING", 3)
    (refused, taken) = await gate.send([lamp(str(number)) for number in range(4)], [lamp()])
    assert isinstance(refused, Upstream)
    assert refused.retryable
    assert taken is None


async def test_a_replica_that_stands_by_sends_senders_to_another(gate: Gate) -> None:
    gate.intake.is_open = False
    with pytest.raises(Upstream, match="another replica"):
        await gate.intake.take([lamp()])


async def test_a_gate_that_is_closed_in_the_middle_answers_those_who_wait(gate: Gate) -> None:
    sending = asyncio.create_task(gate.intake.take([lamp()]))
    await asyncio.sleep(0)
    turn = asyncio.create_task(gate.intake.tick())
    await asyncio.sleep(0)
    turn.cancel()
    with pytest.raises(Upstream, match="interrupted"):
        await sending


async def test_an_alert_sent_by_another_system_is_told_like_our_own_and_survives_our_rules_restart(
    begin: Begin,
) -> None:
    night = await begin(rules())
    intake = Intake(store=night.store, clock=night.clock, patience=lambda: PATIENCE, listeners=[night.notifier.put])
    sending = asyncio.create_task(intake.take([lamp()]))
    await asyncio.sleep(0)
    await intake.tick()
    await sending
    await night.until(10)
    assert night.phone.said == ["firing first"]
    await night.restart()
    assert [alert.name for alert in await night.store.active()] == ["Lamp"]
