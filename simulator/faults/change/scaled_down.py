"""Somebody takes replicas away from a program that needs them."""

from __future__ import annotations

from datetime import datetime

from simulator.faults.base import (
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Refused,
    existing,
    is_fully_available,
)
from simulator.faults.edits import change
from simulator.objects import with_spec
from simulator.world import World


class Resized(Fault):
    """A Deployment has fewer replicas than it had; as many as before, or more, heal it."""

    repairs = ("scale",)

    def resize(self, world: World, place: Place, replicas: int) -> Injection:
        deployment = existing(world, "Deployment", place)
        before = int(deployment["spec"].get("replicas", 1))
        if replicas >= before:
            raise Refused(f"params: replicas must be below the present {before}")
        edit = change(world.store, "Deployment", deployment, with_spec(deployment, replicas=replicas))
        return Injection(f"scaled from {before} to {replicas}", (edit,), notes={"before": before})

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        deployment = world.store.get("Deployment", *place)
        wanted = int(deployment["spec"].get("replicas", 1)) if deployment else 0
        return wanted >= injection.notes["before"] and is_fully_available(world, place)


class ScaledDown(Resized):
    id = "scaled_down"
    title = "A Deployment is scaled down to less than its load needs"
    category = "change"
    parameters = (Parameter("replicas", "whole", "how many are left", "1"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        return self.resize(world, place, int(parameters.get("replicas", 1)))

    def suits(self, world: World, place: Place) -> bool:
        deployment = world.store.get("Deployment", *place)
        return deployment is not None and int(deployment["spec"].get("replicas", 1)) > 1
