"""The garbage collector: what is owned goes when its last owner has gone.

Pods go the polite way (a deletion timestamp and a grace period, which the kubelet waits out), everything else at once.
"""

from __future__ import annotations

from simulator.controllers.context import Context
from simulator.objects import Object, is_deleting, name_of, namespace_of, uid_of, with_metadata

OWNERS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Service", "Endpoints", "Node")
DEPENDENTS = ("ReplicaSet", "Pod", "EndpointSlice", "Job")
GRACE_SECONDS = 30


def reconcile(ctx: Context) -> None:
    alive = {uid_of(obj) for kind in OWNERS for obj in ctx.store.list(kind)}
    for kind in DEPENDENTS:
        for obj in ctx.store.list(kind):
            owners = obj["metadata"].get("ownerReferences") or []
            if owners and not any(owner["uid"] in alive for owner in owners):
                collect(ctx, kind, obj)


def collect(ctx: Context, kind: str, obj: Object) -> None:
    if kind == "Pod":
        delete_pod(ctx, obj)
    else:
        ctx.store.delete(kind, namespace_of(obj), name_of(obj))


def delete_pod(ctx: Context, pod: Object) -> None:
    if is_deleting(pod):
        return
    if not (pod.get("spec") or {}).get("nodeName"):
        ctx.store.delete("Pod", namespace_of(pod), name_of(pod))
        return
    grace = pod["spec"].get("terminationGracePeriodSeconds", GRACE_SECONDS)
    ctx.store.update("Pod", with_metadata(pod, deletionTimestamp=ctx.stamp(), deletionGracePeriodSeconds=grace))
