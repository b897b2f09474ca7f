"""A namespace's quota is lowered under what is in use: nothing stops at once, and nothing that goes comes back."""

from __future__ import annotations

from datetime import datetime

from simulator.faults.base import (
    Component,
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Refused,
    existing,
    is_fully_available,
)
from simulator.faults.edits import add, change
from simulator.kubernetes_api import DeleteOptions, marked, usage
from simulator.objects import Object, label_selector_matches, labels_of, with_spec
from simulator.world import World

NAME = "namespace-quota"


class QuotaLowered(Fault):
    id = "quota_lowered"
    title = "The quota of a namespace is lowered under what it uses, and a pod that goes is not replaced"
    category = "change"
    repairs = ("raise_quota", "delete_object")
    parameters = (Parameter("missing", "whole", "by how many pods the quota is too small", "1"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        deployment = existing(world, "Deployment", place)
        pods = _pods(world, deployment)
        missing = int(parameters.get("missing", 1))
        if not 1 <= missing <= len(pods):
            raise Refused(f"params: missing must be from 1 to the {len(pods)} pods of {place.name}")
        used = int(usage(world.store, _quota(place.namespace, 0))["pods"])
        ample = add(world.store, "ResourceQuota", _quota(place.namespace, used * 2 + 10))
        before = existing(world, "ResourceQuota", Place(place.namespace, NAME))
        lowered = change(world.store, "ResourceQuota", before, with_spec(before, hard={"pods": str(used - missing)}))
        for pod in pods[:missing]:
            _delete(world, pod)
        said = f"quota {NAME} lowered to {used - missing} pods of which {used} are used, then {missing} of {place.name} deleted"
        return Injection(said, (ample, lowered))

    def component(self, world: World, place: Place) -> Component:  # noqa: ARG002
        return Component("Namespace", "", place.namespace)

    def suits(self, world: World, place: Place) -> bool:
        found = world.store.get("Deployment", *place)
        return found is not None and bool(_pods(world, found))

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_fully_available(world, place)


def _quota(namespace: str, pods: int) -> Object:
    metadata = {"name": NAME, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"pods": str(pods)}}}


def _pods(world: World, deployment: Object) -> list[Object]:
    selector = deployment["spec"]["selector"]
    pods = world.store.list("Pod", deployment["metadata"]["namespace"])
    return [pod for pod in pods if label_selector_matches(selector, labels_of(pod))]


def _delete(world: World, pod: Object) -> None:
    """As a client deletes it, with its grace."""
    doomed = marked("Pod", pod, world.clock.now(), DeleteOptions())
    if doomed is None:
        world.store.delete("Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
    else:
        world.store.update("Pod", doomed)
