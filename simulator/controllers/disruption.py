"""The disruption controller: how many pods of a budget may be evicted at this moment."""

from __future__ import annotations

from simulator.controllers.context import Context
from simulator.objects import (
    Object,
    condition,
    controller_of,
    int_or_percent,
    is_deleting,
    is_finished,
    is_ready,
    label_selector_matches,
    labels_of,
    namespace_of,
    with_status,
)

OWNERS = {
    "ReplicaSet": "replicas",
    "StatefulSet": "replicas",
    "ReplicationController": "replicas",
    "Job": "parallelism",
}


def reconcile(ctx: Context) -> None:
    for budget in ctx.store.list("PodDisruptionBudget"):
        if not is_deleting(budget):
            ctx.store.update("PodDisruptionBudget", with_status(budget, _status(ctx, budget)))


def _status(ctx: Context, budget: Object) -> Object:
    selector = budget["spec"].get("selector")
    pods = [
        pod
        for pod in ctx.store.list("Pod", namespace_of(budget))
        if (selector == {} or label_selector_matches(selector, labels_of(pod))) and not is_finished(pod)
    ]
    expected = _expected(ctx, budget, pods)
    desired = _desired(budget, expected)
    healthy = sum(is_ready(pod) and not is_deleting(pod) for pod in pods)
    allowed = max(healthy - desired, 0) if expected else 0
    return {
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "observedGeneration": budget["metadata"]["generation"],
        "conditions": [_condition(ctx, budget, allowed)],
    }


def _expected(ctx: Context, budget: Object, pods: list[Object]) -> int:
    """A whole number of pods that have to stay needs no plan; a share, or pods that may go, is one of what is planned."""
    least = budget["spec"].get("minAvailable")
    if least is not None and not str(least).endswith("%"):
        return len(pods)
    owners = {(owner["kind"], owner["name"]) for pod in pods if (owner := controller_of(pod))}
    planned = 0
    for kind, name in sorted(owners):
        found = ctx.store.get(kind, namespace_of(budget), name) if kind in OWNERS else None
        planned += int(found["spec"].get(OWNERS[kind], 1)) if found else 0
    return planned


def _desired(budget: Object, expected: int) -> int:
    spec = budget["spec"]
    if spec.get("maxUnavailable") is not None:
        return max(expected - int_or_percent(spec["maxUnavailable"], expected, round_up=True), 0)
    return int_or_percent(spec.get("minAvailable", 1), expected, round_up=True)


def _condition(ctx: Context, budget: Object, allowed: int) -> Object:
    value, reason = ("True", "SufficientPods") if allowed else ("False", "InsufficientPods")
    known = condition(budget, "DisruptionAllowed")
    since = known["lastTransitionTime"] if known and known["status"] == value else ctx.stamp()
    head = {"type": "DisruptionAllowed", "status": value, "reason": reason, "message": ""}
    return {**head, "lastTransitionTime": since, "observedGeneration": budget["metadata"]["generation"]}
