"""What is told to whom, decided by a list of stages that can be printed.

Each stage takes a batch (one group, one way of one receiver, now) and returns it: unchanged, without alerts that are kept back, with
the reason to tell, or with the reason to stay quiet, which ends the walk. Every end is a row, told or not, with every alert that was
kept back and by what, so "why was this sent" and "why wasn't it" have answers. The order is Alertmanager's: what may not be told is
taken out before it is asked what there is to tell, and recording comes last, because a decision that is not written down was not
taken.

The Notifier runs the clockwork around the pipeline: alerts come in, groups come due, batches walk. Sending is the outbox's business.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from alerts.model import Alert, Change
from alerts.notify.grouping import Group, Groups
from alerts.notify.message import compose
from alerts.notify.receivers import Integration, Receivers
from alerts.notify.records import Decision, Records, Told
from alerts.patience import survive
from alerts.pictures.asking import Asks, asks_nothing
from alerts.routing.config import Config
from alerts.routing.inhibition import Inhibitor
from alerts.routing.silence import Silence
from alerts.routing.tree import Route
from alerts.store import AlertStore
from core.clock import Clock
from core.language import Text

PAUSE = 0.5
RETRY = timedelta(seconds=5)

REASONS: dict[str, Text] = {
    "first": Text("first message about this group", "该组的首次通知"),
    "changed": Text("the group's alerts changed", "组内告警有变化"),
    "resolved": Text("every alert of the group ended", "组内告警全部恢复"),
    "repeat": Text("still firing after the repeat interval", "超过重复间隔仍在告警"),
    "escalated": Text("nobody reacted in time, so the next in line is told", "超时无人响应, 升级通知下一责任人"),
    "end_resolved": Text("what was escalated to them is over", "升级通知过的告警已恢复"),
    "end_taken": Text("somebody has taken what was escalated to them", "升级通知过的告警已有人认领"),
    "end_closed": Text("somebody has closed what was escalated to them", "升级通知过的告警已人工关闭"),
    "no_receiver": Text("nobody is configured to be told", "没有配置接收方"),
    "never_told": Text("it ended before anyone was told of it", "在通知任何人之前已恢复"),
    "duplicate": Text("the receiver knows all of this already", "接收方已经知道"),
    "acknowledged": Text("somebody took it, so it is not repeated", "已有人认领, 不再重复"),
    "in_delivery": Text("an earlier message of this group is still on its way", "该组较早的消息仍在投递"),
    "muted": Text("the route is muted at this time", "该路由在此时段静音"),
    "inactive": Text("the route is not active at this time", "该路由在此时段不生效"),
    "inhibited": Text("a larger alert is firing", "已有更大范围的告警"),
    "silenced": Text("a silence covers it", "已被静默规则覆盖"),
    "closed": Text("somebody closed it", "已人工关闭"),
    "end_unwanted": Text("this receiver does not want to hear of ends", "该接收方不接收恢复通知"),
}


@dataclass(frozen=True, slots=True)
class Batch:
    """One group on its way to one receiver, in one of the ways it is reached."""

    route: Route
    group_key: str
    group_labels: dict[str, str]
    to: Integration | None
    alerts: tuple[Alert, ...]
    now: datetime
    reason: str = ""
    quiet: str = ""
    kept_back: Mapping[str, str] = field(default_factory=dict)
    """The alerts that are not told, by fingerprint, and what keeps them back."""

    @property
    def way(self) -> str:
        return self.to.name if self.to else ""

    @property
    def firing(self) -> tuple[str, ...]:
        return tuple(sorted(alert.fingerprint for alert in self.alerts if alert.state == "firing"))

    @property
    def resolved(self) -> tuple[str, ...]:
        return tuple(sorted(alert.fingerprint for alert in self.alerts if alert.state == "resolved"))

    def tell(self, reason: str) -> "Batch":
        return replace(self, reason=reason)

    def stay_quiet(self, reason: str) -> "Batch":
        return replace(self, quiet=reason)

    def keep_back(self, reason: str, why: Mapping[str, str]) -> "Batch":
        """Without these alerts; quiet, if none is left."""
        if not why:
            return self
        left = tuple(alert for alert in self.alerts if alert.fingerprint not in why)
        told = {key: f"{reason}: {by}" for key, by in why.items()}
        return replace(self, alerts=left, kept_back={**self.kept_back, **told}, quiet="" if left else reason)

    def decision(self) -> Decision:
        return Decision(
            group_key=self.group_key,
            receiver=self.way,
            reason=self.quiet or self.reason,
            told=not self.quiet,
            firing=self.firing,
            resolved=self.resolved,
            at=self.now,
            last_at=self.now,
            kept_back=dict(self.kept_back),
        )


class Stage(Protocol):
    name: str

    async def __call__(self, batch: Batch) -> Batch: ...


class Silencing(Protocol):
    """Where silences are kept."""

    async def in_force(self, now: datetime) -> Sequence[Silence]: ...


class Addressed:
    """Is there anybody to tell?"""

    name = "addressed"

    async def __call__(self, batch: Batch) -> Batch:
        return batch if batch.to else batch.stay_quiet("no_receiver")


class Timely:
    """Is this route's time now?"""

    name = "timely"

    def __init__(self, routing: "Routing") -> None:
        self._routing = routing

    async def __call__(self, batch: Batch) -> Batch:
        interval = self._routing.config.is_quiet_time(batch.route, batch.now)
        if not interval:
            return batch
        reason = "inactive" if interval == "active" else "muted"
        return batch.keep_back(reason, dict.fromkeys(batch.firing + batch.resolved, interval))


class Uninhibited:
    """Is a larger alert firing that says it all?"""

    name = "uninhibited"

    def __init__(self, routing: "Routing") -> None:
        self._routing = routing

    async def __call__(self, batch: Batch) -> Batch:
        sources = ((alert, self._routing.inhibitor.inhibits(alert, batch.now)) for alert in batch.alerts)
        return batch.keep_back("inhibited", {alert.fingerprint: by.fingerprint for alert, by in sources if by})


class Unsilenced:
    """Has somebody asked for silence about it?"""

    name = "unsilenced"

    def __init__(self, silences: Silencing) -> None:
        self._silences = silences

    async def __call__(self, batch: Batch) -> Batch:
        in_force = await self._silences.in_force(batch.now)
        found = {
            alert.fingerprint: ", ".join(one.id for one in in_force if one.silences(alert.labels, batch.now))
            for alert in batch.alerts
        }
        return batch.keep_back("silenced", {key: by for key, by in found.items() if by})


async def seen_to(store: AlertStore, batch: Batch, by: Callable[[Alert], str | None]) -> dict[str, str]:
    """Whom people's acts make responsible in this very firing; read from the store, because people act there, past the evaluator."""
    episodes = {alert.fingerprint: alert.episode for alert in batch.alerts}
    present = await store.with_fingerprints(episodes)
    return {
        alert.fingerprint: whom
        for alert in present
        if (whom := by(alert)) and episodes[alert.fingerprint] == alert.episode
    }


class Unclosed:
    """Has somebody closed it? Then it is over for everybody until it ends and begins again."""

    name = "unclosed"

    def __init__(self, store: AlertStore) -> None:
        self._store = store

    async def __call__(self, batch: Batch) -> Batch:
        return batch.keep_back("closed", await seen_to(self._store, batch, lambda alert: alert.closed_by))


class Deduplicated:
    """Is there anything this receiver was not told already, or not for long?"""

    name = "deduplicated"

    def __init__(self, records: Records) -> None:
        self._records = records

    async def __call__(self, batch: Batch) -> Batch:
        last = await self._records.last_told(batch.group_key, batch.way)
        if last is None:
            return batch.tell("first") if batch.firing else batch.stay_quiet("never_told")
        if not batch.firing:
            return batch.tell("resolved") if last.firing else batch.stay_quiet("never_told")
        if self._has_changed(batch, last):
            return batch.tell("changed" if last.firing else "first")
        if last.at < batch.now - batch.route.repeat_interval:
            return batch.tell("repeat")
        return batch.stay_quiet("duplicate")

    @staticmethod
    def _has_changed(batch: Batch, last: Told) -> bool:
        is_new = not last.firing.issuperset(batch.firing)
        hears_ends = batch.to is not None and batch.to.sends_resolved
        return is_new or (hears_ends and not last.resolved.issuperset(batch.resolved))


class Unacknowledged:
    """A repeat is for those who have not reacted; news and endings are for everybody."""

    name = "unacknowledged"

    def __init__(self, store: AlertStore) -> None:
        self._store = store

    async def __call__(self, batch: Batch) -> Batch:
        if batch.reason != "repeat":
            return batch
        # Read from the store: people acknowledge there, past the evaluator.
        present = await self._store.with_fingerprints(batch.firing)
        taken = {alert.fingerprint for alert in present if alert.state == "firing" and alert.acknowledged_by}
        return batch.stay_quiet("acknowledged") if taken.issuperset(batch.firing) else batch


class Undelivered:
    """A repeat behind a message that has not arrived yet would only lengthen the queue."""

    name = "undelivered"

    def __init__(self, records: Records) -> None:
        self._records = records

    async def __call__(self, batch: Batch) -> Batch:
        if batch.reason == "repeat" and await self._records.is_in_delivery(batch.group_key, batch.way):
            return batch.stay_quiet("in_delivery")
        return batch


class Wanted:
    """Of ends only those hear who want to; what the others were told is forgotten all the same, so that the next alert is news again."""

    name = "wanted"

    def __init__(self, records: Records) -> None:
        self._records = records

    async def __call__(self, batch: Batch) -> Batch:
        if batch.to is None or batch.to.sends_resolved:
            return batch
        firing = tuple(alert for alert in batch.alerts if alert.state == "firing")
        if firing:
            return replace(batch, alerts=firing)
        await self._records.remember(batch.decision())
        return batch.stay_quiet("end_unwanted")


class Recorded:
    """Write the decision and its message into the outbox, in one transaction."""

    name = "recorded"

    def __init__(self, records: Records, external_url: str, written: Callable[[], None], asks: Asks) -> None:
        self._records = records
        self._external_url = external_url
        self._written = written
        self._asks = asks

    async def __call__(self, batch: Batch) -> Batch:
        message = compose(
            receiver=batch.route.receiver,
            reason=batch.reason,
            group_key=batch.group_key,
            group_labels=batch.group_labels,
            alerts=batch.alerts,
            external_url=self._external_url,
            question=await self._asks(batch.alerts, batch.now),
        )
        await self._records.tell(batch.decision(), message)
        self._written()
        return batch


class Pipeline:
    def __init__(self, stages: Sequence[Stage], records: Records) -> None:
        self.stages = tuple(stages)
        self._records = records

    def __str__(self) -> str:
        return " -> ".join(stage.name for stage in self.stages)

    async def run(self, batch: Batch) -> Batch:
        for stage in self.stages:
            batch = await stage(batch)
            if batch.quiet:
                await self._records.stay_quiet(batch.decision())
                break
        return batch


def build(
    *,
    store: AlertStore,
    records: Records,
    routing: "Routing",
    silences: Silencing,
    external_url: str = "",
    written: Callable[[], None] = lambda: None,
    asks: Asks = asks_nothing,
) -> Pipeline:
    """`written` is called after each message that went into the outbox, so that it need not wait to be found there; `asks` says what a
    message's picture is to show."""
    stages: list[Stage] = [
        Addressed(),
        Uninhibited(routing),
        Timely(routing),
        Unsilenced(silences),
        Unclosed(store),
        Deduplicated(records),
        Unacknowledged(store),
        Undelivered(records),
        Wanted(records),
        Recorded(records, external_url, written, asks),
    ]
    return Pipeline(stages, records)


class Routing:
    """What the configuration says now, and what fires now: replaced whole when the file changes."""

    def __init__(self, config: Config, receivers: Receivers) -> None:
        self.config = config
        self.receivers = receivers
        self.groups = Groups(config.route, config.receivers)
        self.inhibitor = Inhibitor(config.inhibit_rules)
        self.firing: dict[str, Alert] = {}

    def put(self, alert: Alert, now: datetime) -> None:
        self.groups.put(alert, now)
        self.inhibitor.put(alert)
        if alert.state == "firing":
            self.firing[alert.fingerprint] = alert
        elif alert.state == "resolved":
            self.firing.pop(alert.fingerprint, None)

    def replace(self, config: Config, receivers: Receivers, present: Iterable[Alert], now: datetime) -> None:
        self.config, self.receivers = config, receivers
        self.groups, self.inhibitor, self.firing = (
            Groups(config.route, config.receivers),
            Inhibitor(config.inhibit_rules),
            {},
        )
        for alert in present:
            self.put(alert, now)


class Notifier:
    def __init__(
        self,
        *,
        pipeline: Pipeline,
        routing: Routing,
        store: AlertStore,
        records: Records,
        clock: Clock,
    ) -> None:
        self._pipeline = pipeline
        self._routing = routing
        self._store = store
        self._records = records
        self._clock = clock

    def put(self, change: Change) -> None:
        """The listener of whoever raises alerts."""
        self._routing.put(change.alert, self._clock.now())

    async def restore(self) -> None:
        """After a start: what fires now, and what some receiver still believes to fire.

        Nothing that memory holds from an earlier watch stays: another replica may have told its end meanwhile.
        """
        routing = self._routing
        routing.replace(routing.config, routing.receivers, await self._present(), self._clock.now())

    async def reload(self, config: Config, receivers: Receivers) -> None:
        """Everything that fires walks down the new tree; what was told already is remembered by group and way."""
        self._routing.replace(config, receivers, await self._present(), self._clock.now())

    async def tick(self) -> int:
        """Look at every group that is due, and say how many were."""
        now = self._clock.now()
        groups, looked_at = self._routing.groups, 0
        for group in groups.due(now):
            if self._routing.groups is not groups:
                break  # another tree is in force meanwhile, and has groups of its own
            await self._look_at(group, now)
            looked_at += 1
        return looked_at

    async def run(self) -> None:
        while True:
            await self.tick()
            await self._clock.sleep(self._pause())

    async def _present(self) -> list[Alert]:
        believed = await self._store.with_fingerprints(await self._records.believed_firing())
        return [*await self._store.active(), *believed]

    def _pause(self) -> float:
        """Until a group is due, and no longer than it may take to notice one that has come in meanwhile."""
        due = self._routing.groups.next_due()
        return max(0.0, min(PAUSE, (due - self._clock.now()).total_seconds())) if due else PAUSE

    async def _look_at(self, group: Group, now: datetime) -> None:
        groups = self._routing.groups
        alerts = tuple(alert.as_of(now) for alert in group.members.values())
        group.members.update({alert.fingerprint: alert for alert in alerts})
        groups.looked_at(group, now)
        if await survive(self._decide(group, alerts, now), False, "a group could not be dealt with", group=group.key):
            groups.settle(group, alerts)
        else:
            # Nothing was decided for good: the group keeps its members and is soon looked at again.
            group.flush_at = now + RETRY

    async def _decide(self, group: Group, alerts: tuple[Alert, ...], now: datetime) -> bool:
        for way in self._routing.receivers.get(group.route.receiver) or (None,):
            await self._pipeline.run(Batch(group.route, group.key, group.labels, way, alerts, now))
        return True
