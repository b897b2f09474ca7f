"""The clockwork of escalation: who has come to a step and has not been told of it walks a short pipeline of the usual stages.

What is silenced or covered by a larger alert is not escalated, and looked at again later; what somebody took or closed is done with until
it fires anew. The decision, the message and the mark that this step was told are one transaction, and the mark's key is unique: after
a crash a step is told if it was not, and never a second time.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import insert, select

from alerts.escalation.afterwards import Afterwards
from alerts.escalation.policy import Escalations
from alerts.escalation.tables import EscalationRow
from alerts.model import Alert
from alerts.notify.message import MAX_ALERTS, compose
from alerts.notify.pipeline import (
    Addressed,
    Batch,
    Pipeline,
    Routing,
    Silencing,
    Stage,
    Unclosed,
    Uninhibited,
    Unsilenced,
    seen_to,
)
from alerts.notify.receivers import Integration
from alerts.notify.records import Records
from alerts.patience import survive
from alerts.pictures.asking import Asks, asks_nothing
from alerts.routing.tree import Route
from alerts.store import AlertStore
from core.clock import Clock
from core.database import Database

LOOK = 5.0
LATER = timedelta(minutes=1)
_FINAL = ("acknowledged", "closed")
Mark = tuple[str, str, str, str]
"""Fingerprint, episode, step, way."""
Cause = tuple[str, str, Integration | None]
"""Step, receiver, way: whoever shares these is told in one message."""


class Untaken:
    """Has somebody taken it? Then those further up need not be woken."""

    name = "untaken"

    def __init__(self, store: AlertStore) -> None:
        self._store = store

    async def __call__(self, batch: Batch) -> Batch:
        return batch.keep_back("acknowledged", await seen_to(self._store, batch, lambda alert: alert.acknowledged_by))


class Escalated:
    """Write the decision, its message and the mark, in one transaction."""

    name = "escalated"

    def __init__(self, records: Records, external_url: str, written: Callable[[], None], asks: Asks) -> None:
        self._records = records
        self._external_url = external_url
        self._written = written
        self._asks = asks

    async def __call__(self, batch: Batch) -> Batch:
        batch = batch.tell("escalated")
        message = compose(
            receiver=batch.route.receiver,
            reason=batch.reason,
            group_key=batch.group_key,
            group_labels=batch.group_labels,
            alerts=batch.alerts,
            external_url=self._external_url,
            question=await self._asks(batch.alerts, batch.now),
        )
        rows = [
            {
                "fingerprint": alert.fingerprint,
                "episode": alert.episode,
                "step": batch.group_key,
                "way": batch.way,
                "receiver": batch.route.receiver,
                "at": batch.now,
            }
            for alert in batch.alerts
        ]
        await self._records.tell_once(batch.decision(), message, [(insert(EscalationRow), rows)])
        self._written()
        return batch


def build_escalation(
    *,
    store: AlertStore,
    records: Records,
    routing: Routing,
    silences: Silencing,
    external_url: str = "",
    written: Callable[[], None] = lambda: None,
    asks: Asks = asks_nothing,
) -> Pipeline:
    stages: list[Stage] = [
        Addressed(),
        Uninhibited(routing),
        Unsilenced(silences),
        Unclosed(store),
        Untaken(store),
        Escalated(records, external_url, written, asks),
    ]
    return Pipeline(stages, records)


class Escalator:
    def __init__(
        self,
        *,
        escalations: Escalations,
        pipeline: Pipeline,
        afterwards: Afterwards,
        routing: Routing,
        database: Database,
        clock: Clock,
    ) -> None:
        self._escalations = escalations
        self._pipeline = pipeline
        self._afterwards = afterwards
        self._routing = routing
        self._database = database
        self._clock = clock
        self._done: set[Mark] = set()
        self._whom: dict[tuple[str, str, str], str] = {}
        """Who was told of a step: it stays theirs when the rota goes on."""
        self._not_before: dict[Mark, datetime] = {}

    @property
    def escalations(self) -> Escalations:
        """What is in force."""
        return self._escalations

    async def reload(self, escalations: Escalations) -> None:
        self._escalations = escalations

    async def restore(self) -> None:
        """What was told of what still fires; after the notifier, who knows what does."""
        firing = {(alert.fingerprint, alert.episode) for alert in self._routing.firing.values()}
        row = EscalationRow
        query = select(row.fingerprint, row.episode, row.step, row.way, row.receiver)
        wanted = sorted({fingerprint for fingerprint, _ in firing})
        found: dict[Mark, str] = {}
        async with self._database.read() as session:
            for start in range(0, len(wanted), 500):
                part = query.where(row.fingerprint.in_(wanted[start : start + 500]))
                rows = (await session.execute(part)).all()
                found |= {(each[0], each[1], each[2], each[3]): each[4] for each in rows}
        self._done = {mark for mark in found if (mark[0], mark[1]) in firing}
        self._whom = {mark[:3]: found[mark] for mark in self._done}
        self._not_before = {}

    async def tick(self) -> int:
        """Tell what is due, and say how many messages that were."""
        if await self._afterwards.lapse():
            # What was done with because somebody had it is not done with any more.
            await self.restore()
        now = self._clock.now()
        self._forget()
        told = 0
        for cause, alerts in self._due(now).items():
            told += await self._walk(cause, alerts, now)
        return told + await self._afterwards.tell_ends(self._escalations)

    async def run(self) -> None:
        while True:
            if await survive(self.tick(), -1, "alerts could not be escalated") < 0:
                # Perhaps what memory says is not what is written down.
                await survive(self.restore(), None, "escalations could not be read again")
            await self._clock.sleep(LOOK)

    def _due(self, now: datetime) -> Mapping[Cause, list[Alert]]:
        due: dict[Cause, list[Alert]] = defaultdict(list)
        for alert in sorted(self._routing.firing.values(), key=lambda each: (each.starts_at, each.fingerprint)):
            if alert.as_of(now).state != "firing":
                continue
            for policy, step in self._escalations.due(alert, now):
                key, receiver = policy.key(step), step.whom(now)
                receiver = self._whom.get((alert.fingerprint, alert.episode, key), receiver)
                for way in self._routing.receivers.get(receiver) or (None,):
                    mark = _mark(alert, key, way)
                    if mark not in self._done and self._not_before.get(mark, now) <= now:
                        due[key, receiver, way].append(alert)
        return due

    async def _walk(self, cause: Cause, alerts: list[Alert], now: datetime) -> int:
        key, receiver, way = cause
        told = 0
        for start in range(0, len(alerts), MAX_ALERTS):
            part = tuple(alerts[start : start + MAX_ALERTS])
            at = now + timedelta(microseconds=told)  # each message its own key
            ended = await self._pipeline.run(Batch(Route(receiver=receiver), key, {}, way, part, at))
            self._settle(ended, part, cause, now)
            told += 0 if ended.quiet else 1
        return told

    def _settle(self, ended: Batch, alerts: tuple[Alert, ...], cause: Cause, now: datetime) -> None:
        key, receiver, way = cause
        for alert in alerts:
            mark = _mark(alert, key, way)
            kept = ended.kept_back.get(alert.fingerprint, ended.quiet)
            if not kept or kept.startswith(_FINAL):
                self._done.add(mark)
                self._whom[mark[:3]] = receiver
            else:
                self._not_before[mark] = now + LATER

    def _forget(self) -> None:
        firing = {(alert.fingerprint, alert.episode) for alert in self._routing.firing.values()}
        self._done = {mark for mark in self._done if (mark[0], mark[1]) in firing}
        self._whom = {key: who for key, who in self._whom.items() if key[:2] in firing}
        self._not_before = {mark: at for mark, at in self._not_before.items() if (mark[0], mark[1]) in firing}


def _mark(alert: Alert, key: str, way: Integration | None) -> Mark:
    return alert.fingerprint, alert.episode, key, way.name if way else ""
