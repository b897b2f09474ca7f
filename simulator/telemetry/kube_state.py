"""kube-state-metrics: the objects themselves as metrics, with its names and labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.noise import Floats
from simulator.objects import Object, controller_of, name_of, namespace_of, uid_of
from simulator.promql.tsdb import Labels
from simulator.quantity import quantity, resource
from simulator.store import Store
from simulator.telemetry.labels import Sample, labelled

BASE = {"job": "kube-state-metrics", "instance": "kube-state-metrics:8080"}
PHASES = ("Pending", "Running", "Succeeded", "Failed", "Unknown")
STATES = ("true", "false", "unknown")
UNITS = {"cpu": "core", "memory": "byte"}
Metrics = Iterator[Sample]


class KubeState:
    """Samples of one object are made again only when that object has a new version."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: dict[tuple[str, str], Made] = {}
        self._version = -1

    def made(self) -> dict[tuple[str, str], Made]:
        if self._version == self._store.version:
            return self._made
        made: dict[tuple[str, str], Made] = {}
        for kind, collect in COLLECTORS.items():
            for obj in self._store.list(kind):
                key, version = (kind, uid_of(obj)), obj["metadata"]["resourceVersion"]
                known = self._made.get(key)
                made[key] = known if known and known.version == version else _make(version, collect(obj), known)
        self._made, self._version = made, self._store.version
        return made


@dataclass(frozen=True)
class Made:
    """The samples of one object as it was at a version."""

    version: str
    labels: list[Labels]
    values: Floats


def _make(version: str, samples: Iterable[Sample], before: Made | None) -> Made:
    made = list(samples)
    labels = [each for each, _ in made]
    values = np.array([value for _, value in made])
    return Made(version, before.labels if before and before.labels == labels else labels, values)


def _of(name: str, value: Any, /, **labels: str) -> Sample:
    return labelled(name, BASE, **labels), float(value)


def _pod(pod: Object) -> Metrics:
    who = {"namespace": namespace_of(pod), "pod": name_of(pod), "uid": uid_of(pod)}
    status, spec = pod.get("status") or {}, pod["spec"]
    owner = controller_of(pod) or {"kind": "<none>", "name": "<none>"}
    yield _of(
        "kube_pod_info",
        1,
        **who,
        node=spec.get("nodeName", ""),
        host_ip=status.get("hostIP", ""),
        pod_ip=status.get("podIP", ""),
        created_by_kind=owner["kind"],
        created_by_name=owner["name"],
        host_network="false",
    )
    yield _of(
        "kube_pod_owner", 1, **who, owner_kind=owner["kind"], owner_name=owner["name"], owner_is_controller="true"
    )
    for phase in PHASES:
        yield _of("kube_pod_status_phase", status.get("phase", "Pending") == phase, **who, phase=phase)
    conditions = {each["type"]: each["status"].lower() for each in status.get("conditions") or []}
    for state in STATES:
        if "Ready" in conditions:
            yield _of("kube_pod_status_ready", conditions["Ready"] == state, **who, condition=state)
        if "PodScheduled" in conditions:
            yield _of("kube_pod_status_scheduled", conditions["PodScheduled"] == state, **who, condition=state)
    for container in spec["containers"]:
        yield from _resources(container, who, spec.get("nodeName", ""))
    for each in status.get("containerStatuses") or []:
        yield from _container(each, who)


def _resources(container: Object, who: dict[str, str], node: str) -> Metrics:
    for section in ("requests", "limits"):
        for name, unit in UNITS.items():
            value = resource(container, section, name)
            if value is not None:
                labels = {**who, "container": container["name"], "node": node, "resource": name, "unit": unit}
                yield _of(f"kube_pod_container_resource_{section}", value, **labels)


def _container(status: Object, who: dict[str, str]) -> Metrics:
    labels = {**who, "container": status["name"]}
    state = status.get("state") or {}
    yield _of("kube_pod_container_info", 1, **labels, image=status["image"], image_id=status["imageID"])
    yield _of("kube_pod_container_status_ready", status["ready"], **labels)
    yield _of("kube_pod_container_status_restarts_total", status["restartCount"], **labels)
    for name in ("running", "waiting", "terminated"):
        yield _of(f"kube_pod_container_status_{name}", name in state, **labels)
    if "waiting" in state:
        yield _of("kube_pod_container_status_waiting_reason", 1, **labels, reason=state["waiting"]["reason"])
    if "terminated" in state:
        yield _of("kube_pod_container_status_terminated_reason", 1, **labels, reason=state["terminated"]["reason"])
    last = (status.get("lastState") or {}).get("terminated")
    if last:
        yield _of("kube_pod_container_status_last_terminated_reason", 1, **labels, reason=last["reason"])
        yield _of("kube_pod_container_status_last_terminated_exitcode", last["exitCode"], **labels)


def _deployment(deployment: Object) -> Metrics:
    who = {"namespace": namespace_of(deployment), "deployment": name_of(deployment)}
    status, metadata = deployment.get("status") or {}, deployment["metadata"]
    yield _of("kube_deployment_spec_replicas", deployment["spec"].get("replicas", 1), **who)
    yield _of("kube_deployment_status_replicas", status.get("replicas", 0), **who)
    yield _of("kube_deployment_status_replicas_ready", status.get("readyReplicas", 0), **who)
    yield _of("kube_deployment_status_replicas_available", status.get("availableReplicas", 0), **who)
    yield _of("kube_deployment_status_replicas_unavailable", status.get("unavailableReplicas", 0), **who)
    yield _of("kube_deployment_status_replicas_updated", status.get("updatedReplicas", 0), **who)
    yield _of("kube_deployment_metadata_generation", metadata["generation"], **who)
    yield _of("kube_deployment_status_observed_generation", status.get("observedGeneration", 0), **who)
    for each in status.get("conditions") or []:
        for state in STATES:
            labels = {**who, "condition": each["type"], "status": state}
            yield _of("kube_deployment_status_condition", each["status"].lower() == state, **labels)


def _replicaset(replicaset: Object) -> Metrics:
    who = {"namespace": namespace_of(replicaset), "replicaset": name_of(replicaset)}
    owner = controller_of(replicaset) or {"kind": "<none>", "name": "<none>"}
    status = replicaset.get("status") or {}
    yield _of("kube_replicaset_spec_replicas", replicaset["spec"].get("replicas", 1), **who)
    yield _of("kube_replicaset_status_replicas", status.get("replicas", 0), **who)
    yield _of("kube_replicaset_status_ready_replicas", status.get("readyReplicas", 0), **who)
    yield _of(
        "kube_replicaset_owner",
        1,
        **who,
        owner_kind=owner["kind"],
        owner_name=owner["name"],
        owner_is_controller="true",
    )


def _service(service: Object) -> Metrics:
    who = {"namespace": namespace_of(service), "service": name_of(service), "uid": uid_of(service)}
    yield _of("kube_service_info", 1, **who, cluster_ip=service["spec"].get("clusterIP", ""))
    yield _of("kube_service_spec_type", 1, **who, type=service["spec"].get("type", "ClusterIP"))


def _endpoints(endpoints: Object) -> Metrics:
    who = {"namespace": namespace_of(endpoints), "endpoint": name_of(endpoints)}
    counts = {"addresses": 0, "notReadyAddresses": 0}
    for subset in endpoints.get("subsets") or []:
        for field, ready in (("addresses", "true"), ("notReadyAddresses", "false")):
            for address in subset.get(field) or []:
                counts[field] += 1
                for port in subset.get("ports") or []:
                    labels = {"ip": address["ip"], "ready": ready, "port_number": str(port["port"])}
                    named = {"port_name": port.get("name", ""), "port_protocol": port.get("protocol", "TCP")}
                    yield _of("kube_endpoint_address", 1, **who, **labels, **named)
    yield _of("kube_endpoint_info", 1, **who)
    yield _of("kube_endpoint_address_available", counts["addresses"], **who)
    yield _of("kube_endpoint_address_not_ready", counts["notReadyAddresses"], **who)


def _node(node: Object) -> Metrics:
    name, status = name_of(node), node.get("status") or {}
    info = status.get("nodeInfo") or {}
    internal = next((each["address"] for each in status.get("addresses") or [] if each["type"] == "InternalIP"), "")
    details = {
        "kubelet_version": info.get("kubeletVersion", ""),
        "os_image": info.get("osImage", ""),
        "internal_ip": internal,
    }
    yield _of("kube_node_info", 1, node=name, **details)
    yield _of("kube_node_spec_unschedulable", bool((node.get("spec") or {}).get("unschedulable")), node=name)
    for each in status.get("conditions") or []:
        for state in STATES:
            labels = {"node": name, "condition": each["type"], "status": state}
            yield _of("kube_node_status_condition", each["status"].lower() == state, **labels)
    for section in ("allocatable", "capacity"):
        for resource_name, unit in (*UNITS.items(), ("pods", "integer")):
            value = (status.get(section) or {}).get(resource_name)
            if value is not None:
                labels = {"node": name, "resource": resource_name, "unit": unit}
                yield _of(f"kube_node_status_{section}", quantity(value), **labels)
    for taint in (node.get("spec") or {}).get("taints") or []:
        yield _of(
            "kube_node_spec_taint", 1, node=name, **{key: str(taint.get(key, "")) for key in ("key", "value", "effect")}
        )


def _namespace(namespace: Object) -> Metrics:
    phase = (namespace.get("status") or {}).get("phase", "Active")
    for each in ("Active", "Terminating"):
        yield _of("kube_namespace_status_phase", phase == each, namespace=name_of(namespace), phase=each)


COLLECTORS: dict[str, Callable[[Object], Metrics]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replicaset,
    "Service": _service,
    "Endpoints": _endpoints,
    "Node": _node,
    "Namespace": _namespace,
}
