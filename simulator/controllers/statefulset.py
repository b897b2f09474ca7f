"""The StatefulSet controller: pods with names that stay, claims that stay with the names, one step at a time.

OrderedReady makes pod n+1 only when pod n is ready, takes pods away from the top, and stops at whatever is not well; Parallel does not
wait. A rolling update replaces the highest ordinal that has an older revision, waits until it is ready and goes on, down to the partition:
a new revision that does not come up therefore halts at one pod, and stays halted until that pod is gone.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.controllers.context import Context
from simulator.controllers.garbage import delete
from simulator.controllers.pods import FAILED, Maker, Refused, claim, create, from_template, is_available, say
from simulator.controllers.revisions import HASH, drop_old, sync_revisions, template_of
from simulator.events import Source
from simulator.kubernetes_api import defaulted
from simulator.objects import (
    Object,
    by_controller,
    is_deleting,
    is_finished,
    is_ready,
    labels_of,
    name_of,
    namespace_of,
    with_spec,
    with_status,
)

MAKER = Maker("StatefulSet", "apps/v1", Source("statefulset-controller"))
POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"


@dataclass
class Walk:
    """One StatefulSet with its pods by ordinal and the two revisions between which it stands."""

    owner: Object
    pods: dict[int, Object]
    current: Object
    update: Object

    @property
    def first(self) -> int:
        return int((self.owner["spec"].get("ordinals") or {}).get("start", 0))

    @property
    def ordinals(self) -> range:
        return range(self.first, self.first + int(self.owner["spec"].get("replicas", 1)))

    @property
    def partition(self) -> int:
        rolling = (self.owner["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
        return self.first + int(rolling.get("partition", 0))

    @property
    def is_ordered(self) -> bool:
        return bool(self.owner["spec"].get("podManagementPolicy", "OrderedReady") == "OrderedReady")

    @property
    def rolls(self) -> bool:
        return bool((self.owner["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate") == "RollingUpdate")


def reconcile(ctx: Context) -> None:
    pods = by_controller(ctx.store.list("Pod"))
    for owner in ctx.store.list("StatefulSet"):
        if not is_deleting(owner):
            _sync(ctx, owner, claim(ctx, MAKER, owner, pods))


def _sync(ctx: Context, owner: Object, pods: list[Object]) -> None:
    update, revisions = sync_revisions(ctx, owner, "StatefulSet")
    named = (owner.get("status") or {}).get("currentRevision")
    current = next((each for each in revisions if name_of(each) == named), update)
    numbered = {ordinal: pod for pod in pods if (ordinal := ordinal_of(owner, pod)) is not None}
    walk = Walk(owner, numbered, current, update)
    if _fill(ctx, walk) and _condemn(ctx, walk):
        _roll(ctx, walk)
    ctx.store.update("StatefulSet", with_status(owner, _status(ctx, walk)))
    live = {name_of(current), name_of(update)} | {labels_of(pod).get(HASH, "") for pod in pods}
    drop_old(ctx, owner, revisions, live)


def ordinal_of(owner: Object, pod: Object) -> int | None:
    head, _, tail = name_of(pod).rpartition("-")
    return int(tail) if head == name_of(owner) and tail.isdigit() else None


def _fill(ctx: Context, walk: Walk) -> bool:
    """Every wanted ordinal has a pod; False where the walk has to stop and wait."""
    for ordinal in walk.ordinals:
        pod = walk.pods.get(ordinal)
        if pod is not None and is_finished(pod) and not is_deleting(pod):
            _bury(ctx, walk, pod)
            return False
        if pod is None:
            _make(ctx, walk, ordinal)
        if walk.is_ordered and (pod is None or not is_well(pod)):
            return False
    return True


def is_well(pod: Object) -> bool:
    return not is_deleting(pod) and (pod.get("status") or {}).get("phase") == "Running" and is_ready(pod)


def _bury(ctx: Context, walk: Walk, pod: Object) -> None:
    failed = pod["status"]["phase"] == "Failed"
    where = f"StatefulSet {namespace_of(pod)}/{name_of(walk.owner)}"
    what = ("failed", "RecreatingFailedPod") if failed else ("terminated", "RecreatingTerminatedPod")
    event = "Warning" if failed else "Normal"
    say(ctx, MAKER, walk.owner, event, what[1], f"{where} is recreating {what[0]} Pod {name_of(pod)}")
    _take(ctx, walk, pod)


def _make(ctx: Context, walk: Walk, ordinal: int) -> None:
    owner, name = walk.owner, f"{name_of(walk.owner)}-{ordinal}"
    if until := ctx.backoff.waits_until(owner, ctx.now()):
        ctx.call_again(until)
        return
    revision = walk.current if walk.rolls and ordinal < walk.partition else walk.update
    templated = with_spec(owner, template=template_of(revision))
    labels = {HASH: name_of(revision), POD_NAME: name, POD_INDEX: str(ordinal)}
    pod = from_template(MAKER, templated, name, **labels)
    pod["spec"] = {
        **pod["spec"],
        "hostname": name,
        "subdomain": owner["spec"].get("serviceName", ""),
        **_volumes(ctx, owner, ordinal, pod),
    }
    try:
        walk.pods[ordinal] = create(ctx, pod)
    except Refused as error:
        message = f"create Pod {name} in StatefulSet {name_of(owner)} failed error: {error}"
        say(ctx, MAKER, owner, "Warning", FAILED, message)
        ctx.call_again(ctx.backoff.failed(owner, ctx.now(), str(error)))
        return
    ctx.backoff.succeeded(owner)
    message = f"create Pod {name} in StatefulSet {name_of(owner)} successful"
    say(ctx, MAKER, owner, "Normal", "SuccessfulCreate", message)


def _volumes(ctx: Context, owner: Object, ordinal: int, pod: Object) -> Object:
    """The template's volumes, with those of the claim templates bound to this ordinal's own claims; claims are made when missing."""
    templates = owner["spec"].get("volumeClaimTemplates") or []
    if not templates:
        return {}
    claimed = []
    for template in templates:
        name = f"{name_of(template)}-{name_of(owner)}-{ordinal}"
        claimed.append({"name": name_of(template), "persistentVolumeClaim": {"claimName": name}})
        if ctx.store.get("PersistentVolumeClaim", namespace_of(owner), name) is None:
            _claim_storage(ctx, owner, template, name, pod)
    own = {each["name"] for each in claimed}
    return {"volumes": [*claimed, *(each for each in pod["spec"].get("volumes") or [] if each["name"] not in own)]}


def _claim_storage(ctx: Context, owner: Object, template: Object, name: str, pod: Object) -> None:
    labels = {**labels_of(template), **(owner["spec"]["selector"].get("matchLabels") or {})}
    metadata = {"name": name, "namespace": namespace_of(owner), "labels": labels}
    content = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": template["spec"]}
    ctx.store.create("PersistentVolumeClaim", defaulted("PersistentVolumeClaim", content))
    message = f"create Claim {name} Pod {name_of(pod)} in StatefulSet {name_of(owner)} success"
    say(ctx, MAKER, owner, "Normal", "SuccessfulCreate", message)


def _take(ctx: Context, walk: Walk, pod: Object) -> None:
    delete(ctx, "Pod", pod)
    message = f"delete Pod {name_of(pod)} in StatefulSet {name_of(walk.owner)} successful"
    say(ctx, MAKER, walk.owner, "Normal", "SuccessfulDelete", message)


def _condemn(ctx: Context, walk: Walk) -> bool:
    """Pods beyond the wanted ordinals go, the highest first, one at a time where order is asked for."""
    condemned = sorted((each for each in walk.pods if each not in walk.ordinals), reverse=True)
    for ordinal in condemned:
        pod = walk.pods[ordinal]
        if not is_deleting(pod):
            _take(ctx, walk, pod)
        if walk.is_ordered:
            return False
    return not condemned


def _roll(ctx: Context, walk: Walk) -> None:
    if not walk.rolls:
        return
    for ordinal in reversed(walk.ordinals):
        pod = walk.pods.get(ordinal)
        if pod is None or ordinal < walk.partition:
            return
        if labels_of(pod).get(HASH) != name_of(walk.update) and not is_deleting(pod):
            _take(ctx, walk, pod)
            return
        if not is_well(pod):
            return


def _status(ctx: Context, walk: Walk) -> Object:
    pods = [pod for ordinal, pod in walk.pods.items() if not is_finished(pod)]
    current, update = name_of(walk.current), name_of(walk.update)
    minimum = int(walk.owner["spec"].get("minReadySeconds", 0))
    staying = [labels_of(pod).get(HASH) for pod in pods if not is_deleting(pod)]
    ready = [pod for pod in pods if is_well(pod)]
    updated = staying.count(update)
    if updated == len(pods) == len(ready):
        current = update
    counts = {
        "readyReplicas": len(ready),
        "currentReplicas": staying.count(current),
        "updatedReplicas": updated,
    }
    return {
        "observedGeneration": walk.owner["metadata"]["generation"],
        "replicas": len(pods),
        **{key: count for key, count in counts.items() if count},
        "availableReplicas": sum(is_available(ctx, pod, minimum) for pod in ready),
        "currentRevision": current,
        "updateRevision": update,
        "collisionCount": 0,
    }
