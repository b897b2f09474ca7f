"""Changes to a workload as careless people make them, and the question whether it stands firmly again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from simulator.apps import App
from simulator.clock import parse_rfc3339, rfc3339
from simulator.faults.base import (
    Injection,
    Place,
    Refused,
    existing,
    first_container,
    is_fully_available,
    with_container,
    with_pod_spec,
)
from simulator.faults.edits import Edit, change
from simulator.objects import Object, controller_of, label_selector_matches, labels_of, uid_of
from simulator.world import World

RESTARTED = "kubectl.kubernetes.io/restartedAt"
STEADY = timedelta(seconds=90)  # longer than any probe of the shop has patience


def program(world: World, place: Place) -> App:
    """What a workload's first container runs."""
    image = world.registry.find(str(first_container(existing(world, "Deployment", place))["image"]))
    if image is None or image.app is None:
        raise Refused(f"target: {place.name} runs no program of the shop")
    return image.app


def next_version(reference: str) -> str:
    """The next patch release: 1.2.3 -> 1.2.4, 16.2 -> 16.3."""
    head, _, last = reference.rpartition(":")[2].rpartition(".")
    return f"{head}.{int(last) + 1}" if last.isdigit() else f"{reference.rpartition(':')[2]}.1"


def edit(world: World, place: Place, said: str, changed: Object) -> Injection:
    deployment = existing(world, "Deployment", place)
    return Injection(said, (change(world.store, "Deployment", deployment, changed),))


def edit_container(world: World, place: Place, said: str, **changes: Any) -> Injection:
    """Replace fields of the first container; None takes a field away."""
    deployment = existing(world, "Deployment", place)
    container = {**first_container(deployment), **changes}
    kept = {field: value for field, value in container.items() if value is not None}
    return edit(world, place, said, with_container(deployment, kept))


def edit_pod(world: World, place: Place, said: str, **changes: Any) -> Injection:
    return edit(world, place, said, with_pod_spec(existing(world, "Deployment", place), **changes))


def restart(world: World, place: Place) -> Edit:
    """What `kubectl rollout restart` writes."""
    deployment = existing(world, "Deployment", place)
    template = deployment["spec"]["template"]
    metadata = template.get("metadata") or {}
    annotations = {**(metadata.get("annotations") or {}), RESTARTED: rfc3339(world.clock.now())}
    changed = {**template, "metadata": {**metadata, "annotations": annotations}}
    return change(
        world.store, "Deployment", deployment, {**deployment, "spec": {**deployment["spec"], "template": changed}}
    )


def pods_of(world: World, place: Place) -> list[Object]:
    """The pods of the ReplicaSets that a Deployment owns."""
    deployment = world.store.get("Deployment", *place)
    if deployment is None:
        return []
    owned = {
        uid_of(each)
        for each in world.store.list("ReplicaSet", place.namespace)
        if (owner := controller_of(each)) is not None and owner["uid"] == uid_of(deployment)
    }
    selector = deployment["spec"].get("selector")
    candidates = (
        pod for pod in world.store.list("Pod", place.namespace) if label_selector_matches(selector, labels_of(pod))
    )
    return [pod for pod in candidates if (owner := controller_of(pod)) is not None and owner["uid"] in owned]


def is_steady(world: World, place: Place) -> bool:
    """All that is wanted is there, and has been running for longer than a probe or a crash would have let it."""
    if not is_fully_available(world, place):
        return False
    oldest = world.clock.now() - STEADY
    active = (pod for pod in pods_of(world, place) if (pod.get("status") or {}).get("phase") == "Running")
    statuses = [status for pod in active for status in pod["status"].get("containerStatuses") or []]
    return all(
        _running_since(status) is not None and parse_rfc3339(_running_since(status) or "") <= oldest
        for status in statuses
    )


def _running_since(status: Object) -> str | None:
    started: str | None = ((status.get("state") or {}).get("running") or {}).get("startedAt")
    return started


def has_probe(world: World, place: Place, field: str) -> bool:
    deployment = world.store.get("Deployment", *place)
    return deployment is not None and field in first_container(deployment)
