"""A workload that has nothing to do with the shop takes the CPUs of a node for itself.

It asks for much, has no limit and keeps more threads busy than there are CPUs. Pods beside it get no more than what their own requests
entitle them to, which is less than they use: they are slow without being throttled, on one node only. It is an ordinary Deployment in a
namespace of its own; it may be deleted, limited or scaled down.
"""

from __future__ import annotations

import math
from datetime import datetime

from simulator.capacity import THREADS_VARIABLE
from simulator.faults.base import Component, Fault, Injection, Parameter, Parameters, Place, Refused
from simulator.faults.edits import Edit, add
from simulator.faults.infrastructure.cluster_network import node_of
from simulator.objects import Object, is_finished
from simulator.quantity import quantity, resource
from simulator.shop import image
from simulator.world import World

THREADS = 16
SPARED = 0.1  # cores that it leaves unasked for, so that it finds its place


class NoisyNeighbour(Fault):
    id = "noisy_neighbour"
    title = "A workload without a limit takes the CPUs of a node from the pods beside it"
    category = "performance"
    repairs = ("delete_object", "scale", "patch_workload")
    parameters = (Parameter("threads", "whole", "that it keeps busy", str(THREADS)),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        node = node_of(world, place)
        neighbour = self._neighbour(world)
        if world.store.get("Deployment", *neighbour) is not None:
            raise Refused(f"target: {neighbour.name!r} is there already")
        free = _free_cores(world, node)
        if free < 2 * SPARED:
            raise Refused(f"target: node {node!r} has no CPU left to be asked for")
        asked = math.floor((free - SPARED) * 1000)
        edits: list[Edit] = []
        if world.store.get("Namespace", None, neighbour.namespace) is None:
            edits.append(add(world.store, "Namespace", _namespace(neighbour.namespace)))
        threads = int(parameters.get("threads", THREADS))
        deployment = _deployment(neighbour, _image(world), node, asked, threads)
        edits.append(add(world.store, "Deployment", deployment))
        said = f"Deployment {neighbour.namespace}/{neighbour.name} with {threads} threads and no limit on {node}"
        return Injection(said, tuple(edits), notes={"node": node})

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        runs = world.members(*self._neighbour(world))
        deployment = world.store.get("Deployment", *self._neighbour(world))
        wanted = 0 if deployment is None else int(deployment["spec"].get("replicas", 1))
        return bool(runs) == bool(wanted) and not world.present_flow().crowded()

    def component(self, world: World, place: Place) -> Component:  # noqa: ARG002  # it is one and the same
        return Component("Deployment", *self._neighbour(world))

    def suits(self, world: World, place: Place) -> bool:
        return bool(world.shop.guests) and _free_cores(world, node_of(world, place)) > 1.0

    def _neighbour(self, world: World) -> Place:
        if not world.shop.guests:
            raise Refused("target: nobody but the shop runs anything here")
        guest = world.shop.guests[0]
        return Place(guest.namespace, guest.name)


def _image(world: World) -> str:
    return image(world.shop.guests[0])


def _free_cores(world: World, node: str) -> float:
    found = world.store.get("Node", None, node)
    if found is None:
        return 0.0
    taken = sum(
        sum(resource(each, "requests", "cpu") or 0.0 for each in pod["spec"]["containers"])
        for pod in world.store.list("Pod")
        if pod["spec"].get("nodeName") == node and not is_finished(pod)
    )
    return quantity(found["status"]["allocatable"]["cpu"]) - taken


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _deployment(place: Place, image: str, node: str, milli: int, threads: int) -> Object:
    labels = {"app": place.name, "app.kubernetes.io/name": place.name}
    container = {
        "name": place.name,
        "image": image,
        "env": [{"name": THREADS_VARIABLE, "value": str(threads)}],
        "resources": {"requests": {"cpu": f"{milli}m", "memory": "256Mi"}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": place.name, "namespace": place.namespace, "labels": labels},
        "spec": {
            "replicas": 1,
            # On a full node there is no room for a second one beside it.
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": {"app": place.name}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"nodeSelector": {"kubernetes.io/hostname": node}, "containers": [container]},
            },
        },
    }
