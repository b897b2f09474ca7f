"""A container has less memory than it needs: its limit is lowered under the working set, or its cache is made larger than the limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.clock import parse_rfc3339
from simulator.faults.base import (
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Refused,
    existing,
    first_container,
    is_fully_available,
    with_container,
)
from simulator.faults.edits import change
from simulator.memory import CACHE_VARIABLE, steady_mib
from simulator.objects import Object, controller_of, name_of, uid_of
from simulator.quantity import quantity, resource
from simulator.registry import MIB
from simulator.world import World

LIMIT_SHARE = 0.82  # of what the program holds: it comes up, takes traffic, grows and dies
QUIET = timedelta(minutes=2)
NEVER = datetime.min.replace(tzinfo=UTC)


class OomKilled(Fault):
    id = "oom_killed"
    title = "A container's working set does not fit into its memory limit"
    category = "runtime"
    repairs = ("rollback", "patch_workload")
    parameters = (
        Parameter("memory_limit", "text", "the limit to set", "82 % of the present working set"),
        Parameter("cache_mb", "whole", "leave the limit and give the program a local cache of this many MiB instead"),
    )

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        deployment = existing(world, "Deployment", place)
        container = first_container(deployment)
        if "cache_mb" in parameters and "memory_limit" in parameters:
            raise Refused("params: cache_mb and memory_limit exclude each other")
        if "cache_mb" in parameters:
            changed, said = _with_cache(container, int(parameters["cache_mb"]))
        else:
            limit = str(parameters.get("memory_limit") or _under(world, place.namespace, container))
            changed, said = _with_limit(container, limit)
        return Injection(said, (change(world.store, "Deployment", deployment, with_container(deployment, changed)),))

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        if not is_fully_available(world, place) or not _fits(world, place):
            return False
        quiet_since = max(since, world.clock.now() - QUIET)
        return all(_last_kill(pod) < quiet_since for pod in pods_of(world, *place))


def pods_of(world: World, namespace: str, name: str) -> list[Object]:
    deployment = world.store.get("Deployment", namespace, name)
    uid = uid_of(deployment) if deployment else ""
    sets = {
        name_of(each)
        for each in world.store.list("ReplicaSet", namespace)
        if (owner := controller_of(each)) is not None and owner["uid"] == uid
    }
    pods = world.store.list("Pod", namespace)
    return [pod for pod in pods if (owner := controller_of(pod)) is not None and owner["name"] in sets]


def _under(world: World, namespace: str, container: Object) -> str:
    """A limit between what the program needs to come up and what it holds in service."""
    image = world.registry.find(str(container["image"]))
    members = world.members(namespace, image.app.name) if image and image.app else []
    if not image or not image.app or not members:
        raise Refused(
            f"target: container {container['name']} holds no memory that a default could be taken from; give memory_limit"
        )
    most = max(member.container.memory_mib for _, member in members)
    return f"{round(max(LIMIT_SHARE * most, image.app.memory.idle * 1.1))}Mi"


def _with_limit(container: Object, limit: str) -> tuple[Object, str]:
    try:
        wanted = quantity(limit)
    except ValueError as error:
        raise Refused(f"params: memory_limit {error}") from error
    resources: dict[str, Any] = container.get("resources") or {}
    before = (resources.get("limits") or {}).get("memory", "none")
    requests = dict(resources.get("requests") or {})
    # The API server refuses a request above the limit, so whoever lowers one lowers the other.
    if "memory" in requests and quantity(requests["memory"]) > wanted:
        requests["memory"] = limit
    changed = {**resources, "limits": {**(resources.get("limits") or {}), "memory": limit}, "requests": requests}
    return {
        **container,
        "resources": changed,
    }, f"memory limit of container {container['name']} set from {before} to {limit}"


def _with_cache(container: Object, mib: int) -> tuple[Object, str]:
    env = [each for each in container.get("env") or [] if each["name"] != CACHE_VARIABLE]
    changed = {**container, "env": [*env, {"name": CACHE_VARIABLE, "value": str(mib)}]}
    return changed, f"{CACHE_VARIABLE} of container {container['name']} set to {mib}"


def _fits(world: World, place: Place) -> bool:
    """What the program will hold once it is warm stays under the limit."""
    deployment = existing(world, "Deployment", place)
    container = first_container(deployment)
    limit = resource(container, "limits", "memory")
    image = world.registry.find(str(container["image"]))
    if limit is None or image is None or image.app is None:
        return True
    for group, member in world.members(place.namespace, image.app.name):
        times = world.present_flow().times
        need = steady_mib(image.app, group.rate, group.group.env, world.seed, member.run.name, times)
        if float(need[0]) * MIB >= limit:
            return False
    return True


def _last_kill(pod: Object) -> datetime:
    ends = [
        parse_rfc3339(state["terminated"]["finishedAt"])
        for status in (pod.get("status") or {}).get("containerStatuses") or []
        for state in (status.get("state") or {}, status.get("lastState") or {})
        if (state.get("terminated") or {}).get("reason") == "OOMKilled"
    ]
    return max(ends, default=NEVER)
