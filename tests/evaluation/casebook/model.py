"""What a scene is made of: nodes, programs with their templates, revisions and pods, Services, and what a container is doing.

Templates are kept as the JSON that Kubernetes has, because that is what faults change; everything that a controller or the kubelet would
work out (statuses, conditions, endpoints, replica sets) is not kept but made from this in objects.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Object = dict[str, Any]


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def fine(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True)
class Component:
    kind: str
    name: str
    namespace: str | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Answer:
    """What is right. `needs` are the sources without which nobody could know: any of objects, events, logs, metrics, alerts, probes.

    `keeps` are kinds of objects that the case is not decided without. `also` are faults that name the same thing rightly.
    """

    fault: str
    component: Component
    needs: frozenset[str]
    keeps: frozenset[str] = frozenset()
    also: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()  # other components that name the thing to change as rightly

    def is_place(self, component: str) -> bool:
        return component == str(self.component) or component in self.places


@dataclass
class Node:
    name: str
    ip: str
    cidr: str
    cpu: int  # millicores
    memory: int  # bytes
    created: datetime
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    taints: list[Object] = field(default_factory=list)
    cordoned: bool = False
    is_control_plane: bool = False
    pods_limit: int = 110
    allocatable: dict[str, str] = field(default_factory=dict)
    conditions: dict[str, Object] = field(default_factory=dict)  # overrides by type
    heartbeat: datetime | None = None  # of its last status and lease; None: a moment ago
    used: int = 2  # addresses of its range that were given out

    @property
    def component(self) -> Component:
        return Component("Node", self.name)


@dataclass
class State:
    """What one container does. `now` and `before` are `state` and `lastState` as the API has them."""

    now: Object
    ready: bool = True
    restarts: int = 0
    before: Object = field(default_factory=dict)


@dataclass
class Revision:
    number: int
    hash: str
    template: Object
    created: datetime


@dataclass(eq=False)
class Pod:
    program: "Program"
    name: str
    revision: Revision | None
    template: Object
    created: datetime
    node: Node | None
    ip: str = ""
    uid: str = ""
    states: dict[str, State] = field(default_factory=dict)  # by container; absent: runs well since `started`
    started: datetime | None = None
    unschedulable: str = ""
    leaving_since: datetime | None = None
    phase: str = ""  # overrides what the states say
    reason: str = ""
    message: str = ""
    not_ready_since: datetime | None = None
    unready: str = ""  # reason of Ready=False while the containers say otherwise
    quiet: bool = False  # no ordinary events of its birth
    silent: bool = False  # its log cannot be had: it never ran
    mute_since: datetime | None = None  # it runs on but says nothing any more
    extra: Object = field(default_factory=dict)  # more fields of its spec

    @property
    def namespace(self) -> str:
        return self.program.namespace

    @property
    def is_ready(self) -> bool:
        if self.unschedulable or self.phase in ("Pending", "Failed", "Succeeded") or self.node is None or self.unready:
            return False
        return all(state.ready for state in self.states.values())

    @property
    def init_names(self) -> set[str]:
        return {one["name"] for one in self.template["spec"].get("initContainers", ())}


@dataclass
class Service:
    name: str
    namespace: str
    selector: dict[str, str]
    ports: list[Object]
    cluster_ip: str
    type: str = "ClusterIP"
    created: datetime | None = None
    extra: Object = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.ports[0]["port"])


@dataclass
class Call:
    """Who is called and where the caller keeps the address: `where` is env, envfrom or file; `holder` the ConfigMap."""

    callee: "Program"
    where: str
    key: str
    holder: str
    host: str
    port: int
    text: str  # as it is written there


@dataclass(eq=False)
class Program:
    namespace: str
    name: str
    kind: str
    role: str  # edge, service, worker, database, cache, queue, agent, job
    language: str  # of a database its engine
    template: Object
    selector: dict[str, str]
    replicas: int
    created: datetime
    listens: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    service: Service | None = None
    calls: list[Call] = field(default_factory=list)
    pods: list[Pod] = field(default_factory=list)
    revisions: list[Revision] = field(default_factory=list)  # the last is today's
    refused: str = ""  # why its ReplicaSet (or itself) cannot create pods
    refused_since: datetime | None = None
    spec: Object = field(default_factory=dict)  # more fields of the workload's spec
    status: Object = field(default_factory=dict)  # overrides of its status
    parent: str = ""  # of a Job: the CronJob that made it
    curves: dict[str, Any] = field(default_factory=dict)

    @property
    def component(self) -> Component:
        return Component(self.kind, self.name, self.namespace)

    @property
    def pod_spec(self) -> Object:
        found: Object = self.template["spec"]
        return found

    @property
    def container(self) -> Object:
        found: Object = self.template["spec"]["containers"][0]
        return found

    @property
    def main(self) -> str:
        return str(self.container["name"])

    @property
    def is_data(self) -> bool:
        return self.role in ("database", "cache", "queue")

    def call_of(self, callee: "Program") -> Call:
        return next(call for call in self.calls if call.callee is callee)

    def env(self, name: str) -> Object | None:
        return next((one for one in self.container.get("env", ()) if one["name"] == name), None)

    def set_env(self, name: str, value: str) -> None:
        known = self.env(name)
        if known is None:
            self.container.setdefault("env", []).append({"name": name, "value": value})
            return
        known.clear()
        known.update({"name": name, "value": value})


@dataclass
class Happening:
    """An Event before it has its form."""

    kind: str
    namespace: str
    name: str
    uid: str
    type: str
    reason: str
    message: str
    count: int
    first: datetime
    last: datetime
    by: str
    host: str = ""
    path: str = ""


@dataclass(frozen=True)
class Alert:
    name: str
    labels: dict[str, str]
    summary: str
    since: datetime
    description: str = ""


@dataclass
class Sources:
    """What of it all got into the bundle."""

    events: bool = True
    logs: bool = True
    metrics: Sequence[str] = ()  # dialects
    points: int = 0  # of each series only its last so many; 0: all of the window
    alerts: bool = False
    probes: bool = False
    without: set[str] = field(default_factory=set)  # kinds
    layout: str = "lists"  # lists, yaml, kinds, each, dump
    only_namespace: bool = False
    objects: bool = True
    only: frozenset[str] = frozenset()  # kinds; empty: all of them
