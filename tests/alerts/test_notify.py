"""From a firing alert to what the receiver gets, when, and why it gets nothing."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from alerts.notify.grouping import Groups
from alerts.routing.tree import Route
from core.errors import Upstream
from tests.alerts.night import Begin, Night, Receiver, rules, soon, underway

DOWN = Upstream("The phone", "answered 503", retryable=True, status=503)
REFUSES = Upstream("The phone", "answered 400", retryable=False, status=400)
HOUR = 3600


def a_route(**options: Any) -> Route:
    usual: dict[str, Any] = {"group_by": ("alertname", "namespace"), "group_interval": timedelta(seconds=60)}
    return Route("everybody", **{**usual, **options})


async def decisions(night: Night) -> list[tuple[str, bool, int]]:
    (alert, *_), _ = await night.desk.list()
    return [(row.reason, row.told, row.times) for row in await night.desk.decisions(alert.fingerprint)]


async def test_a_firing_alert_is_told_after_group_wait(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    await night.until(5)
    assert night.phone.said == []
    await night.until(10)
    assert night.phone.said == ["firing first"]


async def test_a_pending_alert_is_told_to_nobody(begin: Begin) -> None:
    night = await begin(rules(hold="10m"))
    night.at(0).sees("a")
    await night.until(300)
    assert night.phone.tried == 0


async def test_alerts_of_one_group_are_one_message(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a", "b", "c")
    await night.until(10)
    ((message, _),) = night.phone.got
    assert [item.labels["pod"] for item in message.items] == ["a", "b", "c"]
    assert message.group_key == '{}:{alertname="Trouble", namespace="shop"}'
    assert message.group_labels == {"alertname": "Trouble", "namespace": "shop"}
    assert "pod" not in message.common_labels


async def test_an_alert_that_joins_its_group_is_told_at_the_next_look(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    night.at(30).sees("a", "b")
    await night.until(65)
    assert night.phone.said == ["firing first"]
    await night.until(70)
    assert night.phone.said == ["firing first", "firing changed"]


async def test_the_end_is_told_once(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    night.at(20).sees()
    await night.until(600)
    assert night.phone.said == ["firing first", "resolved resolved"]
    ended = night.phone.got[1][0].items[0]
    assert ended.status == "resolved"
    assert ended.ends_at == (night.start + timedelta(seconds=30)).isoformat().replace("+00:00", "Z")


async def test_one_that_ended_before_anyone_was_told_is_never_told(begin: Begin) -> None:
    night = await begin(rules(), route=a_route(group_wait=timedelta(seconds=60)))
    night.at(0).sees("a")
    night.at(15).sees()
    await night.until(300)
    assert night.phone.tried == 0
    assert await decisions(night) == [("never_told", False, 1)]


async def test_an_alert_that_fires_on_is_repeated_and_the_silence_between_is_one_row_that_counts(begin: Begin) -> None:
    route = a_route(group_wait=timedelta(0), repeat_interval=timedelta(minutes=10))
    night = await begin(rules(interval="1m"), route=route)
    night.at(0).sees("a")
    await night.until(11 * 60)
    assert night.phone.said == ["firing first", "firing repeat"]
    assert await decisions(night) == [("first", True, 1), ("duplicate", False, 10), ("repeat", True, 1)]


async def test_an_acknowledged_alert_is_not_repeated_but_its_end_is_told(begin: Begin) -> None:
    route = a_route(group_wait=timedelta(0), repeat_interval=timedelta(minutes=5))
    night = await begin(rules(interval="1m"), route=route)
    night.at(0).sees("a")
    await night.until(60)
    (alert,), _ = await night.desk.list("firing")
    await night.desk.acknowledge(alert.fingerprint, "mei", "on it")
    night.at(20 * 60).sees()
    await night.until(15 * 60)
    assert night.phone.said == ["firing first"]
    assert ("acknowledged", False) in [(reason, told) for reason, told, _ in await decisions(night)]
    await night.until(22 * 60)
    assert night.phone.said == ["firing first", "resolved resolved"]


async def test_a_new_alert_beside_an_acknowledged_one_is_told(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    await night.until(10)
    (alert,), _ = await night.desk.list("firing")
    await night.desk.acknowledge(alert.fingerprint, "mei")
    night.at(30).sees("a", "b")
    await night.until(90)
    assert night.phone.said == ["firing first", "firing changed"]


async def test_an_acknowledgement_does_not_outlive_its_episode(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    await night.until(10)
    (alert,), _ = await night.desk.list("firing")
    await night.desk.acknowledge(alert.fingerprint, "mei")
    night.at(20).sees()
    night.at(200).sees("a")
    await night.until(210)
    (again,), _ = await night.desk.list("firing")
    assert again.fingerprint == alert.fingerprint
    assert again.episode != alert.episode
    assert again.acknowledged_by is None


async def test_with_nobody_configured_the_decision_is_still_a_row(begin: Begin) -> None:
    night = await begin(rules(), channels=[])
    night.at(0).sees("a")
    await night.until(10)
    assert await decisions(night) == [("no_receiver", False, 1)]


async def test_a_receiver_that_is_down_gets_everything_in_order_when_it_is_back(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    night.at(0).receiver_fails(DOWN)
    night.at(100).sees()
    night.at(400).receiver_recovers()
    await night.until(390)
    assert night.phone.got == []
    assert night.phone.tried > 3
    await night.until(1000)
    assert night.phone.said == ["firing first", "resolved resolved"]


async def test_attempts_come_at_doubling_pauses(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    night.at(0).receiver_fails(DOWN)
    await night.until(10)
    (alert,), _ = await night.desk.list("firing")
    pauses = []
    for _ in range(10):
        (delivery,) = await night.desk.deliveries(alert.fingerprint)
        pauses.append((delivery.next_attempt_at - night.clock.now()).total_seconds())
        await night.clock.advance(pauses[-1])
        await night.outbox.tick()
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]


async def test_a_receiver_that_asks_for_time_gets_it(begin: Begin) -> None:
    busy = Upstream("The phone", "answered 429", retryable=True, status=429)
    busy.details["retry_after"] = 45.0
    night = await begin(rules())
    night.at(0).sees("a")
    night.at(0).receiver_fails(busy)
    await night.until(10)
    night.at(11).receiver_recovers()
    await night.until(50)
    assert night.phone.tried == 1
    await night.until(55)
    assert night.phone.said == ["firing first"]


async def test_a_refusal_is_final_and_says_why(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    night.at(0).receiver_fails(REFUSES)
    await night.until(120)
    (alert,), _ = await night.desk.list("firing")
    (delivery,) = await night.desk.deliveries(alert.fingerprint)
    assert (night.phone.tried, delivery.status, delivery.said) == (1, "failed", "The phone answered 400")


async def test_a_day_of_failures_is_given_up_aloud(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    night.at(0).receiver_fails(DOWN)
    await night.until(10)
    await night.clock.advance(25 * HOUR)
    await night.outbox.tick()
    (alert,), _ = await night.desk.list("firing")
    (delivery,) = await night.desk.deliveries(alert.fingerprint)
    assert (delivery.status, delivery.said) == ("failed", "given up after 2 attempts: The phone answered 503")


async def test_a_repeat_waits_behind_a_message_that_has_not_arrived(begin: Begin) -> None:
    route = a_route(group_wait=timedelta(0), repeat_interval=timedelta(minutes=5))
    night = await begin(rules(interval="1m"), route=route)
    night.at(0).sees("a")
    night.at(0).receiver_fails(DOWN)
    await night.until(12 * 60)
    assert "in_delivery" in [reason for reason, _, _ in await decisions(night)]
    (alert,), _ = await night.desk.list("firing")
    assert len(await night.desk.deliveries(alert.fingerprint)) == 1


async def test_a_receiver_that_hangs_does_not_hold_up_another(begin: Begin) -> None:
    hanging, listening = Receiver("hanging", hangs=True), Receiver("listening")
    night = await begin(rules(), channels=[hanging, listening])
    night.prometheus.answers["trouble"] = []
    night.at(0).sees("a")
    async with underway(night.until(10)):
        await soon(lambda: listening.got and hanging.tried)
    assert listening.said == ["firing first"]
    assert hanging.tried == 1


async def test_killed_after_deciding_and_before_sending_it_is_sent_after_the_restart(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    await night.until(5)
    await night.clock.advance(5)
    await night.notifier.tick()
    assert night.phone.got == []
    await night.restart()
    await night.until(15)
    assert night.phone.said == ["firing first"]


async def test_killed_between_sending_and_marking_it_is_sent_again_with_the_same_key(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")

    async def killed(*_args: object, **_kwargs: object) -> None:
        raise Upstream("The database", "is gone", retryable=True)

    night.records.mark = killed  # type: ignore[method-assign]
    await night.until(10)
    assert len(night.phone.got) == 1
    await night.restart()
    await night.until(20)
    (first, first_key), (second, second_key) = night.phone.got
    assert first_key == second_key
    assert first == second


async def test_what_was_sent_and_could_not_be_marked_is_marked_later_and_not_sent_again(begin: Begin) -> None:
    """A full disk is no crash: many receivers know no key, and would show every attempt."""
    night = await begin(rules())
    night.at(0).sees("a")
    mark = night.records.mark

    async def full(*_args: object, **_kwargs: object) -> None:
        raise Upstream("The database", "is full", retryable=True)

    night.records.mark = full  # type: ignore[method-assign]
    await night.until(60)
    night.records.mark = mark  # type: ignore[method-assign]
    await night.until(65)
    assert night.phone.tried == 1
    (alert, *_), _ = await night.desk.list()
    assert [(row.status, row.said) for row in await night.desk.deliveries(alert.fingerprint)] == [("sent", "ok")]


async def test_who_takes_up_the_watch_again_does_not_believe_its_own_memory(begin: Begin) -> None:
    """Another replica had it meanwhile, and told the end."""
    night = await begin(rules())
    night.at(0).sees("a")
    night.at(20).sees()
    await night.until(15)
    before = night.evaluator, night.notifier
    await night.restart()
    await night.until(120)
    assert night.phone.said == ["firing first", "resolved resolved"]
    night.evaluator, night.notifier = before
    await night.evaluator.restore()
    await night.notifier.restore()
    assert not night.evaluator.active(night.groups[0].rules[0].id)
    await night.until(200)
    (alert,), _ = await night.desk.list()
    assert [move.after for move in await night.desk.transitions(alert.fingerprint)] == ["firing", "resolved"]
    assert night.phone.said == ["firing first", "resolved resolved"]


async def test_an_end_that_came_while_nobody_ran_is_still_told(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    await night.until(10)
    night.at(20).sees()
    await night.clock.advance(20)
    await night.evaluator.tick()
    night._play()
    await night.clock.advance(15)
    await night.evaluator.tick()
    await night.restart()
    await night.until(150)
    assert night.phone.said == ["firing first", "resolved resolved"]


async def test_after_a_restart_a_group_that_was_told_is_not_told_again(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    await night.until(30)
    await night.restart()
    await night.until(200)
    assert night.phone.said == ["firing first"]


async def test_deliveries_to_a_receiver_that_was_removed_are_closed(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    night.at(0).receiver_fails(DOWN)
    await night.until(10)
    night.channels = []
    await night.restart()
    (alert,), _ = await night.desk.list("firing")
    (delivery,) = await night.desk.deliveries(alert.fingerprint)
    assert (delivery.status, delivery.said) == ("failed", "the receiver is no longer configured")


async def test_a_database_that_fails_during_a_decision_delays_it_and_loses_nothing(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    tell = night.records.tell

    async def locked(*_args: object) -> None:
        raise Upstream("The database", "is locked", retryable=True)

    night.records.tell = locked  # type: ignore[method-assign,assignment]
    await night.until(10)
    night.records.tell = tell  # type: ignore[method-assign]
    await night.until(20)
    assert night.phone.said == ["firing first"]


async def test_the_running_clockwork_tells_without_being_driven(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    night._play()
    await night.evaluator.tick()
    async with underway(night.notifier.run(), night.outbox.run()):
        for _ in range(200):
            await night.clock.advance(0.5)
            await asyncio.sleep(0.001)
            if night.phone.got:
                break
        assert night.phone.said == ["firing first"]


async def test_a_message_leaves_the_moment_the_wait_is_over(begin: Begin) -> None:
    night = await begin(rules(), route=a_route(group_wait=timedelta(seconds=0.7)))
    night.at(0).sees("a")
    night._play()
    async with underway(night.notifier.run(), night.outbox.run()):
        await night.evaluator.tick()
        await night.clock.advance(0.69)
        (alert,) = night.latest.values()
        assert await night.records.decisions_about(alert.fingerprint) == []
        await night.clock.advance(0.01)
        # The clock stands still from here: nobody's pause ends by itself.
        await soon(lambda: night.phone.got)
    assert night.phone.said == ["firing first"]


async def test_the_pipeline_can_be_printed(begin: Begin) -> None:
    night = await begin(rules())
    assert str(night.pipeline) == (
        "addressed -> uninhibited -> timely -> unsilenced -> unclosed -> deduplicated -> unacknowledged"
        " -> undelivered -> wanted -> recorded"
    )


async def test_a_long_group_key_is_cut_without_meeting_another(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    await night.until(0)
    alert = next(iter(night.latest.values()))
    groups = Groups(a_route(group_by=("note",)))
    for end in ("1", "2"):
        groups.put(replace(alert, labels={"note": "x" * 2000 + end}), night.clock.now())
    assert len({group.key for group in groups}) == 2
    assert max(len(group.key) for group in groups) < 1000


async def test_a_group_forgets_an_ended_alert_and_then_itself(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    night.at(20).sees()
    await night.until(200)
    assert len(night.routing.groups) == 0


async def test_a_tree_that_changes_between_two_groups_is_told_by_its_own_groups_alone(begin: Begin) -> None:
    night = await begin(rules(), route=a_route(group_by=("pod",), group_wait=timedelta(seconds=10)))
    night.at(0).sees("a", "b")
    decide, other = night.notifier._decide, replace(night.routing.config, route=a_route(group_by=("alertname",)))

    async def reloading(*about: Any) -> bool:
        night.notifier._decide = decide  # type: ignore[method-assign]
        done = await decide(*about)
        await night.notifier.reload(other, night.routing.receivers)
        return done

    night.notifier._decide = reloading  # type: ignore[method-assign, assignment]
    await night.until(120)
    told = [sorted(item.labels["pod"] for item in message.items) for message, _ in night.phone.got]
    assert told == [["a"], ["a", "b"]]
