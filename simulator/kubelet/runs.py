"""What a node knows about a pod and its containers beyond what the pod's status says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from simulator.objects import Object
from simulator.programs import Exit
from simulator.programs.process import Process
from simulator.registry import Image


class Phase(Enum):
    WAITING = "waiting"  # for the sandbox, the volumes or the init containers before it
    CREATING = "creating"
    PULLING = "pulling"
    PULL_ERROR = "pull error"
    PULL_BACKOFF = "pull back-off"
    PULL_REFUSED = "pull refused"  # there is nothing to pull: no valid name, or pulling is forbidden
    STARTING = "starting"
    CONFIG_ERROR = "config error"  # what its environment refers to is not there
    BOOTING = "booting"  # the process runs, its readiness probe has not passed yet
    READY = "ready"
    TERMINATED = "terminated"
    CRASH_BACKOFF = "crash back-off"
    FINISHED = "finished"  # for good

    @property
    def is_running(self) -> bool:
        return self in (Phase.BOOTING, Phase.READY)


@dataclass(frozen=True)
class Termination:
    reason: str
    exit_code: int
    started_at: datetime | None  # None: the process never began
    finished_at: datetime
    container_id: str
    message: str = ""


@dataclass
class ProbeRun:
    """How one probe of one container's present run stands; it is asked again when it is due, and sleeps without."""

    spec: Object
    first: datetime
    due: datetime | None
    failures: int = 0  # in a row
    successes: int = 0
    passes: bool = False


@dataclass
class ContainerRun:
    name: str
    reference: str
    phase: Phase = Phase.CREATING
    due: datetime | None = None  # when the phase ends by itself
    is_init: bool = False
    image: Image | None = None
    started_at: datetime | None = None
    container_id: str = ""
    restarts: int = 0
    crashes: int = 0  # in a row; a container that ran for ten minutes starts anew
    pull_attempts: int = 0
    retry_at: datetime | None = None
    # Why it waits, as its status says it.
    reason: str = ""
    message: str = ""
    last: Termination | None = None
    before_last: Termination | None = None
    # What the process was given, with every reference resolved.
    env: Mapping[str, str] = field(default_factory=dict)
    process: Process | None = None
    probes: dict[str, ProbeRun] = field(default_factory=dict)
    has_begun: bool = False  # its startup probe has passed, or it has none
    # What it found mounted when it started: path -> text.
    files: Mapping[str, str] = field(default_factory=dict)
    # How the process will end by itself, if it does.
    exit: Exit | None = None
    exits_at: datetime | None = None
    # Working set in MiB; the traffic model moves it while the process runs.
    memory_mib: float = 0.0
    oom_kills: int = 0

    def wait(self, phase: Phase, until: datetime | None) -> None:
        self.phase = phase
        self.due = until

    def hold(self, phase: Phase, until: datetime | None, reason: str, message: str = "") -> None:
        """Wait, and say why."""
        self.wait(phase, until)
        self.reason, self.message = reason, message

    @property
    def next_due(self) -> datetime | None:
        soonest = self.due if self.exits_at is None else min(self.exits_at, self.due or self.exits_at)
        for probe in self.probes.values():
            if probe.due is not None and (soonest is None or probe.due < soonest):
                soonest = probe.due
        return soonest

    @property
    def ports(self) -> tuple[int, ...]:
        return self.process.ports if self.process else ()

    @property
    def has_succeeded(self) -> bool:
        return self.phase is Phase.FINISHED and self.last is not None and self.last.exit_code == 0


@dataclass
class PodRun:
    uid: str
    namespace: str
    name: str
    node: str
    ip: str
    started_at: datetime
    containers: dict[str, ContainerRun] = field(default_factory=dict)
    init: dict[str, ContainerRun] = field(default_factory=dict)
    # When the sandbox and the volumes are looked at next; None once all of it stands.
    setup_due: datetime | None = None
    setup_attempts: int = 0
    waits_since: datetime | None = None  # for its volumes
    ready_since: datetime | None = None
    changed_at: datetime | None = None  # of the Ready condition
    is_dirty: bool = True
    seen_version: str = ""
    stops_at: datetime | None = None
    evicted: str = ""  # why it had to go

    def __iter__(self) -> Iterator[ContainerRun]:
        """The containers that do the pod's work; those of its preparation are in `init`."""
        return iter(self.containers.values())

    def everyone(self) -> Iterator[ContainerRun]:
        yield from self.init.values()
        yield from self.containers.values()

    def find(self, name: str) -> ContainerRun | None:
        return self.containers.get(name) or self.init.get(name)

    @property
    def next_due(self) -> datetime | None:
        soonest = self.setup_due if self.stops_at is None else min(self.stops_at, self.setup_due or self.stops_at)
        for each in (*self.init.values(), *self.containers.values()):
            due = each.next_due
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        return soonest

    @property
    def has_sandbox(self) -> bool:
        return self.setup_due is None

    @property
    def is_prepared(self) -> bool:
        return all(each.has_succeeded for each in self.init.values())

    @property
    def is_ready(self) -> bool:
        return all(each.phase is Phase.READY for each in self)

    @property
    def is_over(self) -> bool:
        """Nothing will ever run in it again."""
        if any(each.phase is Phase.FINISHED and not each.has_succeeded for each in self.init.values()):
            return True
        return all(each.phase is Phase.FINISHED for each in self)

    @property
    def has_succeeded(self) -> bool:
        return self.is_prepared and all(each.has_succeeded for each in self)
