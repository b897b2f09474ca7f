"""A running process: where it listens, how long a request waits for it, and what it has lost on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from simulator.apps import App, Tool
from simulator.programs.defects import SOUND, Defect

TEETHLESS = 0.2  # seconds of waiting that no check would notice
MOST_THREADS = 1_000.0  # what the pod's pids.max leaves
MOST_DESCRIPTORS = 65_000.0


class Trouble(NamedTuple):
    """The shares of the requests that are answered with an error, and that are never answered."""

    errors: float = 0.0
    hangs: float = 0.0


NO_TROUBLE = Trouble()


@dataclass
class Process:
    app: App | None
    tool: Tool | None
    ports: tuple[int, ...]
    defect: Defect = SOUND
    is_listening: bool = False
    # Its threads wait for each other: it lives, and answers nothing.
    is_stuck: bool = False
    lag: float = 0.0  # seconds until somebody takes a request from the queue
    shed: float = 0.0  # the share of requests that nobody takes
    leaked_mib: float = 0.0
    threads: float = 0.0  # lost, beside those it works with
    descriptors: float = 0.0

    @property
    def trouble(self) -> Trouble:
        if self.is_stuck:
            return Trouble(hangs=1.0)
        if self.threads >= MOST_THREADS:
            return Trouble(hangs=0.9)
        if self.descriptors >= MOST_DESCRIPTORS:
            return Trouble(errors=0.9)
        return Trouble(errors=self.defect.error_share)

    @property
    def takes_no_connection(self) -> bool:
        """Its health is looked after by a thread apart, which goes on whatever the others do, but needs a descriptor."""
        return self.descriptors >= MOST_DESCRIPTORS

    @property
    def is_at_ease(self) -> bool:
        """What it answers now it will answer until something changes."""
        return self.is_listening and self.shed == 0.0 and self.lag <= TEETHLESS
