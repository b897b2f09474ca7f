"""The taint eviction controller: pods leave a node with a NoExecute taint, at once or when their patience with it is over."""

from __future__ import annotations

from datetime import datetime, timedelta

from simulator.clock import parse_rfc3339
from simulator.controllers.context import Context
from simulator.controllers.garbage import delete
from simulator.controllers.node_rules import taints_of, tolerations_for
from simulator.events import Source
from simulator.objects import Object, is_deleting, name_of, namespace_of, with_status

SOURCE = Source("taint-eviction-controller")


def reconcile(ctx: Context) -> None:
    driving = {name_of(node): taints for node in ctx.store.list("Node") if (taints := _driving(node))}
    for pod in ctx.store.list("Pod") if driving else ():
        if pod["spec"].get("nodeName") in driving and not is_deleting(pod):
            _drive_out(ctx, pod, driving[pod["spec"]["nodeName"]])


def _driving(node: Object) -> list[Object]:
    return [taint for taint in taints_of(node) if taint["effect"] == "NoExecute"]


def _drive_out(ctx: Context, pod: Object, taints: list[Object]) -> None:
    due = _due(ctx, pod, taints)
    if due is None:
        return
    if due > ctx.now():
        ctx.call_again(due)
        return
    about = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "DeletionByTaintManager",
        "message": "Taint manager: deleting due to NoExecute taint",
        "lastProbeTime": None,
        "lastTransitionTime": ctx.stamp(),
    }
    status = pod.get("status") or {}
    marked = ctx.store.update("Pod", with_status(pod, {**status, "conditions": [*status.get("conditions", []), about]}))
    message = f"Marking for deletion Pod {namespace_of(pod)}/{name_of(pod)}"
    ctx.events.record(marked, "Pod", "Normal", "TaintManagerEviction", message, SOURCE)
    delete(ctx, "Pod", marked)


def _due(ctx: Context, pod: Object, taints: list[Object]) -> datetime | None:
    """When the pod has to go; None when it may stay for ever."""
    patience: list[int] = []
    for taint in taints:
        tolerations = tolerations_for(pod["spec"], taint)
        if not tolerations:
            return ctx.now()
        limits = [each["tolerationSeconds"] for each in tolerations if each.get("tolerationSeconds") is not None]
        if len(limits) == len(tolerations):
            patience.append(min(limits))
    if not patience:
        return None
    since = [parse_rfc3339(taint["timeAdded"]) for taint in taints if taint.get("timeAdded")]
    return min(since, default=ctx.now()) + timedelta(seconds=max(min(patience), 0))
