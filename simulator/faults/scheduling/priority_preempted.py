"""A program of the shop is marked as one that may be pushed aside, and a bulk import that matters a little more takes all the room.

The import asks on every node for whatever the rest of the shop leaves. Programs without a class matter more than both and push the import
aside in their turn: only the marked one loses its pods.
"""

from __future__ import annotations

from datetime import datetime

from simulator.controllers.scheduling.board import requests
from simulator.faults.base import Fault, Injection, Parameters, Place, existing, is_fully_available, with_pod_spec
from simulator.faults.edits import Edit, add, change
from simulator.faults.scheduling.placement import HOSTNAME, workers
from simulator.objects import (
    Object,
    controller_of,
    is_finished,
    label_selector_matches,
    labels_of,
    name_of,
    namespace_of,
)
from simulator.quantity import quantity
from simulator.world import World

VICTIM, GREEDY = "preemptible", "bulk-import"
PRIORITIES = {VICTIM: -1000, GREEDY: -10}
LEFT_MILLIS = 2


class PriorityPreempted(Fault):
    id = "priority_preempted"
    title = "A Deployment's pods are pushed aside by others that matter more"
    category = "scheduling"
    repairs = ("rollback", "patch_workload", "delete_object")

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:  # noqa: ARG002
        deployment = existing(world, "Deployment", place)
        edits: list[Edit] = [
            add(world.store, "PriorityClass", _class(name, value))
            for name, value in PRIORITIES.items()
            if world.store.get("PriorityClass", None, name) is None
        ]
        marked = with_pod_spec(deployment, priorityClassName=VICTIM)
        edits.append(change(world.store, "Deployment", deployment, marked))
        for number, node in enumerate(workers(world), start=1):
            millis = _room(world, node, deployment) - LEFT_MILLIS
            if millis > 0:
                edits.append(add(world.store, "Deployment", _import(place, name_of(node), number, millis)))
        return Injection(f"marked as {VICTIM}; a {GREEDY} takes the room of every node", tuple(edits))

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        """The rollout that the mark began would look well for a moment: the mark, or those who use it, have to be gone."""
        deployment = world.store.get("Deployment", *place)
        if deployment is None or not is_fully_available(world, place):
            return False
        is_marked = deployment["spec"]["template"]["spec"].get("priorityClassName") == VICTIM
        return not is_marked or not any(_is_greedy(pod) for pod in world.store.list("Pod"))


def _class(name: str, value: int) -> Object:
    head = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}}
    return {**head, "value": value, "preemptionPolicy": "PreemptLowerPriority"}


def _is_greedy(pod: Object) -> bool:
    return labels_of(pod).get("app") == GREEDY


def _room(world: World, node: Object, deployment: Object) -> int:
    """Thousandths of a core that everybody but the deployment leaves on a node."""
    taken = sum(
        requests(pod).get("cpu", 0.0)
        for pod in world.store.list("Pod")
        if pod["spec"].get("nodeName") == name_of(node) and not is_finished(pod) and not _is_of(deployment, pod)
    )
    return round((quantity(node["status"]["allocatable"]["cpu"]) - taken) * 1000)


def _is_of(deployment: Object, pod: Object) -> bool:
    return (
        namespace_of(pod) == namespace_of(deployment)
        and controller_of(pod) is not None
        and label_selector_matches(deployment["spec"]["selector"], labels_of(pod))
    )


def _import(place: Place, node: str, number: int, millis: int) -> Object:
    labels = {"app": GREEDY, "node": node}
    container = {
        "name": GREEDY,
        "image": "docker.io/library/busybox:1.36.1",
        "command": ["sleep", "86400"],
        "resources": {"requests": {"cpu": f"{millis}m", "memory": "64Mi"}},
    }
    spec = {"priorityClassName": GREEDY, "nodeSelector": {HOSTNAME: node}, "containers": [container]}
    template = {"metadata": {"labels": labels}, "spec": spec}
    content = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": f"{GREEDY}-{number}", "namespace": place.namespace, "labels": {"app": GREEDY}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": content}
