"""A CPU limit that is too low for bursts: on average there is CPU left, yet the kernel stops the program again and again.

The load is what it always was and the node is idle; only the limit changed. Requests take longer and none is turned away.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

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
from simulator.faults.performance.pod_cpu_overload import program
from simulator.quantity import resource
from simulator.world import World

UTILISATION = 0.9
ROOM = 0.7  # of the capacity that the load at the time of the change may take, for the fault to be over


class CpuThrottled(Fault):
    id = "cpu_throttled"
    title = "A CPU limit is so low that a program is throttled though it is not overloaded"
    category = "performance"
    repairs = ("rollback", "patch_workload", "scale")
    parameters = (Parameter("utilisation", "number", "demand over the new limit", str(UTILISATION)),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        app = program(world, place)
        wanted = float(parameters.get("utilisation", UTILISATION))
        if not 0.7 <= wanted <= 0.97:
            raise Refused("params: utilisation must be from 0.7 to 0.97; above that it is an overload")
        demands = [float(group.demand[0]) for group, _ in world.members(place.namespace, app.name) if group.rates]
        if not demands:
            raise Refused(f"target: no ready pod of {app.name!r} gets any request")
        deployment = existing(world, "Deployment", place)
        container = first_container(deployment)
        milli = max(math.floor(1000 * sum(demands) / len(demands) / wanted), 1)
        before = resource(container, "limits", "cpu")
        edit = change(world.store, "Deployment", deployment, with_container(deployment, _limited(container, milli)))
        said = f"CPU limit of {place.name} from {before:g} cores to {milli}m" if before else f"CPU limit {milli}m"
        return Injection(said, (edit,), notes={"demand": sum(demands)})

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        app = program(world, place)
        serving = [group for group, _ in world.members(place.namespace, app.name) if group.rates]
        capacity = sum(group.group.cpu_limit for group in serving)
        return is_fully_available(world, place) and capacity * ROOM >= float(injection.notes["demand"])

    def suits(self, world: World, place: Place) -> bool:
        """Where requests do not take as much CPU at once as the quota gives in a period anyway."""
        return any(
            app.routes and app.protocol == "http" and not app.consumes
            for app in world.shop.apps
            if (app.namespace, app.name) == tuple(place)
        )


def _limited(container: dict[str, Any], milli: int) -> dict[str, Any]:
    resources = container.get("resources") or {}
    requested = resource(container, "requests", "cpu") or 0.0
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    lowered = {**requests, "cpu": f"{min(milli, round(requested * 1000))}m"} if requested else requests
    return {**container, "resources": {**resources, "requests": lowered, "limits": {**limits, "cpu": f"{milli}m"}}}
