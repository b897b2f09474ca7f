"""Server-side printing: the rows that `kubectl get` shows.

A client that accepts `as=Table` gets columns and cells instead of objects. The columns of the common kinds are those of
a real server (wide ones have priority 1); every other kind has its name and age.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.kubernetes_api.admission.usage import total
from simulator.kubernetes_api.printers import (
    age,
    container_images,
    container_names,
    count,
    duration_between,
    endpoints_text,
    external_ip,
    ingress_hosts,
    job_completions,
    job_status,
    joined,
    node_address,
    node_roles,
    node_status,
    pod_ready,
    pod_restarts,
    pod_status,
    pod_template,
    service_ports,
    since,
    slice_endpoints,
    slice_ports,
)
from simulator.kubernetes_api.selectors import selector_text

Object = dict[str, Any]
Cell = Callable[[Object, datetime], Any]


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    cell: Cell
    type: str = "string"
    priority: int = 0

    def definition(self) -> Object:
        form = "name" if self.name == "Name" else ""
        return {"name": self.name, "type": self.type, "format": form, "description": "", "priority": self.priority}


def _path(*steps: str, default: Any = "<none>") -> Cell:
    def cell(obj: Object, _: datetime) -> Any:
        value: Any = obj
        for step in steps:
            value = value.get(step) if isinstance(value, dict) else None
        return default if value in (None, "", [], {}) else value

    return cell


def _number(*steps: str) -> Cell:
    return _path(*steps, default=0)


def _of(read: Callable[[Object], Any]) -> Cell:
    return lambda obj, _: read(obj)


def _spec(obj: Object) -> Object:
    return obj.get("spec") or {}


def _reference(reference: Object | None) -> str:
    return f"{(reference or {}).get('kind', '')}/{(reference or {}).get('name', '')}"


def _selector(obj: Object) -> str:
    selector = (obj.get("spec") or {}).get("selector") or {}
    plain = {"matchLabels": selector} if all(isinstance(v, str) for v in selector.values()) else selector
    return selector_text(plain) or "<none>"


def _fraction(top: Cell, bottom: Cell) -> Cell:
    return lambda obj, now: f"{top(obj, now)}/{bottom(obj, now)}"


NAME = Column("Name", _path("metadata", "name"))
AGE = Column("Age", age)
_WIDE_CONTAINERS = (
    Column("Containers", _of(container_names), priority=1),
    Column("Images", _of(container_images), priority=1),
    Column("Selector", _of(_selector), priority=1),
)
_ready_replicas, _wanted_replicas = _number("status", "readyReplicas"), _number("spec", "replicas")

_WEBHOOKS = Column("Webhooks", _of(lambda obj: count(obj.get("webhooks"))), "integer")
_ATTRIBUTES = Column("VolumeAttributesClass", _path("spec", "volumeAttributesClassName", default="<unset>"))

COLUMNS: dict[str, tuple[Column, ...]] = {
    "Pod": (
        NAME,
        Column("Ready", _of(pod_ready)),
        Column("Status", _of(pod_status)),
        Column("Restarts", pod_restarts),
        AGE,
        Column("IP", _path("status", "podIP"), priority=1),
        Column("Node", _path("spec", "nodeName"), priority=1),
        Column("Nominated Node", _path("status", "nominatedNodeName"), priority=1),
        Column("Readiness Gates", _of(lambda _: "<none>"), priority=1),
    ),
    "Deployment": (
        NAME,
        Column("Ready", _fraction(_ready_replicas, _wanted_replicas)),
        Column("Up-to-date", _number("status", "updatedReplicas"), "integer"),
        Column("Available", _number("status", "availableReplicas"), "integer"),
        AGE,
        *_WIDE_CONTAINERS,
    ),
    "ReplicaSet": (
        NAME,
        Column("Desired", _wanted_replicas, "integer"),
        Column("Current", _number("status", "replicas"), "integer"),
        Column("Ready", _ready_replicas, "integer"),
        AGE,
        *_WIDE_CONTAINERS,
    ),
    "StatefulSet": (NAME, Column("Ready", _fraction(_ready_replicas, _wanted_replicas)), AGE, *_WIDE_CONTAINERS[:2]),
    "DaemonSet": (
        NAME,
        Column("Desired", _number("status", "desiredNumberScheduled"), "integer"),
        Column("Current", _number("status", "currentNumberScheduled"), "integer"),
        Column("Ready", _number("status", "numberReady"), "integer"),
        Column("Up-to-date", _number("status", "updatedNumberScheduled"), "integer"),
        Column("Available", _number("status", "numberAvailable"), "integer"),
        Column("Node Selector", _of(lambda obj: joined(pod_template(obj).get("nodeSelector")))),
        AGE,
        *_WIDE_CONTAINERS,
    ),
    "Job": (
        NAME,
        Column("Status", _of(job_status)),
        Column("Completions", _of(job_completions)),
        Column("Duration", duration_between),
        AGE,
        *_WIDE_CONTAINERS,
    ),
    "CronJob": (
        NAME,
        Column("Schedule", _path("spec", "schedule")),
        Column("Timezone", _path("spec", "timeZone")),
        Column("Suspend", _of(lambda obj: str(bool(_spec(obj).get("suspend"))))),
        Column("Active", _of(lambda obj: count((obj.get("status") or {}).get("active"))), "integer"),
        Column("Last Schedule", since("status", "lastScheduleTime", default="<none>")),
        AGE,
    ),
    "Service": (
        NAME,
        Column("Type", _path("spec", "type")),
        Column("Cluster-IP", _path("spec", "clusterIP")),
        Column("External-IP", _of(external_ip)),
        Column("Port(s)", _of(service_ports)),
        AGE,
        Column("Selector", _of(_selector), priority=1),
    ),
    "Endpoints": (NAME, Column("Endpoints", _of(endpoints_text)), AGE),
    "EndpointSlice": (
        NAME,
        Column("AddressType", _path("addressType")),
        Column("Ports", _of(slice_ports)),
        Column("Endpoints", _of(slice_endpoints)),
        AGE,
    ),
    "Node": (
        NAME,
        Column("Status", _of(node_status)),
        Column("Roles", _of(node_roles)),
        AGE,
        Column("Version", _path("status", "nodeInfo", "kubeletVersion")),
        Column("Internal-IP", _of(lambda obj: node_address(obj, "InternalIP")), priority=1),
        Column("External-IP", _of(lambda obj: node_address(obj, "ExternalIP")), priority=1),
        Column("OS-Image", _path("status", "nodeInfo", "osImage"), priority=1),
        Column("Kernel-Version", _path("status", "nodeInfo", "kernelVersion"), priority=1),
        Column("Container-Runtime", _path("status", "nodeInfo", "containerRuntimeVersion"), priority=1),
    ),
    "Namespace": (NAME, Column("Status", _path("status", "phase")), AGE),
    "Event": (
        Column("Last Seen", since("lastTimestamp", fallback="eventTime")),
        Column("Type", _path("type")),
        Column("Reason", _path("reason")),
        Column("Object", _of(lambda obj: _involved(obj))),
        Column("Subobject", _path("involvedObject", "fieldPath", default=""), priority=1),
        Column("Source", _path("source", "component", default=""), priority=1),
        Column("Message", _of(lambda obj: str(obj.get("message", "")).strip())),
        Column("First Seen", since("firstTimestamp", fallback="eventTime"), priority=1),
        Column("Count", _path("count", default=1), "string", 1),
        Column("Name", _path("metadata", "name"), priority=1),
    ),
    "ConfigMap": (NAME, Column("Data", _of(lambda obj: count(obj.get("data")) + count(obj.get("binaryData")))), AGE),
    "Secret": (NAME, Column("Type", _path("type")), Column("Data", _of(lambda obj: count(obj.get("data")))), AGE),
    "ServiceAccount": (NAME, Column("Secrets", _of(lambda obj: count(obj.get("secrets"))), "integer"), AGE),
    "PersistentVolume": (
        NAME,
        Column("Capacity", _path("spec", "capacity", "storage")),
        Column("Access Modes", _of(lambda obj: ",".join(map(_mode, _spec(obj).get("accessModes") or [])))),
        Column("Reclaim Policy", _path("spec", "persistentVolumeReclaimPolicy")),
        Column("Status", _path("status", "phase")),
        Column("Claim", _of(lambda obj: _claim(_spec(obj).get("claimRef") or {}))),
        Column("StorageClass", _path("spec", "storageClassName", default="")),
        _ATTRIBUTES,
        Column("Reason", _path("status", "reason", default="")),
        AGE,
        Column("VolumeMode", _path("spec", "volumeMode", default="Filesystem"), priority=1),
    ),
    "PersistentVolumeClaim": (
        NAME,
        Column("Status", _path("status", "phase")),
        Column("Volume", _path("spec", "volumeName", default="")),
        Column("Capacity", _path("status", "capacity", "storage", default="")),
        Column(
            "Access Modes", _of(lambda obj: ",".join(map(_mode, (obj.get("status") or {}).get("accessModes") or [])))
        ),
        Column("StorageClass", _path("spec", "storageClassName", default="")),
        _ATTRIBUTES,
        AGE,
        Column("VolumeMode", _path("spec", "volumeMode", default=""), priority=1),
    ),
    "HorizontalPodAutoscaler": (
        NAME,
        Column("Reference", _of(lambda obj: _reference(_spec(obj).get("scaleTargetRef")))),
        Column("Targets", _of(lambda obj: _targets(obj))),
        Column("MinPods", _path("spec", "minReplicas", default="<unset>")),
        Column("MaxPods", _number("spec", "maxReplicas")),
        Column("Replicas", _number("status", "currentReplicas")),
        AGE,
    ),
    "PodDisruptionBudget": (
        NAME,
        Column("Min Available", _path("spec", "minAvailable", default="N/A")),
        Column("Max Unavailable", _path("spec", "maxUnavailable", default="N/A")),
        Column("Allowed Disruptions", _number("status", "disruptionsAllowed"), "integer"),
        AGE,
    ),
    "Ingress": (
        NAME,
        Column("Class", _path("spec", "ingressClassName")),
        Column("Hosts", _of(ingress_hosts)),
        Column("Address", _of(lambda obj: external_ip(obj).replace("<none>", "").replace("<pending>", ""))),
        Column("Ports", _of(lambda obj: "80, 443" if (obj.get("spec") or {}).get("tls") else "80")),
        AGE,
    ),
    "NetworkPolicy": (
        NAME,
        Column("Pod-Selector", _of(lambda obj: selector_text(_spec(obj).get("podSelector")) or "<none>")),
        AGE,
    ),
    "StorageClass": (
        NAME,
        Column("Provisioner", _path("provisioner")),
        Column("ReclaimPolicy", _path("reclaimPolicy", default="Delete")),
        Column("VolumeBindingMode", _path("volumeBindingMode", default="Immediate")),
        Column("AllowVolumeExpansion", _of(lambda obj: str(bool(obj.get("allowVolumeExpansion"))).lower())),
        AGE,
    ),
    "Lease": (NAME, Column("Holder", _path("spec", "holderIdentity", default="")), AGE),
    "PriorityClass": (
        NAME,
        Column("Value", _number("value"), "integer"),
        Column("Global-Default", _of(lambda obj: str(bool(obj.get("globalDefault"))).lower())),
        AGE,
    ),
    "ResourceQuota": (
        NAME,
        Column("Request", _of(lambda obj: _quota(obj, limits=False))),
        Column("Limit", _of(lambda obj: _quota(obj, limits=True))),
        AGE,
    ),
    "RoleBinding": (NAME, Column("Role", _of(lambda obj: _reference(obj.get("roleRef")))), AGE),
    "ClusterRoleBinding": (NAME, Column("Role", _of(lambda obj: _reference(obj.get("roleRef")))), AGE),
    "ControllerRevision": (
        NAME,
        Column("Controller", _of(lambda obj: _owner(obj))),
        Column("Revision", _number("revision"), "integer"),
        AGE,
    ),
    "ReplicationController": (
        NAME,
        Column("Desired", _wanted_replicas, "integer"),
        Column("Current", _number("status", "replicas"), "integer"),
        Column("Ready", _ready_replicas, "integer"),
        AGE,
        *_WIDE_CONTAINERS,
    ),
    "VolumeAttachment": (
        NAME,
        Column("Attacher", _path("spec", "attacher", default="")),
        Column("PV", _path("spec", "source", "persistentVolumeName", default="")),
        Column("Node", _path("spec", "nodeName", default="")),
        Column("Attached", _of(lambda obj: str(bool((obj.get("status") or {}).get("attached"))).lower())),
        AGE,
    ),
    "CSINode": (NAME, Column("Drivers", _of(lambda obj: count(_spec(obj).get("drivers"))), "integer"), AGE),
    "CSIDriver": (
        NAME,
        Column("AttachRequired", _of(lambda obj: str(bool(_spec(obj).get("attachRequired", True))).lower())),
        Column("PodInfoOnMount", _of(lambda obj: str(bool(_spec(obj).get("podInfoOnMount"))).lower())),
        Column("StorageCapacity", _of(lambda obj: str(bool(_spec(obj).get("storageCapacity"))).lower())),
        Column("TokenRequests", _path("spec", "tokenRequests", default="<unset>")),
        Column("RequiresRepublish", _of(lambda obj: str(bool(_spec(obj).get("requiresRepublish"))).lower())),
        Column("Modes", _of(lambda obj: ",".join(_spec(obj).get("volumeLifecycleModes") or ["Persistent"]))),
        AGE,
    ),
    "IngressClass": (
        NAME,
        Column("Controller", _path("spec", "controller", default="")),
        Column("Parameters", _path("spec", "parameters", "name")),
        AGE,
    ),
    "RuntimeClass": (NAME, Column("Handler", _path("handler", default="")), AGE),
    "ValidatingWebhookConfiguration": (NAME, _WEBHOOKS, AGE),
    "MutatingWebhookConfiguration": (NAME, _WEBHOOKS, AGE),
    "LimitRange": (NAME, Column("Created At", _path("metadata", "creationTimestamp"))),
    "NodeMetrics": (
        NAME,
        Column("CPU", _path("usage", "cpu")),
        Column("Memory", _path("usage", "memory")),
        Column("Window", _path("window")),
    ),
    "PodMetrics": (
        NAME,
        Column("CPU", _of(lambda obj: total(each["usage"]["cpu"] for each in obj.get("containers") or ()))),
        Column("Memory", _of(lambda obj: total(each["usage"]["memory"] for each in obj.get("containers") or ()))),
        Column("Window", _path("window")),
    ),
    "PeerAuthentication": (NAME, Column("Mode", _path("spec", "mtls", "mode", default="")), AGE),
    "Role": (NAME, Column("Created At", _path("metadata", "creationTimestamp"))),
    "ClusterRole": (NAME, Column("Created At", _path("metadata", "creationTimestamp"))),
}
_PLAIN = (NAME, AGE)


def table(kind: str, objects: list[Object], metadata: Object, now: datetime, include: str) -> Object:
    columns = COLUMNS.get(kind, _PLAIN)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [column.definition() for column in columns],
        "rows": [_row(columns, obj, now, include) for obj in objects],
    }


def _row(columns: tuple[Column, ...], obj: Object, now: datetime, include: str) -> Object:
    row: Object = {"cells": [column.cell(obj, now) for column in columns]}
    if include == "Object":
        row["object"] = obj
    elif include != "None":
        partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
        row["object"] = partial
    return row


def _involved(event: Object) -> str:
    involved = event.get("involvedObject") or {}
    return f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}"


def _claim(reference: Object) -> str:
    return f"{reference.get('namespace')}/{reference.get('name')}" if reference else ""


def _mode(mode: str) -> str:
    short = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
    return short.get(mode, mode)


def _targets(autoscaler: Object) -> str:
    current = {
        (metric.get("resource") or {}).get("name"): ((metric.get("resource") or {}).get("current") or {})
        for metric in (autoscaler.get("status") or {}).get("currentMetrics") or []
    }
    shown = []
    for metric in _spec(autoscaler).get("metrics") or []:
        resource = metric.get("resource") or {}
        name, wanted = resource.get("name"), (resource.get("target") or {}).get("averageUtilization")
        now = (current.get(name) or {}).get("averageUtilization")
        shown.append(f"{name}: {'<unknown>' if now is None else f'{now}%'}/{wanted}%")
    return ", ".join(shown) or "<none>"


def _quota(obj: Object, limits: bool) -> str:
    hard = (obj.get("status") or {}).get("hard") or (obj.get("spec") or {}).get("hard") or {}
    used = (obj.get("status") or {}).get("used") or {}
    names = [name for name in sorted(hard) if name.startswith("limits.") == limits]
    return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in names)


def _owner(obj: Object) -> str:
    owners = [owner for owner in obj["metadata"].get("ownerReferences") or [] if owner.get("controller")]
    return f"{owners[0]['kind'].lower()}/{owners[0]['name']}" if owners else "<none>"
