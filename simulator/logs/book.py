"""The log files of the containers on the nodes.

A node keeps the file of the present run of a container and the one of the run before it, and drops both with the pod. Each file is a
ring of the newest lines.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from simulator.kubelet.runs import ContainerRun, Phase, PodRun

KEPT_LINES = 2_000


@dataclass(frozen=True, slots=True)
class LogLine:
    at: datetime
    text: str


@dataclass
class _Files:
    restarts: int
    current: deque[LogLine] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    previous: deque[LogLine] | None = None


class LogBook:
    def __init__(self) -> None:
        self._files: dict[tuple[str, str], _Files] = {}

    def open(self, run: PodRun, container: ContainerRun) -> None:
        """A container run begins: its file is new, and the last one becomes the previous one."""
        known = self._files.get((run.uid, container.name))
        self._files[run.uid, container.name] = _Files(container.restarts, previous=known.current if known else None)

    def write(self, run: PodRun, container: ContainerRun, at: datetime, text: str) -> None:
        files = self._files.get((run.uid, container.name))
        if files is not None:
            files.current.extend(LogLine(at, line) for line in text.split("\n"))

    def read(self, run: PodRun, container: ContainerRun, *, previous: bool) -> list[LogLine] | None:
        """The lines of the present or the previous run; None where there is no such file."""
        files = self._files.get((run.uid, container.name))
        if files is None:
            return None
        # While a crashed container waits to be started again, its newest file is that of the previous run.
        waits = not container.phase.is_running and container.phase not in (Phase.TERMINATED, Phase.FINISHED)
        if previous and not waits:
            return None if files.previous is None else list(files.previous)
        return list(files.current)

    def keep_only(self, uids: set[str]) -> None:
        for key in [key for key in self._files if key[0] not in uids]:
            del self._files[key]
