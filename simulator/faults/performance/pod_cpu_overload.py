"""A program gets more work than its CPU limits allow: customers ask for heavier things, or more customers come.

Neither is a change to an object, so no undo of a rollout mends it; more replicas or a higher limit do, because the load does not ask how
many there are to share it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from simulator.apps import App
from simulator.conditions import Kind
from simulator.faults.base import (
    RISE,
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Refused,
    existing,
    first_container,
    press,
)
from simulator.world import World

OVERLOAD = 1.3  # demand over capacity, unless asked otherwise
CALM = 0.9


class PodCpuOverload(Fault):
    id = "pod_cpu_overload"
    title = "A program's requests need more CPU than its pods may use"
    category = "performance"
    repairs = ("scale", "patch_workload")
    parameters = (
        Parameter("utilisation", "number", "demand over the present capacity, by heavier requests", str(OVERLOAD)),
        Parameter(
            "traffic_factor",
            "number",
            "instead: this many times the customers on every edge route that reaches the program",
        ),
        RISE,
    )

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        app = program(world, place)
        if "traffic_factor" in parameters and "utilisation" in parameters:
            raise Refused("params: traffic_factor and utilisation exclude each other")
        if "traffic_factor" in parameters:
            return more_customers(world, app, float(parameters["traffic_factor"]), parameters)
        return _heavier_requests(world, place.namespace, app, parameters)

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        app = program(world, place)
        serving = [group for group, _ in world.members(place.namespace, app.name) if group.rates]
        return bool(serving) and all(float(group.utilisation[0]) < CALM for group in serving)

    def suits(self, world: World, place: Place) -> bool:
        """An autoscaler would give it more replicas before anybody looked."""
        scalers = world.store.list("HorizontalPodAutoscaler", place.namespace)
        is_scaled = any(each["spec"]["scaleTargetRef"]["name"] == place.name for each in scalers)
        return super().suits(world, place) and not is_scaled


def more_customers(world: World, app: App, factor: float, parameters: Parameters) -> Injection:
    if factor <= 1:
        raise Refused("params: traffic_factor must be above one")
    routes = [entry.route for entry in world.shop.entries if _reaches(world, entry.app, entry.route, app.name)]
    if not routes:
        raise Refused(f"target: no edge route reaches {app.name!r}")
    pressed = [press(world, Kind.SURGE, route, factor, parameters, base=1.0) for route in routes]
    pressures = tuple(each for injection in pressed for each in injection.pressures)
    return Injection(f"{factor:g} times the customers on {', '.join(routes)}", pressures=pressures)


def _heavier_requests(world: World, namespace: str, app: App, parameters: Parameters) -> Injection:
    wanted = float(parameters.get("utilisation", OVERLOAD))
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
    pressed = press(world, Kind.HEAVY_REQUESTS, f"{namespace}/{app.name}", more, parameters)
    return replace(pressed, change=f"requests to {app.name} now need {more:.2f} cores more than before")


def program(world: World, place: Place) -> App:
    """What a Deployment runs, where that is a program that takes requests."""
    image = str(first_container(existing(world, "Deployment", place))["image"])
    found = world.registry.find(image)
    if found is None or found.app is None:
        raise Refused(f"target: Deployment {place.name!r} runs {image!r}, which takes no requests")
    return found.app


def _reaches(world: World, app: str, route: str, wanted: str) -> bool:
    return app == wanted or any(
        _reaches(world, call.app, call.route, wanted) for call in world.shop.app(app).route(route).calls
    )
