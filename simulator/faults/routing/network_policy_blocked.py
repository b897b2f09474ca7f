"""A new NetworkPolicy lets nobody, or only the wrong ones, come to a program: its callers wait until their patience ends."""

from __future__ import annotations

from datetime import datetime

from simulator.faults.base import Component, Fault, Injection, Parameter, Parameters, Place, Refused, existing
from simulator.faults.edits import add
from simulator.faults.reach import calls_of, calls_to, none_meets
from simulator.network import Why
from simulator.objects import Object
from simulator.world import World

DIRECTIONS = ("Ingress", "Egress")


class NetworkPolicyBlocked(Fault):
    id = "network_policy_blocked"
    title = "A NetworkPolicy keeps a program's callers away from it"
    category = "routing"
    repairs = ("delete_object", "patch_policy")
    parameters = (
        Parameter("direction", "text", "Ingress: who may come; Egress: where it may go", "Ingress"),
        Parameter("allowed", "text", "the value of the label app that may come, or be gone to", "that of a monitor"),
        Parameter("name", "text", "the policy's name", "the program's with -restricted"),
    )

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        workload = existing(world, self.target_kind, place)
        direction = str(parameters.get("direction") or "Ingress")
        if direction not in DIRECTIONS:
            raise Refused(f"params: direction must be one of {', '.join(DIRECTIONS)}")
        name = str(parameters.get("name") or _policy_name(place))
        if world.store.get("NetworkPolicy", place.namespace, name) is not None:
            raise Refused(f"params: there is a NetworkPolicy {name!r} already")
        selector = workload["spec"]["selector"].get("matchLabels") or {}
        allowed = str(parameters.get("allowed") or "monitoring-agent")
        policy = _policy(place.namespace, name, selector, direction, allowed)
        edit = add(world.store, "NetworkPolicy", policy)
        return Injection(f"NetworkPolicy {name} created", (edit,), notes={"direction": direction})

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        chosen = calls_of if injection.notes["direction"] == "Egress" else calls_to
        return none_meets(chosen(world, place), Why.UNREACHABLE)

    def component(self, world: World, place: Place) -> Component:
        """The newest policy that stands for it: the one with the name given here, unless another was asked for."""
        chosen = world.store.list("NetworkPolicy", place.namespace)
        newest = max(chosen, key=lambda each: int(each["metadata"]["resourceVersion"]), default=None)
        name = newest["metadata"]["name"] if newest else _policy_name(place)
        return Component("NetworkPolicy", place.namespace, name)

    def suits(self, world: World, place: Place) -> bool:
        return world.store.get(self.target_kind, *place) is not None and bool(calls_to(world, place))


def _policy_name(place: Place) -> str:
    return f"{place.name}-restricted"


def _policy(namespace: str, name: str, selector: dict[str, str], direction: str, allowed: str) -> Object:
    rules, peers = ("ingress", "from") if direction == "Ingress" else ("egress", "to")
    peer = {"podSelector": {"matchLabels": {"app": allowed}}}
    dns = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
    wanted = [{peers: [peer]}] if direction == "Ingress" else [dns, {peers: [peer]}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": {"matchLabels": selector}, "policyTypes": [direction], rules: wanted},
    }
