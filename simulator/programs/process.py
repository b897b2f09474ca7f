"""A running process: where it listens, how long a request waits for it, and what it has lost on the way."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.apps import App, Tool
from simulator.programs.defects import SOUND, Defect

TEETHLESS = 0.2  # seconds of waiting that no check would notice


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
    def is_at_ease(self) -> bool:
        """What it answers now it will answer until something changes."""
        return self.is_listening and self.shed == 0.0 and self.lag <= TEETHLESS
