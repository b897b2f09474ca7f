"""The shop at a glance: for every program its requests, errors, latency and pods, from the flow of this moment."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.clock import rfc3339
from simulator.flow import Flow
from simulator.latency import buckets, quantile
from simulator.noise import Floats
from simulator.objects import name_of, namespace_of
from simulator.world import World


def state(world: World) -> dict[str, Any]:
    flow = world.present_flow()
    return {
        "now": rfc3339(world.clock.now()),
        "edge": _edge(flow),
        "services": [
            {**_traffic(flow, namespace_of(each), name_of(each)), **_pods(each)}
            for each in world.store.list("Deployment")
        ],
        "queues": {name: round(waiting) for name, waiting in world.conditions.backlog.items()},
    }


def _edge(flow: Flow) -> dict[str, Any]:
    rate = sum(float(call.rate[0]) for call in flow.entries)
    failed = sum(float((call.rate * call.failed)[0]) for call in flow.entries)
    return {"rps": round(rate, 2), "error_ratio": round(failed / rate, 5) if rate else 0.0}


def _traffic(flow: Flow, namespace: str, name: str) -> dict[str, Any]:
    rate, failed = 0.0, 0.0
    counts: Floats = np.zeros(1)
    for group in flow.groups:
        if (group.group.namespace, group.group.app.name) != (namespace, name):
            continue
        for served in group.routes.values():
            requests = len(group.group.members) * served.rate
            rate += float(requests[0])
            failed += float((requests * served.failed)[0])
            counts = counts + buckets(requests, served.parts)[:, 0]
    p95 = quantile(0.95, counts.tolist()) if rate else None
    return {
        "namespace": namespace,
        "name": name,
        "rps": round(rate, 2),
        "error_ratio": round(failed / rate, 5) if rate else 0.0,
        "p95_seconds": None if p95 is None else round(p95, 4),
    }


def _pods(deployment: dict[str, Any]) -> dict[str, Any]:
    status = deployment.get("status") or {}
    return {"ready": status.get("readyReplicas", 0), "wanted": deployment["spec"].get("replicas", 1)}
