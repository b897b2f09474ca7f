"""A node's network card delays packets or loses them: every pod of the node suffers, on its way to any other node.

Pods of the node reach each other as before, and so do the pods of all other nodes. Nothing in the cluster mends the card; pods that are
drained elsewhere are well again.
"""

from __future__ import annotations

from datetime import datetime

from simulator.conditions import Kind, Pressure, node_place
from simulator.faults.base import RISE, Component, Fault, Injection, Parameter, Parameters, Place, Refused, press
from simulator.faults.infrastructure.cluster_network import node_of
from simulator.faults.performance.pod_network import LOSS, positive, share_of
from simulator.world import World

DELAY_SECONDS = 0.9
SKEW_SECONDS = 400.0


class _OnNode(Fault):
    category = "infrastructure"
    target_kind = "Node"
    repairs = ("drain_node", "escalate")

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        pressure = injection.pressures[0][0]
        return not world.conditions.holds(*pressure) or not serves(world, pressure)

    def component(self, world: World, place: Place) -> Component:
        return Component("Node", "", node_of(world, place))

    def suits(self, world: World, place: Place) -> bool:
        return bool(node_of(world, place))


def serves(world: World, pressure: Pressure) -> bool:
    """Whether a program of the shop runs on the node."""
    node = pressure.place.partition("/")[2]
    return any(member.run.node == node for group in world.topology().groups for member in group.members)


class NodeNetworkDelay(_OnNode):
    id = "node_network_delay"
    title = "Packets to and from a node come late"
    parameters = (
        Parameter("seconds", "number", "delay of a packet there and its answer back", str(DELAY_SECONDS)),
        RISE,
    )

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        seconds = positive(parameters, "seconds", DELAY_SECONDS)
        return press(world, Kind.NETWORK_DELAY, node_place(node_of(world, place)), seconds, parameters)


class NodeNetworkPacketLoss(_OnNode):
    id = "node_network_packet_loss"
    title = "Packets to and from a node get lost"
    parameters = (Parameter("share", "number", "of the packets, from 0 to 1", str(LOSS)), RISE)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        return press(
            world, Kind.NETWORK_LOSS, node_place(node_of(world, place)), share_of(parameters, LOSS), parameters
        )


class NodeClockSkew(_OnNode):
    id = "node_clock_skew"
    title = "The clock of a node is wrong: its logs have wrong times, and tokens that it issues are not believed"
    parameters = (
        Parameter("seconds", "number", "by which it is wrong", f"{SKEW_SECONDS:g}"),
        Parameter("direction", "text", "ahead or behind", "ahead"),
        RISE,
    )

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        seconds = positive(parameters, "seconds", SKEW_SECONDS)
        direction = str(parameters.get("direction", "ahead"))
        if direction not in ("ahead", "behind"):
            raise Refused("params: direction must be ahead or behind")
        seconds = seconds if direction == "ahead" else -seconds
        return press(world, Kind.CLOCK_OFFSET, node_place(node_of(world, place)), seconds, parameters)
