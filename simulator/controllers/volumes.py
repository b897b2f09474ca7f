"""Claims and volumes: which belongs to which, who makes a volume for a claim, and why a claim still waits.

A claim takes the smallest free volume that satisfies it: its class, its size, its access modes, its selector. Where there is none, the
class says who makes one: the program of that provisioner, if a ready pod runs it. A class that waits for the first consumer leaves the
claim alone until the scheduler has chosen a node for a pod that uses it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from simulator.controllers.context import Context
from simulator.controllers.scheduling.board import claims_of
from simulator.events import EventType, Source
from simulator.kubernetes_api import DeleteOptions, marked
from simulator.objects import (
    Object,
    annotations_of,
    is_deleting,
    is_finished,
    is_ready,
    label_selector_matches,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
    with_annotations,
    with_metadata,
    with_spec,
    with_status,
)
from simulator.quantity import quantity
from simulator.store import Store

SOURCE = Source("persistentvolume-controller")
SELECTED = "volume.kubernetes.io/selected-node"
COMPLETED = "pv.kubernetes.io/bind-completed"
BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
PROVISIONER = "volume.kubernetes.io/storage-provisioner"
IN_USE = "kubernetes.io/pvc-protection"
# The drivers for which there is a program, with the container under which it runs.
PROGRAMS = {"driver.longhorn.io": "csi-provisioner"}
NOTHING = "no persistent volumes available for this claim and no storage class is set"
FIRST_CONSUMER = "waiting for first consumer to be created before binding"
EXTERNAL = (
    "Waiting for a volume to be created either by the external provisioner '{}' or manually by the system administrator. "
    "If volume creation is delayed, please verify that the provisioner is running and correctly registered."
)
MOST_REPLICAS = 20
PERIOD = timedelta(seconds=15)


def reconcile(ctx: Context) -> None:
    for claim in ctx.store.list("PersistentVolumeClaim"):
        protected = _protect(ctx, claim)
        if protected is not None and not is_deleting(protected):
            _sync_claim(ctx, protected)
    for volume in ctx.store.list("PersistentVolume"):
        if not is_deleting(volume):
            _sync_volume(ctx, volume)


def is_bound(claim: Object) -> bool:
    return (claim.get("status") or {}).get("phase") == "Bound"


def class_of(store: Store, claim: Object) -> Object | None:
    return store.get("StorageClass", None, claim["spec"].get("storageClassName") or "")


def waits_for_consumer(store: Store, claim: Object) -> bool:
    found = class_of(store, claim)
    return found is not None and found.get("volumeBindingMode") == "WaitForFirstConsumer"


def reserve(ctx: Context, claim: Object, node: Object) -> None:
    """The scheduler's word to the claim: this is the node."""
    if annotations_of(claim).get(SELECTED) != name_of(node):
        ctx.store.update("PersistentVolumeClaim", with_annotations(claim, **{SELECTED: name_of(node)}))


def best_volume(claim: Object, volumes: Iterable[Object]) -> Object | None:
    """The volume kept for this claim, or the smallest that satisfies it."""
    free = [volume for volume in volumes if _is_free(volume, claim) and not mismatch(claim, volume)]
    satisfying = [volume for volume in free if _is_kept(volume, claim) or _is_selected(claim, volume)]
    return min(
        satisfying, key=lambda volume: (not _is_kept(volume, claim), _capacity(volume), name_of(volume)), default=None
    )


def _is_free(volume: Object, claim: Object) -> bool:
    if is_deleting(volume) or (volume.get("status") or {}).get("phase") in ("Released", "Failed"):
        return False
    return not volume["spec"].get("claimRef") or _is_kept(volume, claim)


def _is_kept(volume: Object, claim: Object) -> bool:
    """The volume names this claim; a uid, where it has one, has to be right."""
    reference = volume["spec"].get("claimRef") or {}
    is_named = (reference.get("namespace"), reference.get("name")) == (namespace_of(claim), name_of(claim))
    return is_named and reference.get("uid") in (None, "", uid_of(claim))


def mismatch(claim: Object, volume: Object) -> str:
    """What a volume lacks for a claim, in the controller's words."""
    wanted, offered = claim["spec"], volume["spec"]
    if quantity(((wanted.get("resources") or {}).get("requests") or {}).get("storage", "0")) > _capacity(volume):
        return "requested PV is too small"
    if (wanted.get("storageClassName") or "") != (offered.get("storageClassName") or ""):
        return "storageClassName does not match"
    if wanted.get("volumeMode", "Filesystem") != offered.get("volumeMode", "Filesystem"):
        return "incompatible volumeMode"
    if not set(wanted.get("accessModes") or []) <= set(offered.get("accessModes") or []):
        return "incompatible accessMode"
    return ""


def _is_selected(claim: Object, volume: Object) -> bool:
    selector = claim["spec"].get("selector")
    return not selector or label_selector_matches(selector, labels_of(volume))


def _capacity(volume: Object) -> float:
    return quantity((volume["spec"].get("capacity") or {}).get("storage", "0"))


def _protect(ctx: Context, claim: Object) -> Object | None:
    """A claim that a pod uses does not go before the pod has gone."""
    finalizers = claim["metadata"].get("finalizers") or []
    if not is_deleting(claim):
        if IN_USE in finalizers:
            return claim
        return ctx.store.update("PersistentVolumeClaim", with_metadata(claim, finalizers=[*finalizers, IN_USE]))
    if IN_USE in finalizers and not _users(ctx, claim):
        rest = [each for each in finalizers if each != IN_USE]
        ctx.store.update("PersistentVolumeClaim", with_metadata(claim, finalizers=rest))
        return None
    return claim


def _users(ctx: Context, claim: Object) -> list[Object]:
    pods = ctx.store.list("Pod", namespace_of(claim))
    return [pod for pod in pods if name_of(claim) in claims_of(pod) and not is_finished(pod)]


def _sync_claim(ctx: Context, claim: Object) -> None:
    named = claim["spec"].get("volumeName")
    if not named:
        _look_for_volume(ctx, claim)
        return
    volume = ctx.store.get("PersistentVolume", None, named)
    if volume is None:
        _miss(ctx, claim)
    elif volume["spec"].get("claimRef") and not _is_kept(volume, claim):
        if not is_bound(claim):
            _say(ctx, claim, "Warning", "FailedBinding", f'volume "{named}" already bound to a different claim.')
            _wait(ctx, claim)
    elif lack := mismatch(claim, volume) if not is_bound(claim) else "":
        _say(ctx, claim, "Warning", "VolumeMismatch", f'Cannot bind to requested volume "{named}": {lack}')
        _wait(ctx, claim)
    else:
        _bind(ctx, claim, volume)


def _miss(ctx: Context, claim: Object) -> None:
    if annotations_of(claim).get(COMPLETED) != "yes":
        _wait(ctx, claim)
    elif (claim["status"] or {}).get("phase") != "Lost":
        _say(
            ctx, claim, "Warning", "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
        )
        ctx.store.update("PersistentVolumeClaim", with_status(claim, {"phase": "Lost"}))


def _wait(ctx: Context, claim: Object) -> None:
    ctx.store.update("PersistentVolumeClaim", with_status(claim, {**(claim.get("status") or {}), "phase": "Pending"}))


def _look_for_volume(ctx: Context, claim: Object) -> None:
    is_delayed = waits_for_consumer(ctx.store, claim) and SELECTED not in annotations_of(claim)
    volumes = ctx.store.list("PersistentVolume")
    kept = [volume for volume in volumes if volume["spec"].get("claimRef")]
    found = best_volume(claim, kept if is_delayed else volumes)
    if found is not None:
        _bind(ctx, claim, found)
        return
    _wait(ctx, claim)
    if is_delayed:
        _await_consumer(ctx, claim)
    elif claim["spec"].get("storageClassName"):
        _provision(ctx, claim)
    else:
        _say(ctx, claim, "Normal", "FailedBinding", NOTHING)


def _await_consumer(ctx: Context, claim: Object) -> None:
    waiting = [name_of(pod) for pod in _users(ctx, claim) if not pod["spec"].get("nodeName")]
    if not waiting:
        _say(ctx, claim, "Normal", "WaitForFirstConsumer", FIRST_CONSUMER)
        return
    which = f"pods {','.join(waiting)}" if len(waiting) > 1 else f"pod {waiting[0]}"
    _say(ctx, claim, "Normal", "WaitForPodScheduled", f"waiting for {which} to be scheduled")


def _bind(ctx: Context, claim: Object, volume: Object) -> None:
    reference = {
        "kind": "PersistentVolumeClaim",
        "namespace": namespace_of(claim),
        "name": name_of(claim),
        "uid": uid_of(claim),
        "apiVersion": "v1",
        "resourceVersion": (volume["spec"].get("claimRef") or {}).get("resourceVersion")
        or claim["metadata"]["resourceVersion"],
    }
    kept = with_status(with_spec(volume, claimRef=reference), {**(volume.get("status") or {}), "phase": "Bound"})
    ctx.store.update("PersistentVolume", kept)
    by_whom = {} if claim["spec"].get("volumeName") else {BY_CONTROLLER: "yes"}
    bound = with_annotations(with_spec(claim, volumeName=name_of(volume)), **{COMPLETED: "yes"}, **by_whom)
    status = {
        "phase": "Bound",
        "accessModes": volume["spec"].get("accessModes"),
        "capacity": volume["spec"].get("capacity"),
    }
    ctx.store.update("PersistentVolumeClaim", with_status(bound, status))


def _provision(ctx: Context, claim: Object) -> None:
    name = claim["spec"]["storageClassName"]
    storage_class = class_of(ctx.store, claim)
    if storage_class is None:
        _say(ctx, claim, "Warning", "ProvisioningFailed", f'storageclass.storage.k8s.io "{name}" not found')
        return
    provisioner = str(storage_class.get("provisioner", ""))
    if provisioner.startswith("kubernetes.io/"):
        _say(ctx, claim, "Warning", "ProvisioningFailed", f"no volume plugin matched name: {provisioner}")
        return
    if annotations_of(claim).get(PROVISIONER) != provisioner:
        claim = ctx.store.update("PersistentVolumeClaim", with_annotations(claim, **{PROVISIONER: provisioner}))
    _say(ctx, claim, "Normal", "ExternalProvisioning", EXTERNAL.format(provisioner))
    program = _program(ctx, provisioner)
    if program is not None:
        _make_volume(ctx, claim, storage_class, Source(f"{provisioner}_{name_of(program)}_{uid_of(program)}"))


def _program(ctx: Context, provisioner: str) -> Object | None:
    """The ready pod that makes volumes for this provisioner."""
    wanted = PROGRAMS.get(provisioner)
    return next(
        (
            pod
            for pod in ctx.store.list("Pod")
            if is_ready(pod)
            and not is_deleting(pod)
            and any(each["name"] == wanted for each in pod["spec"]["containers"])
        ),
        None,
    )


def _make_volume(ctx: Context, claim: Object, storage_class: Object, source: Source) -> None:
    name = f"pvc-{uid_of(claim)}"
    about = f'"{namespace_of(claim)}/{name_of(claim)}"'
    _say(ctx, claim, "Normal", "Provisioning", f"External provisioner is provisioning volume for claim {about}", source)
    refusal = _refused_parameters(storage_class)
    if refusal:
        text = f'failed to provision volume with StorageClass "{name_of(storage_class)}": {refusal}'
        _say(ctx, claim, "Warning", "ProvisioningFailed", text, source)
        return
    ctx.store.create("PersistentVolume", _volume(name, claim, storage_class))
    _say(ctx, claim, "Normal", "ProvisioningSucceeded", f"Successfully provisioned volume {name}", source)


def _refused_parameters(storage_class: Object) -> str:
    """What the storage system says about a class's parameters."""
    replicas = str((storage_class.get("parameters") or {}).get("numberOfReplicas", "3"))
    if replicas.isdecimal() and 1 <= int(replicas) <= MOST_REPLICAS:
        return ""
    return (
        "rpc error: code = InvalidArgument desc = cannot create volume: invalid parameter numberOfReplicas: "
        f"number of replica count should be between 1 to {MOST_REPLICAS}, got {replicas}"
    )


def _volume(name: str, claim: Object, storage_class: Object) -> Object:
    provisioner = storage_class["provisioner"]
    reference = {"kind": "PersistentVolumeClaim", "namespace": namespace_of(claim), "name": name_of(claim)}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: provisioner}},
        "spec": {
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "accessModes": claim["spec"]["accessModes"],
            "claimRef": {**reference, "uid": uid_of(claim), "apiVersion": "v1"},
            "csi": {"driver": provisioner, "fsType": "ext4", "volumeHandle": name},
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
            "storageClassName": name_of(storage_class),
            "volumeMode": claim["spec"].get("volumeMode", "Filesystem"),
        },
        "status": {"phase": "Pending"},
    }


def _sync_volume(ctx: Context, volume: Object) -> None:
    """Available, Bound or Released; what was released goes when its policy says so."""
    reference = volume["spec"].get("claimRef")
    if not reference or not reference.get("uid"):
        _turn(ctx, volume, "Available")
        return
    claim = ctx.store.get("PersistentVolumeClaim", reference["namespace"], reference["name"])
    if claim is not None and uid_of(claim) == reference["uid"]:
        return
    if volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete" and PROVISIONED_BY in annotations_of(volume):
        doomed = marked("PersistentVolume", volume, ctx.now(), DeleteOptions())
        if doomed is None:
            ctx.store.delete("PersistentVolume", None, name_of(volume))
            return
    _turn(ctx, volume, "Released")


def _turn(ctx: Context, volume: Object, phase: str) -> None:
    ctx.store.update("PersistentVolume", with_status(volume, {**(volume.get("status") or {}), "phase": phase}))


def _say(ctx: Context, claim: Object, event: EventType, reason: str, message: str, source: Source = SOURCE) -> None:
    """Say it about the claim, and look again after the controller's period; what stays so is not said more often than that."""
    ctx.events.record(claim, "PersistentVolumeClaim", event, reason, message, source, pause=PERIOD)
    ctx.call_again(ctx.now() + PERIOD)
