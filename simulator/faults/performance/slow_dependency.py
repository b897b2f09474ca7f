"""A program answers late though its own CPU idles and all it calls are quick: its processes wait for something of their own.

Its callers see slow answers and fill up their worker pools; from the outside it is the only one whose own part of the latency grew.
Starting its processes anew is enough.
"""

from __future__ import annotations

from datetime import datetime

from simulator.conditions import Kind, process_place
from simulator.faults.base import RISE, Fault, Injection, Parameter, Parameters, Place
from simulator.faults.performance.bound import is_rid_of, press_each
from simulator.faults.performance.pod_network import positive
from simulator.world import World

WAIT_SECONDS = 1.6


class SlowDependency(Fault):
    id = "slow_dependency"
    title = "A program that others depend on takes long to answer, by itself"
    category = "performance"
    repairs = ("restart", "delete_pod")
    parameters = (Parameter("seconds", "number", "that each request waits longer", str(WAIT_SECONDS)), RISE)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        pressing = {Kind.SLOW_ANSWERS: positive(parameters, "seconds", WAIT_SECONDS)}
        return press_each(world, place, pressing, lambda each: process_place(each.container.container_id), parameters)

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_rid_of(world, place, injection)
