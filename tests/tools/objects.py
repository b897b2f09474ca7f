"""Small Kubernetes objects for tests, as the API server would give them, and a snapshot around them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tools.engines.diagnosis import Gap, Window
from tools.engines.logs.digest import digest
from tools.engines.snapshot import LogKey, Series, Signal, Snapshot

Object = dict[str, Any]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NS = "town"


def at(minutes_ago: float) -> str:
    return (NOW - timedelta(minutes=minutes_ago)).isoformat().replace("+00:00", "Z")


def container(name: str = "app", image: str = "reg.example/baker:1.0", **limits: str) -> Object:
    return {
        "name": name,
        "image": image,
        "ports": [{"containerPort": 8080, "name": "http"}],
        "env": [],
        "resources": {"limits": dict(limits)} if limits else {},
    }


def template(labels: Mapping[str, str], *containers: Object) -> Object:
    return {"metadata": {"labels": dict(labels)}, "spec": {"containers": [*containers]}}


def meta(name: str, *, namespace: str = NS, owner: tuple[str, str] | None = None, **more: Any) -> Object:
    owners = [{"kind": owner[0], "name": owner[1], "controller": True, "uid": f"uid-{owner[1]}"}] if owner else []
    return {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{name}",
        "resourceVersion": "100",
        "generation": 1,
        "creationTimestamp": at(24 * 60),
        "ownerReferences": owners,
        **more,
    }


def deployment(
    name: str = "baker",
    *containers: Object,
    replicas: int = 2,
    labels: Mapping[str, str] | None = None,
    available: int = 2,
) -> Object:
    labels = labels or {"app": name}
    return {
        "kind": "Deployment",
        "metadata": meta(name),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": dict(labels)},
            "template": template(labels, *(containers or (container(),))),
        },
        "status": {
            "observedGeneration": 1,
            "replicas": replicas,
            "updatedReplicas": replicas,
            "readyReplicas": available,
            "availableReplicas": available,
            "conditions": [{"type": "Available", "status": "True", "lastUpdateTime": at(30)}],
        },
    }


def replica_set(owner: Object, number: int, *containers: Object, ready: int = 0, minutes_ago: float = 60) -> Object:
    name = f"{owner['metadata']['name']}-rs{number}"
    labels = {**owner["spec"]["template"]["metadata"]["labels"], "pod-template-hash": f"rs{number}"}
    return {
        "kind": "ReplicaSet",
        "metadata": {
            **meta(name, owner=("Deployment", owner["metadata"]["name"])),
            "creationTimestamp": at(minutes_ago),
            "annotations": {"deployment.kubernetes.io/revision": str(number)},
        },
        "spec": {"replicas": ready, "template": template(labels, *(containers or (container(),)))},
        "status": {"readyReplicas": ready},
    }


def pod(owner: Object, suffix: str = "bcdfg", *, ready: bool = True, **status: Any) -> Object:
    """A pod of a ReplicaSet; `status` is its container's status."""
    spec = owner["spec"]["template"]["spec"]
    state = {"name": spec["containers"][0]["name"], "ready": ready, "restartCount": 0, **status}
    state.setdefault("state", {"running": {"startedAt": at(50)}})
    return {
        "kind": "Pod",
        "metadata": {
            **meta(f"{owner['metadata']['name']}-{suffix}", owner=("ReplicaSet", owner["metadata"]["name"])),
            "labels": owner["spec"]["template"]["metadata"]["labels"],
        },
        "spec": spec,
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": str(ready), "lastTransitionTime": at(10)}],
            "containerStatuses": [state],
        },
    }


def waiting(reason: str, message: str = "") -> Object:
    return {"waiting": {"reason": reason, "message": message}}


def killed(minutes_ago: float = 3, lived_seconds: float = 30) -> Object:
    end = NOW - timedelta(minutes=minutes_ago)
    start = end - timedelta(seconds=lived_seconds)
    ended = {"reason": "OOMKilled", "exitCode": 137, "startedAt": start.isoformat(), "finishedAt": end.isoformat()}
    return {"terminated": ended}


def service(name: str = "baker", selector: Mapping[str, str] | None = None) -> Object:
    ports = [{"port": 80, "targetPort": "http"}]
    spec = {"type": "ClusterIP", "selector": dict(selector or {"app": name}), "ports": ports}
    return {"kind": "Service", "metadata": meta(name), "spec": spec}


def endpoint_slice(name: str = "baker", ready: int = 2) -> Object:
    rows = [{"addresses": [f"10.0.0.{n}"], "conditions": {"ready": True}} for n in range(ready)]
    labels = {"kubernetes.io/service-name": name}
    return {"kind": "EndpointSlice", "metadata": {**meta(f"{name}-x"), "labels": labels}, "endpoints": rows}


def event(about: Object, reason: str, message: str, minutes_ago: float = 2, type_: str = "Warning") -> Object:
    place = about["metadata"]
    return {
        "kind": "Event",
        "metadata": meta(f"{place['name']}.{reason}"),
        "involvedObject": {"kind": about["kind"], "namespace": place["namespace"], "name": place["name"]},
        "type": type_,
        "reason": reason,
        "message": message,
        "count": 3,
        "lastTimestamp": at(minutes_ago),
    }


def moved_to(namespace: str, *objects: Object) -> list[Object]:
    """The same objects in another namespace."""
    return [{**obj, "metadata": {**obj["metadata"], "namespace": namespace}} for obj in objects]


def node(
    name: str = "n1", *, taint: str = "", cordoned: bool = False, ready: bool = True, **allocatable: str
) -> Object:
    taints = [{"key": taint, "effect": "NoSchedule"}] if taint else []
    return {
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": {"unschedulable": cordoned, "taints": taints},
        "status": {"conditions": [{"type": "Ready", "status": str(ready)}], "allocatable": allocatable},
    }


def caller(name: str, address: str) -> Object:
    program = container()
    program["env"] = [{"name": "UPSTREAM_URL", "value": address}]
    return deployment(name, program)


def series(labels: Mapping[str, str], *values: float, step: float = 30, query: str = "a query") -> Series:
    """Values up to now, the last one being the newest."""
    end = NOW.timestamp()
    points = [(end - step * (len(values) - 1 - place), value) for place, value in enumerate(values)]
    return Series(dict(labels), points, query)


def snapshot(
    *objects: Object,
    metrics: Mapping[Signal, Sequence[Series]] | None = None,
    logs: Mapping[LogKey, str] | None = None,
    gaps: Sequence[Gap] = (),
    read: Sequence[str] = (),
) -> Snapshot:
    """`read` are the kinds that were listed in full."""
    window = Window(start=NOW - timedelta(hours=1), end=NOW)
    said = {key: digest(text.splitlines()) for key, text in (logs or {}).items()}
    return Snapshot(list(objects), NOW, window, NS, "here", said, metrics or {}, gaps, kinds_read=frozenset(read))
