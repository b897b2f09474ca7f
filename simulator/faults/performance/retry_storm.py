"""A client that asks again and again keeps its callee overrun long after the first hiccup is over.

Somebody made the client impatient and stubborn; nobody noticed, until its callee had a bad minute. From then on most of the callee's
requests are repetitions, which time out and are repeated. It does not stop by itself: the client has to become patient again, or the
callee has to grow until it can serve the repetitions too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from simulator.apps import Call
from simulator.conditions import Kind, Level, Pressure
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
from simulator.retries import ATTEMPTS_VARIABLE, MOST_ATTEMPTS, TIMEOUT_VARIABLE
from simulator.world import World

TIMEOUT_MS = 400
STORM = 2.6  # of the callee's capacity, once every attempt fails
HICCUP_SECONDS = 90.0
HICCUP_CORES = 2.0  # times the callee's capacity
CALM = 0.9


class RetryStorm(Fault):
    id = "retry_storm"
    title = "A client repeats its failed calls so often that its callee cannot recover from a bad minute"
    category = "performance"
    repairs = ("rollback", "patch_workload")
    parameters = (
        Parameter("attempts", "whole", "for each call", "as many as keep the callee overrun"),
        Parameter("hiccup_seconds", "number", "how long the callee has its bad minute", f"{HICCUP_SECONDS:g}"),
    )

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        callee, share = _callee(world, place)
        attempts = int(parameters.get("attempts", min(math.ceil(STORM / max(share, 1e-3)), MOST_ATTEMPTS)))
        if attempts < 2:
            raise Refused("params: attempts must be above one")
        deployment = existing(world, "Deployment", place)
        variables = {ATTEMPTS_VARIABLE: str(attempts), TIMEOUT_VARIABLE: str(TIMEOUT_MS)}
        container = with_variables(first_container(deployment), variables)
        edit = change(world.store, "Deployment", deployment, with_container(deployment, container))
        pressed = _hiccup(world, callee, float(parameters.get("hiccup_seconds", HICCUP_SECONDS)))
        said = f"{place.name} now makes each call up to {attempts} times and waits {TIMEOUT_MS} ms; {callee.name} had a bad minute"
        return Injection(said, (edit,), (pressed,), {"callee": tuple(callee)})

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        callee = Place(*injection.notes["callee"])
        pressed = injection.pressures[0][1]
        if world.clock.now().timestamp() < pressed.until or not is_fully_available(world, place):
            return False
        serving = [group for group, _ in world.members(*callee) if group.rates]
        return bool(serving) and all(float(group.utilisation[0]) < CALM for group in serving)

    def suits(self, world: World, place: Place) -> bool:
        app = next((each for each in world.shop.apps if (each.namespace, each.name) == tuple(place)), None)
        return app is not None and not app.is_edge and any(_repeatable(world, call) for call in _calls(app.routes))


def _hiccup(world: World, callee: Place, seconds: float) -> tuple[Pressure, Level]:
    """The callee's bad minute: long enough to meet the client's new pods."""
    now = world.clock.now().timestamp()
    capacity = sum(group.group.cpu_limit for group, _ in world.members(*callee))
    pressure = Pressure(Kind.HEAVY_REQUESTS, f"{callee.namespace}/{callee.name}")
    level = Level(HICCUP_CORES * capacity, now, until=now + seconds)
    world.conditions.press(pressure, level)
    return pressure, level


def _callee(world: World, place: Place) -> tuple[Place, float]:
    """The callee of which this client makes the most use, and the share of its capacity that this is."""
    program(world, place)
    flow = world.present_flow()
    shares: dict[Place, float] = {}
    for made in flow.calls:
        caller = flow.groups[made.group].group
        if (caller.namespace, caller.app.name) != tuple(place) or not _repeatable(world, made.call):
            continue
        app = world.shop.app(made.call.app)
        cores = float(made.rate[0]) * app.route(made.call.route).cpu_ms / 1000
        capacity = sum(group.group.cpu_limit for group, _ in world.members(app.namespace, app.name))
        callee = Place(app.namespace, app.name)
        shares[callee] = shares.get(callee, 0.0) + cores / max(capacity, 1e-9)
    if not shares:
        raise Refused(f"target: {place.name!r} makes no call that could be repeated")
    return max(shares.items(), key=lambda each: each[1])


def _calls(routes: tuple[Any, ...]) -> list[Call]:
    return [call for route in routes for call in route.calls]


def _repeatable(world: World, call: Call) -> bool:
    return call.required and world.shop.app(call.app).protocol == "http"


def with_variables(container: dict[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """The container with these variables set, whatever they were before."""
    kept = [each for each in container.get("env") or [] if each["name"] not in variables]
    return {**container, "env": [*kept, *({"name": name, "value": value} for name, value in variables.items())]}
