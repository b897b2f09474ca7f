"""More customers than ever come for what one program serves, and it is the first to have no CPU left.

Nothing was changed and nothing is broken: the request rate says it all. More replicas or a higher limit help.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from simulator.apps import App, Shop
from simulator.faults.base import RISE, Fault, Injection, Parameter, Parameters, Place, Refused
from simulator.faults.performance.pod_cpu_overload import CALM, more_customers, program
from simulator.world import World

UTILISATION = 1.25


class TrafficSurge(Fault):
    id = "traffic_surge"
    title = "Far more customers than usual, more than a program can serve"
    category = "performance"
    repairs = ("scale", "patch_workload")
    parameters = (
        Parameter(
            "factor", "number", "times the usual customers", f"as many as bring it to {UTILISATION:g} of its capacity"
        ),
        RISE,
    )

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        app = program(world, place)
        busy = _utilisation(world).get(app.name, 0.0)
        if not busy:
            raise Refused(f"target: no ready pod of {app.name!r} gets any request")
        factor = float(parameters.get("factor", max(UTILISATION / busy, 2.0)))
        injection = more_customers(world, app, factor, parameters)
        present = sum(float(group.rate[0]) for group, _ in world.members(place.namespace, app.name))
        return replace(injection, notes={"rate": present})

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        app = program(world, place)
        serving = [group for group, _ in world.members(place.namespace, app.name) if group.rates]
        return bool(serving) and all(float(group.utilisation[0]) < CALM for group in serving)

    def suits(self, world: World, place: Place) -> bool:
        """The one that gives way first among all whom the same customers reach."""
        app = next((each for each in world.shop.apps if (each.namespace, each.name) == tuple(place)), None)
        busy = _utilisation(world)
        if app is None or app.name not in busy or app.protocol != "http":
            return False
        reached = {
            name
            for entry in world.shop.entries
            if app.name in (names := _reached(world.shop, entry.app, entry.route))
            for name in names
        }
        return bool(reached) and all(busy.get(name, 0.0) <= busy[app.name] for name in reached)


def _utilisation(world: World) -> dict[str, float]:
    return {group.group.app.name: float(group.utilisation[0]) for group in world.present_flow().groups if group.rates}


def _reached(shop: Shop, name: str, route: str) -> set[str]:
    app: App = shop.app(name)
    found = {name}
    for call in app.route(route).calls:
        found |= _reached(shop, call.app, call.route)
    return found
