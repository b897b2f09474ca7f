"""A part of the control plane ends as soon as it starts: its static pod's file on the node's disk has a flag that it does not know.

Nobody can mend that through the API. What runs goes on running; what that part would have done is not done, and nobody says so.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from simulator.conditions import Kind
from simulator.controllers.processes import MANAGER, ROLE, SCHEDULER, Processes
from simulator.faults.base import Component, Fault, Injection, Parameters, Place, Refused, press
from simulator.objects import labels_of, name_of
from simulator.world import World

NAMESPACE = "kube-system"


class PartFails(Fault):
    category = "infrastructure"
    target_kind = "Node"
    repairs = ("escalate",)
    process: ClassVar[str]

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:  # noqa: ARG002  # it is one place
        pod = f"{self.process}-{control_plane(world)}"
        pressed = press(world, Kind.PROCESS_FAILS, f"{NAMESPACE}/{pod}", 1.0, parameters)
        for run in world.runs():
            if (run.namespace, run.name) == (NAMESPACE, pod):
                for container in run:
                    world.kubelet.kill(run, container, "Error", 1)
        return Injection(f"{pod} has a flag that it does not know", pressures=pressed.pressures)

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return Processes(world.store, world.clock.now).works(self.process)

    def component(self, world: World, place: Place) -> Component:  # noqa: ARG002  # it is one place
        return Component("Node", "", control_plane(world))

    def suits(self, world: World, place: Place) -> bool:  # noqa: ARG002  # it is one place
        return any(ROLE in labels_of(node) for node in world.store.list("Node"))


def control_plane(world: World) -> str:
    for node in world.store.list("Node"):
        if ROLE in labels_of(node):
            return name_of(node)
    raise Refused("target: the control plane of this cluster runs on none of its nodes")


class KubeSchedulerUnavailable(PartFails):
    id = "kube_scheduler_unavailable"
    title = "The scheduler does not run: new pods wait, and nobody says why"
    process = SCHEDULER


class ControllerManagerUnavailable(PartFails):
    id = "controller_manager_unavailable"
    title = "The controller manager does not run: no rollout, no replacement, no endpoint moves any more"
    process = MANAGER
