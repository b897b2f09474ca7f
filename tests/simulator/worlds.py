"""Worlds for tests: the whole shop without its week of history, a small shop that is up in a moment, and questions to both."""

from __future__ import annotations

import threading
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from simulator.apps import App, EntryShare, Shop
from simulator.clock import epoch_ms
from simulator.faults import Place
from simulator.faults.ledger import Ledger
from simulator.flow import GroupFlow
from simulator.objects import labels_of, name_of
from simulator.promql.engine import Engine, VectorResult
from simulator.shop import CATALOGUE, EDGE_GATEWAY, SEARCH, SESSION_CACHE, SHOP, SHOP_DB
from simulator.world import World

START = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)
Object = dict[str, Any]


@cache
def small_shop() -> Shop:
    """An edge, two backends, a cache and a database."""
    calls = {CATALOGUE.name, SEARCH.name}
    routes = tuple(
        replace(route, calls=tuple(call for call in route.calls if call.app in calls))
        for route in EDGE_GATEWAY.routes
        if route.path in ("/", "/search")
    )
    edge = replace(EDGE_GATEWAY, routes=routes, replicas=2)
    apps: tuple[App, ...] = (edge, CATALOGUE, SEARCH, SESSION_CACHE, SHOP_DB)
    workers = tuple(node for node in SHOP.nodes if not node.is_control_plane)
    entries = (EntryShare(edge.name, "/", 0.55), EntryShare(edge.name, "/search", 0.2))
    return replace(SHOP, apps=apps, entries=entries, namespaces=("shop",), nodes=workers, has_parts=False)


def small_world(seed: int = 7) -> World:
    return twin(grown(seed, small_shop()))


def whole_world(seed: int = 7) -> World:
    return twin(grown(seed, SHOP))


@cache
def grown(seed: int, shop: Shop) -> World:
    return World(seed, START, history_days=0, shop=shop)


def twin(world: World) -> World:
    """A world of its own in a quarter of the time it takes to grow one. Locks cannot be copied; the shop need not be."""
    locks = (world.tsdb._lock, world.tsdb._importing)
    new_lock_for = {id(lock): threading.Lock() for lock in locks}
    return deepcopy(world, {**new_lock_for, id(world.shop): world.shop})


class Watch:
    """A world with its ledger of faults, and short ways to ask it something."""

    def __init__(self, world: World, namespace: str = "shop") -> None:
        self.world = world
        self.namespace = namespace
        self.ledger = Ledger(world)
        self._engine = Engine(world.tsdb)

    def after(self, seconds: float) -> Watch:
        self.world.advance(self.world.clock.now() + timedelta(seconds=seconds))
        return self

    def inject(self, fault: str, name: str, **parameters: Any) -> str:
        return self.ledger.inject(fault, Place(self.namespace, name), parameters).id

    def is_healed(self, fault: str) -> bool:
        entry = next(entry for entry in self.ledger.entries() if entry.id == fault)
        return bool(self.ledger.describe(entry)["healed"])

    def get(self, kind: str, name: str) -> Object:
        found = self.world.store.get(kind, self.namespace, name)
        if found is None:
            raise LookupError(f"no {kind} {name}")
        return found

    def pods(self, app: str) -> list[Object]:
        return [pod for pod in self.world.store.list("Pod", self.namespace) if labels_of(pod).get("app") == app]

    def containers(self, app: str) -> list[Object]:
        return [status for pod in self.pods(app) for status in pod["status"].get("containerStatuses", [])]

    def waiting_reasons(self, app: str) -> set[str]:
        return {each["state"]["waiting"]["reason"] for each in self.containers(app) if "waiting" in each["state"]}

    def replace_in_deployment(self, name: str, **container_changes: Any) -> None:
        """What `kubectl patch` would do to the only container of a Deployment; None takes a field away."""
        deployment = self.get("Deployment", name)
        template = deployment["spec"]["template"]
        changed = {**template["spec"]["containers"][0], **container_changes}
        container = {field: value for field, value in changed.items() if value is not None}
        spec = {**deployment["spec"], "template": {**template, "spec": {**template["spec"], "containers": [container]}}}
        self.world.store.update("Deployment", {**deployment, "spec": spec})
        self.world.kick()

    def scale(self, name: str, replicas: int) -> None:
        deployment = self.get("Deployment", name)
        self.world.store.update("Deployment", {**deployment, "spec": {**deployment["spec"], "replicas": replicas}})
        self.world.kick()

    def events(self, reason: str, about: str = "") -> list[Object]:
        """Those of the simulated present: what was said before the start does not count."""
        since = START.strftime("%Y-%m-%dT%H:%M:%SZ")
        return [
            event
            for event in self.world.store.list("Event", self.namespace)
            if event["reason"] == reason
            and event["involvedObject"]["name"].startswith(about)
            and event["lastTimestamp"] >= since
        ]

    def query(self, expression: str) -> dict[str, float]:
        """The value of each series, under its label values joined by a slash."""
        result = self._engine.instant(expression, epoch_ms(self.world.clock.now()))
        if not isinstance(result, VectorResult):
            raise TypeError(f"{expression} is no vector")
        keys = ["/".join(value for _, value in labels) for labels in result.labels]
        return dict(zip(keys, result.values, strict=True))

    def value(self, expression: str) -> float:
        values = list(self.query(expression).values())
        return values[0] if len(values) == 1 else float("nan")

    def log(self, app: str, *, previous: bool = False) -> list[str]:
        lines = []
        for pod in self.pods(app):
            read = self.world.read_log(self.namespace, name_of(pod), app, previous=previous)
            lines += [line.text for line in read or []]
        return lines

    def flow(self, app: str) -> GroupFlow:
        return next(group for group in self.world.present_flow().groups if group.group.app.name == app and group.rates)
