"""The shop at a glance, for people and for tests: what the flow of this moment is, and what the objects say.

One answer for one look: the edge, every program with its pods, who calls whom, nodes, queues, and the newest warnings. It is computed when
it is asked for and changes nothing.
"""

from __future__ import annotations

from typing import Any

from simulator.clock import rfc3339
from simulator.state import cluster, traffic
from simulator.world import World


def state(world: World) -> dict[str, Any]:
    flow = world.present_flow()
    return {
        "now": rfc3339(world.clock.now()),
        "speed": world.clock.speed,
        "edge": traffic.edge(flow),
        "services": [
            {**traffic.of_program(flow, each.namespace, each.name), **each.described()}
            for each in cluster.workloads(world)
        ],
        "calls": traffic.calls(world.shop, flow),
        "queues": {name: round(waiting) for name, waiting in world.conditions.backlog.items()},
        "nodes": cluster.nodes(world),
        "events": cluster.warnings(world),
    }


__all__ = ["state"]
