"""Objects that ways put in often: Secrets, storage classes, claims and volumes."""

import base64
import hashlib

from tests.evaluation.casebook.model import Object
from tests.evaluation.casebook.scene import Scene


def add_secret(scene: Scene, name: str, namespace: str, keys: list[str], *, value: str = "") -> Object:
    """Values as bundles have them: a keyed hash, or what a redacted export leaves; equal values stay equal."""

    data = {}
    for key in keys:
        plain = f"{value or name}:{key if not value else ''}"
        digest = hashlib.sha256(f"{scene.style.team}:{plain}".encode()).hexdigest()
        data[key] = (
            f"sha256:{digest[:32]}"
            if scene.style.secret_form == "hash"
            else base64.b64encode(digest[:20].encode()).decode()
        )
    return scene.add("Secret", name, namespace, data=data, type="Opaque")


def storage_class(scene: Scene) -> str:
    """The name of the cluster's usual class; it is made when first asked for."""
    known = next((one for one in scene.extra if one["kind"] == "StorageClass"), None)
    if known:
        return str(known["metadata"]["name"])
    made = {
        "kubeadm": ("nfs-client", "cluster.local/nfs-subdir-external-provisioner"),
        "k3s": ("local-path", "rancher.io/local-path"),
        "kind": ("standard", "rancher.io/local-path"),
        "managed": scene.dice.choice(
            [
                ("gp3", "ebs.csi.aws.com"),
                ("standard-rwo", "pd.csi.storage.gke.io"),
                ("managed-csi", "disk.csi.azure.com"),
            ]
        ),
    }[scene.style.flavour]
    waits = "WaitForFirstConsumer" if scene.style.flavour != "kubeadm" else "Immediate"
    scene.add(
        "StorageClass",
        made[0],
        api="storage.k8s.io/v1",
        annotations={"storageclass.kubernetes.io/is-default-class": "true"},
        provisioner=made[1],
        reclaimPolicy="Delete",
        volumeBindingMode=waits,
        allowVolumeExpansion=scene.style.flavour == "managed",
    )
    return made[0]


def add_claim(
    scene: Scene,
    name: str,
    namespace: str,
    *,
    size: str,
    klass: str | None,
    modes: list[str] | None = None,
    bound: bool = True,
    **spec: object,
) -> Object:
    """A claim, with its volume if it is bound."""
    body: Object = {
        "accessModes": modes or ["ReadWriteOnce"],
        "resources": {"requests": {"storage": size}},
        "volumeMode": "Filesystem",
        **spec,
    }
    if klass is not None:
        body["storageClassName"] = klass
    claim = scene.add("PersistentVolumeClaim", name, namespace, spec=body, status={"phase": "Pending"})
    if bound:
        volume = add_volume(
            scene,
            f"pvc-{claim['metadata']['uid']}",
            size=size,
            klass=klass or "",
            modes=body["accessModes"],
            claim=claim,
        )
        body["volumeName"] = volume["metadata"]["name"]
        claim["metadata"]["annotations"] = {
            "pv.kubernetes.io/bind-completed": "yes",
            "pv.kubernetes.io/bound-by-controller": "yes",
        }
        claim["status"] = {"phase": "Bound", "accessModes": body["accessModes"], "capacity": {"storage": size}}
    return claim


def add_volume(
    scene: Scene,
    name: str,
    *,
    size: str,
    klass: str,
    modes: list[str],
    claim: Object | None = None,
    labels: dict[str, str] | None = None,
    phase: str = "",
    source: Object | None = None,
) -> Object:
    body: Object = {
        "accessModes": modes,
        "capacity": {"storage": size},
        "persistentVolumeReclaimPolicy": "Retain" if not claim else "Delete",
        "volumeMode": "Filesystem",
    }
    body |= {"storageClassName": klass} if klass else {}
    body |= source or {"hostPath": {"path": f"/srv/volumes/{name[:12]}", "type": ""}}
    if claim:
        meta = claim["metadata"]
        body["claimRef"] = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "name": meta["name"],
            "namespace": meta["namespace"],
            "uid": meta["uid"],
        }
    return scene.add(
        "PersistentVolume",
        name,
        labels=labels,
        spec=body,
        status={"phase": phase or ("Bound" if claim else "Available")},
    )
