"""The parts of the cluster that turn a name into a pod: the name server, and a node's kube-proxy."""

from __future__ import annotations

from datetime import datetime

from simulator.conditions import Kind
from simulator.faults.base import Component, Fault, Injection, Parameters, Place, Refused, existing, press
from simulator.faults.edits import change
from simulator.faults.reach import LOOKUPS, calls, none_meets
from simulator.network.landscape import proxies
from simulator.network.reasons import Why
from simulator.objects import name_of, uid_of, with_spec
from simulator.world import World

DNS = Place("kube-system", "coredns")


class CorednsUnavailable(Fault):
    id = "coredns_unavailable"
    title = "No name server runs: no program finds any other by its name"
    category = "infrastructure"
    repairs = ("scale", "rollback")

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:  # noqa: ARG002  # it is one place
        deployment = existing(world, "Deployment", DNS)
        before = deployment["spec"].get("replicas", 1)
        if not before:
            raise Refused("target: the name server has no replicas already")
        edit = change(world.store, "Deployment", deployment, with_spec(deployment, replicas=0))
        return Injection(f"{DNS.name} scaled from {before} to 0", (edit,))

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return none_meets(list(calls(world)), *LOOKUPS)

    def component(self, world: World, place: Place) -> Component:  # noqa: ARG002  # it is one place
        return Component("Deployment", *DNS)


class KubeProxyUnavailable(Fault):
    id = "kube_proxy_unavailable"
    title = "A node's kube-proxy is gone with its rules: from there no Service is reached"
    category = "infrastructure"
    target_kind = "Node"
    repairs = ("delete_pod", "restart", "drain_node")

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        node = node_of(world, place)
        pressures = [*press(world, Kind.SERVICE_RULES_LOST, node, 1.0, parameters).pressures]
        for pod in proxies(world.store):
            if pod["spec"].get("nodeName") == node:
                pressures += press(
                    world, Kind.PROCESS_FAILS, f"{DNS.namespace}/{name_of(pod)}", 1.0, parameters
                ).pressures
                _kill(world, uid_of(pod))
        said = f"kube-proxy of {node} fails and its rules are lost"
        return Injection(said, pressures=tuple(pressures), notes={"node": node})

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        node = injection.notes["node"]
        made = [each for each in calls(world) if each.caller.node == node]
        return not any(each.meets(Why.UNREACHABLE, *LOOKUPS) for each in made)

    def component(self, world: World, place: Place) -> Component:
        return Component("Node", "", node_of(world, place))

    def suits(self, world: World, place: Place) -> bool:
        return bool(node_of(world, place))


def _kill(world: World, uid: str) -> None:
    run = world.kubelet.runs.get(uid)
    if run is not None:
        for container in run:
            world.kubelet.kill(run, container, "Error", 1)


def node_of(world: World, place: Place) -> str:
    """The place itself if it is a node, or where the first pod of that program runs."""
    if world.store.get("Node", None, place.name) is not None:
        return place.name
    for group in world.topology().groups:
        if (group.namespace, group.app.name) == tuple(place):
            return group.node
    raise Refused(f"target: {place.name!r} is no node and no running program")
