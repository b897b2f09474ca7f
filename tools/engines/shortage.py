"""Pods that are wanted and not there: those that nobody may create, and those that no node was found for.

A controller whose pod is refused says so in an event on the ReplicaSet, StatefulSet, DaemonSet or Job, and where it has one in the
condition ReplicaFailure. Such a sentence counts only as long as pods are still missing; a refusal that was overcome accuses nobody.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tools.engines.diagnosis import Component, EvidenceSource
from tools.engines.objects import Object, component, dig, is_ready, kind_of, name_of, namespace_of, rows, whole
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot

_MAKERS = ("ReplicaSet", "StatefulSet", "DaemonSet", "Job", "Deployment", "CronJob", "ReplicationController")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A sentence with which the API server refused what a controller wanted to create."""

    component: Component
    message: str
    ref: str
    source: EvidenceSource
    at: datetime | None = None


def refusals(snapshot: Snapshot) -> list[Refusal]:
    """Newest first, of workloads that still miss pods."""
    told = [one for one in [*_by_condition(snapshot), *_by_event(snapshot)] if _is_open(snapshot, one.component)]
    return sorted(told, key=lambda one: one.at or snapshot.window.start, reverse=True)


def misses_pods(snapshot: Snapshot, program: Program) -> bool:
    """Whether pods that it asks for were never created, as far as its objects tell."""
    obj, kind = program.obj, program.component.kind
    if obj is None:
        return not program.pods
    if kind == "Deployment":
        return _deployment_misses(snapshot, program, obj)
    if kind in {"Job", "CronJob"}:
        return any(_job_misses(snapshot, job) for job in ([obj] if kind == "Job" else snapshot.owned_by(obj, "Job")))
    made = _most(dig(obj, "status", "currentNumberScheduled" if kind == "DaemonSet" else "replicas"), program.pods)
    if kind == "StatefulSet" and any(not is_ready(pod) for pod in program.pods):
        return False  # it waits for the one before
    return (program.wanted or 0) > made


def unplaced(snapshot: Snapshot) -> dict[Component, list[Object]]:
    """By workload its pods that wait for a node; one that a gate holds back waits for somebody else."""
    found: dict[Component, list[Object]] = defaultdict(list)
    for pod in snapshot.pods_on(""):
        phase = dig(pod, "status", "phase")
        if (
            phase in (None, "Pending")
            and not rows(pod, "spec", "schedulingGates")
            and not rows(pod, "status", "containerStatuses")
        ):
            found[snapshot.maker_of(pod)].append(pod)
    return found


def is_forgotten(snapshot: Snapshot, who: Component) -> bool:
    """A pod that nobody owns and no Service picks, beside programs that run: somebody's trial, which hurts nobody by not starting."""
    pod = snapshot.get(who.kind, who.namespace, who.name) if who.kind == "Pod" else None
    return pod is not None and snapshot.has_workloads and not snapshot.services_picking(pod)


def _deployment_misses(snapshot: Snapshot, program: Program, obj: Object) -> bool:
    sets = snapshot.owned_by(obj, "ReplicaSet")
    if any((whole(dig(one, "spec", "replicas")) or 0) > _made(snapshot, one) for one in sets):
        return True
    if any(
        row.get("type") == "ReplicaFailure" and row.get("status") == "True" for row in rows(obj, "status", "conditions")
    ):
        return True
    if sets:
        return False
    updated = whole(dig(obj, "status", "updatedReplicas"))
    return (program.wanted or 0) > min(
        _most(dig(obj, "status", "replicas"), program.pods), 1e9 if updated is None else updated
    )


def _made(snapshot: Snapshot, replica_set: Object) -> int:
    told = whole(dig(replica_set, "status", "replicas"))
    ready = whole(dig(replica_set, "status", "readyReplicas")) or 0
    return told if told is not None else max(ready, len(snapshot.owned_by(replica_set, "Pod")))


def _most(counted: Any, pods: tuple[Object, ...]) -> int:
    told = whole(counted)
    return len(pods) if told is None else max(told, 0)


def _job_misses(snapshot: Snapshot, job: Object) -> bool:
    ended = any(
        row.get("type") in ("Complete", "Failed", "Suspended") and row.get("status") == "True"
        for row in rows(job, "status", "conditions")
    )
    active = whole(dig(job, "status", "active")) or 0
    return not ended and not dig(job, "spec", "suspend") and active == 0 and not snapshot.owned_by(job, "Pod")


def _by_event(snapshot: Snapshot) -> Iterator[Refusal]:
    for event in snapshot.events:
        if event.kind in _MAKERS and ("FailedCreate" in event.reason or "forbidden" in event.message):
            who = _who(snapshot, event.kind, event.namespace, event.name)
            if who:
                yield Refusal(who, event.message, event.ref, "event", event.at)


def _by_condition(snapshot: Snapshot) -> Iterator[Refusal]:
    for kind in ("ReplicaSet", "Deployment"):
        for obj in snapshot.of(kind):
            for row in rows(obj, "status", "conditions"):
                if row.get("type") == "ReplicaFailure" and row.get("status") == "True":
                    who = _who(snapshot, kind, namespace_of(obj), name_of(obj))
                    ref = f"{component(obj)} status.conditions[ReplicaFailure].message"
                    if who:
                        yield Refusal(who, str(row.get("message") or ""), ref, "kubernetes")


def _who(snapshot: Snapshot, kind: str, namespace: str, name: str) -> Component | None:
    """The workload behind a controller; None for one that is known to be gone."""
    if snapshot.get(kind, namespace, name) is None and (snapshot.of(kind, namespace) or snapshot.reads(kind)):
        return None
    owner = {"kind": kind, "name": name, "controller": True}
    return snapshot.maker_of({"kind": "Pod", "metadata": {"namespace": namespace, "ownerReferences": [owner]}})


def _is_open(snapshot: Snapshot, who: Component) -> bool:
    program = snapshot.program(who)
    return program is None or misses_pods(snapshot, program) or _is_partial(program)


def _is_partial(program: Program) -> bool:
    """A workload without a status tells nothing of what it has."""
    return program.obj is None or (not dig(program.obj, "status") and kind_of(program.obj) != "CronJob")
