"""A cache forgets nearly at once, and what it no longer answers falls through to the database behind it.

The cache itself is well: it answers fast, and that it has nothing. The database gets many times its usual requests, and everybody who
asks it waits. Named by a client, the fault hits the cache that the client asks first.
"""

from __future__ import annotations

from datetime import datetime

from simulator import caches
from simulator.faults.base import (
    Component,
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
from simulator.faults.performance.retry_storm import with_variables
from simulator.world import World

TTL_SECONDS = 1
WELL = 0.75 * caches.USUAL_HITS


class CacheStampede(Fault):
    id = "cache_stampede"
    title = "A cache keeps its entries for so short a time that its clients all go to the database"
    category = "performance"
    repairs = ("rollback", "patch_workload")
    parameters = (Parameter("ttl_seconds", "whole", "for which the cache keeps an entry", str(TTL_SECONDS)),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        cache = _cache(world, place)
        seconds = int(parameters.get("ttl_seconds", TTL_SECONDS))
        if caches.hit_share({caches.TTL_VARIABLE: str(seconds)}) >= WELL:
            raise Refused(f"params: with ttl_seconds {seconds} the cache is as good as before")
        deployment = existing(world, "Deployment", cache)
        container = with_variables(first_container(deployment), {caches.TTL_VARIABLE: str(seconds)})
        edit = change(world.store, "Deployment", deployment, with_container(deployment, container))
        return Injection(f"{caches.TTL_VARIABLE} of {cache.name} set to {seconds}", (edit,))

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        cache = _cache(world, place)
        hits = [caches.hit_share(each.group.env) for each, _ in world.members(*cache)]
        return is_fully_available(world, cache) and bool(hits) and min(hits) >= WELL

    def component(self, world: World, place: Place) -> Component:
        return Component(self.target_kind, *_cache(world, place))

    def suits(self, world: World, place: Place) -> bool:
        return bool(_caches(world, place))


def _cache(world: World, place: Place) -> Place:
    found = _caches(world, place)
    if not found:
        raise Refused(f"target: {place.name!r} is no cache and asks none before a database")
    return found[0]


def _caches(world: World, place: Place) -> list[Place]:
    """The place itself if somebody asks it before a database, or those that it asks so."""
    behind = {call.behind for app in world.shop.apps for route in app.routes for call in route.calls if call.behind}
    asked = {
        call.behind
        for app in world.shop.apps
        if (app.namespace, app.name) == tuple(place)
        for route in app.routes
        for call in route.calls
    }
    names = sorted(behind & ({place.name} | asked))
    return [Place(world.shop.app(name).namespace, name) for name in names]
