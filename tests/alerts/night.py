"""A night on watch, told as a timeline: what is seen when, and what must be true at a moment.

    night.at(0).sees("a")
    night.at(40).sees()
    await night.until(90)
    night.expect(firing=["a"])

Time is simulated; the rules, the store, the pipeline and the outbox are the real ones on a real SQLite file.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from alerts.desk import AlertDesk
from alerts.evaluator import Evaluator
from alerts.feed import Feed
from alerts.incidents.book import IncidentBook
from alerts.model import Alert, Change
from alerts.notify.channels import Channel
from alerts.notify.message import Message
from alerts.notify.outbox import Outbox
from alerts.notify.pipeline import Notifier, Routing, build
from alerts.notify.receivers import Integration
from alerts.notify.records import Records
from alerts.routing.config import Config
from alerts.routing.config import Receiver as Named
from alerts.routing.tree import Route
from alerts.rules import Group, parse_rules
from alerts.silences import Silences
from alerts.store import AlertStore
from core.clock import ManualClock
from core.database import Database
from core.errors import FirstmateError, Upstream
from core.metrics import Metrics

STEP = 5
PATIENCE = 30
EVENING = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)
REFUSED = Upstream("Prometheus", "refused the connection", retryable=True)


def rules(hold: str = "0s", extra: str = "", group_extra: str = "", interval: str = "15s") -> list[Group]:
    """One group with one rule, `Trouble`, over the expression `trouble`."""
    text = f"""
groups:
  - name: night
    interval: {interval}
    {group_extra}
    rules:
      - alert: Trouble
        expr: trouble
        for: {hold}
        {extra}
        labels: {{severity: warning}}
        annotations: {{summary: "{{{{ $labels.pod }}}} is at {{{{ $value }}}}"}}
"""
    return parse_rules(text, "night.yaml")


@dataclass(frozen=True)
class Sample:
    labels: Mapping[str, str]
    value: float = 1.0


@dataclass
class Prometheus:
    """Answers what it was told to, expression by expression; or refuses, or hangs."""

    answers: dict[str, list[Sample]] = field(default_factory=dict)
    error: FirstmateError | None = None
    hangs: bool = False
    asked: list[tuple[str, datetime]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def query(self, expr: str, at: datetime | None = None) -> Sequence[Sample]:
        assert at is not None
        self.asked.append((expr, at))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            if self.hangs:
                await asyncio.Event().wait()
            if self.error:
                raise self.error
            return self.answers.get(expr, [])
        finally:
            self.at_once -= 1


@dataclass
class Receiver:
    """A channel that writes down what it gets; or fails as it is told to."""

    name: str = "phone"
    kind: str = "test"
    error: FirstmateError | None = None
    hangs: bool = False
    got: list[tuple[Message, str]] = field(default_factory=list)
    tried: int = 0

    async def send(self, message: Message, *, key: str) -> str:
        self.tried += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.error:
            raise self.error
        self.got.append((message, key))
        return "ok"

    async def close(self) -> None:
        return None

    @property
    def said(self) -> list[str]:
        return [f"{message.status} {message.reason}" for message, _ in self.got]


class Moment:
    def __init__(self, night: "Night", at: float) -> None:
        self._night = night
        self._at = at

    def sees(self, *pods: str, value: float = 1.0) -> None:
        """From here on the expression returns these pods."""
        samples = [Sample({"__name__": "trouble", "pod": pod, "namespace": "shop"}, value) for pod in pods]
        self._night.script.append((self._at, lambda: self._night.prometheus.answers.update(trouble=samples)))

    def prometheus_fails(self, error: FirstmateError = REFUSED) -> None:
        self._night.script.append((self._at, lambda: setattr(self._night.prometheus, "error", error)))

    def prometheus_recovers(self) -> None:
        self._night.script.append((self._at, lambda: setattr(self._night.prometheus, "error", None)))

    def receiver_fails(self, error: FirstmateError) -> None:
        self._night.script.append((self._at, lambda: setattr(self._night.phone, "error", error)))

    def receiver_recovers(self) -> None:
        self._night.script.append((self._at, lambda: setattr(self._night.phone, "error", None)))


class Begin(Protocol):
    """The fixture that opens a night."""

    async def __call__(
        self, groups: list[Group], *, route: Route | None = None, channels: Sequence[Channel] | None = None
    ) -> "Night": ...


class Night:
    def __init__(
        self,
        database: Database,
        groups: list[Group],
        route: Route | None = None,
        channels: Sequence[Channel] | None = None,
    ) -> None:
        # The clock starts on the first group's own grid, so that second 0 is a turn.
        self.clock = ManualClock(groups[0].slot(EVENING) if groups else EVENING)
        self.start = self.clock.now()
        self.database = database
        self.groups = groups
        self.metrics = Metrics()
        self.prometheus = Prometheus()
        self.phone = Receiver()
        self.channels: Sequence[Channel] = [self.phone] if channels is None else channels
        self.route = route or Route(
            receiver="everybody",
            group_by=("alertname", "namespace"),
            group_wait=timedelta(seconds=10),
            group_interval=timedelta(seconds=60),
            repeat_interval=timedelta(hours=1),
        )
        self.script: list[tuple[float, Callable[[], None]]] = []
        self.changes: list[Change] = []
        self.latest: dict[str, Alert] = {}
        self._build()

    def _build(self) -> None:
        self.store, self.records, self.feed = AlertStore(self.database), Records(self.database), Feed()
        self.outbox = Outbox(
            channels=self.channels, records=self.records, clock=self.clock, metrics=self.metrics, random=lambda: 0.5
        )
        ways = tuple(Integration(channel.name, channel.kind) for channel in self.channels)
        config = Config(self.route, {self.route.receiver: Named(self.route.receiver)})
        self.routing = Routing(config, {self.route.receiver: ways})
        numbers = itertools.count(1)
        self.silences = Silences(self.database, self.clock, lambda: f"silence-{next(numbers)}")
        self.pipeline = build(
            store=self.store,
            records=self.records,
            routing=self.routing,
            silences=self.silences,
            external_url="http://firstmate",
            written=self.outbox.wake,
        )
        self.notifier = Notifier(
            pipeline=self.pipeline, routing=self.routing, store=self.store, records=self.records, clock=self.clock
        )
        self.incidents = IncidentBook(self.database, self.store, self.clock)
        self.evaluator = Evaluator(
            groups=self.groups,
            prometheus=self.prometheus,
            store=self.store,
            clock=self.clock,
            metrics=self.metrics,
            listeners=[self._note, self.notifier.put, self.incidents.put],
        )
        self.desk = AlertDesk(
            store=self.store,
            records=self.records,
            evaluator=self.evaluator,
            feed=self.feed,
            clock=self.clock,
            incidents=self.incidents,
        )

    async def restore(self) -> None:
        await self.evaluator.restore()
        await self.notifier.restore()
        await self.incidents.restore()
        await self.outbox.restore()

    async def restart(self, groups: list[Group] | None = None) -> None:
        """Everything in memory is gone; the database and the clock are not."""
        self.groups = self.groups if groups is None else groups
        self.latest.clear()
        self._build()
        await self.restore()
        for alert in await self.store.active():
            self.latest[alert.fingerprint] = alert

    def at(self, second: float) -> Moment:
        return Moment(self, second)

    @property
    def second(self) -> float:
        return (self.clock.now() - self.start).total_seconds()

    async def until(self, second: float) -> None:
        """Play the timeline up to and including this second."""
        while True:
            self._play()
            await self.evaluator.tick()
            await self.notifier.tick()
            await self.incidents.tick()
            await self.outbox.tick()
            if self.second >= second:
                return
            await self.clock.advance(min(STEP, second - self.second))

    def expect(self, *, firing: Sequence[str] = (), pending: Sequence[str] = ()) -> None:
        assert self._pods("firing") == sorted(firing)
        assert self._pods("pending") == sorted(pending)

    def moves(self) -> list[tuple[float, str]]:
        """Every transition as (second, "from > to: reason")."""
        return [
            ((move.at - self.start).total_seconds(), f"{move.before} > {move.after}: {move.reason}")
            for move in (change.transition for change in self.changes)
            if move
        ]

    def _pods(self, state: str) -> list[str]:
        alerts = (alert for alert in self.latest.values() if alert.state == state)
        return sorted(alert.labels.get("pod", alert.name) for alert in alerts)

    def _note(self, change: Change) -> None:
        self.changes.append(change)
        self.latest[change.alert.fingerprint] = change.alert

    def _play(self) -> None:
        due = [entry for entry in self.script if entry[0] <= self.second]
        self.script = [entry for entry in self.script if entry[0] > self.second]
        for _, happen in sorted(due, key=lambda entry: entry[0]):
            happen()


@asynccontextmanager
async def underway(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Work that goes on beside a test, and ends with it, however the test ends."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        await stop(*tasks)


async def soon(happened: Callable[[], object]) -> None:
    """Until something has happened that waits for no clock, only for the database's thread; the bound is for what never happens."""
    async with asyncio.timeout(PATIENCE):
        while not happened():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)


async def stop(*tasks: "asyncio.Task[None]") -> None:
    """Cancelled and gone, before the database that they use is closed."""
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ended)
