"""How fast a vendor takes messages: a pure bucket, and an outbox that waits for it without losing or swapping anything."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.notify.channels import Shared
from alerts.notify.outbox import Outbox
from alerts.notify.pace import Bucket, Limit, Rate, read_rates
from alerts.notify.records import Decision, Delivery, Records
from alerts.notify.workshop import build_channels, limits_of
from alerts.routing.config import parse_config
from core.clock import ManualClock
from core.database import Database
from core.errors import Invalid, Upstream
from core.metrics import Metrics
from tests.alerts.night import EVENING, Receiver
from tests.alerts.test_channels import alert, message

MINUTE = timedelta(minutes=1)


def limit(written: str, address: str = "here") -> Limit:
    return Limit(address, written, read_rates(written, "am.yml:"))


@settings(deadline=None, max_examples=100)
@given(
    asked=st.lists(st.floats(0, 30), min_size=1, max_size=80),
    rates=st.lists(st.tuples(st.integers(1, 10), st.sampled_from([1, 5, 60])), min_size=1, max_size=3),
)
def test_no_window_sees_more_messages_than_the_rate_and_none_waits_for_nothing(
    asked: list[float], rates: list[tuple[int, int]]
) -> None:
    bucket = Bucket(tuple(Rate(count, timedelta(seconds=per)) for count, per in rates))
    now, times = EVENING, []
    for pause in asked:
        now += timedelta(seconds=pause)
        bucket, at = bucket.take(now)
        times.append((now, at))
    gone = [at for _, at in times]
    assert gone == sorted(gone)
    for rate in bucket.rates:
        for first, last in zip(gone, gone[rate.count :], strict=False):
            assert last - first >= rate.per
    for place, (asked_at, at) in enumerate(times):
        # It goes at once, or exactly when some rate gives a token back.
        back = [gone[place - rate.count] + rate.per for rate in bucket.rates if place >= rate.count]
        assert at == asked_at or at in back


@pytest.mark.parametrize("written", ["20", "0/m", "20/w", "20/m;5/s", "-1/s", "5000/m", "", "fast"])
def test_a_rate_that_is_none_is_refused_by_its_place(written: str) -> None:
    with pytest.raises(Invalid, match=r"am\.yml: rate_limit must be written as 20/m"):
        read_rates(written, "am.yml:")


def test_rates_come_from_the_file_else_from_the_vendor_and_one_address_has_one_bucket() -> None:
    text = """
    route: {receiver: a}
    receivers:
      - name: a
        dingtalk_configs: [{url: 'https://x/1'}, {url: 'https://x/2', rate_limit: none}]
        feishu_configs: [{url: 'https://f/1'}]
        webhook_configs: [{url: 'https://w'}, {url: 'https://w', rate_limit: 5/s}]
      - {name: b, dingtalk_configs: [{url: 'https://x/1', language: zh}]}
    """
    limits = limits_of(parse_config(text, "am.yml"))
    assert {name: one.written for name, one in limits.items()} == {
        "a/dingtalk[0]": "20/m",
        "b/dingtalk[0]": "20/m",
        "a/feishu[0]": "100/m, 5/s",
        "a/webhook[1]": "5/s",
    }
    assert limits["a/dingtalk[0]"].address == limits["b/dingtalk[0]"].address
    assert "x/1" not in str(limits)


async def test_a_file_with_a_wrong_rate_is_refused_when_channels_are_built() -> None:
    text = "{route: {receiver: a}, receivers: [{name: a, log_configs: [{rate_limit: soon}]}]}"
    with pytest.raises(Invalid, match="log_configs"):
        build_channels(parse_config(text, "am.yml"), Shared(ManualClock(EVENING)))


class Desk:
    """An outbox with one phone, and whoever puts messages into it."""

    def __init__(self, database: Database, limits: Mapping[str, Limit]) -> None:
        self.clock, self.metrics = ManualClock(EVENING), Metrics()
        self.records, self.phone = Records(database), Receiver()
        self.told = 0
        self.start(limits)

    def start(self, limits: Mapping[str, Limit]) -> None:
        self.outbox = Outbox(
            channels=[self.phone],
            records=self.records,
            clock=self.clock,
            metrics=self.metrics,
            random=lambda: 0.5,
            limits=limits,
        )

    async def tell(self, *groups: str) -> None:
        for group in groups:
            self.told += 1
            at = self.clock.now() + timedelta(microseconds=self.told)
            decision = Decision(group, "phone", f"r{self.told}", True, ("f",), (), at, at)
            await self.records.tell(decision, message(alert(), reason=group))

    async def until(self, second: float) -> None:
        while self.clock.now() < EVENING + timedelta(seconds=second):
            await self.clock.advance(1)
            await self.outbox.tick()

    @property
    def got(self) -> list[str]:
        return [message.reason for message, _ in self.phone.got]

    async def waiting(self) -> list[Delivery]:
        return await self.records.pending("phone", 100)

    def held(self) -> float:
        held: float = self.metrics.deliveries_held.labels("phone")._value.get()
        return held


async def test_what_is_too_fast_waits_its_turn_and_says_until_when(database: Database) -> None:
    desk = Desk(database, {"phone": limit("2/m")})
    await desk.tell("a", "b", "c", "d", "e")
    await desk.until(1)
    assert desk.got == ["a", "b"]
    waiting = await desk.waiting()
    assert [(each.said, each.attempts) for each in waiting] == [("waits its turn: this address takes 2/m", 0)] * 3
    assert waiting[0].next_attempt_at == EVENING + timedelta(seconds=61)
    assert desk.held() == 3
    await desk.until(61)
    assert desk.got == ["a", "b", "c", "d"]
    await desk.until(122)
    assert desk.got == ["a", "b", "c", "d", "e"]
    assert desk.held() == 0


async def test_a_group_keeps_its_order_while_it_waits_and_every_message_arrives(database: Database) -> None:
    desk = Desk(database, {"phone": limit("1/s")})
    await desk.tell("a", "b", "a", "b", "a")
    await desk.until(10)
    assert sorted(desk.got) == ["a", "a", "a", "b", "b"]
    ids = [key for _, key in desk.phone.got]
    assert len(set(ids)) == 5


async def test_a_retry_takes_a_token_like_any_other_message(database: Database) -> None:
    desk = Desk(database, {"phone": limit("1/m")})
    desk.phone.error = Upstream("The phone", "is busy", retryable=True)
    await desk.tell("a")
    await desk.until(30)
    assert desk.phone.tried == 1
    desk.phone.error = None
    await desk.until(62)
    assert desk.got == ["a"]


async def test_a_restart_forgets_no_message_that_waited(database: Database) -> None:
    desk = Desk(database, {"phone": limit("1/m")})
    await desk.tell("a", "b", "c")
    await desk.until(1)
    desk.start(desk.outbox._pace.limits)
    await desk.until(200)
    assert desk.got == ["a", "b", "c"]


async def test_a_reload_is_no_way_around_the_limit(database: Database) -> None:
    desk = Desk(database, {"phone": limit("1/m")})
    await desk.tell("a", "b")
    await desk.until(1)
    await desk.outbox.replace([desk.phone], {"phone": limit("1/m")})
    await desk.tell("c")
    await desk.until(59)
    assert desk.got == ["a"]
    await desk.until(200)
    assert sorted(desk.got) == ["a", "b", "c"]


async def test_two_ways_to_one_address_share_its_tokens(database: Database) -> None:
    desk = Desk(database, {"phone": limit("1/m"), "other": limit("1/m")})
    assert desk.outbox._pace.turn("other", 99, EVENING) is None
    await desk.tell("a")
    await desk.until(30)
    assert desk.got == []
    await desk.until(61)
    assert desk.got == ["a"]


async def test_without_a_limit_nothing_waits(database: Database) -> None:
    desk = Desk(database, {})
    await desk.tell(*"abcdefgh")
    await desk.until(1)
    assert len(desk.got) == 8


def test_a_clock_that_stands_still_is_no_reason_to_hurry() -> None:
    bucket = Bucket((Rate(1, MINUTE),))
    times: list[datetime] = []
    for _ in range(3):
        bucket, at = bucket.take(EVENING)
        times.append(at)
    assert times == [EVENING, EVENING + MINUTE, EVENING + 2 * MINUTE]
