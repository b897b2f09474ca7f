"""A pod that is scheduled and does not come up: its disk, its sandbox, its preparation or its command."""

from __future__ import annotations

from datetime import datetime

from simulator.faults.base import (
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Refused,
    existing,
    first_container,
    with_container,
    with_pod_spec,
)
from simulator.faults.edits import add, change
from simulator.faults.workloads import edit, edit_container, edit_pod, is_steady, program
from simulator.objects import Object
from simulator.world import World

STRANGER = 10001  # a user who owns nothing


class _Pod(Fault):
    category = "startup"
    repairs = ("rollback", "patch_workload")

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_steady(world, place)


class BadCommand(_Pod):
    id = "bad_command"
    title = "The container is told to run a command that its image does not have"
    parameters = (
        Parameter("command", "text", "the command", "the program under a name it does not have"),
        Parameter("shell", "text", "leave the command to this script of the image's shell instead"),
    )

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        container = first_container(existing(world, "Deployment", place))
        command = [str(parameters.get("command") or f"/usr/local/bin/{place.name}-server")]
        if parameters.get("shell"):
            command = ["sh", "-c", str(parameters["shell"])]
        said = f"command of container {container['name']} set to {command}"
        return edit_container(world, place, said, command=command)


class InitContainerFailed(_Pod):
    id = "init_container_failed"
    title = "The init container that prepares the pod fails"
    parameters = (Parameter("script", "text", "what it runs", "a migration that ends with 1"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        failing = 'echo "applying migration 0042_add_index"; echo "error: relation items already exists"; exit 1'
        script = str(parameters.get("script") or failing)
        container = {"name": "migrate", "image": _box(world), "command": ["sh", "-c", script]}
        return edit_pod(world, place, "an init container migrate added", initContainers=[container])


def _box(world: World) -> str:
    return next(reference for reference in world.registry.references() if "/busybox:" in reference)


class SandboxFailed(_Pod):
    id = "sandbox_failed"
    title = "The pod asks for a runtime class that the nodes' container runtime does not have"
    parameters = (Parameter("runtime_class", "text", "the class to ask for", "gvisor"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        name = str(parameters.get("runtime_class") or "gvisor")
        runtime = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": name}
        known = world.store.get("RuntimeClass", None, name)
        made = () if known else (add(world.store, "RuntimeClass", runtime),)
        edited = edit_pod(world, place, f"runtimeClassName set to {name}", runtimeClassName=name)
        return Injection(edited.change, (*made, *edited.edits))


class VolumeMountPermissionDenied(_Pod):
    id = "volume_mount_permission_denied"
    title = "The container's user may not write to the volume with its data"

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:  # noqa: ARG002
        app = program(world, place)
        if not app.data_dir:
            raise Refused(f"target: {place.name} keeps no data")
        deployment = existing(world, "Deployment", place)
        changed = _on_host(deployment, app.data_dir, f"/var/lib/{app.name}")
        context = {"runAsUser": STRANGER, "runAsNonRoot": True}
        said = f"{app.data_dir} put on the node's disk, the container run as user {STRANGER}"
        return edit(world, place, said, with_pod_spec(changed, securityContext=context))

    def suits(self, world: World, place: Place) -> bool:
        return super().suits(world, place) and bool(program(world, place).data_dir)


def _on_host(workload: Object, directory: str, path: str) -> Object:
    container, spec = first_container(workload), workload["spec"]["template"]["spec"]
    others = [each for each in container.get("volumeMounts") or [] if each["mountPath"] != directory]
    mounted = {**container, "volumeMounts": [*others, {"name": "data", "mountPath": directory}]}
    volumes = [each for each in spec.get("volumes") or [] if each["name"] != "data"]
    volume = {"name": "data", "hostPath": {"path": path, "type": "DirectoryOrCreate"}}
    return with_pod_spec(with_container(workload, mounted), volumes=[*volumes, volume])


class VolumeAttachConflict(_Pod):
    id = "volume_attach_conflict"
    title = "A disk that only one node may have is wanted by pods on two"

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:  # noqa: ARG002
        deployment = existing(world, "Deployment", place)
        name = f"{place.name}-data"
        volume = add(world.store, "PersistentVolume", _disk(f"pvc-{name}", place.namespace, name))
        claim = add(world.store, "PersistentVolumeClaim", _claim(place.namespace, name, f"pvc-{name}"))
        container, spec = first_container(deployment), deployment["spec"]["template"]["spec"]
        mounts = [*(container.get("volumeMounts") or []), {"name": "data", "mountPath": "/data"}]
        volumes = [*(spec.get("volumes") or []), {"name": "data", "persistentVolumeClaim": {"claimName": name}}]
        mounted = with_container(deployment, {**container, "volumeMounts": mounts})
        changed = with_pod_spec(mounted, volumes=volumes, affinity=_apart(deployment))
        said = f"one ReadWriteOnce volume {name} mounted by all pods, which are to run on different nodes"
        return Injection(said, (volume, claim, change(world.store, "Deployment", deployment, changed)))

    def suits(self, world: World, place: Place) -> bool:
        deployment = world.store.get("Deployment", *place)
        return deployment is not None and int(deployment["spec"].get("replicas", 1)) > 1


def _apart(workload: Object) -> Object:
    term = {"labelSelector": workload["spec"]["selector"], "topologyKey": "kubernetes.io/hostname"}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


def _disk(name: str, namespace: str, claim: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": "",
            "volumeMode": "Filesystem",
            "claimRef": {"kind": "PersistentVolumeClaim", "namespace": namespace, "name": claim},
            "csi": {"driver": "disk.csi.example", "volumeHandle": f"vol-{name}"},
        },
        "status": {"phase": "Available"},
    }


def _claim(namespace: str, name: str, volume: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "10Gi"}},
            "storageClassName": "",
            "volumeMode": "Filesystem",
            "volumeName": volume,
        },
        "status": {"phase": "Pending"},
    }


FAULTS: tuple[Fault, ...] = (
    VolumeMountPermissionDenied(),
    VolumeAttachConflict(),
    InitContainerFailed(),
    BadCommand(),
    SandboxFailed(),
)
