"""The watch as timelines: what Prometheus answers when, and what becomes of the alerts."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest

from alerts.model import Alert, Change, Transition
from alerts.notify.letter import letter
from alerts.rules import parse_rules
from core.errors import Invalid, NotConfigured, Upstream
from tests.alerts.night import EVENING, Begin, Night, Sample, rules, stop


async def test_an_alert_is_pending_then_firing_then_resolved(begin: Begin) -> None:
    night = await begin(rules(hold="60s"))
    night.at(0).sees("a")
    await night.until(45)
    night.expect(pending=["a"])
    await night.until(60)
    night.expect(firing=["a"])
    night.at(100).sees()
    await night.until(120)
    night.expect()
    assert night.moves() == [
        (0, "inactive > pending: seen"),
        (60, "pending > firing: held"),
        (105, "firing > resolved: gone"),
    ]


async def test_every_move_is_a_row_with_from_to_reason_time_and_author(begin: Begin) -> None:
    night = await begin(rules(hold="15s"))
    night.at(0).sees("a")
    await night.until(15)
    (alert,), _ = await night.desk.list("firing")
    rows = [move.to_json() for move in await night.desk.transitions(alert.fingerprint)]
    assert [(row["from"], row["to"], row["reason"], row["by"]) for row in rows] == [
        ("inactive", "pending", "seen", "evaluator"),
        ("pending", "firing", "held", "evaluator"),
    ]
    assert rows[1]["at"] == (night.start + timedelta(seconds=15)).isoformat()


async def test_each_series_of_a_rule_lives_its_own_life(begin: Begin) -> None:
    night = await begin(rules(hold="30s"))
    night.at(0).sees("a")
    night.at(15).sees("a", "b")
    await night.until(30)
    night.expect(firing=["a"], pending=["b"])


async def test_labels_and_annotations_speak_of_the_present_value(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a", value=3)
    night.at(15).sees("a", value=4)
    await night.until(15)
    (alert,), _ = await night.desk.list()
    assert alert.labels == {"alertname": "Trouble", "namespace": "shop", "pod": "a", "severity": "warning"}
    assert alert.annotations == {"summary": "a is at 4"}
    assert alert.value == 4


async def test_a_refusing_prometheus_resolves_nothing(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    night.at(20).prometheus_fails()
    await night.until(300)
    assert (300.0, "firing > resolved: gone") not in night.moves()
    assert "a" in [alert.labels.get("pod") for alert in (await night.desk.list("firing"))[0]]


async def test_an_outage_raises_its_own_alert_and_the_first_answer_ends_it(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    night.at(10).prometheus_fails()
    await night.until(45)
    night.expect(firing=["a"])
    await night.until(75)
    night.expect(firing=["PrometheusUnreachable", "a"])
    assert "refused the connection" in night.evaluator.trouble
    night.at(80).prometheus_recovers()
    await night.until(90)
    night.expect(firing=["a"])
    assert night.evaluator.trouble == ""


async def test_the_outage_alert_survives_a_restart_in_the_middle_of_the_outage(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).prometheus_fails()
    await night.until(90)
    night.expect(firing=["PrometheusUnreachable"])
    await night.restart()
    await night.until(150)
    night.expect(firing=["PrometheusUnreachable"])
    assert [move for _, move in night.moves()] == ["inactive > firing: seen"]


async def test_a_prometheus_that_was_never_set_up_is_no_outage(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).prometheus_fails(NotConfigured("Prometheus", "set PROMETHEUS_URL"))
    await night.until(300)
    night.expect()
    assert night.desk.rules()[0]["error"] == "Prometheus is not configured: set PROMETHEUS_URL"


async def test_one_bad_query_is_that_rules_trouble_alone(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).prometheus_fails(Invalid("unknown function", field="expr"))
    await night.until(300)
    night.expect()
    (rule,) = night.desk.rules()
    assert (rule["health"], rule["error"]) == ("failing", "unknown function")


async def test_a_hanging_prometheus_is_given_up_after_its_timeout(begin: Begin) -> None:
    night = await begin(rules())
    night.prometheus.hangs = True
    turn = asyncio.create_task(night.evaluator.tick())
    await night.clock.advance(9)
    assert not turn.done()
    await night.clock.advance(1)
    await turn
    assert night.desk.rules()[0]["error"] == "Prometheus did not answer within 10 s"


async def test_a_query_that_hangs_does_not_hold_up_the_next_rule(begin: Begin) -> None:
    groups = parse_rules(
        "groups: [{name: g, rules: [{alert: Slow, expr: slow}, {alert: Trouble, expr: trouble}]}]", "two.yaml"
    )
    night = await begin(groups)
    night.prometheus.answers["trouble"] = [Sample({"pod": "a"})]
    original = night.prometheus.query

    async def slow_hangs(expr: str, at: object = None) -> object:
        if expr == "slow":
            await asyncio.Event().wait()
        return await original(expr, at)  # type: ignore[arg-type]

    night.prometheus.query = slow_hangs  # type: ignore[method-assign,assignment]
    turn = asyncio.create_task(night.evaluator.tick())
    await _eventually(lambda: bool(night.changes))
    night.expect(firing=["a"])
    await night.clock.advance(10)
    await turn


async def test_an_answer_with_two_series_that_become_one_alert_is_refused(begin: Begin) -> None:
    night = await begin(rules())
    night.prometheus.answers["trouble"] = [Sample({"__name__": "x", "pod": "a"}), Sample({"__name__": "y", "pod": "a"})]
    await night.until(0)
    night.expect()
    assert "two series that have the same labels" in night.desk.rules()[0]["error"]


async def test_a_rule_over_its_groups_limit_says_so_and_tells_nobody_that_all_is_well(begin: Begin) -> None:
    night = await begin(rules(group_extra="limit: 2"))
    night.at(0).sees("a", "b")
    await night.until(0)
    night.expect(firing=["a", "b"])
    night.at(15).sees("a", "c", "d", "e")
    await night.until(200)
    night.expect(firing=["a", "b"])
    assert night.desk.rules()[0]["health"] == "failing"
    assert night.desk.rules()[0]["error"].startswith(
        "The rule Trouble has 4 alerts and its group allows 2: none begins"
    )
    assert night.phone.said == ["firing first"]
    night.at(210).sees("a")
    await night.until(300)
    assert night.moves()[2:] == [(210, "firing > resolved: gone")]
    assert night.phone.said == ["firing first", "firing changed"]


async def test_what_was_pending_when_its_rule_went_over_the_limit_begins_anew(begin: Begin) -> None:
    night = await begin(rules(hold="60s", group_extra="limit: 2"))
    night.at(0).sees("a")
    night.at(45).sees("a", "b", "c")
    night.at(60).sees("a")
    await night.until(105)
    night.expect(pending=["a"])
    assert (45, "pending > inactive: limit") in night.moves()
    await night.until(120)
    night.expect(firing=["a"])


async def test_a_restart_in_the_middle_of_for_loses_no_progress(begin: Begin) -> None:
    night = await begin(rules(hold="60s"))
    night.at(0).sees("a")
    await night.until(40)
    await night.restart()
    await night.until(60)
    night.expect(firing=["a"])


async def test_time_that_nobody_watched_does_not_count_towards_for(begin: Begin) -> None:
    night = await begin(rules(hold="60s"))
    night.at(0).sees("a")
    await night.until(30)
    await night.clock.advance(600)
    await night.restart()
    await night.until(640)
    night.expect(pending=["a"])
    await night.until(645)
    night.expect(firing=["a"])


async def test_after_more_than_an_hour_unwatched_a_pending_alert_begins_anew(begin: Begin) -> None:
    night = await begin(rules(hold="60s"))
    night.at(0).sees("a")
    await night.until(30)
    await night.clock.advance(2 * 3600)
    await night.restart()
    assert night.moves()[-1][1] == "pending > inactive: stale"


async def test_a_firing_alert_fires_on_through_a_restart_until_an_answer_without_it(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    await night.until(15)
    night.prometheus.error = Upstream("Prometheus", "is starting", retryable=True)
    await night.clock.advance(15)
    await night.restart()
    await night.until(45)
    night.expect(firing=["a"])
    night.at(60).prometheus_recovers()
    night.at(60).sees()
    await night.until(60)
    night.expect()


async def test_alerts_of_a_rule_that_is_gone_after_a_restart_end_with_that_reason(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    await night.until(0)
    await night.restart(groups=[])
    night.expect()
    assert night.moves()[-1][1] == "firing > resolved: rule_removed"


async def test_a_changed_expression_keeps_the_alerts_of_its_rule() -> None:
    before = parse_rules("groups: [{name: g, rules: [{alert: A, expr: x > 1}]}]", "r.yaml")
    after = parse_rules("groups: [{name: g, rules: [{alert: A, expr: x > 2, for: 5m}]}]", "r.yaml")
    assert before[0].rules[0].id == after[0].rules[0].id


async def test_what_could_not_be_stored_is_decided_again_at_the_next_turn(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    save = night.store.save

    async def full(_changes: object) -> None:
        raise Upstream("The database", "could not do this: disk is full", retryable=True)

    night.store.save = full  # type: ignore[method-assign,assignment]
    await night.until(0)
    night.expect()
    assert "disk is full" in night.desk.rules()[0]["error"]
    night.store.save = save  # type: ignore[method-assign]
    await night.until(15)
    night.expect(firing=["a"])


async def test_missed_turns_are_counted_and_not_made_up(begin: Begin) -> None:
    night = await begin(rules())
    await night.until(0)
    await night.clock.advance(60)
    await night.evaluator.tick()
    assert len(night.prometheus.asked) == 2
    assert night.metrics.missed_ticks._value.get() == 3


async def test_a_group_is_asked_once_a_turn_however_often_the_clock_is_looked_at(begin: Begin) -> None:
    night = await begin(rules())
    assert [await night.evaluator.tick() for _ in range(3)] == [1, 0, 0]
    assert len(night.prometheus.asked) == 1


async def test_questions_are_asked_for_the_moment_of_the_turn_less_the_groups_offset(begin: Begin) -> None:
    night = await begin(rules(group_extra="query_offset: 1m"))
    await night.until(4)
    assert night.prometheus.asked == [("trouble", night.start - timedelta(seconds=60))]


async def test_concurrent_questions_are_bounded(begin: Begin) -> None:
    entries = ", ".join(f"{{alert: A{number}, expr: x{number}}}" for number in range(50))
    night = await begin(parse_rules(f"groups: [{{name: g, rules: [{entries}]}}]", "many.yaml"))
    await night.until(0)
    assert len(night.prometheus.asked) == 50
    assert night.prometheus.most_at_once <= 8


def test_groups_take_their_turns_at_different_moments_of_the_interval() -> None:
    text = "groups: [" + ", ".join(f"{{name: g{number}}}" for number in range(40)) + "]"
    offsets = {group.offset for group in parse_rules(text, "many.yaml")}
    assert len(offsets) == 40
    assert all(timedelta(0) <= offset < timedelta(seconds=15) for offset in offsets)
    assert max(offsets) - min(offsets) > timedelta(seconds=8)


async def test_the_running_watch_asks_at_every_turn_until_it_is_cancelled(begin: Begin) -> None:
    night = await begin(rules(interval="15s"))
    watch = asyncio.create_task(night.evaluator.run())
    for turn in range(1, 5):
        await _eventually(partial(_has_had_turns, night, turn))
        await night.clock.advance(15)
    await stop(watch)
    slots = [at for _, at in night.prometheus.asked]
    assert {later - earlier for earlier, later in pairwise(slots)} == {timedelta(seconds=15)}


async def test_an_error_nobody_foresaw_is_written_on_the_rule_and_the_watch_goes_on(begin: Begin) -> None:
    night = await begin(rules())

    async def broken(_expr: str, _at: object = None) -> list[Sample]:
        raise ZeroDivisionError

    night.prometheus.query = broken  # type: ignore[method-assign,assignment]
    await night.until(15)
    assert night.desk.rules()[0]["health"] == "failing"


def _has_had_turns(night: Night, turns: int) -> bool:
    return night.metrics.registry.get_sample_value("firstmate_evaluator_tick_duration_seconds_count") == turns


async def _eventually(holds: Callable[[], bool]) -> None:
    """For the few tests that let a loop run by itself: it needs turns of the event loop, not time."""
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0.001)
    pytest.fail("it never came to be")


def test_a_change_knows_whether_it_begins_an_episode() -> None:
    alert = Alert("f", "r", "Trouble", {}, {}, "firing", 1.0, "e", EVENING)
    assert Change(alert, Transition("resolved", "firing", "seen", EVENING)).begins
    assert not Change(alert, Transition("pending", "firing", "held", EVENING)).begins
    assert not Change(alert).begins


async def test_a_rule_that_is_removed_is_said_to_have_ended_and_not_to_be_well(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    await night.until(30)
    await night.evaluator.reload([])
    (alert,), _ = await night.desk.list("resolved")
    assert alert.to_json()["ended_because"] == "rule_removed"
    await night.restart([])  # the reason is kept, should the process end before it is told
    await night.until(100)
    (_, (last, _)) = night.phone.got
    assert last.line("en").startswith("[ENDED:1] Trouble")
    assert last.line("zh").startswith("[已结束:1] Trouble")
    written = letter(last, "en").plain()
    assert "ended: the rule was removed or switched off; whether the trouble is over is not known" in written
    assert "resolved" not in written.lower()
    assert "规则已被移除或停用, 故障是否恢复未知" in letter(last, "zh").plain()
    assert last.webhook_body()["alerts"][0]["status"] == "resolved"  # Alertmanager's format has no other word


async def test_what_was_seen_to_end_is_said_to_be_resolved(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    night.at(30).sees()
    await night.until(100)
    (_, (last, _)) = night.phone.got
    assert last.line("en").startswith("[RESOLVED:1] Trouble")
    assert "ended:" not in letter(last, "en").plain()
