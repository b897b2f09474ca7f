"""Everything a diagnosis may look at, at one moment: objects indexed and linked, with logs, metrics and gaps beside them.

A Snapshot is plain data: a live cluster, a simulated one or a folder of files give the same type, and an engine cannot tell which it
was. Objects are kept as the JSON they came as, partial and unknown ones included; `dig` reads them without ever assuming that a field
is there. What was read is recorded next to what was found, because an empty answer from a system that answered is a fact, and silence
from one that did not is a gap.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from tools.engines.attempts import failed_attempts
from tools.engines.diagnosis import Component, Gap, Window
from tools.engines.labels import ByLabels, BySelector
from tools.engines.logs.digest import EMPTY, LogDigest
from tools.engines.objects import (
    Object,
    dig,
    is_leaving,
    kind_of,
    mapping,
    name_of,
    namespace_of,
    rows,
    template_labels,
    when,
    whole,
)
from tools.engines.program import Program, maker, programs

Signal = str
"""What a series measures, whatever its source calls it: cpu_usage, memory, latency, requests, errors, calls, ..."""
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet")
CURRENT = 150.0
_POD_MAKERS = ("Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one thing over the window; `query` is what anyone can ask again."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]
    query: str = ""

    @property
    def last(self) -> float:
        return self.points[-1][1]

    @property
    def peak(self) -> tuple[float, float]:
        return max(self.points, key=lambda point: point[1])

    @property
    def ended(self) -> datetime:
        return datetime.fromtimestamp(self.points[-1][0], UTC)


@dataclass(frozen=True, slots=True)
class LogKey:
    namespace: str
    pod: str
    container: str
    previous: bool = False

    def __str__(self) -> str:
        return f"log {self.namespace}/{self.pod}/{self.container}" + (" (previous)" if self.previous else "")


@dataclass(frozen=True, slots=True)
class Event:
    at: datetime | None
    kind: str
    namespace: str
    name: str
    type: str
    reason: str
    message: str
    count: int

    @property
    def ref(self) -> str:
        return f"Event {self.namespace}/{self.kind}/{self.name} {self.reason}"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as Alertmanager's API gives it. It says where somebody's rule looked, which need not be where the trouble is."""

    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: str = "active"
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def text(self) -> str:
        """Everything a person would read in it."""
        return " ".join([self.name, *(str(value) for value in self.annotations.values())])

    @property
    def ref(self) -> str:
        where = ", ".join(f"{key}={value}" for key, value in sorted(self.labels.items()) if key != "alertname")
        return f"alert {self.name}" + (f" {{{where}}}" if where else "")


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of an active check that somebody made: a connection, a lookup, a request, a service of a node."""

    kind: str
    """tcp, dns, http or node_service."""
    target: str
    """namespace/service:port, or a node's name."""
    ok: bool
    origin: str = ""
    """From where it was made, where that was told."""
    service: str = ""
    """Of a node_service: kubelet, containerd, kube-proxy, ..."""
    detail: str = ""
    at: datetime | None = None

    @property
    def ref(self) -> str:
        what = f" {self.service}" if self.service else ""
        return f"probe {self.kind}{what} {self.target}" + (f" from {self.origin}" if self.origin else "")


@dataclass(frozen=True)
class Snapshot:
    objects: Sequence[Object]
    taken_at: datetime
    window: Window
    namespace: str | None = None
    context: str = ""
    logs: Mapping[LogKey, LogDigest] = field(default_factory=dict)
    metrics: Mapping[Signal, Sequence[Series]] = field(default_factory=dict)
    gaps: Sequence[Gap] = ()
    alerts: Sequence[Alert] = ()
    probes: Sequence[Probe] = ()
    kinds_read: frozenset[str] = frozenset()
    """Kinds that were listed in full, even where the list was empty. A kind not named here is known only by what was found."""

    @cached_property
    def _by_kind(self) -> dict[str, list[Object]]:
        index: dict[str, list[Object]] = defaultdict(list)
        for obj in self.objects:
            if isinstance(obj, dict) and _is_somebody(obj):
                index[kind_of(obj)].append(obj)
        return index

    @cached_property
    def nameless(self) -> Counter[str]:
        """By kind how many objects came without a name: nobody can say what they are, so nothing is made of them."""
        return Counter(kind_of(obj) for obj in self.objects if isinstance(obj, dict) and not _is_somebody(obj))

    @cached_property
    def _by_place(self) -> dict[tuple[str, str], list[Object]]:
        index: dict[tuple[str, str], list[Object]] = defaultdict(list)
        for kind, objects in self._by_kind.items():
            for obj in objects:
                index[(kind, namespace_of(obj))].append(obj)
        return index

    @cached_property
    def _present_pods(self) -> ByLabels[Object]:
        return ByLabels((namespace_of(pod), mapping(pod, "metadata", "labels"), pod) for pod in self.present_pods())

    @cached_property
    def _selectors(self) -> BySelector[Object]:
        return BySelector((namespace_of(one), mapping(one, "spec", "selector"), one) for one in self.of("Service"))

    @cached_property
    def led_to(self) -> frozenset[tuple[str, str]]:
        """Namespace and name of every Service that an Ingress leads to."""
        return frozenset(
            (namespace_of(ingress), name)
            for ingress in self.of("Ingress")
            for route in _routes(ingress)
            if isinstance(name := dig(route, "service", "name") or dig(route, "serviceName"), str)
        )

    @cached_property
    def _slices(self) -> dict[tuple[str, str], list[Object]]:
        index: dict[tuple[str, str], list[Object]] = defaultdict(list)
        for piece in self.of("EndpointSlice"):
            service = str(dig(piece, "metadata", "labels", "kubernetes.io/service-name") or "")
            index[(namespace_of(piece), service)].append(piece)
        return index

    @cached_property
    def _series(self) -> dict[tuple[Signal, str, str], list[Series]]:
        index: dict[tuple[Signal, str, str], list[Series]] = defaultdict(list)
        for signal, found in self.metrics.items():
            for series in found:
                for key, value in series.labels.items() if series.points else ():
                    index[(signal, key, value)].append(series)
        return index

    @cached_property
    def _by_name(self) -> dict[tuple[str, str, str], Object]:
        return {
            (kind, namespace_of(obj), name_of(obj)): obj for kind, objects in self._by_kind.items() for obj in objects
        }

    @cached_property
    def _owned(self) -> dict[tuple[str, str, str], list[Object]]:
        index: dict[tuple[str, str, str], list[Object]] = defaultdict(list)
        for obj in (one for objects in self._by_kind.values() for one in objects):
            for owner in rows(obj, "metadata", "ownerReferences"):
                index[(str(owner.get("kind")), namespace_of(obj), str(owner.get("name")))].append(obj)
        return index

    @cached_property
    def events(self) -> list[Event]:
        return sorted((_event(obj) for obj in self.of("Event")), key=lambda event: event.at or self.window.start)

    @cached_property
    def _events_of(self) -> dict[tuple[str, str, str], list[Event]]:
        index: dict[tuple[str, str, str], list[Event]] = defaultdict(list)
        for event in self.events:
            index[(event.kind, event.namespace, event.name)].append(event)
        return index

    @cached_property
    def _events_by_maker(self) -> dict[tuple[str, str], list[Event]]:
        index: dict[tuple[str, str], list[Event]] = defaultdict(list)
        for event in self.events:
            if event.kind == "Pod":
                index[(event.namespace, event.name.rpartition("-")[0])].append(event)
        return index

    @cached_property
    def events_of_unread(self) -> dict[Component, list[Event]]:
        """Events about pods of namespaces whose pods were not read, by the workload that a pod's name tells."""
        index: dict[Component, list[Event]] = defaultdict(list)
        for event in self.events if not self.reads("Pod") else ():
            if event.kind == "Pod" and event.name and not self.of("Pod", event.namespace):
                index[self.maker_of(unseen_pod(event.namespace, event.name))].append(event)
        return index

    def of(self, kind: str, namespace: str | None = None) -> list[Object]:
        return self._by_kind.get(kind, []) if namespace is None else self._by_place.get((kind, namespace), [])

    def get(self, kind: str, namespace: str | None, name: str) -> Object | None:
        return self._by_name.get((kind, namespace or "", name))

    def maker_of(self, pod: Object) -> Component:
        """The workload that made a pod, as far up as its owners are known; the pod itself where it has none."""
        return maker(pod, self.get)

    @cached_property
    def programs(self) -> list[Program]:
        """Everything that runs, or should: each workload with its template and its pods, in whatever kind it came."""
        objects = (obj for obj in self.objects if isinstance(obj, dict) and _is_somebody(obj))
        return list(programs(objects, self.judged_pods, self.get))

    @cached_property
    def has_workloads(self) -> bool:
        """Whether anything runs that is more than a pod of its own."""
        return any(program.component.kind != "Pod" for program in self.programs)

    @cached_property
    def _programs_by_component(self) -> dict[Component, Program]:
        return {program.component: program for program in self.programs}

    def program(self, component: Component) -> Program | None:
        return self._programs_by_component.get(component)

    @cached_property
    def _programs_by_labels(self) -> ByLabels[Program]:
        return ByLabels((one.namespace, one.labels, one) for one in self.programs)

    def programs_behind(self, service: Object) -> list[Program]:
        """The programs whose pods a Service's selector means, there or not."""
        return self._programs_by_labels.picked(namespace_of(service), mapping(service, "spec", "selector"))

    @cached_property
    def _pods_by_node(self) -> dict[str, list[Object]]:
        index: dict[str, list[Object]] = defaultdict(list)
        for pod in self.present_pods():
            index[str(dig(pod, "spec", "nodeName") or "")].append(pod)
        return index

    def pods_on(self, node: str) -> list[Object]:
        """The pods placed on a node; with an empty name those that no node was found for."""
        return self._pods_by_node.get(node, [])

    def workloads(self, namespace: str | None = None) -> Iterator[Object]:
        for kind in _POD_MAKERS:
            yield from self.of(kind, namespace)

    def owned_by(self, obj: Object, kind: str) -> list[Object]:
        key = (kind_of(obj), namespace_of(obj), name_of(obj))
        return [owned for owned in self._owned.get(key, []) if kind_of(owned) == kind]

    def present_pods(self) -> list[Object]:
        """Pods that are meant to be here: what is being deleted or has ended accuses nobody."""
        return [pod for pod in self.of("Pod") if not is_leaving(pod)]

    @cached_property
    def judged_pods(self) -> list[Object]:
        """Those that are meant to be here, and those in which a Job failed."""
        return [*self.present_pods(), *failed_attempts(self)]

    def pods_of(self, workload: Object) -> list[Object]:
        """The pods a workload made and that are still here; those on their way out do not count."""
        direct = self.owned_by(workload, "Pod")
        through = [
            pod for replica_set in self.owned_by(workload, "ReplicaSet") for pod in self.owned_by(replica_set, "Pod")
        ]
        return [pod for pod in direct + through if not is_leaving(pod)]

    def counts_pods(self, namespace: str) -> bool:
        """Whether a pod that is not among those of a namespace is not there: pods were read in full, and this namespace's too."""
        return self.reads("Pod") and bool(self.of("Pod", namespace))

    def selected_by(self, service: Object) -> list[Object]:
        return self._present_pods.picked(namespace_of(service), mapping(service, "spec", "selector"))

    def services_of(self, workload: Object) -> list[Object]:
        return self._selectors.picking(namespace_of(workload), template_labels(workload))

    def services_picking(self, pod: Object) -> list[Object]:
        return self._selectors.picking(namespace_of(pod), mapping(pod, "metadata", "labels"))

    def ready_addresses(self, service: Object) -> int | None:
        """How many addresses stand behind a Service; None when neither kind that says so was read."""
        namespace, name = namespace_of(service), name_of(service)
        slices = self._slices.get((namespace, name))
        if slices:
            return sum(_ready_in(piece) for piece in slices)
        endpoints = self.get("Endpoints", namespace, name)
        if endpoints is not None:
            return sum(len(rows(subset, "addresses")) for subset in rows(endpoints, "subsets"))
        return 0 if self.of("EndpointSlice") or self.of("Endpoints") else None

    def events_of(self, obj: Object) -> list[Event]:
        return self._events_of.get((kind_of(obj), namespace_of(obj), name_of(obj)), [])

    def events_of_pods_made_by(self, namespace: str, replica_set: str) -> list[Event]:
        """By the name that a ReplicaSet gives its pods, so those of pods that are gone too."""
        return self._events_by_maker.get((namespace, replica_set), [])

    def series(self, signal: Signal, **labels: str) -> list[Series]:
        if not labels:
            return [series for series in self.metrics.get(signal, ()) if series.points]
        found = min((self._series.get((signal, *label), []) for label in labels.items()), key=len)
        return [one for one in found if all(one.labels.get(key) == value for key, value in labels.items())]

    def is_current(self, series: Series) -> bool:
        """Whether the last sample speaks of now; a pod that is gone leaves its series behind."""
        return self.window.end.timestamp() - series.points[-1][0] <= CURRENT

    def log(self, pod: Object, container: str, *, previous: bool) -> LogDigest:
        return self.logs.get(LogKey(namespace_of(pod), name_of(pod), container, previous), EMPTY)

    def logs_of(self, program: Program) -> list[tuple[LogKey, LogDigest]]:
        """The logs of its pods, those that were read, of pods that are gone too where their name tells whose they were."""
        return self._logs_by_maker.get(program.component, [])

    @property
    def speakers(self) -> list[Program]:
        """The programs whose logs were read."""
        return [*(one for one in self.programs if one.component in self._logs_by_maker), *self.unseen]

    @cached_property
    def unseen(self) -> list[Program]:
        """Programs that only a log's name tells of, where no pod was listed."""
        if self.of("Pod"):
            return []
        unseen = self._logs_by_maker.keys() - {program.component for program in self.programs}
        return [Program(one, None, {}, ()) for one in sorted(unseen, key=str)]

    @cached_property
    def _logs_by_maker(self) -> dict[Component, list[tuple[LogKey, LogDigest]]]:
        index: dict[Component, list[tuple[LogKey, LogDigest]]] = defaultdict(list)
        for key, log in self.logs.items():
            index[self.speaker_of(key)].append((key, log))
        return index

    def speaker_of(self, key: LogKey) -> Component:
        """The workload whose log it is."""
        return self.maker_of(self.get("Pod", key.namespace, key.pod) or unseen_pod(key.namespace, key.pod))

    def reads(self, kind: str) -> bool:
        """Whether the absence of an object of this kind is a fact, and not only something that was not read."""
        return kind in self.kinds_read and kind not in self.nameless


def _is_somebody(obj: Object) -> bool:
    return (
        bool(name_of(obj)) or kind_of(obj) == "Event"
    )  # an event is about another, and its own name is nothing to anybody


def unseen_pod(namespace: str, name: str) -> Object:
    """A pod of which only the name is known, from a log or an event that is older than what was listed."""
    return {"kind": "Pod", "metadata": {"namespace": namespace, "name": name}}


def _ready_in(piece: Object) -> int:
    # An absent `ready` means ready: the API documents unknown as true.
    return sum(
        len(held)
        for row in rows(piece, "endpoints")
        if dig(row, "conditions", "ready") is not False and isinstance(held := row.get("addresses"), list)
    )


def _event(obj: Object) -> Event:
    about = mapping(obj, "involvedObject") or mapping(obj, "regarding")
    times: Iterable[Any] = (
        obj.get("lastTimestamp"),
        dig(obj, "series", "lastObservedTime"),
        # What core components report has its times only here, once it is read as events.k8s.io/v1.
        obj.get("deprecatedLastTimestamp"),
        obj.get("eventTime"),
        obj.get("firstTimestamp"),
        obj.get("deprecatedFirstTimestamp"),
        dig(obj, "metadata", "creationTimestamp"),
    )
    return Event(
        at=next((at for at in map(when, times) if at), None),
        kind=str(about.get("kind") or ""),
        namespace=str(about.get("namespace") or namespace_of(obj)),
        name=str(about.get("name") or ""),
        type=str(obj.get("type") or "Normal"),
        reason=str(obj.get("reason") or ""),
        message=str(obj.get("message") or obj.get("note") or ""),
        count=whole(obj.get("count")) or whole(dig(obj, "series", "count")) or whole(obj.get("deprecatedCount")) or 1,
    )


def _routes(ingress: Object) -> list[Any]:
    paths = [path for rule in rows(ingress, "spec", "rules") for path in rows(rule, "http", "paths")]
    return [dig(ingress, "spec", "defaultBackend"), *(dig(path, "backend") for path in paths)]
