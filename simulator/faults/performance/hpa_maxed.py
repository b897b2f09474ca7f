"""A program needs more than its autoscaler may give it: it stands at its maximum, and its pods are at their limits all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from simulator.bootstrap import autoscaler
from simulator.conditions import Kind
from simulator.faults.base import RISE, Fault, Injection, Parameter, Parameters, Place, Refused, existing, press
from simulator.faults.edits import Edit, add
from simulator.faults.performance.pod_cpu_overload import program
from simulator.objects import Object
from simulator.world import World

OVERLOAD = 1.15
CALM = 0.9


class HpaMaxed(Fault):
    id = "hpa_maxed"
    title = "A program's load outgrows the most replicas that its autoscaler may run"
    category = "performance"
    repairs = ("scale", "patch_workload")
    parameters = (
        Parameter("utilisation", "number", "demand over the capacity of the most replicas", str(OVERLOAD)),
        RISE,
    )

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        deployment = existing(world, "Deployment", place)
        app = program(world, place)
        members = [(group, member) for group, member in world.members(place.namespace, app.name) if group.rates]
        if not members:
            raise Refused(f"target: no ready pod of {app.name!r} gets any request")
        edits: tuple[Edit, ...] = ()
        scaler = scaler_of(world, place)
        if scaler is None:
            replicas = int(deployment["spec"].get("replicas", 1))
            metadata = {"name": place.name, "namespace": place.namespace}
            wanted = {"metadata": metadata, **autoscaler(place.name, replicas, replicas + 1)}
            edits = (add(world.store, "HorizontalPodAutoscaler", wanted),)
            scaler = existing(world, "HorizontalPodAutoscaler", place)
        most, limit = int(scaler["spec"]["maxReplicas"]), members[0][0].group.cpu_limit
        present = sum(float(group.utilisation[0]) * group.group.cpu_limit for group, _ in members)
        more = float(parameters.get("utilisation", OVERLOAD)) * most * limit - present
        if more <= 0:
            raise Refused("params: utilisation is not above the present one")
        pressed = press(world, Kind.HEAVY_REQUESTS, f"{place.namespace}/{app.name}", more, parameters)
        said = f"requests now need {more:.2f} cores more than before; the most replicas are {most}"
        return replace(pressed, change=said, edits=edits)

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        serving = [group for group, _ in world.members(place.namespace, program(world, place).name) if group.rates]
        return bool(serving) and all(float(group.utilisation[0]) < CALM for group in serving)


def scaler_of(world: World, place: Place) -> Object | None:
    for scaler in world.store.list("HorizontalPodAutoscaler", place.namespace):
        reference = scaler["spec"]["scaleTargetRef"]
        if (reference["kind"], reference["name"]) == ("Deployment", place.name):
            return scaler
    return None


__all__ = ["HpaMaxed", "scaler_of"]
