"""What is told to whom, decided by a list of stages that can be printed.

Each stage takes a batch (one group, one receiver, now) and returns it: unchanged, with the reason to tell, or with the reason to stay
quiet, which ends the walk. Every end is a row, told or not, so "why was this sent" and "why wasn't it" have answers. The order matters:
what there is to say is known before anyone asks whether it may be said, and recording comes last, because a decision that is not
written down was not taken.

The Notifier runs the clockwork around the pipeline: alerts come in, groups come due, batches walk. Sending is the outbox's business.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from alerts.model import Alert, Change
from alerts.notify.grouping import Group, Groups, Route
from alerts.notify.message import compose
from alerts.notify.records import Decision, Records, Told
from alerts.patience import survive
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
    "no_receiver": Text("nobody is configured to be told", "没有配置接收方"),
    "never_told": Text("it ended before anyone was told of it", "在通知任何人之前已恢复"),
    "duplicate": Text("the receiver knows all of this already", "接收方已经知道"),
    "acknowledged": Text("somebody took it, so it is not repeated", "已有人认领, 不再重复"),
    "in_delivery": Text("an earlier message of this group is still on its way", "该组较早的消息仍在投递"),
}


@dataclass(frozen=True, slots=True)
class Batch:
    """One group on its way to one receiver."""

    group_key: str
    group_labels: dict[str, str]
    receiver: str
    alerts: tuple[Alert, ...]
    now: datetime
    reason: str = ""
    quiet: str = ""

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

    def decision(self) -> Decision:
        return Decision(
            group_key=self.group_key,
            receiver=self.receiver,
            reason=self.quiet or self.reason,
            told=not self.quiet,
            firing=self.firing,
            resolved=self.resolved,
            at=self.now,
            last_at=self.now,
        )


class Stage(Protocol):
    name: str

    async def __call__(self, batch: Batch) -> Batch: ...


class Addressed:
    """Is there anybody to tell?"""

    name = "addressed"

    async def __call__(self, batch: Batch) -> Batch:
        return batch if batch.receiver else batch.stay_quiet("no_receiver")


class Deduplicated:
    """Is there anything this receiver was not told already, or not for long?"""

    name = "deduplicated"

    def __init__(self, records: Records, route: Route) -> None:
        self._records = records
        self._route = route

    async def __call__(self, batch: Batch) -> Batch:
        last = await self._records.last_told(batch.group_key, batch.receiver)
        if last is None:
            return batch.tell("first") if batch.firing else batch.stay_quiet("never_told")
        if not batch.firing:
            return batch.tell("resolved") if last.firing else batch.stay_quiet("never_told")
        if self._has_changed(batch, last):
            return batch.tell("changed" if last.firing else "first")
        if last.at < batch.now - self._route.repeat_interval:
            return batch.tell("repeat")
        return batch.stay_quiet("duplicate")

    @staticmethod
    def _has_changed(batch: Batch, last: Told) -> bool:
        is_new = not last.firing.issuperset(batch.firing)
        return is_new or not last.resolved.issuperset(batch.resolved)


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
        if batch.reason == "repeat" and await self._records.is_in_delivery(batch.group_key, batch.receiver):
            return batch.stay_quiet("in_delivery")
        return batch


class Recorded:
    """Write the decision and its message into the outbox, in one transaction."""

    name = "recorded"

    def __init__(self, records: Records, external_url: str, written: Callable[[], None]) -> None:
        self._records = records
        self._external_url = external_url
        self._written = written

    async def __call__(self, batch: Batch) -> Batch:
        message = compose(
            receiver=batch.receiver,
            reason=batch.reason,
            group_key=batch.group_key,
            group_labels=batch.group_labels,
            alerts=batch.alerts,
            external_url=self._external_url,
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
    route: Route,
    external_url: str = "",
    written: Callable[[], None] = lambda: None,
) -> Pipeline:
    """`written` is called after each message that went into the outbox, so that it need not wait to be found there."""
    stages: list[Stage] = [
        Addressed(),
        Deduplicated(records, route),
        Unacknowledged(store),
        Undelivered(records),
        Recorded(records, external_url, written),
    ]
    return Pipeline(stages, records)


class Notifier:
    def __init__(
        self,
        *,
        pipeline: Pipeline,
        route: Route,
        store: AlertStore,
        records: Records,
        clock: Clock,
    ) -> None:
        self._pipeline = pipeline
        self._route = route
        self._store = store
        self._records = records
        self._clock = clock
        self._groups = Groups(route)

    def put(self, change: Change) -> None:
        """The evaluator's listener."""
        self._groups.put(change.alert, self._clock.now())

    async def restore(self) -> None:
        """After a start: what fires now, and what some receiver still believes to fire."""
        now = self._clock.now()
        believed = await self._store.with_fingerprints(await self._records.believed_firing())
        for alert in [*await self._store.active(), *believed]:
            self._groups.put(alert, now)

    async def tick(self) -> int:
        """Look at every group that is due, and say how many were."""
        now = self._clock.now()
        due = self._groups.due(now)
        for group in due:
            await self._look_at(group, now)
        return len(due)

    async def run(self) -> None:
        while True:
            await self.tick()
            await self._clock.sleep(self._pause())

    def _pause(self) -> float:
        """Until a group is due, and no longer than it may take to notice one that has come in meanwhile."""
        due = self._groups.next_due()
        return min(PAUSE, (due - self._clock.now()).total_seconds()) if due else PAUSE

    async def _look_at(self, group: Group, now: datetime) -> None:
        alerts = tuple(group.members.values())
        self._groups.looked_at(group, now)
        if await survive(self._decide(group, alerts, now), False, "a group could not be dealt with", group=group.key):
            self._groups.settle(group, alerts)
        else:
            # Nothing was decided for good: the group keeps its members and is soon looked at again.
            group.flush_at = now + RETRY

    async def _decide(self, group: Group, alerts: tuple[Alert, ...], now: datetime) -> bool:
        for receiver in self._route.receivers or ("",):
            await self._pipeline.run(Batch(group.key, group.labels, receiver, alerts, now))
        return True
