"""Objects as an API server gives them, as short as a test can be written."""

from typing import Any

from tests.tools.stand_ins import ago

Thing = dict[str, Any]


def meta(
    name: str, namespace: str | None = "shop", owner: tuple[str, str] | None = None, labels: Thing | None = None
) -> Thing:
    found: Thing = {"name": name, "uid": f"uid-{name}", "creationTimestamp": ago(hours=5), "labels": labels or {}}
    if namespace:
        found["namespace"] = namespace
    if owner:
        found["ownerReferences"] = [{"kind": owner[0], "name": owner[1], "controller": True}]
    return found


def pod(
    name: str, *, phase: str = "Running", ready: bool = True, owner: tuple[str, str] | None = None, **state: Any
) -> Thing:
    """A pod of one container `app`; `state` is its container status (waiting, terminated, last, restarts)."""
    current: Thing = {key: state[key] for key in ("waiting", "terminated") if key in state} or {"running": {}}
    status: Thing = {"name": "app", "ready": ready, "restartCount": state.get("restarts", 0), "state": current}
    if "last" in state:
        status["lastState"] = {"terminated": state["last"]}
    return {
        "kind": "Pod",
        "metadata": meta(name, state.get("namespace", "shop"), owner, state.get("labels")),
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": "registry/app:1"}]},
        "status": {
            "phase": phase,
            "containerStatuses": [status],
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}, *state.get("conditions", ())],
        },
    }


def deployment(name: str, wanted: int = 2, ready: int = 2, namespace: str = "shop", **more: Any) -> Thing:
    return {
        "kind": "Deployment",
        "metadata": meta(name, namespace),
        "spec": {
            "replicas": wanted,
            "selector": {"matchLabels": {"app": name}},
            "template": {"spec": {"containers": [{"name": "app", "image": f"registry/{name}:1"}]}},
        },
        "status": {"readyReplicas": ready, **more},
    }


def node(name: str, ready: str = "True", *, cordoned: bool = False, **pressures: str) -> Thing:
    conditions = [
        {"type": "Ready", "status": ready, "reason": "KubeletNotReady", "message": "container runtime is down"}
    ]
    conditions += [{"type": kind, "status": status, "message": f"{kind} it is"} for kind, status in pressures.items()]
    return {
        "kind": "Node",
        "metadata": meta(name, None),
        "spec": {"unschedulable": True} if cordoned else {},
        "status": {"conditions": conditions, "allocatable": {"cpu": "4", "memory": "8Gi"}},
    }


def service(name: str, **selector: str) -> Thing:
    ports = [{"port": 80, "targetPort": 8080}]
    return {"kind": "Service", "metadata": meta(name), "spec": {"selector": selector, "ports": ports}}


def endpoint_slice(name: str, ready: int) -> Thing:
    endpoints = [{"addresses": [f"10.0.0.{number}"], "conditions": {"ready": True}} for number in range(ready)]
    labels = {"kubernetes.io/service-name": name}
    return {"kind": "EndpointSlice", "metadata": meta(f"{name}-x", labels=labels), "endpoints": endpoints}


def event(about: str, reason: str, message: str, *, warns: bool = True, minutes: float = 5, count: int = 1) -> Thing:
    kind, _, name = about.partition("/")
    return {
        "kind": "Event",
        "metadata": meta(f"{name}.{reason}.{minutes}"),
        "involvedObject": {"kind": kind, "name": name, "namespace": "shop"},
        "type": "Warning" if warns else "Normal",
        "reason": reason,
        "message": message,
        "lastTimestamp": ago(minutes=minutes),
        "count": count,
    }
