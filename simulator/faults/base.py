"""What a fault is: a careless change to an object, or a condition of the outside world, and the question whether it is mended.

A fault does nothing by itself. `inject` writes to the store as a client would (or changes what customers do), the world follows, and
`is_healed` looks at the world alone: it does not matter who mended it or how. `undo` puts back what `inject` changed, if it still stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from simulator.objects import Object
from simulator.world import World

Parameters = Mapping[str, Any]


class Refused(ValueError):
    """The fault cannot be injected as asked; the message names the field."""


@dataclass(frozen=True)
class Parameter:
    name: str
    kind: Literal["text", "number", "whole"]
    help: str
    default: str = ""


@dataclass(frozen=True)
class Injection:
    """What was changed, in words and as the values to put back."""

    change: str
    before: dict[str, Any] = field(default_factory=dict)


class Fault(Protocol):
    id: str
    title: str
    target_kind: str
    parameters: tuple[Parameter, ...]

    def inject(self, world: World, namespace: str, name: str, parameters: Parameters) -> Injection: ...

    def undo(self, world: World, namespace: str, name: str, injection: Injection) -> None: ...

    def is_healed(self, world: World, namespace: str, name: str, since: datetime) -> bool: ...


def existing(world: World, kind: str, namespace: str, name: str) -> Object:
    found = world.store.get(kind, namespace, name)
    if found is None:
        raise Refused(f"target: there is no {kind} {name!r} in namespace {namespace!r}")
    return found


def first_container(deployment: Object) -> Object:
    return dict(deployment["spec"]["template"]["spec"]["containers"][0])


def with_container(deployment: Object, container: Object) -> Object:
    """The Deployment with the container of that name replaced in its template."""
    template = deployment["spec"]["template"]
    containers = [container if each["name"] == container["name"] else each for each in template["spec"]["containers"]]
    changed = {**template, "spec": {**template["spec"], "containers": containers}}
    return {**deployment, "spec": {**deployment["spec"], "template": changed}}


def is_fully_available(world: World, namespace: str, name: str) -> bool:
    """The newest template runs in as many available pods as are wanted, and nothing else does."""
    deployment = world.store.get("Deployment", namespace, name)
    if deployment is None:
        return False
    status, wanted = deployment.get("status") or {}, int(deployment["spec"].get("replicas", 1))
    counts = [status.get(field, 0) for field in ("replicas", "updatedReplicas", "availableReplicas")]
    is_current = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return wanted > 0 and is_current and counts == [wanted] * 3
