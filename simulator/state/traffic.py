"""Requests, errors and latency: at the edge, of every program, and of every call from one program to another."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.apps import Shop
from simulator.flow import CallFlow, Flow
from simulator.latency import SPREAD, TIGHT, Part, buckets, quantile
from simulator.noise import Floats

Program = tuple[str, str]  # its namespace and name


def edge(flow: Flow) -> dict[str, Any]:
    return _told(flow.entries)


def of_program(flow: Flow, namespace: str, name: str) -> dict[str, Any]:
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
    return {"namespace": namespace, "name": name, **_figures(rate, failed, counts)}


def calls(shop: Shop, flow: Flow) -> list[dict[str, Any]]:
    """Every pair of programs of which one calls the other, also while no pod is there that could."""
    made: dict[tuple[Program, Program], list[CallFlow]] = {}
    for app in shop.apps:
        for call in (call for route in app.routes for call in route.calls):
            callee = shop.app(call.app)
            made.setdefault(((app.namespace, app.name), (callee.namespace, callee.name)), [])
    for each in flow.calls:
        group = flow.groups[each.group].group
        callee = shop.app(each.call.app)
        made.setdefault(((group.namespace, group.app.name), (callee.namespace, callee.name)), []).append(each)
    return [
        {"from": _place(caller), "to": _place(callee), **_told(together)}
        for (caller, callee), together in sorted(made.items())
    ]


def _place(program: Program) -> dict[str, str]:
    return {"namespace": program[0], "name": program[1]}


def _told(made: list[CallFlow]) -> dict[str, Any]:
    """Calls as their caller sees them, together."""
    rate = sum(float(call.rate[0]) for call in made)
    failed = sum(float((call.rate * call.failed)[0]) for call in made)
    counts: Floats = np.zeros(1)
    for call in made:
        lost = np.minimum(call.refused + call.error, call.failed)
        fine = Part(1 - call.failed, call.latency, SPREAD)
        late = Part(np.minimum(call.timeout, call.failed), np.full_like(call.rate, call.call.timeout), TIGHT)
        counts = counts + buckets(call.rate, [fine, late, Part(lost, call.error_latency, SPREAD)])[:, 0]
    return _figures(rate, failed, counts)


def _figures(rate: float, failed: float, counts: Floats) -> dict[str, Any]:
    p95 = quantile(0.95, counts.tolist()) if rate else None
    return {
        "rps": round(rate, 2),
        "error_ratio": round(failed / rate, 5) if rate else 0.0,
        "p95_seconds": None if p95 is None else round(p95, 4),
    }
