"""The present world as the traffic sees it: groups of pods that behave alike, Services with who stands behind them, and the roads between.

Everything is visited in a fixed order, so equal worlds give equal topologies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from simulator.apps import App, Call
from simulator.conditions import Conditions, app_place, node_place, pod_place, process_place
from simulator.kubelet.runs import PodRun
from simulator.network import handshakes
from simulator.network.groups import LEAST_WEIGHT, Group, Member, ServiceKey
from simulator.network.ingress import CONTROLLER, Doorway, Edge, read_edge
from simulator.network.landscape import key_of, read_landscape, unruled_nodes
from simulator.network.reasons import Facts
from simulator.network.roads import Roads
from simulator.network.target import Backend, Target
from simulator.objects import Object, labels_of, name_of, namespace_of
from simulator.programs.process import NO_TROUBLE
from simulator.quantity import resource
from simulator.registry import MIB
from simulator.store import Store

UNLIMITED_CORES = 4.0
HASH_LABEL = "pod-template-hash"


class Ways(Protocol):
    def target(self, caller: Group, call: Call) -> Target: ...

    def entrance(self, app: App, path: str) -> Target: ...


class Nowhere:
    """The ways of a world in which nothing runs yet."""

    def target(self, caller: Group, call: Call) -> Target:  # noqa: ARG002  # nobody calls
        return Target(Facts(host=call.app))

    def entrance(self, app: App, path: str) -> Target:
        return Target.nowhere(Facts(app.name, app.port, path=path))


@dataclass
class Topology:
    groups: list[Group]
    backends: dict[ServiceKey, Backend]
    ways: Ways
    edge: Edge = field(default_factory=lambda: Edge((), (), {}))
    # When a certificate in use runs out, things change without a change of objects.
    good_until: datetime | None = None

    def target(self, group: Group, call: Call) -> Target:
        return self.ways.target(group, call)

    def entrance(self, app: App, path: str) -> Target:
        """Where the customers of an edge's route come to."""
        return self.ways.entrance(app, path)


def survey(
    store: Store, runs: Iterable[PodRun], conditions: Conditions, marks: frozenset[str], now: datetime
) -> Topology:
    """`marks` are the nodes, pods and processes on which something presses alone: only these split what is otherwise alike."""
    by_uid = {run.uid: run for run in runs}
    gathering = _Gathering(store, conditions, marks)
    for pod in store.list("Pod"):
        run = by_uid.get(pod["metadata"]["uid"])
        if run is not None and run.stops_at is None:
            for member in _programs(pod, run):
                gathering.add(member)
    backends = {key_of(each): _backend(store, each, gathering) for each in store.list("Service")}
    land = read_landscape(store, conditions, gathering.groups, gathering.group_of, backends, now)
    edge = read_edge(store, _doorways(store, by_uid))
    return Topology(gathering.groups, backends, Roads(land, edge), edge, _good_until(gathering.groups, edge, now))


def _doorways(store: Store, runs: Mapping[str, PodRun]) -> list[Doorway]:
    """The running pods of the ingress controller."""
    found = []
    for pod in store.list("Pod", CONTROLLER):
        run = runs.get(pod["metadata"]["uid"])
        if run is not None and run.stops_at is None and labels_of(pod).get("app.kubernetes.io/name") == CONTROLLER:
            found += [Doorway(run, container, pod) for container in run if container.phase.is_running]
    return found


def _good_until(groups: list[Group], edge: Edge, now: datetime) -> datetime | None:
    shown = [certificate for group in groups if (certificate := handshakes.shown(group)) is not None]
    ends = [each.not_after for each in (*shown, *edge.certificates.values())]
    return min((each for each in ends if each > now), default=None)


class _Gathering:
    """Puts each running program to those that behave like it."""

    def __init__(self, store: Store, conditions: Conditions, marks: frozenset[str]) -> None:
        self.groups: list[Group] = []
        self.group_of: dict[str, int] = {}  # pod uid -> index
        self._marks = marks
        self._standing = _standing(store)
        self._labels_matter = store.count("NetworkPolicy") > 0
        self._unruled = set(unruled_nodes(store, conditions))
        self._index: dict[tuple[object, ...], int] = {}

    def add(self, member: Member) -> None:
        image = member.container.image
        if image is None or image.app is None:
            raise ValueError("only a running program belongs to a group")
        spec = next(each for each in member.pod["spec"]["containers"] if each["name"] == member.container.name)
        cpu, memory = resource(spec, "limits", "cpu"), resource(spec, "limits", "memory")
        container, services = member.container, self._standing.get(member.uid, ())
        weight = max(resource(spec, "requests", "cpu") or 0.0, LEAST_WEIGHT)
        places = self._places(member)
        about = (image.app.name, member.run.namespace, cpu, memory, member.run.is_ready, weight, places)
        trouble = container.process.trouble if container.process else NO_TROUBLE
        given = (_shared(spec, container.env), tuple(sorted(container.files.items())), container.ports, trouble)
        key = (*about, *given, services, *self._network_traits(member))
        if key not in self._index:
            self._index[key] = len(self.groups)
            mib, limit = memory / MIB if memory else None, cpu or UNLIMITED_CORES
            group = Group(image.app, member.run.namespace, limit, mib, container.env, services, [], weight, places)
            self.groups.append(replace(group, files=container.files, ports=container.ports, trouble=trouble))
        index = self._index[key]
        self.groups[index].members.append(member)
        self.group_of[member.uid] = index

    def _places(self, member: Member) -> tuple[str, ...]:
        if not self._marks:
            return ()
        app = member.container.image.app.name if member.container.image and member.container.image.app else ""
        own = (
            app_place(member.run.namespace, app),
            node_place(member.run.node),
            pod_place(member.uid),
            process_place(member.container.container_id),
        )
        return tuple(place for place in own if place in self._marks)

    def _network_traits(self, member: Member) -> tuple[object, ...]:
        """What else makes two pods differ for the network."""
        spec = member.pod["spec"]
        labels = {key: value for key, value in labels_of(member.pod).items() if key != HASH_LABEL}
        return (
            spec.get("dnsPolicy"),
            repr(spec.get("dnsConfig")),
            member.run.node in self._unruled,
            tuple(sorted(labels.items())) if self._labels_matter else (),
            labels.get(handshakes.MESH_LABEL),
            any(each["name"] == handshakes.SIDECAR for each in spec["containers"]),
        )


def _shared(container: Object, env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The variables without those that say something about the one pod, such as its name or address."""
    own = {each["name"] for each in container.get("env") or [] if "fieldRef" in (each.get("valueFrom") or {})}
    return tuple(sorted((name, value) for name, value in env.items() if name not in own))


def _standing(store: Store) -> dict[str, tuple[ServiceKey, ...]]:
    """By pod uid: the Services among whose ready endpoints it is."""
    found: dict[str, list[ServiceKey]] = defaultdict(list)
    for endpoints in store.list("Endpoints"):
        for subset in endpoints.get("subsets") or []:
            for address in subset.get("addresses") or []:
                found[(address.get("targetRef") or {}).get("uid", "")].append(key_of(endpoints))
    return {uid: tuple(keys) for uid, keys in found.items()}


def _programs(pod: Object, run: PodRun) -> list[Member]:
    return [
        Member(run, container, pod)
        for container in run
        if container.process is not None and container.process.is_listening and container.process.app is not None
    ]


def _backend(store: Store, service: Object, gathered: _Gathering) -> Backend:
    backend = Backend(key_of(service), {})
    endpoints = store.get("Endpoints", namespace_of(service), name_of(service)) or {}
    for subset in endpoints.get("subsets") or []:
        ports = {port["port"] for port in subset.get("ports") or []}
        for address in subset.get("addresses") or []:
            index = gathered.group_of.get((address.get("targetRef") or {}).get("uid", ""))
            if index is not None and ports.intersection(gathered.groups[index].ports):
                backend.shares[index] = backend.shares.get(index, 0) + 1
            else:
                backend.closed += 1
    return backend
