"""Alerts that other systems send: taken in together, written down before they are acknowledged.

Senders come in crowds after an outage. What has arrived while one transaction was under way goes into the next, so a thousand senders
cost a few commits and not a thousand, and each is answered when its own alerts are on disk. What waits is bounded: beyond it a sender is
told to come again. Nothing in memory changes before the commit, so a write that fails is answered with an error and leaves no trace.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from alerts.arriving import INTAKE, Arrival, arrive, expire
from alerts.model import Alert, Change, fingerprint
from alerts.patience import Bell, survive
from alerts.store import AlertStore
from core.clock import Clock
from core.errors import FirstmateError, Unready

AT_ONCE = 2_000
MAX_WAITING = 20_000
MAX_ACTIVE = 100_000
LOOK = 1.0
Listener = Callable[[Change], None]


@dataclass(slots=True)
class _Post:
    arrivals: Sequence[Arrival]
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Intake:
    def __init__(
        self,
        *,
        store: AlertStore,
        clock: Clock,
        patience: Callable[[], timedelta],
        listeners: Sequence[Listener] = (),
        new_episode: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        """`patience` is how long an alert without an end of its own is believed: the configuration's `resolve_timeout`."""
        self._store = store
        self._clock = clock
        self._patience = patience
        self._listeners = tuple(listeners)
        self._new_episode = new_episode
        self._known: dict[str, Alert] = {}
        self._waiting: deque[_Post] = deque()
        self._count = 0
        self._bell = Bell(clock)
        self._writing = asyncio.Lock()
        self.is_open = True
        """Closed in a replica that stands by: what nobody would write down must not be waited for."""

    def __len__(self) -> int:
        return len(self._known)

    async def restore(self) -> None:
        self._known = {alert.fingerprint: alert for alert in await self._store.active() if alert.rule_id == INTAKE}

    async def take(self, arrivals: Sequence[Arrival]) -> None:
        """Returns when they are written down."""
        if not self.is_open:
            raise Unready("The intake of alerts", "is kept by another replica")
        if self._count + len(arrivals) > MAX_WAITING or len(self._known) + self._count > MAX_ACTIVE:
            raise Unready("The intake of alerts", "is full; send them again in a moment")
        post = _Post(arrivals)
        self._waiting.append(post)
        self._count += len(arrivals)
        self._bell.ring()
        await post.done

    async def tick(self) -> int:
        """Write down what has come, then end what has fallen silent; says how many alerts moved."""
        return await self._take_in() + await self._expire()

    async def run(self) -> None:
        while True:
            await survive(self._take_in(), 0, "alerts could not be taken in")
            await survive(self._expire(), 0, "alerts could not be ended")
            await (self._clock.sleep(0) if self._waiting else self._bell.pause(LOOK))

    async def _take_in(self) -> int:
        posts = self._next_posts()
        if not posts:
            return 0
        try:
            moved = await self._commit(self._changes(posts))
        except BaseException as error:
            # Whoever waits must hear of it, also when this loop is cancelled in the middle of a write.
            told = (
                error
                if isinstance(error, FirstmateError)
                else Unready("The intake of alerts", "was interrupted; send them again")
            )
            for post in posts:
                if not post.done.done():
                    post.done.set_exception(told)
            raise
        for post in posts:
            if not post.done.done():
                post.done.set_result(None)
        return moved

    def _next_posts(self) -> list[_Post]:
        posts: list[_Post] = []
        taken = 0
        while self._waiting and (not posts or taken + len(self._waiting[0].arrivals) <= AT_ONCE):
            post = self._waiting.popleft()
            taken += len(post.arrivals)
            posts.append(post)
        self._count -= taken
        return posts

    def _changes(self, posts: Sequence[_Post]) -> list[Change]:
        """In the order of their coming; of one alert that came twice the second sees what the first did."""
        now, patience = self._clock.now(), self._patience()
        standing: dict[str, Alert] = {}
        changes: list[Change] = []
        for post in posts:
            for arrival in post.arrivals:
                key = fingerprint(arrival.labels)
                known = standing.get(key) or self._known.get(key)
                over = expire(known, now) if known else None
                change = arrive(over.alert if over else known, arrival, now, patience, self._new_episode)
                for each in filter(None, (over, change)):
                    standing[key] = each.alert
                    changes.append(each)
        return changes

    async def _expire(self) -> int:
        now = self._clock.now()
        ended = (expire(alert, now) for alert in self._known.values())
        return await self._commit([change for change in ended if change])

    async def _commit(self, changes: list[Change]) -> int:
        async with self._writing:
            await self._store.save(changes)
        for change in changes:
            alert = change.alert
            if alert.state == "firing":
                self._known[alert.fingerprint] = alert
            else:
                self._known.pop(alert.fingerprint, None)
            for listener in self._listeners:
                listener(change)
        return len(changes)
