"""What a node knows about a pod and its containers beyond what the pod's status says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from simulator.registry import Image


class Phase(Enum):
    CREATING = "creating"  # the sandbox is being set up
    PULLING = "pulling"
    PULL_ERROR = "pull error"
    PULL_BACKOFF = "pull back-off"
    STARTING = "starting"
    BOOTING = "booting"  # the process runs, its readiness probe has not passed yet
    READY = "ready"
    TERMINATED = "terminated"
    CRASH_BACKOFF = "crash back-off"

    @property
    def is_running(self) -> bool:
        return self in (Phase.BOOTING, Phase.READY)


@dataclass(frozen=True)
class Termination:
    reason: str
    exit_code: int
    started_at: datetime
    finished_at: datetime
    container_id: str


@dataclass
class ContainerRun:
    name: str
    reference: str
    phase: Phase = Phase.CREATING
    due: datetime | None = None  # when the phase ends by itself
    image: Image | None = None
    started_at: datetime | None = None
    container_id: str = ""
    restarts: int = 0
    crashes: int = 0  # in a row; a container that ran for ten minutes starts anew
    pull_attempts: int = 0
    retry_at: datetime | None = None
    message: str = ""
    last: Termination | None = None
    before_last: Termination | None = None
    # What the process was given, with every reference resolved.
    env: Mapping[str, str] = field(default_factory=dict)
    # Working set in MiB; the traffic model moves it while the process runs.
    memory_mib: float = 0.0
    oom_kills: int = 0

    def wait(self, phase: Phase, until: datetime | None) -> None:
        self.phase = phase
        self.due = until


@dataclass
class PodRun:
    uid: str
    namespace: str
    name: str
    node: str
    ip: str
    started_at: datetime
    containers: dict[str, ContainerRun] = field(default_factory=dict)
    ready_since: datetime | None = None
    changed_at: datetime | None = None  # of the Ready condition
    is_dirty: bool = True
    seen_version: str = ""
    stops_at: datetime | None = None

    def __iter__(self) -> Iterator[ContainerRun]:
        return iter(self.containers.values())

    @property
    def has_sandbox(self) -> bool:
        return any(each.phase is not Phase.CREATING for each in self)

    @property
    def is_ready(self) -> bool:
        return all(each.phase is Phase.READY for each in self)
