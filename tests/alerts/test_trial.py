"""A test message: to one receiver, by every way it has, and told what came of each."""

import pytest

from alerts.notify.receivers import Integration
from alerts.notify.trial import Outcome, trial
from core.errors import NotFound, Upstream
from tests.alerts.night import EVENING, Receiver

REFUSES = Upstream("The phone", "answered 403", retryable=False, status=403)
WAYS = {
    "team": (Integration("team/a[0]", "test"), Integration("team/b[0]", "test")),
    "other": (Integration("other/a[0]", "test"),),
}


async def tried(*channels: Receiver, receiver: str = "team") -> list[Outcome]:
    return await trial(receiver, WAYS, channels, EVENING, "mei", "http://firstmate")


async def test_each_way_is_tried_and_a_failure_is_an_answer() -> None:
    good, bad, other = Receiver("team/a[0]"), Receiver("team/b[0]", error=REFUSES), Receiver("other/a[0]")
    first, second = await tried(good, bad, other)
    assert (first.delivered, second.delivered) == (True, False)
    assert second.said == "The phone answered 403"
    assert other.tried == 0


async def test_it_says_that_it_is_only_a_test_and_who_asked() -> None:
    channel = Receiver("other/a[0]")
    await tried(channel, receiver="other")
    ((message, _),) = channel.got
    assert "only a test, asked for by mei" in message.items[0].annotations["summary"]


async def test_a_receiver_that_is_not_there_is_named_with_the_likeliest() -> None:
    with pytest.raises(NotFound, match="Did you mean team"):
        await tried(receiver="teem")
