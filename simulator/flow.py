"""The requests of one moment (or of a week of moments) through the shop: what `solver` finds out.

All quantities are arrays over time, so a live tick (one moment) and the history (ten thousand) are the same code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from simulator import capacity
from simulator.apps import Call, Route
from simulator.latency import Part, merged
from simulator.network import Group, Target
from simulator.noise import Floats

NEVER = "000"  # the status of a request that gets no answer
CONNECT_SECONDS = 0.002  # how fast a closed door says no
USER = "user"


@dataclass
class CallFlow:
    """One dependency of one route of one group, for all its pods together. Each attempt counts as a request."""

    group: int
    route: Route
    call: Call
    target: Target
    rate: Floats
    times: Floats  # calls for each request that comes so far, attempts not counted
    refused: Floats
    timeout: Floats
    error: Floats
    missing: Floats
    latency: Floats  # of what works, as the caller sees it
    error_latency: Floats
    server_latency: Floats  # the same without the way there and back
    # The part of the errors that are tokens turned away for their time, and by how much the caller's clock is ahead there.
    unbelieved: Floats | None = None
    ahead: float = 0.0

    @property
    def failed(self) -> Floats:
        """The share of the attempts that fail."""
        return np.minimum(self.refused + self.timeout + self.error + self.missing, 1.0)

    @property
    def lost(self) -> Floats:
        """The share of the calls that fail after the last attempt."""
        lost: Floats = self.failed**self.call.attempts
        return lost


@dataclass
class RouteFlow:
    """One route of one pod of a group."""

    route: Route
    rate: Floats
    ok: Part
    failures: dict[str, list[Part]] = field(default_factory=dict)  # status code -> parts

    @property
    def parts(self) -> list[Part]:
        answered = [part for code, parts in self.failures.items() if code != NEVER for part in parts]
        return [self.ok, *merged(answered)]

    def share(self, code: str) -> Floats:
        return sum((part.share for part in self.failures.get(code, [])), self.rate * 0.0)

    @cached_property
    def failed(self) -> Floats:
        return 1 - self.ok.share

    @cached_property
    def failure_latency(self) -> Floats:
        parts = [part for parts in self.failures.values() for part in parts]
        total = sum((part.share for part in parts), self.rate * 0.0)
        weighted = sum((part.share * part.mean for part in parts), self.rate * 0.0)
        return weighted / np.maximum(total, 1e-12)


@dataclass
class GroupFlow:
    """What one pod of a group does."""

    group: Group
    routes: dict[str, RouteFlow] = field(default_factory=dict)
    rates: dict[str, Floats] = field(default_factory=dict)
    utilisation: Floats = field(default_factory=lambda: np.zeros(1))  # of what it may use
    throttled: Floats = field(default_factory=lambda: np.zeros(1))  # share of the quota periods
    demand: Floats = field(default_factory=lambda: np.zeros(1))  # cores
    cores: Floats = field(default_factory=lambda: np.zeros(1))
    pool: Floats = field(
        default_factory=lambda: np.zeros(1)
    )  # busy workers over all workers; above one they wait outside
    disk: Floats = field(default_factory=lambda: np.zeros(1))  # share of its disk's time that others take
    retransmits: Floats = field(default_factory=lambda: np.zeros(1))  # packets a second sent again

    # Requests for what is not there, which only strangers make.
    strays: Floats | None = None

    @cached_property
    def waiting(self) -> float:
        """Seconds that a request waits at present for a CPU or for a worker."""
        return float((capacity.queueing(self.utilisation) + capacity.pool_wait(self.pool))[-1])

    @property
    def rate(self) -> Floats:
        return sum(self.rates.values(), self.cores * 0.0)


@dataclass
class NodeFlow:
    """The CPU of one node: what all on it want, and by what weight they share it when it is not enough."""

    cores: Floats
    demand: Floats
    weight: float
    stolen: Floats  # share of the CPUs that other machines have

    @property
    def is_crowded(self) -> bool:
        return bool((self.demand > CROWDED * self.cores).any())


CROWDED = 0.9


@dataclass
class Flow:
    times: Floats
    groups: list[GroupFlow]
    calls: list[CallFlow]
    entries: list[CallFlow]
    published: dict[str, Floats]  # queue's app -> messages put in a second
    consumed: dict[str, Floats]
    nodes: dict[str, NodeFlow] = field(default_factory=dict)

    @cached_property
    def is_calm(self) -> bool:
        """Nobody is near a limit and hardly a call fails: nothing that feeds on itself."""
        tight = any((group.utilisation > 0.8).any() or (group.pool > 0.5).any() for group in self.groups)
        return not tight and not any((made.failed > 0.02).any() for made in [*self.entries, *self.calls])

    def crowded(self) -> frozenset[str]:
        return frozenset(name for name, node in self.nodes.items() if node.is_crowded)
