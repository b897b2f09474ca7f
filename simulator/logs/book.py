"""The log files of the containers on the nodes.

A node keeps the file of the present run of a container and the one of the run before it, and drops both with the pod. Each file is a
ring of the newest lines.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from simulator.kubelet.runs import ContainerRun, PodRun

KEPT_LINES = 2_000


@dataclass(frozen=True, slots=True)
class LogLine:
    at: datetime
    text: str


class NoLog(LookupError):
    """There is no such file; the message is the API server's sentence."""


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
            files.current.append(LogLine(at, text))

    def read(self, run: PodRun, container: ContainerRun, *, previous: bool) -> list[LogLine]:
        files = self._files.get((run.uid, container.name))
        if previous:
            # A container that has crashed and waits has no present run: its file is already the previous one.
            ended = files.current if files and not container.phase.is_running else files.previous if files else None
            if ended is None:
                raise NoLog(f'previous terminated container "{container.name}" in pod "{run.name}" not found')
            return list(ended)
        if files is None:
            reason = waiting_reason(container)
            raise NoLog(f'container "{container.name}" in pod "{run.name}" is waiting to start: {reason}')
        return list(files.current)

    def keep_only(self, uids: set[str]) -> None:
        for key in [key for key in self._files if key[0] not in uids]:
            del self._files[key]


def waiting_reason(container: ContainerRun) -> str:
    if container.pull_attempts:
        return "trying and failing to pull image"
    return "ContainerCreating"
