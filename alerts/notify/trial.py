"""A message that says it is only a test, to one receiver by every way it has: so that a wrong address is found at noon.

It goes past the pipeline and the outbox on purpose: it is told to nobody else, is not repeated, and its failure is an answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.model import Alert, fingerprint
from alerts.notify.channels import Channel
from alerts.notify.message import compose
from alerts.notify.receivers import Receivers
from alerts.patience import together
from alerts.pictures.question import BEFORE, Question
from core.errors import FirstmateError, NotFound, near_misses


@dataclass(frozen=True, slots=True)
class Outcome:
    way: str
    kind: str
    delivered: bool
    said: str


async def trial(
    receiver: str, receivers: Receivers, channels: Sequence[Channel], now: datetime, by: str, external_url: str
) -> list[Outcome]:
    if receiver not in receivers:
        raise NotFound(f"There is no receiver {receiver[:100]}.", near=near_misses(receiver, receivers))
    by_name: Mapping[str, Channel] = {channel.name: channel for channel in channels}
    ways = [by_name[way.name] for way in receivers[receiver] if way.name in by_name]
    return await together(_tried(channel, receiver, now, by, external_url) for channel in ways)


async def _tried(channel: Channel, receiver: str, now: datetime, by: str, external_url: str) -> Outcome:
    alert = _alert(now, by)
    message = compose(
        receiver=receiver,
        reason="test",
        group_key="test",
        group_labels={"alertname": alert.name},
        alerts=[alert],
        external_url=external_url,
        question=_question(alert.name, now.timestamp()),
    )
    try:
        said = await channel.send(message, key=f"test-{now.timestamp():.0f}")
    except FirstmateError as error:
        return Outcome(channel.name, channel.kind, delivered=False, said=error.sentence)
    return Outcome(channel.name, channel.kind, delivered=True, said=said)


def _question(title: str, now: float) -> Question:
    """Something that every Prometheus knows, so that it is seen whether pictures arrive."""
    return Question(f"{title}: count(up)", "count(up)", now - BEFORE, now, now)


def _alert(now: datetime, by: str) -> Alert:
    labels = {"alertname": "FirstmateTest", "severity": "info"}
    annotations = {
        "summary": f"This is only a test, asked for by {by}: messages arrive here",
        "summary_zh": f"这只是一条测试消息（由 {by} 发起）：消息可以送达这里",
    }
    return Alert(
        fingerprint(labels), "test", "FirstmateTest", labels, annotations, "firing", 1.0, "test", now, fired_at=now
    )
