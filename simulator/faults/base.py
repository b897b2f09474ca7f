"""What a fault is: a careless change to objects, or a pressure from outside, and the question whether it is mended.

A fault does nothing by itself. `inject` writes to the store as a client would, or presses on the world's conditions; the world follows, and
`is_healed` looks at the world alone: it does not matter who mended it or how. `undo` takes back what `inject` did, where it still stands.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, NamedTuple

from simulator.conditions import Kind, Level, Pressure
from simulator.faults.edits import Edit, take_back
from simulator.objects import Object
from simulator.world import World

Parameters = Mapping[str, Any]
Category = Literal[
    "admission", "scheduling", "startup", "runtime", "routing", "performance", "infrastructure", "change"
]


class Refused(ValueError):
    """The fault cannot be injected as asked; the message names the field."""


@dataclass(frozen=True)
class Parameter:
    name: str
    kind: Literal["text", "number", "whole"]
    help: str
    default: str = ""


# What a person does about it. `escalate`: nothing that can be done through the cluster's API mends it.
Repair = Literal[
    "rollback",
    "patch_workload",
    "patch_service",
    "patch_config",
    "patch_policy",
    "raise_quota",
    "create_object",
    "delete_object",
    "scale",
    "restart",
    "delete_pod",
    "uncordon",
    "drain_node",
    "escalate",
]

# Of every fault that can come slowly.
RISE = Parameter("rise_seconds", "number", "how long it takes to come to its full strength", "0: at once")


class Place(NamedTuple):
    """Where a fault is injected; a Node has the empty namespace."""

    namespace: str
    name: str


@dataclass(frozen=True)
class Component:
    """The thing to change, as a diagnosis should name it."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Injection:
    """What was done, in words, and in a form that can be taken back."""

    change: str
    edits: tuple[Edit, ...] = ()
    pressures: tuple[tuple[Pressure, Level], ...] = ()
    # What a fault wants to know again when it is asked whether it is healed.
    notes: Mapping[str, Any] = field(default_factory=dict)


class Fault(ABC):
    id: ClassVar[str]
    title: ClassVar[str]
    category: ClassVar[Category]
    target_kind: ClassVar[str] = "Deployment"
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    # The first is the one an expert would choose; each of them heals.
    repairs: ClassVar[tuple[Repair, ...]]

    @abstractmethod
    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection: ...

    @abstractmethod
    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool: ...

    def undo(self, world: World, place: Place, injection: Injection) -> None:  # noqa: ARG002  # some need the place
        for edit in reversed(injection.edits):
            take_back(world.store, edit)
        for pressure, level in injection.pressures:
            world.conditions.lift(pressure, level)

    def component(self, world: World, place: Place) -> Component:  # noqa: ARG002  # some look at the world
        """The right answer to the question what is broken."""
        return Component(self.target_kind, place.namespace, place.name)

    def suits(self, world: World, place: Place) -> bool:
        """Whether the simulator may choose this place by itself; `place` is that of a program of the shop."""
        return world.store.get(self.target_kind, *place) is not None


def press(world: World, kind: Kind, place: str, peak: float, parameters: Parameters, base: float = 0.0) -> Injection:
    """A pressure from now on, as slowly as the parameters ask; `base` is what the level is without it (one for a factor)."""
    level = Level(peak, world.clock.now().timestamp(), float(parameters.get(RISE.name, 0.0)), base)
    world.conditions.press(Pressure(kind, place), level)
    return Injection(f"{kind.name.lower()} on {place}: {peak:g}", pressures=((Pressure(kind, place), level),))


def existing(world: World, kind: str, place: Place) -> Object:
    found = world.store.get(kind, *place)
    if found is None:
        raise Refused(f"target: there is no {kind} {place.name!r} in namespace {place.namespace!r}")
    return found


def first_container(workload: Object) -> Object:
    return dict(workload["spec"]["template"]["spec"]["containers"][0])


def with_pod_spec(workload: Object, **changes: Any) -> Object:
    """The workload with fields of its template's pod spec replaced; None takes a field away."""
    template = workload["spec"]["template"]
    spec = {key: value for key, value in {**template["spec"], **changes}.items() if value is not None}
    return {**workload, "spec": {**workload["spec"], "template": {**template, "spec": spec}}}


def with_container(workload: Object, container: Object) -> Object:
    """The workload with the container of that name replaced in its template."""
    containers = workload["spec"]["template"]["spec"]["containers"]
    replaced = [container if each["name"] == container["name"] else each for each in containers]
    return with_pod_spec(workload, containers=replaced)


def is_fully_available(world: World, place: Place, kind: str = "Deployment") -> bool:
    """The newest template runs in as many available pods as are wanted, and nothing else does."""
    workload = world.store.get(kind, *place)
    if workload is None:
        return False
    status, wanted = workload.get("status") or {}, int(workload["spec"].get("replicas", 1))
    counts = [status.get(field, 0) for field in ("replicas", "updatedReplicas", "availableReplicas")]
    is_current = status.get("observedGeneration") == workload["metadata"]["generation"]
    return wanted > 0 and is_current and counts == [wanted] * 3
