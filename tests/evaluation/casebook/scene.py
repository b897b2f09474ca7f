"""One customer's cluster at the moment it was looked at, and the verbs with which a fault is told.

A way edits programs and nodes (`roll_out`, `recreate`, `afflict`), says what containers do (`waiting`, `crashing`, `unready`), what was
seen (`event`, `say`, `alert`, `probe`, `bend`) and who suffers (`starve`). Objects are made afterwards; `scene.add` puts in any other one
and `scene.after` changes what was made. All times hang on `taken_at` and `onset`; all dice are `scene.dice`.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.evaluation.casebook import voices
from tests.evaluation.casebook.model import (
    Alert,
    Call,
    Component,
    Happening,
    Node,
    Object,
    Pod,
    Program,
    Revision,
    Service,
    Sources,
    State,
    stamp,
)

LETTERS = "bcdfghjklmnpqrstvwxz2456789"
Edit = Callable[[Program], object]


@dataclass
class Style:
    """The habits of one customer, drawn once."""

    flavour: str  # kubeadm, managed, k3s, kind
    minor: int  # of the version 1.x
    labels: str  # name, app, k8s-app, run, component
    addresses: str  # env-host, env-url, envfrom, file
    event_api: str  # v1, events.k8s.io
    managed_fields: bool
    zone: int  # hours that its logs are ahead of UTC
    registry: str
    team: str
    domain: str
    cni: str
    service_cidr: str
    pod_cidr: str
    secret_form: str  # hash, base64
    config_file: str = "application.yml"
    cluster: str = ""
    helm: bool = False
    old_endpoints: bool = True


@dataclass
class Curve:
    """A metric over the window: `base` until `since`, then towards `after` at once (step), steadily (ramp) or in spikes (spike)."""

    base: float
    after: float | None = None
    since: datetime | None = None
    shape: str = "step"
    noise: float = 0.06


class Unfit(LookupError):
    """The cluster that was drawn has nothing of the kind that a way needs."""


@dataclass
class Scene:
    dice: Random
    taken_at: datetime
    onset: datetime
    style: Style
    nodes: list[Node] = field(default_factory=list)
    namespaces: list[str] = field(default_factory=list)  # of the application, the first is the main one
    programs: list[Program] = field(default_factory=list)  # of the application
    agents: list[Program] = field(default_factory=list)  # kube-system and the like
    extra: list[Object] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    said: dict[tuple[Pod, str, bool], list[tuple[datetime, list[str]]]] = field(default_factory=dict)
    curves: dict[tuple[str, str], Curve] = field(default_factory=dict)  # by (name of pod, program or node, role)
    alerts: list[Alert] = field(default_factory=list)
    probes: list[Object] = field(default_factory=list)
    hooks: list[Callable[[list[Object]], None]] = field(default_factory=list)
    sources: Sources = field(default_factory=Sources)
    picked: list[Program] = field(default_factory=list)  # by ways, so far
    series: list[tuple[str, list[Object]]] = field(default_factory=list)  # (file, rows of a matrix) put in as they are

    # --- choosing -------------------------------------------------------------------------------------------------------------

    @property
    def namespace(self) -> str:
        return self.namespaces[0]

    def pick(self, *roles: str, language: str = "", where: Callable[[Program], bool] | None = None) -> Program:
        """A program of the application with one of these roles (service, worker or edge if none is named)."""
        wanted = roles or ("service", "worker", "edge")
        found = [one for one in self.programs if one.role in wanted and (not language or one.language == language)]
        found = [one for one in found if where is None or where(one)]
        # Two faults at once are of two programs, where there are two.
        found = [one for one in found if one not in self.picked] or found
        if not found:
            raise Unfit(f"no {wanted} {language} here")
        self.picked.append(self.dice.choice(found))
        return self.picked[-1]

    def called(self, *roles: str) -> Program:
        """A program that somebody calls, so that others suffer with it."""
        wanted = roles or ("service",)
        return self.pick(*wanted, where=lambda one: bool(self.callers(one)))

    def callers(self, program: Program) -> list[Program]:
        return [one for one in self.programs if any(call.callee is program for call in one.calls)]

    def agent(self, name: str) -> Program:
        return next(one for one in self.agents if one.name == name)

    def has_agent(self, name: str) -> bool:
        return any(one.name == name for one in self.agents)

    @property
    def workers(self) -> list[Node]:
        """The nodes that ordinary pods may use."""
        found = [one for one in self.nodes if not one.taints and not one.cordoned]
        return found or self.nodes

    @property
    def control_plane(self) -> Node:
        return next(one for one in self.nodes if one.is_control_plane)

    def everyone(self) -> Iterable[Program]:
        yield from self.programs
        yield from self.agents

    def pods_on(self, node: Node) -> list[Pod]:
        return [pod for program in self.everyone() for pod in program.pods if pod.node is node]

    def find(self, kind: str, name: str, namespace: str | None = None) -> Object:
        """One of the objects that were put in, such as a ConfigMap or a Secret."""
        return next(
            one
            for one in self.extra
            if one["kind"] == kind
            and one["metadata"]["name"] == name
            and (namespace is None or one["metadata"].get("namespace") == namespace)
        )

    # --- time and names -------------------------------------------------------------------------------------------------------

    def ago(self, **how_long: float) -> datetime:
        return self.taken_at - timedelta(**how_long)

    def later(self, at: datetime, least: float, most: float) -> datetime:
        """Some seconds after a moment, never after the look."""
        return min(at + timedelta(seconds=self.dice.uniform(least, most)), self.ago(seconds=1))

    def uid(self) -> str:
        digits = f"{self.dice.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def letters(self, count: int) -> str:
        return "".join(self.dice.choices(LETTERS, k=count))

    def address(self, node: Node) -> str:
        node.used += 1
        return f"{node.cidr.rsplit('.', 1)[0]}.{node.used}"

    # --- what is put in -------------------------------------------------------------------------------------------------------

    def add(
        self, kind: str, name: str, namespace: str | None = None, *, created: datetime | None = None, **rest: Any
    ) -> Object:
        """Any object of a kind; `api`, `labels` and `annotations` are of its head, everything else as it is."""
        meta: Object = {"name": name, "uid": self.uid(), "resourceVersion": str(self.dice.randrange(10**5, 10**8))}
        if namespace:
            meta["namespace"] = namespace
        meta["creationTimestamp"] = stamp(created or self.ago(days=self.dice.uniform(20, 300)))
        for field_name in ("labels", "annotations"):
            if rest.get(field_name):
                meta[field_name] = rest[field_name]
        body = {key: value for key, value in rest.items() if key not in ("labels", "annotations", "api")}
        made = {"apiVersion": rest.get("api", "v1"), "kind": kind, "metadata": meta, **body}
        self.extra.append(made)
        return made

    def drop(self, kind: str, name: str, namespace: str | None = None) -> None:
        self.extra.remove(self.find(kind, name, namespace))

    def after(self, hook: Callable[[list[Object]], None]) -> None:
        self.hooks.append(hook)

    def event(
        self,
        about: Pod | Program | Node | tuple[str, str, str],
        reason: str,
        message: str,
        *,
        count: int = 1,
        first: datetime | None = None,
        last: datetime | None = None,
        type: str = "Warning",  # noqa: A002
        by: str = "kubelet",
        container: str = "",
    ) -> None:
        """`about` a tuple is (kind, namespace, name). Without times it lasts from the onset until a moment ago."""
        kind, namespace, name, uid = self._about(about)
        begun = first or self.later(self.onset, 1, 20)
        ended = last or (begun if count == 1 else self.ago(seconds=self.dice.uniform(2, 100)))
        ended = max(begun, ended)
        host = about.node.name if isinstance(about, Pod) and about.node and by == "kubelet" else ""
        host = about.name if isinstance(about, Node) and by == "kubelet" else host
        path = f"spec.containers{{{container}}}" if container else ""
        self.happenings.append(
            Happening(kind, namespace, name, uid, type, reason, message, count, begun, ended, by, host, path)
        )

    def _about(self, about: Pod | Program | Node | tuple[str, str, str]) -> tuple[str, str, str, str]:
        if isinstance(about, Pod):
            return "Pod", about.namespace, about.name, about.uid
        if isinstance(about, Program):
            return about.kind, about.namespace, about.name, self.uid()
        if isinstance(about, Node):
            return "Node", "", about.name, about.name
        return (*about, self.uid())

    def replica_set(self, program: Program) -> tuple[str, str, str]:
        """Its newest ReplicaSet, to hang an event on; the workload itself where it makes its pods directly."""
        if program.kind != "Deployment":
            return program.kind, program.namespace, program.name
        return "ReplicaSet", program.namespace, f"{program.name}-{program.revisions[-1].hash}"

    def alert(
        self, name: str, summary: str, *, since: datetime | None = None, description: str = "", **labels: str
    ) -> None:
        self.alerts.append(Alert(name, labels, summary, since or self.later(self.onset, 60, 420), description))

    def probe(
        self, kind: str, target: str, ok: bool, detail: str = "", *, origin: str | None = None, service: str = ""
    ) -> None:
        made: Object = {"kind": kind, "from": origin, "target": target, "ok": ok, "detail": detail}
        made["at"] = stamp(self.ago(seconds=self.dice.uniform(5, 200)))
        if service:
            made["service"] = service
        self.probes.append(made)

    # --- logs -----------------------------------------------------------------------------------------------------------------

    def say(
        self,
        pod: Pod,
        level: str,
        text: str | Sequence[str],
        *,
        at: datetime | None = None,
        container: str = "",
        previous: bool = False,
        raw: bool = False,
    ) -> None:
        """A line of a container's log in its language's form; of several the first gets the head, the rest follow it (a stack)."""
        lines = [text] if isinstance(text, str) else list(text)
        moment = at or self.later(self.onset, 2, 600)
        if not raw:
            lines = voices.line(pod.program, moment, level, lines, self.dice, self.style.zone)
        self.said.setdefault((pod, container or pod.program.main, previous), []).append((moment, lines))

    def keeps_saying(
        self,
        pod: Pod,
        level: str,
        text: str | Sequence[str],
        *,
        times: int = 6,
        since: datetime | None = None,
        container: str = "",
        previous: bool = False,
    ) -> None:
        begun = since or self.onset
        step = (self.taken_at - begun).total_seconds() / (times + 1)
        for number in range(times):
            at = begun + timedelta(seconds=step * (number + self.dice.uniform(0.1, 0.9)))
            self.say(pod, level, text, at=at, container=container, previous=previous)

    def starve(self, program: Program, how: str = "refused", *, depth: int = 2, times: int = 6) -> None:
        """Those who call it complain, and those who call them less. `how`: refused, timed_out, no_such_host, unavailable, slow."""
        for caller in self.callers(program):
            call = caller.call_of(program)
            for pod in (one for one in caller.pods if one.is_ready or one.node):
                for _ in range(times):
                    level, lines = voices.complaint(caller, call, how, self.dice)
                    at = self.onset + (self.taken_at - self.onset) * self.dice.uniform(0.03, 0.99)
                    self.say(pod, level, lines, at=at)
            self._fails(caller, 0.35 if depth > 1 else 0.12)
            if depth > 1:
                self.starve(
                    caller,
                    "slow" if how in ("timed_out", "slow") else "failed",
                    depth=depth - 1,
                    times=max(2, times // 2),
                )

    def _fails(self, program: Program, share: float) -> None:
        self.bend(program, "errors", to=share)

    # --- metrics --------------------------------------------------------------------------------------------------------------

    def curve(self, thing: Pod | Program | Node, role: str) -> Curve:
        """Of pods: cpu, memory, throttled, rx, tx, threads, fds, rtt, retransmits, fs_writes; of programs: requests, errors (a share),
        latency, hits; of nodes: cpu, memory_available, disk_available, load, retransmits, rtt, pids, clock_offset, disk_busy, up."""
        from tests.evaluation.casebook.telemetry import usual

        key = (thing.name, role)
        if key not in self.curves:
            self.curves[key] = usual(self, thing, role)
        return self.curves[key]

    def bend(
        self,
        thing: Pod | Program | Node,
        role: str,
        *,
        times: float | None = None,
        to: float | None = None,
        shape: str = "step",
        since: datetime | None = None,
    ) -> None:
        found = self.curve(thing, role)
        found.after = to if to is not None else found.base * (times if times is not None else 1.0)
        found.shape = shape
        found.since = since or self.onset

    # --- changes --------------------------------------------------------------------------------------------------------------

    def new_pod(self, program: Program, created: datetime, node: Node | None = None) -> Pod:
        revision = program.revisions[-1] if program.revisions else None
        made = Pod(program, self._pod_name(program), revision, program.template, created, node, uid=self.uid())
        made.node = node or self.dice.choice(self.workers)
        if program.kind == "DaemonSet" and node is None:
            raise ValueError("say which node")
        made.ip = made.node.ip if program.pod_spec.get("hostNetwork") else self.address(made.node)
        made.started = created + timedelta(seconds=self.dice.uniform(2, 15))
        program.pods.append(made)
        return made

    def _pod_name(self, program: Program) -> str:
        if program.kind == "StatefulSet":
            taken = {pod.name for pod in program.pods}
            return next(name for name in (f"{program.name}-{n}" for n in range(99)) if name not in taken)
        if program.kind == "Deployment":
            return f"{program.name}-{program.revisions[-1].hash}-{self.letters(5)}"
        return f"{program.name}-{self.letters(5)}"

    def revise(self, program: Program, edit: Edit, at: datetime) -> Revision:
        """A new revision of its template, edited; old pods keep the old one."""
        program.template = copy.deepcopy(program.template)
        edit(program)
        number = program.revisions[-1].number + 1 if program.revisions else 1
        made = Revision(number, self.letters(9 if self.dice.random() < 0.5 else 10), program.template, at)
        program.revisions.append(made)
        return made

    def roll_out(self, program: Program, edit: Edit, *, at: datetime | None = None) -> list[Pod]:
        """A rolling update that comes to a stop at its first new pods: the old ones go on. StatefulSets lose their last pod."""
        begun = at or self.onset
        self.revise(program, edit, begun)
        if program.kind != "Deployment":
            victims = program.pods[-1:]
            for one in victims:
                program.pods.remove(one)
            return [self.new_pod(program, self.later(begun, 1, 5), one.node) for one in victims]
        unavailable = program.replicas // 4
        for one in program.pods[: min(unavailable, len(program.pods))]:
            program.pods.remove(one)
        surge = -(-program.replicas // 4)
        return [self.new_pod(program, self.later(begun, 0, 4)) for _ in range(surge + unavailable)]

    def recreate(self, program: Program, edit: Edit, *, at: datetime | None = None, revise: bool = False) -> list[Pod]:
        """All its pods are new since then (a drain, a crash of nodes, a Recreate strategy), and the template as edited."""
        begun = at or self.onset
        gone, program.pods = program.pods, []
        if revise:
            self.revise(program, edit, begun)
        else:
            edit(program)
        nodes: list[Node | None] = [one.node for one in gone] if program.kind in ("DaemonSet", "StatefulSet") else []
        count = len(gone) if program.kind == "DaemonSet" else max(1, program.replicas)
        nodes += [None] * (count - len(nodes))
        made = [self.new_pod(program, self.later(begun, 1, 9), node) for node in nodes]
        return (
            made[:1]
            if program.kind == "StatefulSet" and program.spec.get("podManagementPolicy") != "Parallel"
            else made
        )

    def afflict(self, program: Program, edit: Edit, *, how: str = "") -> list[Pod]:
        """The pods that suffer from an edit of the template: after a roll-out, a re-creation or since the very first deployment."""
        chosen = how or self.dice.choice(["roll_out", "recreate", "first"])
        if chosen == "roll_out":
            return self.roll_out(program, edit)
        if chosen == "first":
            program.created = self.onset
            program.revisions = program.revisions[-1:]
            program.revisions[-1].created, program.revisions[-1].number = self.onset, 1
            return self._only_first(program, self.recreate(program, edit))
        return self._only_first(program, self.recreate(program, edit, revise=True))

    def _only_first(self, program: Program, made: list[Pod]) -> list[Pod]:
        program.pods = [one for one in program.pods if one in made]
        return made

    # --- what containers do ---------------------------------------------------------------------------------------------------

    def waiting(self, pod: Pod, reason: str, message: str = "", *, container: str = "", restarts: int = 0) -> None:
        now: Object = {"reason": reason, **({"message": message} if message else {})}
        pod.states[container or pod.program.main] = State({"waiting": now}, ready=False, restarts=restarts)
        pod.not_ready_since = pod.not_ready_since or pod.created
        if not restarts:
            pod.silent = True

    def crashing(
        self,
        pod: Pod,
        exit_code: int = 1,
        *,
        reason: str = "",
        restarts: int = 0,
        container: str = "",
        message: str = "",
        lived: float = 4.0,
        since: datetime | None = None,
        resting: bool = True,
    ) -> State:
        """In CrashLoopBackOff (or, not resting, running again for a moment), with the BackOff events of it."""
        name = container or pod.program.main
        begun = max(since or self.onset, pod.created)
        count = restarts or _restarts_within((self.taken_at - begun).total_seconds(), lived)
        died = self.ago(seconds=self.dice.uniform(20, min(280, 12 + 10 * 2 ** min(count, 5))))
        ended: Object = {
            "exitCode": exit_code,
            "reason": reason or ("Completed" if exit_code == 0 else "Error"),
            "startedAt": stamp(died - timedelta(seconds=lived)),
            "finishedAt": stamp(died),
            "containerID": f"containerd://{self.dice.getrandbits(256):064x}",
        }
        if message:
            ended["message"] = message
        pause = ("10s", "20s", "40s", "1m20s", "2m40s", "5m0s")[min(max(count - 1, 0), 5)]
        told = f"back-off {pause} restarting failed container={name} pod={pod.name}_{pod.namespace}({pod.uid})"
        now: Object = {"waiting": {"reason": "CrashLoopBackOff", "message": told}}
        if not resting:
            now = {"running": {"startedAt": stamp(self.later(died, 1, 10))}}
        pod.states[name] = State(now, ready=False, restarts=count, before={"terminated": ended})
        pod.not_ready_since = begun
        self.event(
            pod,
            "BackOff",
            f"Back-off restarting failed container {name} in pod {pod.name}_{pod.namespace}({pod.uid})",
            count=max(2, count * 4),
            first=self.later(begun, 10, 30),
            container=name,
        )
        return pod.states[name]

    def unready(self, pod: Pod, *, since: datetime | None = None, container: str = "") -> None:
        """Runs, but its readiness probe fails."""
        started = pod.started or pod.created
        pod.states[container or pod.program.main] = State({"running": {"startedAt": stamp(started)}}, ready=False)
        pod.not_ready_since = max(since or self.onset, pod.created)

    def unscheduled(self, pod: Pod, message: str, *, count: int = 0, say: bool = True) -> None:
        pod.node, pod.ip, pod.started, pod.unschedulable, pod.silent = None, "", None, message, True
        if say:
            tries = count or 1 + int((self.taken_at - pod.created).total_seconds() // 300)
            self.event(pod, "FailedScheduling", message, count=tries, first=pod.created, by="default-scheduler")

    def refuse(self, program: Program, message: str, *, keep: int = 0, tries: int = 0) -> None:
        """Its controller cannot create pods: FailedCreate with what the API server said; `keep` old pods stay."""
        program.pods = program.pods[:keep]
        program.refused, program.refused_since = message, self.onset
        minutes = (self.taken_at - self.onset).total_seconds() / 60
        count = tries or max(3, min(18, int(8 + minutes / 4)))
        by = {"Deployment": "replicaset-controller", "StatefulSet": "statefulset-controller"}.get(
            program.kind, "daemonset-controller"
        )
        text = f"Error creating: {message}"
        if program.kind == "StatefulSet":
            ordinal = f"{program.name}-{keep}"
            text = f"create Pod {ordinal} in StatefulSet {program.name} failed error: {message}"
        self.event(self.replica_set(program), "FailedCreate", text, count=count, by=by)

    def scale(self, program: Program, replicas: int, at: datetime) -> None:
        """Asked for and done: pods come or go at that moment."""
        program.replicas = replicas
        del program.pods[replicas:]
        while len(program.pods) < replicas:
            self.new_pod(program, self.later(at, 0, 3))

    def service_for(self, program: Program, name: str = "", port: int = 0) -> Service:
        """Another Service in front of a program."""
        base = program.service
        ports = [{"name": "http", "port": port or 80, "protocol": "TCP", "targetPort": program.listens}]
        ip = f"{self.style.service_cidr.rsplit('.', 2)[0]}.{self.dice.randrange(1, 200)}.{self.dice.randrange(2, 250)}"
        made = Service(
            name or program.name,
            program.namespace,
            dict(program.selector),
            ports,
            ip,
            created=base.created if base else None,
        )
        self.loose_services.append(made)
        return made

    loose_services: list[Service] = field(default_factory=list)

    def unschedulable_text(self, reasons: dict[str, int], helpless: int | None = None) -> str:
        """As kube-scheduler says it: reasons sorted as text, then what preemption could not do. `helpless`: nodes where it cannot help."""
        total = len(self.nodes)
        parts = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items() if count))
        cannot = total if helpless is None else helpless
        tail = {
            "Preemption is not helpful for scheduling": cannot,
            "No preemption victims found for incoming pod": total - cannot,
        }
        pre = ", ".join(sorted(f"{count} {reason}" for reason, count in tail.items() if count))
        return f"0/{total} nodes are available: {parts}. preemption: 0/{total} nodes are available: {pre}."

    def taint_reasons(self) -> dict[str, int]:
        """What the scheduler says of the nodes that ordinary pods cannot use anyway."""
        found: dict[str, int] = {}
        for node in self.nodes:
            if node.cordoned and not any(t["key"] != "node.kubernetes.io/unschedulable" for t in node.taints):
                found["node(s) were unschedulable"] = found.get("node(s) were unschedulable", 0) + 1
            elif node.taints:
                first = node.taints[0]
                text = f"node(s) had untolerated taint {{{first['key']}: {first.get('value', '')}}}"
                found[text] = found.get(text, 0) + 1
        return found


def _restarts_within(seconds: float, lived: float) -> int:
    """How often a container that lives so long was restarted, with the kubelet's doubling pauses up to five minutes."""
    count, spent, pause = 0, lived, 10.0
    while spent + pause < seconds:
        spent += pause + lived
        pause = min(300.0, pause * 2)
        count += 1
    return max(1, count)


__all__ = ["Call", "Component", "Curve", "Edit", "Scene", "Style"]
