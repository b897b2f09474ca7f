"""What presses on the world from outside its objects: customers, machines, networks, registries.

A pressure is a kind (one of the list below), the place it presses on, and a level that holds from a moment on, at once or rising.
Everything that a person could mend by changing an object is a change to an object and not here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np

from simulator.noise import Floats


class Kind(Enum):
    """Every kind with what its place names and what its level counts."""

    HEAVY_REQUESTS = "cores more that the requests to <namespace>/<app> need, over all its pods"
    SERVICE_RULES_LOST = "kube-proxy of node <name> is gone and so are its rules for Services"
    SURGE = "times the usual customers on the edge route <path>"
    NO_POD_ADDRESSES = "the address range of node <name> is used up"
    KUBELET_DOWN = "the agent of node <name> does not run"
    NODE_CUT_OFF = "node <name> and the rest of the cluster do not hear each other"
    PROCESS_FAILS = "the pod <namespace>/<pod>, a part of the cluster, ends as soon as it starts"
    RUNTIME_DOWN = "the container runtime of node <name> does not answer"
    LEAKED_MEMORY = "MiB a minute that the process <place> loses"
    LEAKED_THREADS = "threads a minute that the process <place> starts and never ends"
    LEAKED_DESCRIPTORS = "descriptors a minute that the process <place> opens and never closes"
    DEADLOCK = "the threads of the process <place> wait for each other"
    MEMORY_TAKEN = "MiB of the memory of node <name> that strangers hold"
    DISK_TAKEN = "bytes of the disk of node <name> that strangers fill"
    PIDS_TAKEN = "process numbers of node <name> that strangers use up"
    RATE_LIMITED = "registry <host> turns anonymous pulls away"
    NETWORK_DELAY = (
        "seconds more for a packet there and its answer back at <place>, or on edge/<namespace>/<client>/<server>"
    )
    NETWORK_JITTER = "seconds by which that delay wanders up and down"
    NETWORK_LOSS = "share of the packets that get lost there"
    CPU_STEAL = "share of the CPUs of node/<name> that its hypervisor gives to other machines"
    DISK_BUSY = "share of its disk's time that others take from <place>"
    CLOCK_OFFSET = "seconds that the clock of node/<name> is ahead"
    SLOW_ANSWERS = "seconds that each request waits at <place> for something that nobody here sees"


class Pressure(NamedTuple):
    kind: Kind
    place: str


def node_place(name: str) -> str:
    return f"node/{name}"


def app_place(namespace: str, app: str) -> str:
    """Every pod of a program."""
    return f"app/{namespace}/{app}"


def pod_place(uid: str) -> str:
    """A pod's sandbox: it goes on pressing when a container of it is restarted, and ends with the pod."""
    return f"pod/{uid}"


def process_place(container_id: str) -> str:
    """One run of one container: a restart is enough to be rid of it."""
    return f"process/{container_id}"


_OF_MEMBERS = ("app/", "node/", "pod/", "process/")


@dataclass(frozen=True)
class Level:
    """How hard something presses from `since` (unix seconds) on; it takes `rise` seconds to come up from `base`."""

    peak: float
    since: float = 0.0
    rise: float = 0.0
    base: float = 0.0
    until: float = math.inf

    def at(self, times: Floats) -> Floats:
        grown: Floats = (times >= self.since).astype(np.float64)
        if self.rise > 0:
            grown = np.clip((times - self.since) / self.rise, 0.0, 1.0)
        grown = np.where(times < self.until, grown, 0.0)
        level: Floats = self.base + (self.peak - self.base) * grown
        return level


class Conditions:
    """The pressures of a world, and the jobs that wait in its queues."""

    def __init__(self, queues: Iterable[str] = ()) -> None:
        self.backlog: dict[str, float] = dict.fromkeys(queues, 0.0)  # queue's app -> waiting jobs
        self._levels: dict[Pressure, list[Level]] = {}

    def press(self, pressure: Pressure, level: Level) -> None:
        """Press as well: what presses on one place already goes on."""
        self._levels.setdefault(pressure, []).append(level)

    def lift(self, pressure: Pressure, level: Level) -> None:
        """Take one level away again; one that is gone already is no error."""
        left = [each for each in self._levels.get(pressure, []) if each is not level]
        self._levels[pressure] = left
        if not left:
            del self._levels[pressure]

    def total(self, kind: Kind, place: str, times: Floats) -> Floats:
        """All levels of a kind on a place together; zero where nothing presses."""
        levels = self._levels.get(Pressure(kind, place), ()) if self._levels else ()
        return sum((level.at(times) for level in levels), times * 0.0)

    def factor(self, kind: Kind, place: str, times: Floats) -> Floats:
        """All levels of a kind on a place multiplied; one where nothing presses."""
        product = np.ones_like(times)
        for level in self._levels.get(Pressure(kind, place), ()):
            product = product * level.at(times)
        return product

    def holds(self, kind: Kind, place: str) -> bool:
        return bool(self._levels) and Pressure(kind, place) in self._levels

    def places(self, kind: Kind) -> Iterator[str]:
        return (pressure.place for pressure in self._levels if pressure.kind is kind)

    def is_moving(self, now: float) -> bool:
        """Whether some level is still on its way up."""
        levels = (level for levels in self._levels.values() for level in levels)
        return any(level.since <= now <= level.since + level.rise for level in levels if level.rise > 0)

    def marks(self) -> frozenset[str]:
        """The places that set some pods apart from others of their kind."""
        return frozenset(each.place for each in self._levels if each.place.startswith(_OF_MEMBERS))
