"""What a controller works with: the objects, the time, and a way to say what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from simulator.clock import rfc3339
from simulator.events import Recorder
from simulator.store import Store


@dataclass(frozen=True)
class Context:
    store: Store
    now: Callable[[], datetime]
    events: Recorder

    def stamp(self) -> str:
        return rfc3339(self.now())
