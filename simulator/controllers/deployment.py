"""The Deployment controller: a ReplicaSet for every template, and the walk from the old ones to the new one.

The ReplicaSet whose template equals the Deployment's is the new one; it is made when missing and carries the next number of
`deployment.kubernetes.io/revision`. A rolling update never has more than replicas + maxSurge pods nor fewer available ones than
replicas - maxUnavailable; Recreate empties the old first. Old ReplicaSets stay, empty, up to revisionHistoryLimit, so that an undo
has something to go back to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.controllers.context import Context
from simulator.controllers.rollout_status import status
from simulator.events import Source
from simulator.objects import (
    Object,
    annotations_of,
    by_controller,
    int_or_percent,
    is_deleting,
    name_of,
    namespace_of,
    owner_reference,
    short_hash,
    uid_of,
    with_annotations,
    with_spec,
    with_status,
)

SOURCE = Source("deployment-controller")
REVISION = "deployment.kubernetes.io/revision"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
HASH_LABEL = "pod-template-hash"
# These belong to one object and are not handed down to its ReplicaSets.
_OWN_ANNOTATIONS = (REVISION, "kubectl.kubernetes.io/last-applied-configuration", "deprecated.deployment.rollback.to")


@dataclass
class Rollout:
    """One Deployment with its ReplicaSets, kept current while a step changes them."""

    deployment: Object
    new: Object | None
    old: list[Object]

    @property
    def replicasets(self) -> list[Object]:
        return [*self.old, *([self.new] if self.new else [])]

    @property
    def wanted(self) -> int:
        return int(self.deployment["spec"].get("replicas", 1))

    @property
    def existing(self) -> int:
        return sum(_replicas(each) for each in self.replicasets)

    @property
    def available(self) -> int:
        return sum(_available(each) for each in self.replicasets)


def reconcile(ctx: Context) -> None:
    owned = by_controller(ctx.store.list("ReplicaSet"))
    for deployment in ctx.store.list("Deployment"):
        if not is_deleting(deployment):
            _sync(ctx, deployment, owned.get(uid_of(deployment), []))


def _sync(ctx: Context, deployment: Object, replicasets: list[Object]) -> None:
    new = next((each for each in replicasets if _same_template(deployment, each)), None)
    old = sorted((each for each in replicasets if each is not new), key=revision_of)
    rollout = Rollout(deployment, new, old)
    if not deployment["spec"].get("paused"):
        _ensure_new(ctx, rollout)
        _walk(ctx, rollout)
        _prune(ctx, rollout)
    elif new is not None:
        _scale(ctx, rollout, new, rollout.wanted - sum(_replicas(each) for each in old))
    wanted = status(ctx, rollout.deployment, rollout.new, rollout.old)
    ctx.store.update("Deployment", with_status(rollout.deployment, wanted))


def revision_of(obj: Object) -> int:
    return int(annotations_of(obj).get(REVISION, "0"))


def _same_template(deployment: Object, replicaset: Object) -> bool:
    template = replicaset["spec"]["template"]
    metadata = template.get("metadata") or {}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH_LABEL}
    return bool({**template, "metadata": {**metadata, "labels": labels}} == _normal(deployment["spec"]["template"]))


def _normal(template: Object) -> Object:
    metadata = template.get("metadata") or {}
    return {**template, "metadata": {**metadata, "labels": dict(metadata.get("labels") or {})}}


def _ensure_new(ctx: Context, rollout: Rollout) -> None:
    """Make the new ReplicaSet when there is none; give a returning old template the next revision number."""
    highest = max((revision_of(each) for each in rollout.old), default=0)
    if rollout.new is None:
        rollout.new = _create(ctx, rollout, highest + 1)
    elif revision_of(rollout.new) <= highest:
        rollout.new = ctx.store.update("ReplicaSet", with_annotations(rollout.new, **{REVISION: str(highest + 1)}))
    revision = str(revision_of(rollout.new))
    rollout.deployment = ctx.store.update("Deployment", with_annotations(rollout.deployment, **{REVISION: revision}))


def _create(ctx: Context, rollout: Rollout, revision: int) -> Object:
    deployment = rollout.deployment
    template = _normal(deployment["spec"]["template"])
    suffix = short_hash(template)
    labels = {**template["metadata"]["labels"], HASH_LABEL: suffix}
    selector = deployment["spec"]["selector"]
    inherited = {key: value for key, value in annotations_of(deployment).items() if key not in _OWN_ANNOTATIONS}
    count = _room_for_new(rollout)
    created = ctx.store.create(
        "ReplicaSet",
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{name_of(deployment)}-{suffix}",
                "namespace": namespace_of(deployment),
                "labels": labels,
                "annotations": {**inherited, REVISION: str(revision), **_bounds(rollout)},
                "ownerReferences": [owner_reference(deployment, "Deployment", "apps/v1")],
            },
            "spec": {
                "replicas": count,
                "selector": {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), HASH_LABEL: suffix}},
                "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
                **({"minReadySeconds": least} if (least := deployment["spec"].get("minReadySeconds")) else {}),
            },
            "status": {"replicas": 0},
        },
    )
    if count:
        _say_scaled(ctx, deployment, created, 0, count)
    return created


def _walk(ctx: Context, rollout: Rollout) -> None:
    """One step from the old to the new."""
    if (rollout.deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
        for each in list(rollout.old):
            _scale(ctx, rollout, each, 0)
        if rollout.new and not any((each.get("status") or {}).get("replicas") for each in rollout.old):
            _scale(ctx, rollout, rollout.new, rollout.wanted)
        return
    if rollout.new and _replicas(rollout.new) != (count := _room_for_new(rollout)):
        _scale(ctx, rollout, rollout.new, count)
    else:
        _shrink_old(ctx, rollout)


def _room_for_new(rollout: Rollout) -> int:
    """How many replicas the new ReplicaSet may have now."""
    if (rollout.deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
        running = any((each.get("status") or {}).get("replicas") for each in rollout.old)
        return 0 if running else rollout.wanted
    surge, _ = bounds(rollout.deployment)
    present = _replicas(rollout.new) if rollout.new else 0
    if present >= rollout.wanted:
        return rollout.wanted
    room = rollout.wanted + surge - rollout.existing
    return present + max(min(room, rollout.wanted - present), 0)


def _shrink_old(ctx: Context, rollout: Rollout) -> None:
    """Take away old replicas: broken ones first, then as many good ones as availability allows."""
    if rollout.new is None:
        return
    _, unavailable = bounds(rollout.deployment)
    least = rollout.wanted - unavailable
    pending_new = _replicas(rollout.new) - _available(rollout.new)
    spare = rollout.existing - least - pending_new
    for each in list(rollout.old):
        broken = min(_replicas(each) - _available(each), max(spare, 0))
        if broken > 0:
            _scale(ctx, rollout, each, _replicas(each) - broken)
            spare -= broken
    spare = min(spare, rollout.available - least)
    for each in list(rollout.old):
        gone = min(_replicas(each), max(spare, 0))
        if gone > 0:
            _scale(ctx, rollout, each, _replicas(each) - gone)
            spare -= gone


def bounds(deployment: Object) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) as numbers; both zero would never move, so one may then be missing."""
    rolling: dict[str, Any] = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    wanted = int(deployment["spec"].get("replicas", 1))
    surge = int_or_percent(rolling.get("maxSurge", "25%"), wanted, round_up=True)
    unavailable = int_or_percent(rolling.get("maxUnavailable", "25%"), wanted, round_up=False)
    return surge, (unavailable if surge or unavailable else 1)


def _bounds(rollout: Rollout) -> dict[str, str]:
    surge, _ = bounds(rollout.deployment)
    return {DESIRED: str(rollout.wanted), MAXIMUM: str(rollout.wanted + surge)}


def _scale(ctx: Context, rollout: Rollout, replicaset: Object, count: int) -> None:
    count = max(count, 0)
    before = _replicas(replicaset)
    if count == before:
        return
    resized = with_annotations(with_spec(replicaset, replicas=count), **_bounds(rollout))
    written = ctx.store.update("ReplicaSet", resized)
    if replicaset is rollout.new:
        rollout.new = written
    else:
        rollout.old = [written if each is replicaset else each for each in rollout.old]
    _say_scaled(ctx, rollout.deployment, written, before, count)


def _say_scaled(ctx: Context, deployment: Object, replicaset: Object, before: int, after: int) -> None:
    verb = "up" if after > before else "down"
    message = f"Scaled {verb} replica set {name_of(replicaset)} from {before} to {after}"
    ctx.events.record(deployment, "Deployment", "Normal", "ScalingReplicaSet", message, SOURCE)


def _prune(ctx: Context, rollout: Rollout) -> None:
    limit = int(rollout.deployment["spec"].get("revisionHistoryLimit", 10))
    empty = [each for each in rollout.old if not _replicas(each) and not (each.get("status") or {}).get("replicas")]
    for each in empty[: max(len(empty) - limit, 0)]:
        ctx.store.delete("ReplicaSet", namespace_of(each), name_of(each))
        rollout.old.remove(each)


def _replicas(replicaset: Object) -> int:
    return int(replicaset["spec"].get("replicas", 1))


def _available(replicaset: Object) -> int:
    return int((replicaset.get("status") or {}).get("availableReplicas", 0))


__all__ = ["REVISION", "bounds", "reconcile", "revision_of"]
