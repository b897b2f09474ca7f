"""The scheduler: a node for every pod that has none.

A node is taken out by cordon, by a taint that is not tolerated, by a nodeSelector that does not match or by requests that do not fit;
among those left the one with the most free CPU and memory wins, less a penalty for a PreferNoSchedule taint and for every sibling of
the same owner already there. When no node is left, the pod waits with the sentence that counts each reason by node.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from simulator.controllers.context import Context
from simulator.controllers.node_rules import UNSCHEDULABLE, allows, taints_of, tolerates, untolerated
from simulator.events import Source
from simulator.objects import (
    Object,
    condition,
    controller_of,
    is_deleting,
    is_finished,
    name_of,
    namespace_of,
    with_spec,
    with_status,
)
from simulator.quantity import quantity, resource

SOURCE = Source("default-scheduler")
SIBLING_PENALTY = 0.5
TAINT_PENALTY = 0.2
RESOURCES_SHORT = ("Insufficient cpu", "Insufficient memory", "Too many pods")
NO_VICTIMS = "No preemption victims found for incoming pod"
NOT_HELPFUL = "Preemption is not helpful for scheduling"


@dataclass
class Room:
    """What is still free on a node."""

    node: Object
    cpu: float
    memory: float
    pods: int
    owners: Counter[str]

    def take(self, pod: Object) -> None:
        cpu, memory = requests(pod)
        self.cpu -= cpu
        self.memory -= memory
        self.pods -= 1
        self.owners[_owner(pod)] += 1


def reconcile(ctx: Context) -> None:
    pods = ctx.store.list("Pod")
    waiting = [pod for pod in pods if not pod["spec"].get("nodeName") and not is_deleting(pod) and not is_finished(pod)]
    if not waiting:
        return
    rooms = _rooms(ctx, pods)
    for pod in waiting:
        refusals = {name_of(room.node): _refusal(room, pod) for room in rooms}
        fitting = [room for room in rooms if not refusals[name_of(room.node)]]
        if fitting:
            best = max(fitting, key=lambda room: _score(room, pod))
            best.take(pod)
            _bind(ctx, pod, name_of(best.node))
        else:
            _refuse(ctx, pod, Counter(refusals.values()), len(rooms))


def requests(pod: Object) -> tuple[float, float]:
    containers = pod["spec"].get("containers") or []
    cpu = sum(resource(each, "requests", "cpu") or 0.0 for each in containers)
    memory = sum(resource(each, "requests", "memory") or 0.0 for each in containers)
    return cpu, memory


def _rooms(ctx: Context, pods: list[Object]) -> list[Room]:
    rooms = []
    for node in ctx.store.list("Node"):
        allocatable = (node.get("status") or {}).get("allocatable")
        # A node object that no kubelet has reported on has room for nobody.
        if not allocatable or is_deleting(node):
            continue
        room = Room(
            node,
            quantity(allocatable["cpu"]),
            quantity(allocatable["memory"]),
            int(allocatable.get("pods", 0)),
            Counter(),
        )
        for pod in pods:
            if pod["spec"].get("nodeName") == name_of(node) and not is_finished(pod):
                room.take(pod)
        rooms.append(room)
    return rooms


def _owner(pod: Object) -> str:
    owner = controller_of(pod)
    return str(owner["uid"]) if owner else ""


def _refusal(room: Room, pod: Object) -> str:
    """Why this node cannot take the pod, in the scheduler's words; empty when it can."""
    spec = pod["spec"]
    if (room.node.get("spec") or {}).get("unschedulable") and not tolerates(spec, UNSCHEDULABLE):
        return "node(s) were unschedulable"
    taint = untolerated(spec, room.node)
    if taint is not None:
        return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"
    if not allows(spec, room.node):
        return "node(s) didn't match Pod's node affinity/selector"
    cpu, memory = requests(pod)
    if cpu > room.cpu + 1e-9:
        return "Insufficient cpu"
    if memory > room.memory:
        return "Insufficient memory"
    return "Too many pods" if room.pods < 1 else ""


def _score(room: Room, pod: Object) -> float:
    allocatable = room.node["status"]["allocatable"]
    free = room.cpu / quantity(allocatable["cpu"]) + room.memory / quantity(allocatable["memory"])
    taints = [taint for taint in taints_of(room.node) if taint["effect"] == "PreferNoSchedule"]
    soft = sum(1 for taint in taints if not tolerates(pod["spec"], taint))
    return free - SIBLING_PENALTY * room.owners[_owner(pod)] - TAINT_PENALTY * soft


def _bind(ctx: Context, pod: Object, node: str) -> None:
    scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": ctx.stamp()}
    bound = with_status(with_spec(pod, nodeName=node), {**(pod.get("status") or {}), "conditions": [scheduled]})
    ctx.store.update("Pod", bound)
    message = f"Successfully assigned {namespace_of(pod)}/{name_of(pod)} to {node}"
    ctx.events.record(pod, "Pod", "Normal", "Scheduled", message, SOURCE)


def _counted(reasons: Counter[str]) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))


def _refuse(ctx: Context, pod: Object, reasons: Counter[str], nodes: int) -> None:
    preemption: Counter[str] = Counter()
    for reason, count in reasons.items():
        preemption[NO_VICTIMS if reason in RESOURCES_SHORT else NOT_HELPFUL] += count
    head = f"0/{nodes} nodes are available"
    message = f"{head}: {_counted(reasons)}. preemption: {head}: {_counted(preemption)}."
    known = condition(pod, "PodScheduled")
    if known is not None and known.get("message") == message:
        return
    unscheduled = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": message,
        "lastProbeTime": None,
        "lastTransitionTime": ctx.stamp(),
    }
    ctx.store.update(
        "Pod", with_status(pod, {**(pod.get("status") or {}), "phase": "Pending", "conditions": [unscheduled]})
    )
    ctx.events.record(pod, "Pod", "Warning", "FailedScheduling", message, SOURCE)
