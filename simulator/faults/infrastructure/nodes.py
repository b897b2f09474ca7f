"""A node that loses its agent, its container runtime or its network."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from simulator.conditions import Kind, node_place
from simulator.faults.base import Component, Fault, Injection, Parameters, Place, press
from simulator.faults.infrastructure.cluster_network import node_of
from simulator.objects import Object, is_deleting, is_finished, is_true, name_of
from simulator.world import World


class NodeFails(Fault):
    category = "infrastructure"
    target_kind = "Node"
    repairs = ("escalate", "drain_node")
    kind: ClassVar[Kind]

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        node = node_of(world, place)
        return replace(press(world, self.kind, node, 1.0, parameters), notes={"node": node})

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        """It gives signs of life again, or it has been given up and nothing of the shop is on it any more."""
        name = injection.notes["node"]
        node = world.store.get("Node", None, name)
        if node is None:
            return True
        if not world.conditions.holds(self.kind, name):
            return is_true(node, "Ready")
        return is_given_up(world, node)

    def component(self, world: World, place: Place) -> Component:
        return Component("Node", "", node_of(world, place))

    def suits(self, world: World, place: Place) -> bool:
        return bool(node_of(world, place))


def is_given_up(world: World, node: Object) -> bool:
    """Cordoned, and drained of all that belongs to the shop."""
    return bool((node.get("spec") or {}).get("unschedulable")) and not _is_used(world, name_of(node))


def _is_used(world: World, node: str) -> bool:
    return any(
        pod["spec"].get("nodeName") == node
        and pod["metadata"]["namespace"] in world.shop.namespaces
        and not is_deleting(pod)
        and not is_finished(pod)
        for pod in world.store.list("Pod")
    )


class KubeletUnavailable(NodeFails):
    id = "kubelet_unavailable"
    title = "A node's agent does not run: the node is unknown, what runs there runs on unseen"
    kind = Kind.KUBELET_DOWN


class ContainerdUnavailable(NodeFails):
    id = "containerd_unavailable"
    title = "A node's container runtime does not answer: the node is not ready and starts nothing"
    kind = Kind.RUNTIME_DOWN


class NodeUnreachable(NodeFails):
    id = "node_unreachable"
    title = "A node is cut off from the network with everything on it"
    kind = Kind.NODE_CUT_OFF

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        cut_off = super().inject(world, place, parameters)
        lost = press(world, Kind.NETWORK_LOSS, node_place(cut_off.notes["node"]), 1.0, parameters)
        return replace(cut_off, pressures=(*cut_off.pressures, *lost.pressures))
