"""What a controller works with: the objects, the time, a way to say what it did, and a way to be called again later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from simulator.clock import rfc3339
from simulator.controllers.backoff import Backoff
from simulator.controllers.scaling_memory import ScalingMemory
from simulator.controllers.scheduling.queue import Queue
from simulator.events import Recorder
from simulator.kubernetes_api.hooks import ContainerUsage
from simulator.store import Store


class Alarms:
    """When each controller wants to be called again although nothing has changed; `Loops` sets whose turn it is."""

    def __init__(self) -> None:
        self.turn = ""
        self._due: dict[str, datetime] = {}

    def begin(self, controller: str) -> None:
        """Its turn: what it had wished for is fulfilled, and it wishes anew."""
        self.turn = controller
        self._due.pop(controller, None)

    def wish(self, when: datetime) -> None:
        known = self._due.get(self.turn)
        self._due[self.turn] = when if known is None else min(known, when)

    def is_due(self, controller: str, now: datetime) -> bool:
        due = self._due.get(controller)
        return due is not None and due <= now

    def forget(self, controller: str) -> None:
        self._due.pop(controller, None)

    def next(self) -> datetime | None:
        return min(self._due.values(), default=None)


@dataclass(frozen=True)
class Context:
    store: Store
    now: Callable[[], datetime]
    events: Recorder
    alarms: Alarms = field(default_factory=Alarms)
    backoff: Backoff = field(default_factory=Backoff)
    queue: Queue = field(default_factory=Queue)
    scaling: ScalingMemory = field(default_factory=ScalingMemory)
    # What every running container uses at this moment.
    usage: Callable[[], Iterable[ContainerUsage]] = tuple

    def stamp(self) -> str:
        return rfc3339(self.now())

    def call_again(self, when: datetime) -> None:
        """Run the controller whose turn it is at that time, whatever happens until then; to the full second, as stamps are."""
        self.alarms.wish(max(when, self.now() + timedelta(seconds=1)))
