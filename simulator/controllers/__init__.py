"""The control loops of the simulated cluster, in the order in which they run.

Each one reads the objects, compares what is wanted with what is, and writes the next step; none remembers anything between two calls.
The world runs the list again and again until a whole round changes nothing, so the order decides only how many rounds that takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulator.controllers import deployment, endpoints, garbage, replicaset, scheduler
from simulator.controllers.context import Context


@dataclass(frozen=True)
class Controller:
    name: str
    reconcile: Callable[[Context], None]


CONTROLLERS: tuple[Controller, ...] = (
    Controller("garbage-collector", garbage.reconcile),
    Controller("deployment-controller", deployment.reconcile),
    Controller("replicaset-controller", replicaset.reconcile),
    Controller("default-scheduler", scheduler.reconcile),
    Controller("endpoint-controller", endpoints.reconcile),
)

__all__ = ["CONTROLLERS", "Context", "Controller"]
