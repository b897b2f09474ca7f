"""A Deployment's status: the counts and the two conditions that tell how a rollout is doing.

Available says whether enough pods serve, Progressing whether the newest template is coming up; after progressDeadlineSeconds without
any progress it turns False, which is the only place where a stuck rollout says so by itself.
"""

from __future__ import annotations

from datetime import timedelta

from simulator.clock import parse_rfc3339
from simulator.controllers.context import Context
from simulator.objects import Object, condition, int_or_percent, name_of


def status(ctx: Context, deployment: Object, new: Object | None, old: list[Object]) -> Object:
    replicasets = [*old, *([new] if new else [])]
    wanted = int(deployment["spec"].get("replicas", 1))
    available = _sum(replicasets, "availableReplicas")
    total = sum(int(each["spec"].get("replicas", 1)) for each in replicasets)
    counts = {
        "replicas": _sum(replicasets, "replicas"),
        "updatedReplicas": _sum([new] if new else [], "replicas"),
        "readyReplicas": _sum(replicasets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(total - available, 0),
    }
    return {
        "observedGeneration": deployment["metadata"]["generation"],
        **{key: count for key, count in counts.items() if count},
        "conditions": [
            _available(ctx, deployment, available, wanted),
            _progressing(ctx, deployment, new, counts),
            *_replica_failure(ctx, deployment, replicasets),
        ],
    }


def _replica_failure(ctx: Context, deployment: Object, replicasets: list[Object]) -> list[Object]:
    """What the newest ReplicaSet that may not create its pods says about it."""
    for each in reversed(replicasets):
        found = condition(each, "ReplicaFailure")
        if found is not None:
            return [_condition(ctx, deployment, found["type"], found["status"], found["reason"], found["message"])]
    return []


def _sum(replicasets: list[Object], field: str) -> int:
    return sum(int((each.get("status") or {}).get(field, 0)) for each in replicasets)


def _available(ctx: Context, deployment: Object, available: int, wanted: int) -> Object:
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    spare = int_or_percent(rolling.get("maxUnavailable", "25%"), wanted, round_up=False)
    if available >= wanted - spare:
        return _condition(
            ctx, deployment, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."
        )
    message = "Deployment does not have minimum availability."
    return _condition(ctx, deployment, "Available", "False", "MinimumReplicasUnavailable", message)


def _progressing(ctx: Context, deployment: Object, new: Object | None, counts: dict[str, int]) -> Object:
    known = condition(deployment, "Progressing")
    if deployment["spec"].get("paused"):
        return _condition(ctx, deployment, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
    if new is None:
        return known or _condition(ctx, deployment, "Progressing", "True", "FoundNewReplicaSet", "")
    name = name_of(new)
    wanted = int(deployment["spec"].get("replicas", 1))
    if counts["updatedReplicas"] == counts["replicas"] == counts["availableReplicas"] == wanted:
        message = f'ReplicaSet "{name}" has successfully progressed.'
        return _condition(ctx, deployment, "Progressing", "True", "NewReplicaSetAvailable", message)
    progress = f'ReplicaSet "{name}" is progressing.'
    if known is None or _has_moved(deployment, counts) or _is_other_rollout(known, name):
        return _condition(ctx, deployment, "Progressing", "True", "ReplicaSetUpdated", progress, moved=True)
    # A finished rollout that lost a pod is not a rollout: its condition stays.
    if known["reason"] in ("NewReplicaSetAvailable", "ProgressDeadlineExceeded"):
        return known
    deadline = timedelta(seconds=int(deployment["spec"].get("progressDeadlineSeconds", 600)))
    due = parse_rfc3339(known["lastUpdateTime"]) + deadline
    ctx.call_again(due + timedelta(seconds=1))
    if ctx.now() > due:
        late = f'ReplicaSet "{name}" has timed out progressing.'
        return _condition(ctx, deployment, "Progressing", "False", "ProgressDeadlineExceeded", late)
    return known


def _is_other_rollout(known: Object, name: str) -> bool:
    return f'"{name}"' not in known.get("message", "")


def _has_moved(deployment: Object, counts: dict[str, int]) -> bool:
    before = deployment.get("status") or {}
    grown = ("updatedReplicas", "readyReplicas", "availableReplicas")
    old_before = before.get("replicas", 0) - before.get("updatedReplicas", 0)
    old_after = counts["replicas"] - counts["updatedReplicas"]
    known = condition(deployment, "Progressing")
    # Pods that come back after a finished rollout are no new rollout either.
    if known and known["reason"] == "NewReplicaSetAvailable":
        return bool(counts["updatedReplicas"] > before.get("updatedReplicas", 0)) and old_after > 0
    return any(counts[field] > before.get(field, 0) for field in grown) or bool(old_after < old_before)


def _condition(
    ctx: Context, deployment: Object, kind: str, value: str, reason: str, message: str, *, moved: bool = False
) -> Object:
    """The known condition when nothing about it changed, else a new one with the right times."""
    known = condition(deployment, kind)
    if known and not moved and (known["status"], known["reason"], known["message"]) == (value, reason, message):
        return known
    stays = known is not None and known["status"] == value
    return {
        "type": kind,
        "status": value,
        "reason": reason,
        "message": message,
        "lastUpdateTime": ctx.stamp(),
        "lastTransitionTime": known["lastTransitionTime"] if known and stays else ctx.stamp(),
    }
