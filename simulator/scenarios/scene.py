"""The world of a scenario with the names of its roles, and who is meant by a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.faults.base import Place, Refused
from simulator.objects import Object, labels_of, name_of
from simulator.variants import Names
from simulator.world import World

NODE_OF = "node-of:"
NAMESPACE = "namespace:"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
Options = Mapping[str, Any]


@dataclass(frozen=True)
class Scene:
    world: World
    names: Names

    def place(self, target: str) -> Place:
        """A program's place, a node's or a namespace's; whatever else is taken as namespace/name in roles."""
        if target.startswith(NODE_OF):
            return Place("", self._node_of(target.removeprefix(NODE_OF)))
        if target.startswith(NAMESPACE):
            return Place("", self.names.text(target.removeprefix(NAMESPACE)))
        if "/" in target:
            namespace, _, name = target.partition("/")
            return Place(self.names.text(namespace), self.names.text(name))
        name = self.names.of(target)
        for app in self.world.shop.apps:
            if app.name == name:
                return Place(app.namespace, name)
        if self.world.store.get("Node", None, name) is not None:
            return Place("", name)
        raise Refused(f"target: nobody here plays {target!r}")

    def workload(self, target: str) -> tuple[str, Object]:
        place = self.place(target)
        for kind in WORKLOADS:
            found = self.world.store.get(kind, *place)
            if found is not None:
                return kind, found
        raise Refused(f"target: there is no workload {place.name!r} in namespace {place.namespace!r}")

    def pods(self, target: str) -> list[Object]:
        """The program's pods, oldest name first."""
        place = self.place(target)
        return [
            pod
            for pod in self.world.store.list("Pod", place.namespace)
            if labels_of(pod).get("app") == place.name or name_of(pod).startswith(f"{place.name}-")
        ]

    def node(self, target: str) -> Object:
        place = self.place(target)
        found = self.world.store.get("Node", None, place.name)
        if found is None:
            raise Refused(f"target: there is no node {place.name!r}")
        return found

    def _node_of(self, role: str) -> str:
        for pod in self.pods(role):
            if pod["spec"].get("nodeName"):
                return str(pod["spec"]["nodeName"])
        raise Refused(f"target: no pod of {role!r} is on a node")


@dataclass(frozen=True)
class Verb:
    """Something that can be done in a scene; it answers in a sentence what it did."""

    do: Callable[[Scene, Options], str]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
