"""A workload gets storage that never comes: its claim finds no volume, or nobody who makes one.

Each adds a claim, and what is there to satisfy it, and mounts it in the pod template; the claim stays Pending and so does the new pod.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime

from simulator.cluster_parts import DRIVER
from simulator.faults.base import (
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Refused,
    existing,
    first_container,
    is_fully_available,
    with_container,
    with_pod_spec,
)
from simulator.faults.edits import Edit, add, change
from simulator.objects import Object, name_of
from simulator.world import World

MOUNT = "/var/lib/data"
VOLUME = "data"


class Unbound(Fault):
    category = "scheduling"
    repairs = ("rollback", "create_object")

    @abstractmethod
    def storage(
        self, world: World, place: Place, parameters: Parameters
    ) -> tuple[list[tuple[str, Object]], Object, str]:
        """Classes and volumes to create, the claim's spec where it differs from the usual, and what was done."""

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        deployment = existing(world, "Deployment", place)
        claim = claim_name(place)
        if world.store.get("PersistentVolumeClaim", place.namespace, claim) is not None:
            raise Refused(f"target: there is a claim {claim!r} already")
        objects, differing, said = self.storage(world, place, parameters)
        made: list[Edit] = [add(world.store, kind, obj) for kind, obj in objects]
        made.append(add(world.store, "PersistentVolumeClaim", _claim(place, differing)))
        edit = change(world.store, "Deployment", deployment, _mounting(deployment, claim))
        return Injection(f"claim {claim} mounted at {MOUNT}: {said}", (*made, edit))

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_fully_available(world, place)


def claim_name(place: Place) -> str:
    return f"{place.name}-{VOLUME}"


def _claim(place: Place, differing: Object) -> Object:
    usual = {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "5Gi"}},
        "storageClassName": "",
        **differing,
    }
    metadata = {"name": claim_name(place), "namespace": place.namespace, "labels": {"app": place.name}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": usual}


def _mounting(deployment: Object, claim: str) -> Object:
    container = first_container(deployment)
    mounts = [*(container.get("volumeMounts") or []), {"name": VOLUME, "mountPath": MOUNT}]
    known = deployment["spec"]["template"]["spec"].get("volumes") or []
    volume = {"name": VOLUME, "persistentVolumeClaim": {"claimName": claim}}
    mounted = with_container(deployment, {**container, "volumeMounts": mounts})
    return with_pod_spec(mounted, volumes=[*known, volume])


def _volume(place: Place, labels: Object | None = None, **spec: object) -> tuple[str, Object]:
    name = f"{place.namespace}-{place.name}-{VOLUME}"
    content = {
        "capacity": {"storage": "10Gi"},
        "accessModes": ["ReadWriteMany"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
        "volumeMode": "Filesystem",
        "nfs": {"server": "192.168.10.5", "path": f"/export/{name}"},
        **spec,
    }
    metadata = {"name": name, **({"labels": labels} if labels else {})}
    return "PersistentVolume", {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": content}


def _class(name: str, provisioner: str, **fields: object) -> tuple[str, Object]:
    usual = {"provisioner": provisioner, "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"}
    head = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}}
    return "StorageClass", {**head, **usual, **fields}


Storage = tuple[list[tuple[str, Object]], Object, str]


class PvBindingOccupied(Unbound):
    id = "pv_binding_occupied"
    title = "The volume meant for a claim still belongs to another one"

    def storage(self, world: World, place: Place, parameters: Parameters) -> Storage:  # noqa: ARG002
        other = f"{place.name}-archive"
        reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": place.namespace, "name": other}
        kind, volume = _volume(place, claimRef={**reference, "uid": "5f0c8f6e-1f2b-4b1c-9d57-0c2f5d1f7a10"})
        return [(kind, volume)], {"volumeName": name_of(volume)}, f"its volume is still kept for the claim {other}"


class PvcSelectorMismatch(Unbound):
    id = "pvc_selector_mismatch"
    title = "A claim selects volumes by a label that none has"

    def storage(self, world: World, place: Place, parameters: Parameters) -> Storage:  # noqa: ARG002
        wanted = {"selector": {"matchLabels": {"app": place.name, "tier": "gold"}}}
        return (
            [_volume(place, {"app": place.name, "tier": "silver"})],
            wanted,
            "it selects tier=gold, the volume is silver",
        )


class PvcStorageClassMismatch(Unbound):
    id = "pvc_storage_class_mismatch"
    title = "A claim asks for another class than the volume meant for it has"

    def storage(self, world: World, place: Place, parameters: Parameters) -> Storage:  # noqa: ARG002
        nobody = "kubernetes.io/no-provisioner"
        names = [f"{place.name}-{kind}" for kind in ("disks", "archive")]
        made = [_class(name, nobody) for name in names]
        return (
            [*made, _volume(place, storageClassName=names[0])],
            {"storageClassName": names[1]},
            f"its class is {names[1]}",
        )


class PvcCapacityMismatch(Unbound):
    id = "pvc_capacity_mismatch"
    title = "A claim asks for more than the volume meant for it holds"
    parameters = (Parameter("size", "text", "what it asks for", "100Gi"),)

    def storage(self, world: World, place: Place, parameters: Parameters) -> Storage:  # noqa: ARG002
        size = str(parameters.get("size", "100Gi"))
        return [_volume(place)], {"resources": {"requests": {"storage": size}}}, f"it asks for {size}"


class PvcAccessModeMismatch(Unbound):
    id = "pvc_access_mode_mismatch"
    title = "A claim asks for a way of access that the volume meant for it does not offer"

    def storage(self, world: World, place: Place, parameters: Parameters) -> Storage:  # noqa: ARG002
        return [_volume(place, accessModes=["ReadWriteOnce"])], {}, "it asks for ReadWriteMany"


class StorageClassMissing(Unbound):
    id = "storage_class_missing"
    title = "A claim names a class that does not exist"
    parameters = (Parameter("class", "text", "the class it names", "fast-ssd"),)

    def storage(self, world: World, place: Place, parameters: Parameters) -> Storage:  # noqa: ARG002
        name = str(parameters.get("class", "fast-ssd"))
        if world.store.get("StorageClass", None, name) is not None:
            raise Refused(f"params: the class {name!r} exists")
        return [], {"storageClassName": name}, f"its class is {name}"


class ProvisionerFailed(Unbound):
    id = "provisioner_failed"
    title = "The provisioner of a claim's class refuses to make volumes"

    def storage(self, world: World, place: Place, parameters: Parameters) -> Storage:  # noqa: ARG002
        name = f"{place.name}-replicated"
        made = _class(name, DRIVER, parameters={"numberOfReplicas": "30"}, allowVolumeExpansion=True)
        return [made], {"storageClassName": name}, f"its class {name} asks the storage for 30 replicas"
