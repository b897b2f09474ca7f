"""Priority and DefaultTolerationSeconds: how important a pod is, and how long it stays on a node in trouble."""

from __future__ import annotations

from simulator.kubernetes_api.admission.request import Object, Request, with_pod_spec

TOLERATION_SECONDS = 300
SYSTEM_CLASSES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
_TROUBLES = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def resolve(request: Request) -> Object:
    if not request.is_new_pod:
        return request.obj
    wanted = (request.obj.get("spec") or {}).get("priorityClassName") or ""
    found = _class_of(request, wanted)
    if found is None:
        return with_pod_spec(request.obj, priority=0)
    named = {} if wanted else {"priorityClassName": found["metadata"]["name"]}
    policy = found.get("preemptionPolicy", "PreemptLowerPriority")
    return with_pod_spec(request.obj, **named, priority=int(found.get("value", 0)), preemptionPolicy=policy)


def _class_of(request: Request, wanted: str) -> Object | None:
    if not wanted:
        defaults = [each for each in request.store.list("PriorityClass") if each.get("globalDefault")]
        return min(defaults, key=lambda each: int(each.get("value", 0)), default=None)
    found = request.store.get("PriorityClass", None, wanted)
    if found is None and wanted in SYSTEM_CLASSES:
        return {"metadata": {"name": wanted}, "value": SYSTEM_CLASSES[wanted]}
    if found is None:
        raise request.forbidden(f"no PriorityClass with name {wanted} was found")
    return found


def tolerate_node_trouble(request: Request) -> Object:
    if not request.is_new_pod:
        return request.obj
    tolerations = (request.obj.get("spec") or {}).get("tolerations") or []
    missing = [key for key in _TROUBLES if not any(_tolerates(each, key) for each in tolerations)]
    added = [
        {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION_SECONDS}
        for key in missing
    ]
    return with_pod_spec(request.obj, tolerations=[*tolerations, *added]) if added else request.obj


def _tolerates(toleration: Object, key: str) -> bool:
    return toleration.get("key", "") in ("", key) and toleration.get("effect", "") in ("", "NoExecute")
