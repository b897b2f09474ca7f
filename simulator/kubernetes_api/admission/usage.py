"""What objects cost against a ResourceQuota: the one place that counts, for admission and for the quota's status alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from simulator.kubernetes_api.quantity import amount_text, quantity
from simulator.kubernetes_api.resources import RESOURCES, RESOURCES_BY_KIND
from simulator.kubernetes_api.selectors import Requirement
from simulator.store import Store

Object = dict[str, Any]
COMPUTE = ("cpu", "memory", "ephemeral-storage")
_PLAIN_COUNTS = {
    "configmaps": "ConfigMap",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "pods": "Pod",
    "replicationcontrollers": "ReplicationController",
    "resourcequotas": "ResourceQuota",
    "secrets": "Secret",
    "services": "Service",
}
_COUNTED = {f"count/{resource.qualified}": resource.kind for resource in RESOURCES}
_CLASS_SUFFIX = ".storageclass.storage.k8s.io/"


def usage(store: Store, quota: Object) -> dict[str, str]:
    """`status.used` of a quota: every resource that its spec names."""
    hard = (quota.get("spec") or {}).get("hard") or {}
    kinds = sorted({kind for kind in map(kind_of, hard) if kind})
    namespace = quota["metadata"].get("namespace")
    costs = [cost(kind, obj) for kind in kinds for obj in store.list(kind, namespace) if is_in_scope(quota, kind, obj)]
    return {name: total(each[name] for each in costs if name in each) for name in sorted(hard)}


def total(amounts: Iterable[str]) -> str:
    listed = list(amounts)
    return amount_text(sum((quantity(each) for each in listed), Decimal(0)), _like(listed))


def _like(amounts: list[str]) -> str:
    return next((each for each in amounts if quantity(each)), "")


def kind_of(name: str) -> str:
    """The kind whose objects are counted under a resource name; empty for names that nobody counts."""
    if name in _COUNTED or name in _PLAIN_COUNTS:
        return _COUNTED.get(name) or _PLAIN_COUNTS[name]
    if name == "requests.storage" or _CLASS_SUFFIX in name:
        return "PersistentVolumeClaim"
    if name.startswith("services."):
        return "Service"
    return "Pod" if name in COMPUTE or name.startswith(("requests.", "limits.")) else ""


def cost(kind: str, obj: Object) -> dict[str, str]:
    """What one object uses, under every name a quota may give it."""
    counts = {f"count/{RESOURCES_BY_KIND[kind].qualified}": "1"}
    if kind == "Pod":
        return counts if _is_over(obj) else {**counts, **_pod_cost(obj)}
    counts |= {name: "1" for name, counted in _PLAIN_COUNTS.items() if counted == kind}
    if kind == "Service":
        counts |= _service_cost(obj)
    if kind == "PersistentVolumeClaim":
        counts |= _claim_cost(obj)
    return counts


def _is_over(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _pod_cost(pod: Object) -> dict[str, str]:
    requests, limits = pod_amounts(pod, "requests"), pod_amounts(pod, "limits")
    plain = {name: amount for name, amount in requests.items() if name in COMPUTE}
    named = {f"requests.{name}": amount for name, amount in requests.items()}
    return {"pods": "1", **plain, **named, **{f"limits.{name}": amount for name, amount in limits.items()}}


def pod_amounts(pod: Object, section: str) -> dict[str, str]:
    """A pod's requests or limits: its containers together, or its greediest init container where that is more."""
    spec = pod.get("spec") or {}
    together = _sums(_amounts(each, section) for each in spec.get("containers") or [])
    for container in spec.get("initContainers") or []:
        for name, amount in _amounts(container, section).items():
            if name not in together or quantity(amount) > quantity(together[name]):
                together[name] = amount
    overhead = {name: amount for name, amount in (spec.get("overhead") or {}).items() if name in together}
    return _sums([together, overhead])


def _amounts(container: Object, section: str) -> Mapping[str, str]:
    amounts: Mapping[str, str] = (container.get("resources") or {}).get(section) or {}
    return amounts


def _sums(amounts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    found: dict[str, list[str]] = defaultdict(list)
    for each in amounts:
        for name, amount in each.items():
            found[name].append(amount)
    return {name: total(listed) for name, listed in found.items()}


def _service_cost(service: Object) -> dict[str, str]:
    spec = service.get("spec") or {}
    ports = str(len(spec.get("ports") or []))
    if spec.get("type") == "NodePort":
        return {"services.nodeports": ports}
    if spec.get("type") == "LoadBalancer":
        allocates = spec.get("allocateLoadBalancerNodePorts", True)
        return {"services.loadbalancers": "1", **({"services.nodeports": ports} if allocates else {})}
    return {}


def _claim_cost(claim: Object) -> dict[str, str]:
    spec = claim.get("spec") or {}
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage", "0")
    cost = {"requests.storage": size}
    if spec.get("storageClassName"):
        prefix = f"{spec['storageClassName']}{_CLASS_SUFFIX}"
        cost |= {f"{prefix}requests.storage": size, f"{prefix}persistentvolumeclaims": "1"}
    return cost


def is_in_scope(quota: Object, kind: str, obj: Object) -> bool:
    """A quota with scopes counts only the pods that are in all of them."""
    spec = quota.get("spec") or {}
    plain = [{"scopeName": name, "operator": "Exists"} for name in spec.get("scopes") or []]
    scopes = [*plain, *((spec.get("scopeSelector") or {}).get("matchExpressions") or [])]
    return not scopes or (kind == "Pod" and all(_matches(each, obj) for each in scopes))


def _matches(scope: Object, pod: Object) -> bool:
    spec, name = pod.get("spec") or {}, scope.get("scopeName")
    if name in ("Terminating", "NotTerminating"):
        return bool((spec.get("activeDeadlineSeconds") is not None) == (name == "Terminating"))
    if name in ("BestEffort", "NotBestEffort"):
        best = not pod_amounts(pod, "requests") and not pod_amounts(pod, "limits")
        return bool(best == (name == "BestEffort"))
    if name != "PriorityClass":
        return False
    labels = {"class": spec["priorityClassName"]} if spec.get("priorityClassName") else {}
    operators = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}
    operator = operators.get(scope.get("operator", "In"), "in")
    return Requirement("class", operator, tuple(scope.get("values") or ())).holds(labels)
