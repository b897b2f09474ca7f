"""A node on which strangers take what the pods need: memory, the disk, or the numbers for processes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from simulator.conditions import Kind
from simulator.faults.base import RISE, Component, Fault, Injection, Parameter, Parameters, Place, Refused, press
from simulator.faults.infrastructure.cluster_network import node_of
from simulator.faults.infrastructure.nodes import is_given_up
from simulator.machines import DISK_BYTES, FREE_SHARE, MOST_PIDS, SYSTEM_MIB
from simulator.objects import condition
from simulator.world import World


class NodePressure(Fault):
    category = "infrastructure"
    target_kind = "Node"
    repairs = ("escalate", "drain_node")
    parameters = (Parameter("left", "number", "the share of it that is left for the pods", "0.02"), RISE)
    kind: ClassVar[Kind]
    told_by: ClassVar[str]  # the node's condition

    def taken(self, world: World, node: str, left: float) -> float:
        raise NotImplementedError

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        left = float(parameters.get("left", 0.02))
        if not 0 <= left < 1:
            raise Refused("params: left is a share between 0 and 1")
        node = node_of(world, place)
        return replace(press(world, self.kind, node, self.taken(world, node, left), parameters), notes={"node": node})

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        """There is room again, or the node has been given up and nothing of the shop is on it any more."""
        name = injection.notes["node"]
        node = world.store.get("Node", None, name)
        if node is None:
            return True
        if not world.conditions.holds(self.kind, name):
            return (condition(node, self.told_by) or {}).get("status") == "False"
        return is_given_up(world, node)

    def component(self, world: World, place: Place) -> Component:
        return Component("Node", "", node_of(world, place))

    def suits(self, world: World, place: Place) -> bool:
        return bool(node_of(world, place))


class NodeDiskPressure(NodePressure):
    id = "node_disk_pressure"
    title = "A node's disk is full of what no pod has written"
    kind = Kind.DISK_TAKEN
    told_by = "DiskPressure"

    def taken(self, world: World, node: str, left: float) -> float:  # noqa: ARG002
        return DISK_BYTES * max(FREE_SHARE - left, 0.0)


class NodeMemoryPressure(NodePressure):
    id = "node_memory_pressure"
    title = "Something outside the pods holds nearly all memory of a node"
    kind = Kind.MEMORY_TAKEN
    told_by = "MemoryPressure"
    parameters = (Parameter("left", "number", "the share that the pods' memory is short of, at first", "0.02"), RISE)

    def taken(self, world: World, node: str, left: float) -> float:
        size = next(each.memory_mb for each in world.shop.nodes if each.name == node)
        used = sum(each.memory_mib for run in world.runs() if run.node == node for each in run)
        return size - SYSTEM_MIB - used - 100 + size * left


class NodePidPressure(NodePressure):
    id = "node_pid_pressure"
    title = "Something outside the pods uses up the numbers for processes on a node"
    kind = Kind.PIDS_TAKEN
    told_by = "PIDPressure"

    def taken(self, world: World, node: str, left: float) -> float:  # noqa: ARG002
        return MOST_PIDS * (1 - left)


FAULTS: tuple[Fault, ...] = (NodeDiskPressure(), NodeMemoryPressure(), NodePidPressure())
