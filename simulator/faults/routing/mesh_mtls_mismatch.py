"""A program joins the mesh and lets in only those who are in it too: the callers outside are hung up on."""

from __future__ import annotations

from datetime import datetime

from simulator.faults.base import (
    Component,
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Refused,
    existing,
    is_fully_available,
)
from simulator.faults.edits import add, change
from simulator.faults.reach import calls_to, none_meets
from simulator.network import Why
from simulator.network.handshakes import MESH_LABEL
from simulator.objects import Object
from simulator.world import World


class MeshMtlsMismatch(Fault):
    id = "mesh_mtls_mismatch"
    title = "A mesh wants mutual TLS of callers that are not in it"
    category = "routing"
    repairs = ("delete_object", "patch_policy")
    parameters = (Parameter("name", "text", "the policy's name", "the program's with -strict"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        deployment = existing(world, "Deployment", place)
        name = str(parameters.get("name") or _policy_name(place))
        if world.store.get("PeerAuthentication", place.namespace, name) is not None:
            raise Refused(f"params: there is a PeerAuthentication {name!r} already")
        selector = deployment["spec"]["selector"].get("matchLabels") or {}
        edits = (
            change(world.store, "Deployment", deployment, _in_mesh(deployment)),
            add(world.store, "PeerAuthentication", _policy(place.namespace, name, selector)),
        )
        return Injection(f"{place.name} joined the mesh, PeerAuthentication {name} created", edits)

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_fully_available(world, place) and none_meets(calls_to(world, place), Why.RESET)

    def component(self, world: World, place: Place) -> Component:
        own = [each["metadata"]["name"] for each in world.store.list("PeerAuthentication", place.namespace)]
        name = _policy_name(place)
        return Component("PeerAuthentication", place.namespace, name if name in own or not own else own[-1])

    def suits(self, world: World, place: Place) -> bool:
        return world.store.get(self.target_kind, *place) is not None and bool(calls_to(world, place))


def _policy_name(place: Place) -> str:
    return f"{place.name}-strict"


def _in_mesh(deployment: Object) -> Object:
    template = deployment["spec"]["template"]
    labels = {**template["metadata"].get("labels", {}), MESH_LABEL: "ambient"}
    template = {**template, "metadata": {**template["metadata"], "labels": labels}}
    return {**deployment, "spec": {**deployment["spec"], "template": template}}


def _policy(namespace: str, name: str, selector: dict[str, str]) -> Object:
    return {
        "apiVersion": "security.istio.io/v1",
        "kind": "PeerAuthentication",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"matchLabels": selector}, "mtls": {"mode": "STRICT"}},
    }
