"""Whether calls come through, for faults that stop them: asked of the roads themselves, for every pod that runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from simulator.apps import Call
from simulator.faults.base import Place
from simulator.network import Group, Target, Why
from simulator.world import World

WHOLE = 0.999
# The name server itself fails, whatever name it is asked for.
LOOKUPS = (Why.DNS_FAILURE, Why.DNS_REFUSED, Why.DNS_TIMEOUT)


class Made(NamedTuple):
    """A dependency of a running group of pods, and where its calls go."""

    caller: Group
    call: Call
    target: Target

    def meets(self, *reasons: Why) -> bool:
        """Whether some of the calls end for one of these reasons."""
        return any(obstacle.why in reasons for obstacle in self.target.obstacles)

    def comes_to(self, place: Place) -> bool:
        return self.target.backend is not None and self.target.backend.key == tuple(place)


def calls(world: World) -> Iterator[Made]:
    topology = world.topology()
    for group in topology.groups:
        for call in dict.fromkeys(call for route in group.app.routes for call in route.calls):
            yield Made(group, call, topology.target(group, call))


def calls_to(world: World, place: Place) -> list[Made]:
    """Those whose address leads to this Service, whether or not they get any further."""
    return [made for made in calls(world) if made.comes_to(place)]


def calls_of(world: World, place: Place) -> list[Made]:
    return [made for made in calls(world) if (made.caller.namespace, made.caller.app.name) == tuple(place)]


def stands(world: World, place: Place) -> bool:
    """Somebody is ready behind the Service, at a port that is open."""
    backend = world.topology().backends.get((place.namespace, place.name))
    return backend is not None and backend.closed == 0 and sum(backend.shares.values()) > 0


def customers_come(world: World, place: Place) -> bool:
    """Of an edge: whether the way in leads to it for every request that customers make. Nobody comes from outside to any other."""
    entries = [each for each in world.shop.entries if each.app == place.name]
    app = next((each for each in world.shop.apps if each.name == place.name), None)
    if app is None:
        return True
    targets = [world.topology().entrance(app, each.route) for each in entries]
    return all(target.through > WHOLE for target in targets)


def none_meets(made: list[Made], *reasons: Why) -> bool:
    return bool(made) and not any(each.meets(*reasons) for each in made)
