"""The node lifecycle controller: a node that is not heard of any more is called unknown, and taints tell what is wrong with a node.

The Lease that each agent renews is the sign of life. Forty seconds without one turn every condition Unknown and the node's pods not
ready; the taints for that drive out, after their patience, the pods that do not tolerate it (`taint_eviction`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from simulator.clock import parse_rfc3339
from simulator.controllers.context import Context
from simulator.events import Source
from simulator.objects import Object, condition, is_ready, is_true, name_of, with_spec, with_status

SOURCE = Source("node-controller")
GRACE = timedelta(seconds=40)
LEASES = "kube-node-lease"
STOPPED = ("NodeStatusUnknown", "Kubelet stopped posting node status.")
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
PRESSURES = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
}
CORDON = "node.kubernetes.io/unschedulable"
_OWN = frozenset({NOT_READY, UNREACHABLE, CORDON, *PRESSURES.values()})


def reconcile(ctx: Context) -> None:
    for node in ctx.store.list("Node"):
        if condition(node, "Ready") is None:
            continue
        heard = _judge(ctx, node)
        tainted = _tainted(ctx, heard)
        if not is_true(tainted, "Ready"):
            _doubt_pods(ctx, tainted)


def _judge(ctx: Context, node: Object) -> Object:
    """Unknown when the sign of life is too old."""
    renewed = _last_heard(ctx, node)
    if renewed is None:
        return node
    if ctx.now() <= renewed + GRACE:
        ctx.call_again(renewed + GRACE + timedelta(seconds=1))
        return node
    was = condition(node, "Ready") or {}
    known = [_unknown(ctx, each) for each in node["status"]["conditions"]]
    judged = ctx.store.update("Node", with_status(node, {**node["status"], "conditions": known}))
    if was.get("status") != "Unknown":
        message = f"Node {name_of(node)} status is now: NodeNotReady"
        ctx.events.record(judged, "Node", "Normal", "NodeNotReady", message, SOURCE)
    return judged


def _last_heard(ctx: Context, node: Object) -> datetime | None:
    lease = ctx.store.get("Lease", LEASES, name_of(node))
    return parse_rfc3339(lease["spec"]["renewTime"]) if lease else None


def _unknown(ctx: Context, known: Object) -> Object:
    if known["status"] == "Unknown":
        return known
    reason, message = STOPPED
    return {**known, "status": "Unknown", "reason": reason, "message": message, "lastTransitionTime": ctx.stamp()}


def _tainted(ctx: Context, node: Object) -> Object:
    """The node with exactly those taints of this controller that its conditions call for."""
    known = (node.get("spec") or {}).get("taints") or []
    wanted = _wanted(node)
    kept = [each for each in known if each["key"] not in _OWN or (each["key"], each["effect"]) in wanted]
    present = {(each["key"], each["effect"]) for each in kept}
    added = [
        {"key": key, "effect": effect, "timeAdded": ctx.stamp()}
        for key, effect in wanted
        if (key, effect) not in present
    ]
    if kept == known and not added:
        return node
    taints = [*kept, *added]
    changed = with_spec(node, taints=taints)
    if not taints:
        del changed["spec"]["taints"]
    return ctx.store.update("Node", changed)


def _wanted(node: Object) -> list[tuple[str, str]]:
    ready = (condition(node, "Ready") or {}).get("status")
    wanted = []
    if ready != "True":
        key = NOT_READY if ready == "False" else UNREACHABLE
        wanted += [(key, "NoSchedule"), (key, "NoExecute")]
    wanted += [(key, "NoSchedule") for kind, key in PRESSURES.items() if is_true(node, kind)]
    if (node.get("spec") or {}).get("unschedulable"):
        wanted.append((CORDON, "NoSchedule"))
    return wanted


def _doubt_pods(ctx: Context, node: Object) -> None:
    """Nobody knows how its pods are: they do not count as ready any more."""
    for pod in ctx.store.list("Pod"):
        if pod["spec"].get("nodeName") != name_of(node) or not is_ready(pod):
            continue
        status = pod["status"]
        doubted = [
            {**each, "status": "False", "lastTransitionTime": ctx.stamp()} if each["type"] == "Ready" else each
            for each in status["conditions"]
        ]
        written = ctx.store.update("Pod", with_status(pod, {**status, "conditions": doubted}))
        ctx.events.record(written, "Pod", "Warning", "NodeNotReady", "Node is not ready", SOURCE)
