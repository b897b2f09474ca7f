"""Killed at any moment, again and again: nothing that fired stays untold, and a receiver that honours the key sees nothing twice."""

import random
from collections.abc import Callable

import pytest

from alerts.notify.channels import Channel
from alerts.notify.message import Message
from alerts.notify.records import Records
from core.errors import Upstream
from tests.alerts.night import STEP, Begin, Night, Receiver, rules

END = 480
PODS = ("a", "b", "c")
KILLED = Upstream("The process", "was killed", retryable=True)


def distinct(receiver: Receiver) -> list[Message]:
    """What a receiver believes that drops every key it has seen."""
    seen: dict[str, Message] = {}
    for message, key in receiver.got:
        assert seen.setdefault(key, message) == message
    return list(seen.values())


def told(messages: list[Message]) -> set[str]:
    return {item.labels["pod"] for message in messages for item in message.items}


async def _killed(*_args: object, **_kwargs: object) -> None:
    raise KILLED


async def one_step(night: Night, chance: random.Random) -> None:
    """One turn of everything, that may be cut short after any of its parts or before a delivery is marked."""
    night._play()
    cut = chance.randrange(8)
    if cut == 3:
        night.records.mark = _killed  # type: ignore[method-assign]
    for place, part in enumerate((night.evaluator.tick, night.notifier.tick, night.outbox.tick)):
        await part()
        if cut == place:
            break
    if cut <= 3:
        await night.restart()


@pytest.mark.parametrize("seed", range(4))
async def test_whenever_it_is_killed_every_alert_and_every_end_arrives_once(begin: Begin, seed: int) -> None:
    chance = random.Random(seed)
    night = await begin(rules(hold="15s"))
    night.at(0).sees()
    for second in range(0, 400, 60):
        night.at(second).sees(*(pod for pod in PODS if chance.random() < 0.7))
    night.at(400).sees()
    for _ in range(END // STEP):
        await one_step(night, chance)
        await night.clock.advance(STEP)
    await night.until(END + 400)

    messages = distinct(night.phone)
    alerts = await night.store.known()
    fired = {alert.labels["pod"] for alert in alerts if alert.fired_at}
    assert fired == told(messages)
    assert [message.status for message in messages].index("resolved") > 0
    assert messages[-1].status == "resolved"
    said = [str((message.reason, message.items)) for message in messages]
    assert len(set(said)) == len(said)


async def test_a_second_kill_before_the_first_was_mended_changes_nothing(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    for _ in range(3):
        night.records.mark = _killed  # type: ignore[method-assign]
        await night.until(night.second + 10)
        await night.restart()
    await night.until(60)
    assert [message.reason for message in distinct(night.phone)] == ["first"]
    assert len(night.phone.got) > 1


async def test_records_are_all_or_nothing(begin: Begin) -> None:
    """A decision whose outbox row cannot be written is no decision: the receiver is not remembered as told."""
    night = await begin(rules())
    night.at(0).sees("a")
    await night.until(10)
    (alert,) = night.latest.values()
    (delivery,) = await night.desk.deliveries(alert.fingerprint)
    (decision,) = await night.desk.decisions(alert.fingerprint)
    records: Records = night.records
    with pytest.raises(Exception, match="UNIQUE"):
        await records.tell(decision, delivery.message)
    assert len(await night.desk.decisions(alert.fingerprint)) == 1


def test_a_test_receiver_is_a_channel() -> None:
    make: Callable[[], Channel] = Receiver
    assert make().kind == "test"
