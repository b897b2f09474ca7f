"""The ReplicaSet controller: as many pods as wanted, made from the template, adopted or let go by labels."""

from __future__ import annotations

from datetime import timedelta

from simulator.clock import parse_rfc3339
from simulator.controllers.context import Context
from simulator.controllers.garbage import delete
from simulator.events import Source
from simulator.objects import (
    Object,
    by_controller,
    condition,
    is_deleting,
    is_finished,
    is_ready,
    label_selector_matches,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
    with_metadata,
    with_status,
)

SOURCE = Source("replicaset-controller")
# One burst of the real controller.
BURST = 500


def reconcile(ctx: Context) -> None:
    pods = by_controller(ctx.store.list("Pod"))
    for replicaset in ctx.store.list("ReplicaSet"):
        if not is_deleting(replicaset):
            _sync(ctx, replicaset, _claim(ctx, replicaset, pods))


def _claim(ctx: Context, replicaset: Object, pods: dict[str, list[Object]]) -> list[Object]:
    """The active pods of this ReplicaSet, after adopting orphans that match and releasing owned ones that no longer do."""
    claimed = []
    selector = replicaset["spec"].get("selector")
    for pod in pods.get(uid_of(replicaset), []):
        if is_deleting(pod) or is_finished(pod):
            continue
        if label_selector_matches(selector, labels_of(pod)):
            claimed.append(pod)
        else:
            ctx.store.update("Pod", with_metadata(pod, ownerReferences=[]))
    for pod in [*pods.get("", [])]:
        if _is_orphan_of(replicaset, pod, selector):
            pods[""].remove(pod)
            owner = owner_reference(replicaset, "ReplicaSet", "apps/v1")
            claimed.append(ctx.store.update("Pod", with_metadata(pod, ownerReferences=[owner])))
    return claimed


def _is_orphan_of(replicaset: Object, pod: Object, selector: Object | None) -> bool:
    return (
        namespace_of(pod) == namespace_of(replicaset)
        and not is_deleting(pod)
        and not is_finished(pod)
        and label_selector_matches(selector, labels_of(pod))
    )


def _sync(ctx: Context, replicaset: Object, pods: list[Object]) -> None:
    wanted = int(replicaset["spec"].get("replicas", 1))
    missing = wanted - len(pods)
    pods.extend(_create_pod(ctx, replicaset) for _ in range(min(missing, BURST)))
    for pod in _first_to_go(pods)[: max(-missing, 0)]:
        delete(ctx, "Pod", pod)
        message = f"Deleted pod: {name_of(pod)}"
        ctx.events.record(replicaset, "ReplicaSet", "Normal", "SuccessfulDelete", message, SOURCE)
        pods.remove(pod)
    ctx.store.update("ReplicaSet", with_status(replicaset, _status(ctx, replicaset, pods)))


def _create_pod(ctx: Context, replicaset: Object) -> Object:
    template = replicaset["spec"]["template"]
    metadata = template.get("metadata") or {}
    pod = ctx.store.create(
        "Pod",
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "generateName": f"{name_of(replicaset)}-",
                "namespace": namespace_of(replicaset),
                "labels": dict(metadata.get("labels") or {}),
                **({"annotations": dict(metadata["annotations"])} if metadata.get("annotations") else {}),
                "ownerReferences": [owner_reference(replicaset, "ReplicaSet", "apps/v1")],
            },
            "spec": dict(template["spec"]),
            "status": {"phase": "Pending", "qosClass": "Burstable"},
        },
    )
    ctx.events.record(replicaset, "ReplicaSet", "Normal", "SuccessfulCreate", f"Created pod: {name_of(pod)}", SOURCE)
    return pod


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
    ready = [pod for pod in pods if is_ready(pod)]
    minimum = timedelta(seconds=replicaset["spec"].get("minReadySeconds", 0))
    available = [pod for pod in ready if _ready_for(ctx, pod) >= minimum]
    counts = {
        "fullyLabeledReplicas": len(pods),
        "readyReplicas": len(ready),
        "availableReplicas": len(available),
    }
    return {
        "replicas": len(pods),
        **{key: count for key, count in counts.items() if count},
        "observedGeneration": replicaset["metadata"]["generation"],
    }


def _ready_for(ctx: Context, pod: Object) -> timedelta:
    since = condition(pod, "Ready") or {}
    return ctx.now() - parse_rfc3339(str(since["lastTransitionTime"]))
