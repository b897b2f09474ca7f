"""A program gets more work than its CPU limits allow: customers ask for heavier things, or more customers come.

Neither is a change to an object, so no undo of a rollout mends it; more replicas or a higher limit do, because the load does not ask how
many there are to share it.
"""

from __future__ import annotations

from datetime import datetime

from simulator.apps import App
from simulator.faults.base import Injection, Parameter, Parameters, Refused, existing, first_container
from simulator.world import World

OVERLOAD = 1.3  # demand over capacity, unless asked otherwise
CALM = 0.9


class PodCpuOverload:
    id = "pod_cpu_overload"
    title = "A program's requests need more CPU than its pods may use"
    target_kind = "Deployment"
    parameters: tuple[Parameter, ...] = (
        Parameter("utilisation", "number", "demand over the present capacity, by heavier requests", str(OVERLOAD)),
        Parameter(
            "traffic_factor",
            "number",
            "instead: this many times the customers on every edge route that reaches the program",
        ),
    )

    def inject(self, world: World, namespace: str, name: str, parameters: Parameters) -> Injection:
        app = _app(world, namespace, name)
        if "traffic_factor" in parameters and "utilisation" in parameters:
            raise Refused("params: traffic_factor and utilisation exclude each other")
        if "traffic_factor" in parameters:
            return self._more_customers(world, app, float(parameters["traffic_factor"]))
        return self._heavier_requests(world, namespace, app, float(parameters.get("utilisation", OVERLOAD)))

    def undo(self, world: World, namespace: str, name: str, injection: Injection) -> None:  # noqa: ARG002
        if "heavy" in injection.before:
            world.conditions.heavy_cores.pop(injection.before["heavy"], None)
        for route in injection.before.get("routes", []):
            world.conditions.surge.pop(route, None)

    def is_healed(self, world: World, namespace: str, name: str, since: datetime) -> bool:  # noqa: ARG002
        app = _app(world, namespace, name)
        serving = [group for group, _ in world.members(namespace, app.name) if group.rates]
        return bool(serving) and all(float(group.utilisation[0]) < CALM for group in serving)

    def _heavier_requests(self, world: World, namespace: str, app: App, wanted: float) -> Injection:
        if wanted <= 0:
            raise Refused("params: utilisation must be above zero")
        members = [(group, member) for group, member in world.members(namespace, app.name) if group.rates]
        if not members:
            raise Refused(f"target: no ready pod of {app.name!r} gets any request")
        capacity = sum(group.group.cpu_limit for group, _ in members)
        present = sum(float(group.utilisation[0]) * group.group.cpu_limit for group, _ in members)
        more = wanted * capacity - present
        if more <= 0:
            raise Refused(f"params: utilisation {wanted} is not above the present {present / capacity:.2f}")
        key = f"{namespace}/{app.name}"
        world.conditions.heavy_cores[key] = world.conditions.heavy_cores.get(key, 0.0) + more
        return Injection(f"requests to {app.name} now need {more:.2f} cores more than before", {"heavy": key})

    def _more_customers(self, world: World, app: App, factor: float) -> Injection:
        if factor <= 1:
            raise Refused("params: traffic_factor must be above one")
        routes = [entry.route for entry in world.shop.entries if _reaches(world, entry.app, entry.route, app.name)]
        if not routes:
            raise Refused(f"target: no edge route reaches {app.name!r}")
        world.conditions.surge.update(dict.fromkeys(routes, factor))
        return Injection(f"{factor:g} times the customers on {', '.join(routes)}", {"routes": routes})


def _app(world: World, namespace: str, name: str) -> App:
    image = str(first_container(existing(world, "Deployment", namespace, name))["image"])
    found = world.registry.find(image)
    if found is None or found.app is None:
        raise Refused(f"target: Deployment {name!r} runs {image!r}, which takes no requests")
    return found.app


def _reaches(world: World, app: str, route: str, wanted: str) -> bool:
    return app == wanted or any(
        _reaches(world, call.app, call.route, wanted) for call in world.shop.app(app).route(route).calls
    )
