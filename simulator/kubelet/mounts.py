"""The volumes of a pod: what keeps one from being mounted, and which files a container finds in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from simulator.kubelet.environment import data_of
from simulator.objects import Object, is_deleting, is_finished, name_of, namespace_of, uid_of
from simulator.store import Store

HOST_DIRECTORIES = re.compile(
    r"^/(|boot|dev|etc(/kubernetes|/ssl(/certs)?)?|home|lib/modules|opt|proc|run(/containerd)?|sys|tmp|usr"
    r"|var(/log(/containers|/pods)?|/lib(/containerd|/etcd|/kubelet)?)?)$"
)


@dataclass(frozen=True)
class Obstacle:
    """Why a volume is not there yet; `attaching` is said by the controller that attaches disks to nodes."""

    volume: str
    message: str
    attaching: bool = False


def obstacles(store: Store, pod: Object) -> list[Obstacle]:
    return [found for volume in pod["spec"].get("volumes") or [] for found in _obstacles(store, pod, volume)]


def _obstacles(store: Store, pod: Object, volume: Object) -> Iterator[Obstacle]:
    name = volume["name"]
    if "persistentVolumeClaim" in volume:
        yield from _claim(store, pod, name, volume["persistentVolumeClaim"].get("claimName", ""))
        return
    problem = next(iter(_problems(store, namespace_of(pod), volume)), None)
    if problem:
        yield Obstacle(name, f'MountVolume.SetUp failed for volume "{name}" : {problem}')


def _problems(store: Store, namespace: str, volume: Object) -> Iterator[str]:
    for kind, reference in _sources(volume):
        yield from _projected(store, namespace, kind, reference)
    host = volume.get("hostPath")
    if host and host.get("type") in ("Directory", "File", "Socket") and not HOST_DIRECTORIES.match(host["path"]):
        yield f"hostPath type check failed: {host['path']} is not a {host['type'].lower()}"


def _sources(volume: Object) -> Iterator[tuple[str, Object]]:
    """The ConfigMaps and Secrets a volume is made of, each with its `name`, `items` and `optional`."""
    if "configMap" in volume:
        yield "ConfigMap", volume["configMap"]
    if "secret" in volume:
        yield "Secret", {**volume["secret"], "name": volume["secret"].get("secretName", "")}
    for source in (volume.get("projected") or {}).get("sources") or []:
        if "configMap" in source:
            yield "ConfigMap", source["configMap"]
        if "secret" in source:
            yield "Secret", source["secret"]


def _projected(store: Store, namespace: str, kind: str, reference: Object) -> Iterator[str]:
    if reference.get("optional"):
        return
    found = store.get(kind, namespace, reference.get("name", ""))
    if found is None:
        yield f'{kind.lower()} "{reference.get("name", "")}" not found'
        return
    data = data_of(kind, found)
    for item in reference.get("items") or []:
        if item["key"] not in data:
            yield f"references non-existent {'config' if kind == 'ConfigMap' else 'secret'} key: {item['key']}"


def _claim(store: Store, pod: Object, volume: str, claim: str) -> Iterator[Obstacle]:
    found = store.get("PersistentVolumeClaim", namespace_of(pod), claim)
    if found is None or (found.get("status") or {}).get("phase") != "Bound":
        problem = f'persistentvolumeclaim "{claim}" not found' if found is None else "PVC is not bound"
        yield Obstacle(volume, f"error processing PVC {namespace_of(pod)}/{claim}: {problem}")
        return
    others = _users_elsewhere(store, pod, claim) if _is_exclusive(found) else []
    if others:
        disk = found["spec"].get("volumeName", "")
        used = f"Volume is already used by pod(s) {', '.join(others)}"
        yield Obstacle(volume, f'Multi-Attach error for volume "{disk}" {used}', attaching=True)


def _is_exclusive(claim: Object) -> bool:
    modes = claim["spec"].get("accessModes") or []
    return bool(modes) and not {"ReadWriteMany", "ReadOnlyMany"} & set(modes)


def _users_elsewhere(store: Store, pod: Object, claim: str) -> list[str]:
    """Pods that came before on other nodes and still hold the disk."""
    mine = pod["spec"].get("nodeName")
    return sorted(
        name_of(other)
        for other in store.list("Pod", namespace_of(pod))
        if other["spec"].get("nodeName") not in (None, "", mine)
        and uid_of(other) != uid_of(pod)
        and not is_finished(other)
        and claim in claims_of(other)
        and (is_deleting(other) or _holds(other))
    )


def _holds(pod: Object) -> bool:
    """A pod whose containers were ever created has its disks."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return any(each.get("containerID") for each in statuses)


def claims_of(pod: Object) -> list[str]:
    volumes = pod["spec"].get("volumes") or []
    return [each["persistentVolumeClaim"].get("claimName", "") for each in volumes if "persistentVolumeClaim" in each]


def files(store: Store, pod: Object, container: Object) -> dict[str, str]:
    """What a container finds mounted: the path of each file with its text."""
    volumes = {each["name"]: each for each in pod["spec"].get("volumes") or []}
    found: dict[str, str] = {}
    for mount in container.get("volumeMounts") or []:
        volume = volumes.get(mount["name"])
        entries = _entries(store, namespace_of(pod), volume) if volume else {}
        path, part = str(mount["mountPath"]).rstrip("/"), mount.get("subPath")
        if part:
            found.update({path: entries[part]} if part in entries else {})
        else:
            found.update({f"{path}/{name}": text for name, text in entries.items()})
    return found


def _entries(store: Store, namespace: str, volume: Object) -> dict[str, str]:
    entries: dict[str, str] = {}
    for kind, reference in _sources(volume):
        obj = store.get(kind, namespace, reference.get("name", ""))
        data = data_of(kind, obj) if obj else {}
        items = reference.get("items")
        paths = {item["path"]: item["key"] for item in items} if items else {key: key for key in data}
        entries.update({path: data[key] for path, key in paths.items() if key in data})
    return entries


def may_write(pod: Object, container: Object, directory: str) -> bool:
    """Whether the container's user may write to a directory: on a disk only root, or a group that the disk was given to."""
    volumes = {each["name"]: each for each in pod["spec"].get("volumes") or []}
    mount = next(
        (each for each in container.get("volumeMounts") or [] if each["mountPath"].rstrip("/") == directory), None
    )
    volume = volumes.get(mount["name"]) if mount else None
    if mount is None or volume is None:
        return True
    if mount.get("readOnly"):
        return False
    if "persistentVolumeClaim" not in volume and "hostPath" not in volume:
        return True
    general, own = pod["spec"].get("securityContext") or {}, container.get("securityContext") or {}
    user = own.get("runAsUser", general.get("runAsUser"))
    # A group does not help on a directory of the host: the kubelet does not change the owner of those.
    return user in (None, 0) or ("hostPath" not in volume and general.get("fsGroup") is not None)
