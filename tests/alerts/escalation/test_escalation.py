"""Who is told next when nobody has reacted, told as a night."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from alerts.escalation.afterwards import Afterwards
from alerts.escalation.escalator import Escalator, build_escalation
from alerts.escalation.policy import Escalations, parse_escalations
from alerts.notify.receivers import Integration
from alerts.routing.matchers import Matcher
from alerts.routing.silence import Silence
from alerts.routing.tree import Route
from core.errors import Invalid, Upstream
from tests.alerts.night import Begin, Night, Receiver, rules

RECEIVERS = ("everybody", "mei", "tom", "boss")
WRITTEN = """
rotas:
  - {name: first line, receivers: [mei, tom], start: 2026-03-02, every: 1d, handover: "21:05"}
escalations:
  - name: urgent
    matchers: [severity=~"warning|critical"]
    steps:
      - {after: 1m, rota: first line}
      - {after: 3m, receiver: boss}
"""


def afterwards_of(night: Night) -> Afterwards:
    return Afterwards(
        store=night.store,
        records=night.records,
        routing=night.routing,
        database=night.database,
        clock=night.clock,
        changed=night.feed.publish,
    )


class Watch:
    """A night with phones of their own for those who are told next."""

    def __init__(self, night: Night, phones: dict[str, Receiver]) -> None:
        self.night, self.phones, self.written = night, phones, WRITTEN
        self.build()

    def build(self) -> None:
        night = self.night
        ways = {name: (Integration(phone.name, "test"),) for name, phone in self.phones.items()}
        night.routing.receivers = {"everybody": (Integration(night.phone.name, "test"),), **ways}
        self.escalator = Escalator(
            escalations=parse_escalations(self.written, "night.yaml", RECEIVERS),
            pipeline=build_escalation(
                store=night.store, records=night.records, routing=night.routing, silences=night.silences
            ),
            afterwards=afterwards_of(night),
            routing=night.routing,
            database=night.database,
            clock=night.clock,
        )

    async def restart(self) -> None:
        await self.night.restart()
        self.build()
        await self.escalator.restore()

    async def until(self, second: float) -> None:
        while self.night.second < second:
            await self.night.until(min(second, self.night.second + 5))
            await self.escalator.tick()
            await self.night.outbox.tick()

    def told(self) -> dict[str, int]:
        """How often each was told to do something."""
        calls = {name: [m for m, _ in phone.got if m.reason == "escalated"] for name, phone in self.phones.items()}
        return {name: len(got) for name, got in calls.items() if got}

    def ends(self) -> dict[str, list[str]]:
        """What each was told of how it ended."""
        found = {name: [m for m, _ in phone.got if m.reason != "escalated"] for name, phone in self.phones.items()}
        return {name: [message.line("en") for message in got] for name, got in found.items() if got}

    @property
    def key(self) -> str:
        return next(iter(self.night.latest))

    async def reasons(self) -> list[tuple[str, str]]:
        rows = await self.night.desk.decisions(self.key)
        return [(row.receiver, row.reason) for row in rows if row.group_key.startswith("escalation")]


@pytest.fixture
async def watch(begin: Begin) -> Watch:
    phones = {name: Receiver(name=f"{name}/test[0]") for name in ("mei", "tom", "boss")}
    night = await begin(rules(), channels=[Receiver(), *phones.values()])
    night.phone = night.channels[0]  # type: ignore[assignment]
    night.at(0).sees("a")
    return Watch(night, phones)


async def test_each_step_is_told_in_its_time_and_once(watch: Watch) -> None:
    await watch.until(55)
    assert watch.told() == {}
    await watch.until(65)
    assert watch.told() == {"tom": 1}
    await watch.until(600)
    assert watch.told() == {"tom": 1, "boss": 1}
    message, _ = watch.phones["boss"].got[0]
    assert (message.reason, message.receiver, message.items[0].labels["pod"]) == ("escalated", "boss", "a")
    assert await watch.reasons() == [("tom/test[0]", "escalated"), ("boss/test[0]", "escalated")]


async def test_the_rota_says_who_is_told_at_that_moment(watch: Watch) -> None:
    watch.night.at(200).sees()
    watch.night.at(300).sees("a")
    await watch.until(400)  # fires anew at 21:05, the hour of relief
    assert watch.told() == {"tom": 1, "boss": 1, "mei": 1}


async def test_what_somebody_took_or_closed_goes_no_further(watch: Watch) -> None:
    await watch.until(100)
    await watch.night.desk.acknowledge(watch.key, "tom")
    await watch.until(600)
    assert watch.told() == {"tom": 1}
    assert await watch.reasons() == [
        ("tom/test[0]", "escalated"),
        ("tom/test[0]", "end_taken"),
        ("boss/test[0]", "acknowledged"),
    ]


async def test_what_was_closed_goes_no_further(watch: Watch) -> None:
    await watch.until(10)
    await watch.night.desk.close(watch.key, "tom", "known")
    await watch.until(600)
    assert watch.told() == {}
    assert {reason for _, reason in await watch.reasons()} == {"closed"}


async def test_what_ended_is_not_escalated_and_what_fires_anew_begins_anew(watch: Watch) -> None:
    watch.night.at(30).sees()
    await watch.until(300)
    assert watch.told() == {}
    watch.night.at(305).sees("a")
    await watch.until(350)
    assert watch.told() == {}
    await watch.until(600)
    assert watch.told() == {"mei": 1, "boss": 1}


async def test_a_silence_keeps_it_back_and_its_end_lets_it_go(watch: Watch) -> None:
    now = watch.night.clock.now()
    await watch.night.silences.save(
        Silence("", (Matcher("pod", "a", "="),), now, now + timedelta(seconds=240), now, "mei", "release"), "mei"
    )
    await watch.until(230)
    assert watch.told() == {}
    assert {reason for _, reason in await watch.reasons()} == {"silenced"}
    await watch.until(400)
    assert watch.told() == {"tom": 1, "boss": 1}


async def test_no_restart_tells_a_step_again_or_forgets_one(watch: Watch) -> None:
    for second in range(20, 400, 20):
        await watch.until(second)
        await watch.restart()
    assert watch.told() == {"tom": 1, "boss": 1}


async def test_killed_between_the_decision_and_the_row_it_is_told_after_the_restart(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watch.until(55)
    with monkeypatch.context() as patched:
        patched.setattr("alerts.notify.records._tell", _killed)
        with pytest.raises(Upstream):
            await watch.until(65)
    await watch.restart()
    await watch.until(100)
    assert watch.told() == {"tom": 1}


async def _killed(*_args: Any) -> None:
    raise Upstream("The process", "was killed", retryable=True)


async def test_two_that_think_they_keep_the_watch_tell_a_step_once(watch: Watch) -> None:
    await watch.until(65)
    watch.escalator._done.clear()  # as one who knows nothing of the other
    with pytest.raises(Exception, match="UNIQUE"):
        await watch.escalator.tick()
    await watch.escalator.restore()
    await watch.until(100)
    assert watch.told() == {"tom": 1}


async def test_many_that_come_to_a_step_together_are_one_message(watch: Watch) -> None:
    watch.night.at(0).sees(*(f"p{number}" for number in range(40)))
    await watch.until(65)
    assert watch.told() == {"tom": 1}
    assert len(watch.phones["tom"].got[0][0].items) == 40


async def test_a_receiver_that_is_gone_is_told_of_in_the_history(watch: Watch) -> None:
    del watch.night.routing.receivers["tom"]  # type: ignore[attr-defined]
    await watch.until(100)
    assert ("", "no_receiver") in await watch.reasons()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("receiver: boss", "receiver: bos", "no receiver bos .* mean boss"),
        ("rota: first line", "rota: second line", "no rota second line"),
        ("after: 3m", "after: 30s", "order of their times"),
        ("{after: 3m, receiver: boss}", "{receiver: boss}", "step 2: it needs after"),
        ("steps:", "stepps:", "unknown field stepps"),
        ("[mei, tom]", "[mei, tim]", "no receiver tim"),
        ("name: urgent", "name: 7", "name must be a text"),
    ],
)
def test_a_bad_file_is_refused_with_the_place(before: str, after: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        parse_escalations(WRITTEN.replace(before, after), "night.yaml", RECEIVERS)


def test_two_of_one_name_are_refused() -> None:
    one = "{name: x, steps: [{after: 1m, receiver: boss}]}"
    with pytest.raises(Invalid, match="twice"):
        parse_escalations(f"escalations: [{one}, {one}]", "x.yaml", RECEIVERS)


def test_without_a_file_nobody_is_told_next() -> None:
    assert Escalations().named() == set()


async def test_who_was_told_is_told_once_that_it_is_over(watch: Watch) -> None:
    watch.night.at(100).sees()
    await watch.until(400)
    assert watch.told() == {"tom": 1}
    assert watch.ends() == {"tom": ["[RESOLVED:1] Trouble - a is at 1"]}
    assert ("tom/test[0]", "end_resolved") in await watch.reasons()


async def test_who_was_told_is_told_who_took_it_and_not_again_when_it_ends(watch: Watch) -> None:
    await watch.until(100)
    await watch.night.desk.acknowledge(watch.key, "mei")
    watch.night.at(300).sees()
    await watch.until(600)
    assert watch.ends() == {"tom": ["[TAKEN by mei:1] Trouble - a is at 1"]}
    message, _ = watch.phones["tom"].got[-1]
    assert message.webhook_body()["alerts"][0]["annotations"]["acknowledged_by"] == "mei"
    assert message.line("zh").startswith("[mei 已处理:1]")


async def test_who_was_told_is_told_who_closed_it(watch: Watch) -> None:
    await watch.until(100)
    await watch.night.desk.close(watch.key, "mei", "known")
    await watch.until(200)
    assert watch.ends() == {"tom": ["[TAKEN by mei:1] Trouble - a is at 1"]}
    assert ("tom/test[0]", "end_closed") in await watch.reasons()


async def test_everybody_who_was_told_hears_the_end_and_nobody_else(watch: Watch) -> None:
    watch.night.at(300).sees()
    await watch.until(600)
    assert set(watch.ends()) == {"tom", "boss"}


async def test_a_policy_and_a_way_may_want_no_ends(watch: Watch) -> None:
    watch.written = WRITTEN.replace("    steps:", "    tell_end: false\n    steps:")
    watch.build()
    watch.night.at(100).sees()
    await watch.until(300)
    assert (watch.told(), watch.ends()) == ({"tom": 1}, {})
    watch.written = WRITTEN
    watch.build()
    await watch.until(400)
    assert watch.ends() == {}  # what was not wanted then is not told later


async def test_a_way_that_does_not_hear_of_ends_is_spared_them(watch: Watch) -> None:
    watch.night.routing.receivers["tom"] = (Integration("tom/test[0]", "test", sends_resolved=False),)  # type: ignore[index]
    watch.night.at(100).sees()
    await watch.until(300)
    assert (watch.told(), watch.ends()) == ({"tom": 1}, {})


async def test_an_end_survives_restarts_and_comes_once(watch: Watch) -> None:
    watch.night.at(100).sees()
    for second in range(20, 300, 20):
        await watch.until(second)
        await watch.restart()
    assert watch.ends() == {"tom": ["[RESOLVED:1] Trouble - a is at 1"]}


async def test_an_end_that_is_told_after_the_next_firing_began_is_the_first_ones(watch: Watch) -> None:
    watch.night.at(80).sees()
    watch.night.at(100).sees("a")
    await watch.until(65)
    await watch.night.until(130)  # nobody is told anything for a while
    await watch.until(140)
    first, end = [message for message, _ in watch.phones["tom"].got]
    assert end.items[0].starts_at == first.items[0].starts_at
    (resolved,) = [move.at for move in await watch.night.desk.transitions(watch.key) if move.after == "resolved"]
    assert end.items[0].ends_at == resolved.isoformat().replace("+00:00", "Z")


async def test_two_that_keep_the_watch_tell_an_end_once(watch: Watch) -> None:
    await watch.until(65)
    await watch.night.desk.acknowledge(watch.key, "mei")
    one, other = afterwards_of(watch.night), afterwards_of(watch.night)
    owed = await one._owed()
    assert await other.tell_ends(Escalations()) == 1
    assert await one._tell(owed, watch.night.clock.now(), is_wanted=True) == 0


async def test_an_end_that_could_not_be_written_is_told_at_the_next_turn(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watch.until(65)
    await watch.night.desk.acknowledge(watch.key, "mei")
    with monkeypatch.context() as patched:
        patched.setattr("alerts.notify.records._tell", _killed)
        with pytest.raises(Upstream):
            await watch.until(75)
    await watch.until(100)
    assert len(watch.ends()["tom"]) == 1


async def test_what_was_taken_for_a_while_is_nobodys_again_and_goes_further(watch: Watch) -> None:
    await watch.until(100)
    taken = await watch.night.desk.acknowledge(watch.key, "mei", "a look", timedelta(minutes=10))
    assert taken.to_json()["acknowledged_until"] == (watch.night.clock.now() + timedelta(minutes=10)).isoformat()
    await watch.until(690)
    assert (watch.told(), (await watch.night.desk.get(watch.key)).status) == ({"tom": 1}, "confirmed")
    await watch.until(710)
    assert (watch.told(), (await watch.night.desk.get(watch.key)).status) == ({"tom": 1, "boss": 1}, "open")
    moves = [(move.after, move.reason, move.by) for move in await watch.night.desk.transitions(watch.key)]
    assert moves[-1] == ("lapsed", "lapsed", "mei")
    watch.night.at(750).sees()
    await watch.until(900)
    assert watch.ends() == {
        "tom": ["[TAKEN by mei:1] Trouble - a is at 1", "[RESOLVED:1] Trouble - a is at 1"],
        "boss": ["[RESOLVED:1] Trouble - a is at 1"],
    }


async def test_repeats_come_again_when_the_time_is_over(begin: Begin) -> None:
    minute = timedelta(minutes=1)
    night = await begin(rules(), route=Route("everybody", group_interval=minute, repeat_interval=minute))
    night.at(0).sees("a")
    await night.until(60)
    await night.desk.acknowledge(next(iter(night.latest)), "mei", hold=5 * minute)
    await night.until(355)
    said = list(night.phone.said)
    assert said == ["firing first"]
    await night.clock.advance(10)
    assert await afterwards_of(night).lapse() == 1
    await night.until(490)
    assert night.phone.said == [*said, "firing repeat"]


async def test_whoever_has_it_may_say_anew_for_how_long_and_nobody_else(watch: Watch) -> None:
    await watch.until(30)
    desk, now = watch.night.desk, watch.night.clock.now()
    await desk.acknowledge(watch.key, "mei", hold=timedelta(hours=1))
    assert (await desk.acknowledge(watch.key, "tom", hold=timedelta(hours=9))).acknowledged_by == "mei"
    longer = await desk.acknowledge(watch.key, "mei", hold=timedelta(hours=3))
    assert longer.acknowledged_until == now + timedelta(hours=3)
    assert (await desk.acknowledge(watch.key, "mei")).acknowledged_until is None
    with pytest.raises(Invalid, match="1m to 30d"):
        await desk.acknowledge(watch.key, "mei", hold=timedelta(seconds=59))


async def test_a_firing_that_begins_anew_is_not_taken_by_what_was_said_of_the_last(watch: Watch) -> None:
    await watch.until(30)
    await watch.night.desk.acknowledge(watch.key, "mei", hold=timedelta(hours=1))
    watch.night.at(60).sees()
    watch.night.at(120).sees("a")
    await watch.until(150)
    again = await watch.night.desk.get(watch.key)
    assert (again.acknowledged_by, again.acknowledged_until) == (None, None)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_a_step_is_told_once_of_a_firing_and_its_end_once_of_each_taking(
    watch: Watch, seed: int
) -> None:
    chance, takings = random.Random(seed), 0
    for second in range(15, 900, 45):
        watch.night.at(second).sees(*(pod for pod in ("a", "b") if chance.random() < 0.7))
    for second in range(30, 900, 30):
        await watch.until(second)
        takings += await something(watch, chance)
    messages = [message for phone in watch.phones.values() for message, _ in phone.got]
    told = Counter(
        (message.receiver, message.group_key, item.fingerprint, item.starts_at, message.reason)
        for message in messages
        for item in message.items
    )
    calls = {key: times for key, times in told.items() if key[-1] == "escalated"}
    assert calls
    assert set(calls.values()) == {1}
    assert {times for key, times in told.items() if key[-1] == "end_resolved"} <= {1}
    assert all((*key[:-1], "escalated") in calls for key in told)  # nobody hears the end of what they were not told of
    assert sum(times for key, times in told.items() if key[-1] == "end_taken") <= takings * len(calls)


async def something(watch: Watch, chance: random.Random) -> bool:
    """Nothing, a restart, or somebody takes an alert for a while; whether that was so."""
    firing, _ = await watch.night.desk.list("firing")
    match chance.choice(["nothing", "restart", "take"]):
        case "restart":
            await watch.restart()
        case "take" if firing:
            chosen = chance.choice(firing).fingerprint
            await watch.night.desk.acknowledge(chosen, "ann", hold=timedelta(seconds=chance.choice([60, 120])))
            return True
    return False
