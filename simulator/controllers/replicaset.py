"""The ReplicaSet controller: as many pods as wanted, made from the template, adopted or let go by labels."""

from __future__ import annotations

from simulator.controllers.context import Context
from simulator.controllers.pods import FAILED, Maker, claim, create_from, from_template, is_active, is_available, remove
from simulator.events import Source
from simulator.objects import Object, by_controller, condition, is_deleting, is_ready, with_status

MAKER = Maker("ReplicaSet", "apps/v1", Source("replicaset-controller"))
# One burst of the real controller.
BURST = 500
REPLICA_FAILURE = "ReplicaFailure"


def reconcile(ctx: Context) -> None:
    pods = by_controller(ctx.store.list("Pod"))
    for replicaset in ctx.store.list("ReplicaSet"):
        if not is_deleting(replicaset):
            _sync(ctx, replicaset, [pod for pod in claim(ctx, MAKER, replicaset, pods) if is_active(pod)])


def _sync(ctx: Context, replicaset: Object, pods: list[Object]) -> None:
    wanted = int(replicaset["spec"].get("replicas", 1))
    missing = wanted - len(pods)
    failure = _create(ctx, replicaset, pods, missing)
    for pod in _first_to_go(pods)[:-missing] if missing < 0 else ():
        remove(ctx, MAKER, replicaset, pod)
        pods.remove(pod)
    status = {**_status(ctx, replicaset, pods), **({"conditions": [failure]} if failure else {})}
    ctx.store.update("ReplicaSet", with_status(replicaset, status))


def _create(ctx: Context, replicaset: Object, pods: list[Object], missing: int) -> Object | None:
    """Create what is missing, up to the first refusal; the condition that tells of it, which stays as it was first said."""
    for _ in range(min(missing, BURST)):
        made = create_from(ctx, MAKER, replicaset, from_template(MAKER, replicaset))
        if made is None:
            return condition(replicaset, REPLICA_FAILURE) or _failure(ctx, ctx.backoff.message(replicaset))
        pods.append(made)
    return None


def _failure(ctx: Context, message: str) -> Object:
    said = {"reason": FAILED, "message": message, "lastTransitionTime": ctx.stamp()}
    return {"type": REPLICA_FAILURE, "status": "True", **said}


def _first_to_go(pods: list[Object]) -> list[Object]:
    """Unassigned before assigned, pending before running, not ready before ready, young before old."""
    young_first = sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True)
    return sorted(
        young_first,
        key=lambda pod: (
            bool(pod["spec"].get("nodeName")),
            (pod.get("status") or {}).get("phase") == "Running",
            is_ready(pod),
        ),
    )


def _status(ctx: Context, replicaset: Object, pods: list[Object]) -> Object:
    minimum = int(replicaset["spec"].get("minReadySeconds", 0))
    counts = {
        "fullyLabeledReplicas": len(pods),
        "readyReplicas": sum(is_ready(pod) for pod in pods),
        "availableReplicas": sum(is_available(ctx, pod, minimum) for pod in pods),
    }
    return {
        "replicas": len(pods),
        **{key: count for key, count in counts.items() if count},
        "observedGeneration": replicaset["metadata"]["generation"],
    }
