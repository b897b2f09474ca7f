"""The network of a workload's pods is slow or loses packets: a rule was left on their interfaces.

Their callers wait and so do they for their own dependencies; their CPU idles. Deleting the pods heals, as the rules are on their
interfaces and not in their definition.
"""

from __future__ import annotations

from datetime import datetime

from simulator.conditions import Kind, pod_place
from simulator.faults.base import RISE, Fault, Injection, Parameter, Parameters, Place, Refused
from simulator.faults.performance.bound import is_rid_of, press_each
from simulator.network import Member
from simulator.world import World

DELAY_SECONDS = 0.8
LOSS = 0.35


def of_pod(member: Member) -> str:
    return pod_place(member.uid)


class PodNetworkDelay(Fault):
    id = "pod_network_delay"
    title = "Packets to and from a workload's pods come late"
    category = "performance"
    repairs = ("delete_pod", "restart")
    parameters = (
        Parameter("seconds", "number", "delay of a packet there and its answer back", str(DELAY_SECONDS)),
        Parameter("jitter", "number", "seconds by which the delay wanders", "a fifth of it"),
        RISE,
    )

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        seconds = positive(parameters, "seconds", DELAY_SECONDS)
        jitter = float(parameters.get("jitter", seconds / 5))
        pressing = {Kind.NETWORK_DELAY: seconds, Kind.NETWORK_JITTER: jitter}
        return press_each(world, place, pressing, of_pod, parameters)

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_rid_of(world, place, injection)


class PodNetworkLoss(Fault):
    id = "pod_network_loss"
    title = "Packets to and from a workload's pods get lost"
    category = "performance"
    repairs = ("delete_pod", "restart")
    parameters = (Parameter("share", "number", "of the packets, from 0 to 1", str(LOSS)), RISE)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        return press_each(world, place, {Kind.NETWORK_LOSS: share_of(parameters, LOSS)}, of_pod, parameters)

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_rid_of(world, place, injection)


def positive(parameters: Parameters, name: str, default: float) -> float:
    value = float(parameters.get(name, default))
    if value <= 0:
        raise Refused(f"params: {name} must be above zero")
    return value


def share_of(parameters: Parameters, default: float) -> float:
    share = float(parameters.get("share", default))
    if not 0 < share <= 1:
        raise Refused("params: share must be above zero and at most one")
    return share
