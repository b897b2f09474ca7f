"""The numbers of a snapshot in the order of its components: whose each series is, and what all series of one program say together.

A series names a pod, a workload, a Service, a machine, an end of a call, or an address; the objects say which program or node that is. What
cannot be told apart (a name that two namespaces have) is nobody's. Everything is looked up once and kept, because every engine asks.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from weakref import WeakKeyDictionary

from tools.engines.diagnosis import Component
from tools.engines.graph import Graph
from tools.engines.metrics.shift import Shift, mean_of, shift
from tools.engines.metrics.whose import node_of
from tools.engines.objects import Object, component, dig, name_of, namespace_of, rows
from tools.engines.program import Program
from tools.engines.snapshot import Series, Signal, Snapshot, unseen_pod

Labels = Mapping[str, str]
OLD = 300.0


class Scene:
    def __init__(self, snapshot: Snapshot, graph: Graph) -> None:
        self.snapshot = snapshot
        self.graph = graph
        self._owned: dict[Signal, dict[Component, list[Series]]] = {}
        self._at_nodes: dict[Signal, dict[str, list[Series]]] = {}

    def owner(self, labels: Labels) -> Component | None:
        """The workload that a series speaks of; of a call, the one that is called."""
        place = labels.get("namespace", "")
        if pod := labels.get("pod"):
            return self._of_pod(place, pod)
        for key in ("workload", "server", "service"):
            found = self.named(labels.get(key, ""), labels.get("server_namespace", place) if key == "server" else place)
            if found:
                return found
        return self._of_instance(labels) or self.named(labels.get("job", ""), place)

    def named(self, name: str, place: str = "") -> Component | None:
        """A program by a name that somebody gave it: its own, its Service's, its label's, or one of its pods'."""
        if not name:
            return None
        for index in (self._programs, self._services, self._labels):
            found = (place and _only(index.get((place, name)))) or _only(index.get(("", name)))
            if found:
                return found
        is_pod = (place, name) in self._pods if place else name in self._pods_named
        return self._of_pod(place, name) if is_pod else None

    def pod_called(self, name: str) -> Object | None:
        """A pod by its name, where no two bear it, or by its address."""
        return self._pods_named.get(name) or self._addresses.get(name)

    def client(self, labels: Labels) -> Component | None:
        return self.named(labels.get("client", ""), labels.get("client_namespace", ""))

    def node(self, labels: Labels) -> str | None:
        """A machine's name as the cluster knows it."""
        told = node_of(labels)
        return self._nodes.get(told)

    def of(self, signal: Signal) -> dict[Component, list[Series]]:
        """The present series of a signal by the workload that they speak of."""
        if signal not in self._owned:
            found: dict[Component, list[Series]] = defaultdict(list)
            for series in self._present(signal):
                owner = self.owner(series.labels)
                if owner:
                    found[owner].append(series)
            self._owned[signal] = found
        return self._owned[signal]

    def at_nodes(self, signal: Signal) -> dict[str, list[Series]]:
        if signal not in self._at_nodes:
            found: dict[str, list[Series]] = defaultdict(list)
            for series in self._present(signal):
                node = self.node(series.labels)
                if node:
                    found[node].append(series)
            self._at_nodes[signal] = found
        return self._at_nodes[signal]

    def together(self, signal: Signal, who: Component) -> list[tuple[float, float]]:
        """All pods of a program as one series: their mean."""
        return mean_of(one.points for one in self.of(signal).get(who, ()))

    def shifted(self, signal: Signal, who: Component) -> Shift | None:
        return shift(self.together(signal, who), self.onset)

    def _present(self, signal: Signal) -> Iterable[Series]:
        """Those whose last sample is about as young as the youngest of all."""
        return (one for one in self.snapshot.series(signal) if self.newest - one.points[-1][0] <= OLD)

    @cached_property
    def newest(self) -> float:
        every = (one.points[-1][0] for many in self.snapshot.metrics.values() for one in many if one.points)
        return max(every, default=0.0)

    @cached_property
    def onset(self) -> float | None:
        """Where the snapshot knows when it began: nothing does yet but the series themselves."""
        return None

    def _of_pod(self, place: str, name: str) -> Component | None:
        pod = self._pods.get((place, name)) if place else self._pods_named.get(name)
        if pod:
            return self.snapshot.maker_of(pod)
        if not place:
            return None
        guessed = self.snapshot.maker_of(unseen_pod(place, name))
        return guessed if self.snapshot.program(guessed) or not self.snapshot.programs else None

    def _of_instance(self, labels: Labels) -> Component | None:
        address = labels.get("instance", "").rpartition(":")[0]
        pod = self._addresses.get(address)
        return self.snapshot.maker_of(pod) if pod else None

    @cached_property
    def _pods(self) -> dict[tuple[str, str], Object]:
        return {(namespace_of(pod), name_of(pod)): pod for pod in self.snapshot.of("Pod")}

    @cached_property
    def _pods_named(self) -> dict[str, Object]:
        """Those of which there is only one by that name."""
        seen: dict[str, list[Object]] = defaultdict(list)
        for pod in self.snapshot.of("Pod"):
            seen[name_of(pod)].append(pod)
        return {name: pods[0] for name, pods in seen.items() if len(pods) == 1}

    @cached_property
    def _addresses(self) -> dict[str, Object]:
        found = {str(dig(pod, "status", "podIP") or ""): pod for pod in self.snapshot.present_pods()}
        found.pop("", None)
        return {address: pod for address, pod in found.items() if not dig(pod, "spec", "hostNetwork")}

    @cached_property
    def _programs(self) -> dict[tuple[str, str], set[Component]]:
        return _filed((one.namespace, one.name, one.component) for one in self.snapshot.programs)

    @cached_property
    def _services(self) -> dict[tuple[str, str], set[Component]]:
        return _filed(
            (namespace_of(service), name_of(service), program.component)
            for service in self.snapshot.of("Service")
            for program in self.snapshot.programs_behind(service)
        )

    @cached_property
    def _labels(self) -> dict[tuple[str, str], set[Component]]:
        return _filed(
            (one.namespace, str(one.labels.get(key)), one.component)
            for one in self.snapshot.programs
            for key in (
                "app.kubernetes.io/name",
                "app",
                "k8s-app",
                "name",
                "component",
                "service",
                "app.kubernetes.io/instance",
            )
            if one.labels.get(key)
        )

    @cached_property
    def _nodes(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for node in self.snapshot.of("Node"):
            name = name_of(node)
            found[name] = name
            for row in rows(node, "status", "addresses"):
                found[str(row.get("address"))] = name
            if hostname := dig(node, "metadata", "labels", "kubernetes.io/hostname"):
                found[str(hostname)] = name
        for pod in self.snapshot.present_pods():
            name, address = str(dig(pod, "spec", "nodeName") or ""), str(dig(pod, "status", "hostIP") or "")
            if name:
                found.setdefault(name, name)
                found.setdefault(address, name)
                if dig(pod, "spec", "hostNetwork"):
                    found.setdefault(str(dig(pod, "status", "podIP") or ""), name)
        found.pop("", None)
        return found

    @cached_property
    def node_names(self) -> list[str]:
        return sorted(set(self._nodes.values()))

    def on_node(self, node: str) -> list[Component]:
        """The programs with a pod on a machine."""
        return list(dict.fromkeys(self.snapshot.maker_of(pod) for pod in self.snapshot.pods_on(node)))

    def is_on(self, series: Series, node: str) -> bool:
        """Whether a series' pod runs on a machine; one that nobody knows may."""
        pod = self.snapshot.get("Pod", series.labels.get("namespace"), series.labels.get("pod", ""))
        return pod is None or dig(pod, "spec", "nodeName") == node

    def program(self, who: Component) -> Program | None:
        return self.snapshot.program(who)

    def services_of(self, who: Component) -> list[Component]:
        return self._services_of.get(who, [])

    @cached_property
    def _services_of(self) -> dict[Component, list[Component]]:
        found: dict[Component, list[Component]] = defaultdict(list)
        for service in self.snapshot.of("Service"):
            for program in self.snapshot.programs_behind(service):
                found[program.component].append(component(service))
        return found

    @cached_property
    def called_by(self) -> dict[Component, set[Component]]:
        """Each program with those that it calls, by addresses and by traffic."""
        found: dict[Component, set[Component]] = defaultdict(set)
        for caller, service in self.graph.calls:
            found[caller].update(one for one in self.graph.backing_of(service) if one != caller)
        return found

    @cached_property
    def callers_of(self) -> dict[Component, set[Component]]:
        found: dict[Component, set[Component]] = defaultdict(set)
        for caller, called in self.called_by.items():
            for one in called:
                found[one].add(caller)
        return found


def _filed(rows_: Iterable[tuple[str, str, Component]]) -> dict[tuple[str, str], set[Component]]:
    found: dict[tuple[str, str], set[Component]] = defaultdict(set)
    for place, name, who in rows_:
        found[(place, name)].add(who)
        found[("", name)].add(who)
    return found


def _only(found: set[Component] | None) -> Component | None:
    return next(iter(found)) if found and len(found) == 1 else None


_SCENES: "WeakKeyDictionary[Graph, Scene]" = WeakKeyDictionary()


def scene_of(snapshot: Snapshot, graph: Graph) -> Scene:
    """Worked out once for all analyzers that look at one snapshot."""
    if graph not in _SCENES:
        _SCENES[graph] = Scene(snapshot, graph)
    return _SCENES[graph]


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
