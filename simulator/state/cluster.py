"""What the objects say: workloads with their pods, nodes with theirs, and the newest warnings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.objects import Object, controller_of, name_of, namespace_of
from simulator.world import World

NEWEST_WARNINGS = 40
PROGRAM_KINDS = ("Deployment", "StatefulSet")
# A condition of these types is good when it is "True"; any other when it is "False".
_GOOD_WHEN_TRUE = frozenset({"Ready"})


@dataclass(frozen=True)
class Workload:
    kind: str
    namespace: str
    name: str
    ready: int
    wanted: int

    def described(self) -> dict[str, Any]:
        return {"kind": self.kind, "ready": self.ready, "wanted": self.wanted}


def workloads(world: World) -> list[Workload]:
    return [_workload(kind, each) for kind in PROGRAM_KINDS for each in world.store.list(kind)]


def _workload(kind: str, obj: Object) -> Workload:
    ready, wanted = (obj.get("status") or {}).get("readyReplicas", 0), obj["spec"].get("replicas", 1)
    return Workload(kind, namespace_of(obj), name_of(obj), ready, wanted)


def nodes(world: World) -> list[dict[str, Any]]:
    pods: dict[str, list[Object]] = {}
    for pod in world.store.list("Pod"):
        pods.setdefault(pod["spec"].get("nodeName") or "", []).append(pod)
    told = [_node(each, pods.pop(name_of(each), [])) for each in world.store.list("Node")]
    # Pods that wait for a node, or whose node is gone.
    homeless = [pod for left in pods.values() for pod in left]
    return [*told, {"name": "", "pods": [_pod(pod) for pod in homeless]}] if homeless else told


def _node(node: Object, pods: list[Object]) -> dict[str, Any]:
    spec, status = node.get("spec") or {}, node.get("status") or {}
    conditions = [
        {"type": each["type"], "status": each["status"], "reason": each.get("reason", ""), "good": _is_good(each)}
        for each in status.get("conditions") or []
    ]
    return {
        "name": name_of(node),
        "ready": any(each["type"] == "Ready" and each["status"] == "True" for each in conditions),
        "cordoned": bool(spec.get("unschedulable")),
        "taints": [_taint(each) for each in spec.get("taints") or []],
        "conditions": conditions,
        "pods": [_pod(pod) for pod in pods],
    }


def _is_good(condition: Object) -> bool:
    return bool(condition["status"] == ("True" if condition["type"] in _GOOD_WHEN_TRUE else "False"))


def _taint(taint: Object) -> str:
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint['key']}{value}:{taint['effect']}"


def _pod(pod: Object) -> dict[str, Any]:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    owner = controller_of(pod)
    return {
        "namespace": namespace_of(pod),
        "name": name_of(pod),
        "owner": owner["kind"] if owner else "",
        "says": _says(pod, statuses),
        "ready": sum(bool(each.get("ready")) for each in statuses),
        "containers": len(pod["spec"]["containers"]),
        "restarts": sum(each.get("restartCount", 0) for each in statuses),
    }


def _says(pod: Object, statuses: list[Object]) -> str:
    """The word that `kubectl get pods` shows for it, in the main."""
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    status = pod.get("status") or {}
    for each in statuses:
        state = each.get("state") or {}
        said = (state.get("waiting") or {}).get("reason") or (state.get("terminated") or {}).get("reason")
        if said:
            return str(said)
    return str(status.get("reason") or status.get("phase") or "Pending")


def warnings(world: World) -> list[dict[str, Any]]:
    """The newest first."""
    said = [each for each in world.store.list("Event") if each.get("type") == "Warning"]
    said.sort(key=lambda each: (_last(each), name_of(each)), reverse=True)
    return [
        {
            "at": _last(each),
            "count": each.get("count") or (each.get("series") or {}).get("count") or 1,
            "kind": each["involvedObject"].get("kind", ""),
            "namespace": each["involvedObject"].get("namespace", ""),
            "name": each["involvedObject"].get("name", ""),
            "reason": each.get("reason", ""),
            "message": each.get("message", ""),
        }
        for each in said[:NEWEST_WARNINGS]
    ]


def _last(event: Object) -> str:
    series = (event.get("series") or {}).get("lastObservedTime")
    return str(event.get("lastTimestamp") or series or event.get("eventTime") or event["metadata"]["creationTimestamp"])
