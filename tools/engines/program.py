"""A program: what somebody runs, whatever kind of object says so, with its pod template and the pods that it made.

An analyzer should not care whether a template came from a Deployment, a CronJob, a kind that nobody has heard of, or, where the workload
itself was not read, from one of its pods. So all of them are read into this one form. The maker of a pod is followed upwards through
owners as far as they are known; where a ReplicaSet was not read, the hash in its name is cut off, because that is how its name was made.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tools.engines.diagnosis import Component
from tools.engines.objects import Object, component, dig, is_ready, kind_of, mapping, name_of, namespace_of, rows, whole

HASH = "pod-template-hash"
_COUNTS = (
    "replicas",
    "readyReplicas",
    "availableReplicas",
    "updatedReplicas",
    "unavailableReplicas",
    "observedGeneration",
)
_MADE_BY_CRON = re.compile(r"-\d{8}$")
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # what generated name endings are made of
_OF_REPLICA_SET = re.compile(rf"^(?P<workload>.+)-[{_LETTERS}]{{6,10}}-[{_LETTERS}]{{5}}$")
_HASH_ENDING = re.compile(rf"^(?P<workload>.+)-[{_LETTERS}]{{6,10}}$")
_ENDINGS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(rf"-[{_LETTERS}]{{6,10}}-[{_LETTERS}]{{5}}$"), ("Deployment",)),
    (re.compile(r"-\d+$"), ("StatefulSet",)),
    (re.compile(rf"-[{_LETTERS}]{{5}}$"), ("DaemonSet", "Job", "ReplicaSet")),
)
Find = Callable[[str, str, str], Object | None]


@dataclass(frozen=True, slots=True)
class Program:
    component: Component
    obj: Object | None
    """The workload itself; None where only its pods were read."""
    template: dict[str, Any]
    pods: tuple[Object, ...]
    """Those that are meant to be here."""

    @property
    def name(self) -> str:
        return self.component.name

    @property
    def namespace(self) -> str:
        return self.component.namespace or ""

    @property
    def labels(self) -> dict[str, Any]:
        return mapping(self.template, "metadata", "labels")

    @property
    def spec(self) -> dict[str, Any]:
        return mapping(self.template, "spec")

    @property
    def containers(self) -> list[dict[str, Any]]:
        return rows(self.spec, "containers")

    @property
    def all_containers(self) -> list[dict[str, Any]]:
        """Those that run before it starts last."""
        return self.containers + rows(self.spec, "initContainers")

    @property
    def wanted(self) -> int | None:
        """How many pods are asked for; None where that was not read or has no number."""
        if self.obj is None or self.component.kind in {"Job", "CronJob", "Pod"}:
            return None
        if self.component.kind == "DaemonSet":
            return whole(dig(self.obj, "status", "desiredNumberScheduled"))
        replicas = whole(dig(self.obj, "spec", "replicas"))
        return 1 if replicas is None else replicas

    @property
    def ready(self) -> int:
        """As its object counts them; where only its pods were read, as they are."""
        if self.obj is None:
            return sum(is_ready(pod) for pod in self.pods)
        key = "numberReady" if self.component.kind == "DaemonSet" else "readyReplicas"
        return whole(dig(self.obj, "status", key)) or 0

    @property
    def told_ready(self) -> int | None:
        """How many its object says are ready; None where its controller has counted nothing, because then nobody knows."""
        status = mapping(self.obj, "status")
        if self.component.kind == "DaemonSet":
            return whole(status.get("numberReady"))
        return (whole(status.get("readyReplicas")) or 0) if any(key in status for key in _COUNTS) else None

    @property
    def ref(self) -> str:
        """Where its template stands, to be cited: a field path goes behind it."""
        if self.obj is None or self.component.kind == "Pod":
            return f"{self.component} spec"
        path = "spec.jobTemplate.spec.template.spec" if self.component.kind == "CronJob" else "spec.template.spec"
        return f"{self.component} {path}"


def template_of(obj: Object) -> dict[str, Any]:
    """The pod template of any object that has one; empty for others."""
    template = mapping(obj, "spec", "jobTemplate", "spec", "template") or mapping(obj, "spec", "template")
    return template if rows(template, "spec", "containers") else {}


def programs(objects: Iterable[Object], pods: Iterable[Object], find: Find) -> Iterator[Program]:
    """`pods` are those that are meant to be here; what has an owner that is itself a program is not one."""
    made: dict[Component, list[Object]] = {}
    for pod in pods:
        made.setdefault(maker(pod, find), []).append(pod)
    for obj in objects:
        template = template_of(obj)
        if template and kind_of(obj) not in {"Pod", "PodTemplate"} and not _is_made(obj, find):
            yield Program(component(obj), obj, template, tuple(made.pop(component(obj), ())))
    for who, its_pods in made.items():
        newest = max(its_pods, key=lambda pod: str(dig(pod, "metadata", "creationTimestamp") or ""))
        yield Program(who, find(who.kind, who.namespace or "", who.name), _as_template(newest), tuple(its_pods))


def maker(obj: Object, find: Find) -> Component:
    """Who made it, as far up as owners are known; the object itself where it has none."""
    for _ in range(8):
        owner = _owner(obj)
        if owner is None or owner.get("kind") == "Node":
            return _guess(obj, find) if kind_of(obj) == "Pod" and owner is None else component(obj)
        kind, name = str(owner.get("kind")), str(owner.get("name"))
        parent = find(kind, namespace_of(obj), name)
        if parent is None:
            return _unread(kind, name, obj)
        obj = parent
    return component(obj)


def _owner(obj: Object) -> Object | None:
    owners = rows(obj, "metadata", "ownerReferences")
    return next((row for row in owners if row.get("controller")), owners[0] if len(owners) == 1 else None)


def _is_made(obj: Object, find: Find) -> bool:
    owner = _owner(obj)
    return (
        owner is not None
        and kind_of(obj) in {"ReplicaSet", "Job", "ReplicationController"}
        and maker(obj, find) != component(obj)
    )


def _unread(kind: str, name: str, owned: Object) -> Component:
    """The workload behind an owner that was not read."""
    namespace = namespace_of(owned) or None
    if kind == "ReplicaSet":
        told = str(dig(owned, "metadata", "labels", HASH) or "")
        if told and name.endswith(f"-{told}"):
            return Component(kind="Deployment", namespace=namespace, name=name[: -len(told) - 1])
        if cut := _HASH_ENDING.match(name):
            return Component(kind="Deployment", namespace=namespace, name=cut["workload"])
    if kind == "Job" and _MADE_BY_CRON.search(name):
        return Component(kind="CronJob", namespace=namespace, name=_MADE_BY_CRON.sub("", name))
    return Component(kind=kind, namespace=namespace, name=name)


def _guess(pod: Object, find: Find) -> Component:
    """A pod that says nothing of its owner: a known workload whose name is in its own, or what a template's hash tells, or itself."""
    name, namespace = name_of(pod), namespace_of(pod)
    for ending, kinds in _ENDINGS:
        cut = ending.sub("", name)
        known = (find(kind, namespace, cut) for kind in kinds if cut != name)
        if workload := next((one for one in known if one), None):
            return maker(workload, find)
    told = str(dig(pod, "metadata", "labels", HASH) or "")
    made = _OF_REPLICA_SET.match(name)
    if made and ((told and f"-{told}-" in name) or not dig(pod, "metadata", "labels")):
        return Component(kind="Deployment", namespace=namespace or None, name=made["workload"])
    return component(pod)


def _as_template(pod: Object) -> dict[str, Any]:
    return {"metadata": {"labels": mapping(pod, "metadata", "labels")}, "spec": mapping(pod, "spec")}
