"""Everything a diagnosis may look at, at one moment: objects indexed and linked, with logs, metrics and gaps beside them.

A Snapshot is plain data: a live cluster, a simulated one or a folder of files give the same type, and an engine cannot tell which it
was. Objects are kept as the JSON they came as, partial and unknown ones included; `dig` reads them without ever assuming that a field
is there. What was read is recorded next to what was found, because an empty answer from a system that answered is a fact, and silence
from one that did not is a gap.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

from tools.engines.diagnosis import Component, Gap, Window
from tools.engines.labels import ByLabels, BySelector

Object = dict[str, Any]
Signal = Literal[
    "cpu_usage",
    "cpu_throttled",
    "memory",
    "requests",
    "errors",
    "latency",
    "calls",
    "failed_calls",
    "replicas",
    "reserved",
]
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet")
CURRENT = 150.0
_POD_MAKERS = ("Deployment", "StatefulSet", "DaemonSet")


def dig(value: Any, *path: str | int) -> Any:
    """Follow a path through JSON; None where it ends early or a type is not as expected."""
    for part in path:
        if isinstance(part, str) and isinstance(value, dict):
            value = value.get(part)
        elif isinstance(part, int) and isinstance(value, list) and -len(value) <= part < len(value):
            value = value[part]
        else:
            return None
    return value


def mapping(value: Any, *path: str | int) -> dict[str, Any]:
    found = dig(value, *path)
    return found if isinstance(found, dict) else {}


def rows(value: Any, *path: str | int) -> list[dict[str, Any]]:
    found = dig(value, *path)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def when(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def kind_of(obj: Object) -> str:
    return str(obj.get("kind") or "")


def name_of(obj: Object) -> str:
    return str(dig(obj, "metadata", "name") or "")


def namespace_of(obj: Object) -> str:
    return str(dig(obj, "metadata", "namespace") or "")


def component(obj: Object) -> Component:
    return Component(kind=kind_of(obj), namespace=namespace_of(obj) or None, name=name_of(obj))


def template_labels(workload: Object) -> dict[str, Any]:
    return mapping(workload, "spec", "template", "metadata", "labels")


def containers(spec_holder: Object) -> list[dict[str, Any]]:
    """The containers of a pod or of a workload's template, those that run before it starts last."""
    spec = mapping(spec_holder, "spec", "template", "spec") or mapping(spec_holder, "spec")
    return rows(spec, "containers") + rows(spec, "initContainers")


def statuses(pod: Object) -> list[dict[str, Any]]:
    return rows(pod, "status", "containerStatuses") + rows(pod, "status", "initContainerStatuses")


def is_ready(pod: Object) -> bool:
    return any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in rows(pod, "status", "conditions")
    )


def is_leaving(pod: Object) -> bool:
    return dig(pod, "metadata", "deletionTimestamp") is not None or dig(pod, "status", "phase") in {
        "Succeeded",
        "Failed",
    }


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


@dataclass(frozen=True)
class Snapshot:
    objects: Sequence[Object]
    taken_at: datetime
    window: Window
    namespace: str | None = None
    context: str = ""
    logs: Mapping[LogKey, str] = field(default_factory=dict)
    metrics: Mapping[Signal, Sequence[Series]] = field(default_factory=dict)
    gaps: Sequence[Gap] = ()

    @cached_property
    def _by_kind(self) -> dict[str, list[Object]]:
        index: dict[str, list[Object]] = defaultdict(list)
        for obj in self.objects:
            if isinstance(obj, dict):
                index[kind_of(obj)].append(obj)
        return index

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
    def _templates(self) -> ByLabels[Object]:
        return ByLabels((namespace_of(one), template_labels(one), one) for one in self.workloads())

    @cached_property
    def _selectors(self) -> BySelector[Object]:
        return BySelector((namespace_of(one), mapping(one, "spec", "selector"), one) for one in self.of("Service"))

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
        for obj in self.objects:
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

    def of(self, kind: str, namespace: str | None = None) -> list[Object]:
        return self._by_kind.get(kind, []) if namespace is None else self._by_place.get((kind, namespace), [])

    def get(self, kind: str, namespace: str | None, name: str) -> Object | None:
        return self._by_name.get((kind, namespace or "", name))

    def workloads(self, namespace: str | None = None) -> Iterator[Object]:
        for kind in _POD_MAKERS:
            yield from self.of(kind, namespace)

    def owned_by(self, obj: Object, kind: str) -> list[Object]:
        key = (kind_of(obj), namespace_of(obj), name_of(obj))
        return [owned for owned in self._owned.get(key, []) if kind_of(owned) == kind]

    def present_pods(self) -> list[Object]:
        """Pods that are meant to be here: what is being deleted or has ended accuses nobody."""
        return [pod for pod in self.of("Pod") if not is_leaving(pod)]

    def pods_of(self, workload: Object) -> list[Object]:
        """The pods a workload made and that are still here; those on their way out do not count."""
        direct = self.owned_by(workload, "Pod")
        through = [
            pod for replica_set in self.owned_by(workload, "ReplicaSet") for pod in self.owned_by(replica_set, "Pod")
        ]
        return [pod for pod in direct + through if not is_leaving(pod)]

    def selected_by(self, service: Object) -> list[Object]:
        return self._present_pods.picked(namespace_of(service), mapping(service, "spec", "selector"))

    def backed_by(self, service: Object) -> list[Object]:
        """The workloads whose pods a Service's selector means, there or not."""
        return self._templates.picked(namespace_of(service), mapping(service, "spec", "selector"))

    def services_of(self, workload: Object) -> list[Object]:
        return self._selectors.picking(namespace_of(workload), template_labels(workload))

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

    def series(self, signal: Signal, **labels: str) -> list[Series]:
        if not labels:
            return [series for series in self.metrics.get(signal, ()) if series.points]
        found = min((self._series.get((signal, *label), []) for label in labels.items()), key=len)
        return [one for one in found if all(one.labels.get(key) == value for key, value in labels.items())]

    def is_current(self, series: Series) -> bool:
        """Whether the last sample speaks of now; a pod that is gone leaves its series behind."""
        return self.window.end.timestamp() - series.points[-1][0] <= CURRENT

    def log(self, pod: Object, container: str, *, previous: bool) -> str:
        return self.logs.get(LogKey(namespace_of(pod), name_of(pod), container, previous), "")


def _ready_in(piece: Object) -> int:
    # An absent `ready` means ready: the API documents unknown as true.
    return sum(
        len(row.get("addresses") or ())
        for row in rows(piece, "endpoints")
        if dig(row, "conditions", "ready") is not False
    )


def _event(obj: Object) -> Event:
    about = mapping(obj, "involvedObject") or mapping(obj, "regarding")
    times: Iterable[Any] = (
        obj.get("lastTimestamp"),
        dig(obj, "series", "lastObservedTime"),
        obj.get("eventTime"),
        obj.get("firstTimestamp"),
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
        count=int(obj["count"]) if isinstance(obj.get("count"), int) else 1,
    )
