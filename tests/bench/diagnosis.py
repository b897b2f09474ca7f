"""A diagnosis against a live cluster and its Prometheus, and the engine alone on what was read.

The cluster is the simulated shop with a bad image in it, an hour of metrics behind it. A namespace there is smaller than two hundred
objects, so the engine alone is timed on a snapshot filled up to that number with copies of the namespace under other names.
"""

import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import orjson

from core.clock import ManualClock
from tests.acceptance.stage import simulated_world
from tests.bench.table import Line, milliseconds, percentile, spread
from tools.clients.kubernetes import Clusters, KubernetesAccess
from tools.clients.prometheus import Prometheus
from tools.collect import Collector
from tools.engines.explain import diagnose
from tools.engines.objects import Object, namespace_of
from tools.engines.snapshot import Snapshot

FAULT = "incorrect_image_reference"
HISTORY_SECONDS = 3600
FAULT_SECONDS = 300
OBJECTS = 200
LIVE_ROUNDS = 5
ENGINE_ROUNDS = 20


async def measure() -> list[Line]:
    async with _collector() as collector:
        whole = await collector.collect(None)
        largest = _largest(whole)
        lines = [await _live(collector, largest, "2 s"), await _live(collector, None, "-")]
        snapshot = await collector.collect(largest)
    return [*lines, _engine(_grown(snapshot, largest))]


async def _live(collector: Collector, namespace: str | None, mark: str) -> Line:
    took, engine = [], []
    for _ in range(LIVE_ROUNDS):
        began = time.perf_counter()
        snapshot = await collector.collect(namespace)
        read = time.perf_counter()
        found = diagnose(snapshot, "bench", snapshot.window, snapshot.taken_at)
        took.append(time.perf_counter() - began)
        engine.append(time.perf_counter() - read)
    if not found.causes or found.gaps:
        raise RuntimeError(f"the fault was not found, or something could not be read: {found.gaps}")
    where = "its largest namespace" if namespace else "all namespaces"
    return Line(
        f"diagnosis, live, {where}",
        mark,
        f"{spread(took, 0.5)} ({len(snapshot.objects)} objects)",
        f"simulated shop with a fault; lists, logs, range queries, engine {milliseconds(percentile(engine, 0.5))}; {LIVE_ROUNDS} times",
    )


def _engine(snapshot: Snapshot) -> Line:
    took = []
    for _ in range(ENGINE_ROUNDS):
        began = time.perf_counter()
        diagnose(snapshot, "bench", snapshot.window, snapshot.taken_at)
        took.append(time.perf_counter() - began)
    said = f"{len(snapshot.objects)} objects with their metrics and logs in memory, {ENGINE_ROUNDS} times"
    return Line(f"diagnosis engine, {OBJECTS} objects", "0.3 s", spread(took, 0.5, 0.95), said)


def _largest(snapshot: Snapshot) -> str:
    places = [namespace_of(one) for one in snapshot.objects if one.get("kind") == "Pod"]
    return max(sorted(set(places)), key=places.count)


def _grown(snapshot: Snapshot, namespace: str) -> Snapshot:
    """The snapshot, and copies of its objects in namespaces of other names, until there are enough."""
    objects: list[Object] = list(snapshot.objects)
    copied = 0
    while len(objects) < OBJECTS:
        copied += 1
        objects += _renamed(snapshot.objects, namespace, f"{namespace}-{copied}")
    return Snapshot(
        objects=objects[:OBJECTS],
        taken_at=snapshot.taken_at,
        window=snapshot.window,
        namespace=None,
        logs=snapshot.logs,
        metrics=snapshot.metrics,
    )


def _renamed(objects: Sequence[Object], before: str, after: str) -> list[Object]:
    text = orjson.dumps([one for one in objects if namespace_of(one) == before])
    found: list[dict[str, Any]] = orjson.loads(text.replace(f'"{before}"'.encode(), f'"{after}"'.encode()))
    return list(found)


@asynccontextmanager
async def _collector() -> AsyncIterator[Collector]:
    with tempfile.TemporaryDirectory() as name:
        kubeconfig = Path(name) / "kubeconfig"
        async with simulated_world(kubeconfig) as world:
            now = await _with_a_fault(world)
            clock = ManualClock(now)
            access = KubernetesAccess(str(kubeconfig), in_cluster=False, context="", namespace="default", timeout=8.0)
            clusters, prometheus = Clusters(access), Prometheus(f"{world}/prometheus", clock=clock)
            try:
                yield Collector(clusters, prometheus, clock)
            finally:
                await prometheus.close()
                await clusters.close()


async def _with_a_fault(world: str) -> datetime:
    async with httpx.AsyncClient(base_url=world, timeout=120) as http:
        (await http.post("/-/clock", json={"advance": HISTORY_SECONDS})).raise_for_status()
        (await http.post("/-/faults", json={"fault": FAULT})).raise_for_status()
        moved = (await http.post("/-/clock", json={"advance": FAULT_SECONDS})).raise_for_status()
        return datetime.fromisoformat(moved.json()["now"])
