"""The keeper: what is past its time is removed in small turns, so that on a database with one writer nobody waits for it.

A turn looks for what is due in a read, which stands in nobody's way, and removes at most BATCH of it in a transaction of its own that asks
again whether it is still due. Between two turns the keeper rests, and others write. When nothing is left it sleeps until the next round. A
removal that fails is told and tried again in the next round; it keeps the others from nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from alerts.patience import survive
from core.clock import Clock
from core.logs import get
from core.metrics import Metrics

BATCH = 500
EVERY = 3600.0
REST = 0.1
_log = get(__name__)


@dataclass(frozen=True, slots=True)
class Terms:
    """How long what is kept."""

    history: timedelta = timedelta(days=90)
    """From its end on, for all that is not named below."""
    bodies: timedelta = timedelta(days=14)
    """What a delivered message said, word for word."""
    silences: timedelta = timedelta(hours=120)
    """Those that have expired; as long as Alertmanager keeps them."""


class Removal(Protocol):
    @property
    def name(self) -> str: ...

    async def __call__(self, now: datetime, most: int, /) -> int:
        """Remove up to so many that are past their time, and say how many were."""
        ...


class Keeper:
    def __init__(self, *, removals: Sequence[Removal], clock: Clock, metrics: Metrics, batch: int = BATCH) -> None:
        self.removals = tuple(removals)
        self._clock = clock
        self._metrics = metrics
        self._batch = batch

    async def run(self) -> None:
        while True:
            await self.round()
            await self._clock.sleep(EVERY)

    async def round(self) -> dict[str, int]:
        """Everything that is past its time, and how much of what that was."""
        gone = {removal.name: await self._all_of(removal) for removal in self.removals}
        removed = {name: count for name, count in gone.items() if count}
        if removed:
            _log.info("records past their time were removed", **removed)
        return removed

    async def _all_of(self, removal: Removal) -> int:
        gone = 0
        while count := await survive(
            removal(self._clock.now(), self._batch), 0, "old records could not be removed", records=removal.name
        ):
            gone += count
            self._metrics.records_removed.labels(removal.name).inc(count)
            await self._clock.sleep(REST)
        return gone
