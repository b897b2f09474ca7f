"""Sending what was decided, at least once.

A row waits in the outbox until its channel says it arrived or that it never will. Each receiver has its own worker, so one that hangs
delays nobody else, and each group of a receiver keeps its order: an end is never told before its beginning. A failure that may pass is
tried again after a pause that doubles, with jitter, or after what the receiver asked for; after a day it is given up, aloud. A crash
between sending and marking sends again, with the same idempotency key. A database that does not take the mark (full, locked, away) is no
crash: what was sent is remembered and only the mark is tried again, since many receivers know no key and would show it twice. Who speaks
faster than its vendor takes waits for its turn (`pace.py`): the row says so, and until when.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from alerts.notify.channels import Channel
from alerts.notify.pace import Limit, Pace
from alerts.notify.records import Delivery, Records
from alerts.patience import Bell, survive, together, until_rung
from core.clock import Clock
from core.errors import FirstmateError, Upstream
from core.logs import get
from core.metrics import Metrics

PAUSE = 0.5
AT_ONCE = 4
BATCH = 100
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 300.0
TOLD_EVERY = 10
"""A receiver that is down is told of in the log at its first failure, and then at every tenth."""
GIVE_UP_AFTER = timedelta(days=1)
_log = get(__name__)


class Outbox:
    def __init__(
        self,
        *,
        channels: Sequence[Channel],
        records: Records,
        clock: Clock,
        metrics: Metrics,
        random: Callable[[], float],
        limits: Mapping[str, Limit] | None = None,
    ) -> None:
        self._pace = Pace(limits or {})
        self._records = records
        self._clock = clock
        self._metrics = metrics
        self._random = random
        self._replaced = asyncio.Event()
        self._unmarked: dict[int, str] = {}
        """What was sent, by its row, and what the receiver said; not yet written down."""
        self._take(channels)

    @property
    def channels(self) -> tuple[Channel, ...]:
        return self._channels

    def wake(self) -> None:
        """Something new is waiting: look now. What nobody rang for is found by the next look all the same."""
        for bell in self._bells.values():
            bell.ring()

    async def replace(self, channels: Sequence[Channel], limits: Mapping[str, Limit] | None = None) -> None:
        """Other channels from now on. A way that kept its name goes on with what waits for it; the old channels are closed."""
        before = self._channels
        self._take(channels)
        self._pace.replace(limits or {})
        self._replaced.set()
        await _close(before)
        await self.restore()

    async def restore(self) -> None:
        """Close what waits for receivers that are gone; what waits for the others is simply sent."""
        names = [channel.name for channel in self._channels]
        abandoned = await self._records.abandon(names, "the receiver is no longer configured", self._clock.now())
        if abandoned:
            _log.warning("deliveries were abandoned: their receiver is no longer configured", count=abandoned)

    async def tick(self) -> int:
        """Try everything that is due once, and say how many were tried."""
        failure = "a turn of the outbox failed"
        turns = (survive(self._drain(channel), 0, failure, receiver=channel.name) for channel in self._channels)
        return sum(await together(turns))

    async def run(self) -> None:
        """A worker for each channel, until the channels are replaced; then workers for the new ones."""
        while True:
            self._replaced.clear()
            await until_rung(self._replaced, [self._work(channel) for channel in self._channels])

    async def close(self) -> None:
        await _close(self._channels)

    def _take(self, channels: Sequence[Channel]) -> None:
        self._channels = tuple(channels)
        self._bounds = {channel.name: asyncio.Semaphore(AT_ONCE) for channel in channels}
        self._bells = {channel.name: Bell(self._clock) for channel in channels}

    async def _work(self, channel: Channel) -> None:
        while True:
            tried = await survive(self._drain(channel), 0, "a turn of the outbox failed", receiver=channel.name)
            # A group's next message waits behind the one just sent: look again at once.
            await (self._clock.sleep(0) if tried else self._bells[channel.name].pause(PAUSE))

    async def _drain(self, channel: Channel) -> int:
        now = self._clock.now()
        waiting = await self._records.pending(channel.name, BATCH)
        due = [delivery for delivery in waiting if delivery.next_attempt_at <= now]
        turns = [(delivery, self._pace.turn(channel.name, delivery.id, now)) for delivery in due]
        await self._hold(channel, [(delivery, at) for delivery, at in turns if at])
        await together(self._attempt(channel, delivery) for delivery, at in turns if not at)
        return len(due)

    async def _hold(self, channel: Channel, waiting: Sequence[tuple[Delivery, datetime]]) -> None:
        if waiting:
            await self._records.hold(waiting, self._pace.words(channel.name))
            self._metrics.deliveries.labels(channel.kind, "held").inc(len(waiting))
        self._metrics.deliveries_held.labels(channel.name).set(self._pace.waiting(channel.name))

    async def _attempt(self, channel: Channel, delivery: Delivery) -> None:
        if delivery.id in self._unmarked:
            await self._sent(channel, delivery)
            return
        async with self._bounds[channel.name]:
            try:
                said = await channel.send(delivery.message, key=delivery.key)
            except FirstmateError as error:
                await self._failed(channel, delivery, error)
                return
            self._unmarked[delivery.id] = said
            await self._sent(channel, delivery)

    async def _sent(self, channel: Channel, delivery: Delivery) -> None:
        """Written down; where that fails, the next turn writes it and does not send it again."""
        await self._records.mark(delivery, "sent", self._unmarked[delivery.id], self._clock.now())
        del self._unmarked[delivery.id]
        self._metrics.deliveries.labels(channel.kind, "sent").inc()

    async def _failed(self, channel: Channel, delivery: Delivery, error: FirstmateError) -> None:
        now = self._clock.now()
        may_pass = isinstance(error, Upstream) and error.retryable
        given_up = may_pass and now - delivery.created_at >= GIVE_UP_AFTER
        if may_pass and not given_up:
            pause = timedelta(seconds=self._pause(delivery.attempts, error))
            await self._records.mark(delivery, "pending", error.sentence, now, next_attempt_at=now + pause)
            self._metrics.deliveries.labels(channel.kind, "retry").inc()
            if delivery.attempts % TOLD_EVERY == 0:
                _log.warning(
                    "a notification has not arrived yet",
                    receiver=channel.name,
                    tries=delivery.attempts + 1,
                    error=error.sentence,
                )
            return
        said = f"given up after {delivery.attempts + 1} attempts: {error.sentence}" if given_up else error.sentence
        await self._records.mark(delivery, "failed", said, now)
        self._metrics.deliveries.labels(channel.kind, "failed").inc()
        _log.error("a notification was not delivered", receiver=channel.name, group=delivery.group_key, error=said)

    def _pause(self, attempts: int, error: FirstmateError) -> float:
        asked = error.details.get("retry_after")
        if isinstance(asked, float):
            return asked
        doubled: float = FIRST_PAUSE * 2 ** min(attempts, 16)
        return min(doubled, LONGEST_PAUSE) * (0.5 + self._random())


async def _close(channels: Sequence[Channel]) -> None:
    await together(
        survive(each.close(), None, "a channel could not be closed", receiver=each.name) for each in channels
    )
