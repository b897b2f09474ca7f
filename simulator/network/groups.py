"""Pods of one program that behave alike, computed once: the same limits, environment and Services, and the same way through the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.apps import App, Call
from simulator.kubelet.runs import ContainerRun, PodRun
from simulator.objects import Object, labels_of, name_of
from simulator.programs.process import NO_TROUBLE, Trouble

if TYPE_CHECKING:
    from simulator.network.target import Target

ServiceKey = tuple[str, str]  # (namespace, name)
LEAST_WEIGHT = 0.002  # the kernel gives a container without a request two shares of 1024


@dataclass(frozen=True)
class Member:
    """One running container of a program."""

    run: PodRun
    container: ContainerRun
    pod: Object

    @property
    def uid(self) -> str:
        return self.run.uid


@dataclass
class Group:
    app: App
    namespace: str
    cpu_limit: float
    memory_limit_mib: float | None
    env: Mapping[str, str]
    services: tuple[ServiceKey, ...]
    members: list[Member] = field(default_factory=list)
    cpu_request: float = LEAST_WEIGHT
    places: tuple[
        str, ...
    ] = ()  # the marked ones among node, pod and process: what presses on these sets the group apart
    # What its containers found mounted when they started, and on which ports they listen.
    files: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    # What ails its processes.
    trouble: Trouble = NO_TROUBLE
    # Calls that have been followed already; a group lives no longer than the survey that found it.
    targets: dict[Call, Target] = field(default_factory=dict, repr=False, compare=False)

    @property
    def serves(self) -> bool:
        return bool(self.services)

    @property
    def identity(self) -> tuple[object, ...]:
        """By which the same group is known again in the next topology."""
        return self.namespace, self.app.name, self.services, self.places, self.cpu_limit

    @property
    def marked_node(self) -> str:
        """The node that all members are on, where it is marked."""
        return next((place.partition("/")[2] for place in self.places if place.startswith("node/")), "")

    @property
    def pod(self) -> Object:
        """One of the pods; for the network they are all alike."""
        return self.members[0].pod

    @property
    def node(self) -> str:
        return self.members[0].run.node

    @property
    def ip(self) -> str:
        return self.members[0].run.ip


def app_label(pod: Object) -> str:
    """The name under which a pod's metrics are scraped."""
    labels = labels_of(pod)
    return labels.get("app.kubernetes.io/name") or labels.get("app") or name_of(pod)
