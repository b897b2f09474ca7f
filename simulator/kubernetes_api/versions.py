"""Kinds that are served in a second version: how what is stored looks there, and how what was sent there is stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.kubernetes_api import events
from simulator.kubernetes_api.resources import Resource

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """`schema` names the shape in the table of types, which is that of the stored form or that of the sent one."""

    schema: str
    to_stored: Callable[[Object], Object]
    to_shown: Callable[[Object], Object]
    decodes_stored: bool


def _same(obj: Object) -> Object:
    return obj


def _to_v2(scaler: Object) -> Object:
    spec = dict(scaler.get("spec") or {})
    target = spec.pop("targetCPUUtilizationPercentage", None)
    if target is not None:
        cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}}
        spec["metrics"] = [{"type": "Resource", "resource": cpu}]
    return {**scaler, "spec": spec}


def _to_v1(scaler: Object) -> Object:
    spec, status = dict(scaler.get("spec") or {}), dict(scaler.get("status") or {})
    target = _cpu(spec.pop("metrics", None), "target")
    current = _cpu(status.pop("currentMetrics", None), "current")
    spec.pop("behavior", None)
    status.pop("conditions", None)
    spec |= {} if target is None else {"targetCPUUtilizationPercentage": target}
    status |= {} if current is None else {"currentCPUUtilizationPercentage": current}
    return {**scaler, "spec": spec, "status": {"currentReplicas": 0, "desiredReplicas": 0, **status}}


def _cpu(metrics: Any, side: str) -> int | None:
    for metric in metrics or []:
        resource = metric.get("resource") or {}
        if resource.get("name") == "cpu":
            value: int | None = (resource.get(side) or {}).get("averageUtilization")
            return value
    return None


_VERSIONS = {
    ("events.k8s.io", "v1", "Event"): Version("Event", events.to_core, events.to_newer, decodes_stored=True),
    ("autoscaling", "v1", "HorizontalPodAutoscaler"): Version(
        "HorizontalPodAutoscaler/v1", _to_v2, _to_v1, decodes_stored=False
    ),
}


def version_of(resource: Resource) -> Version:
    plain = Version(resource.kind, _same, _same, decodes_stored=True)
    return _VERSIONS.get((resource.group, resource.version, resource.kind), plain)
