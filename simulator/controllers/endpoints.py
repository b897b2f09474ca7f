"""The endpoint controllers: who stands behind a Service.

Every Service with a selector gets an Endpoints object and an EndpointSlice of the pods it selects: ready ones under addresses, others
that have an IP under notReadyAddresses, pods on their way out nowhere. A named targetPort is looked up in each pod's own containers.
"""

from __future__ import annotations

from typing import Any

from simulator.controllers.context import Context
from simulator.objects import (
    Object,
    is_deleting,
    is_finished,
    is_ready,
    labels_of,
    matches,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from simulator.store import Store

SERVICE_NAME = "kubernetes.io/service-name"
HEADLESS = "service.kubernetes.io/headless"
MOST_ENDPOINTS = 100
Group = tuple[list[Object], list[Object]]  # ports, and the pods that have them
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"


def reconcile(ctx: Context) -> None:
    pods: dict[str, list[Object]] = {}
    for pod in ctx.store.list("Pod"):
        if _can_be_reached(pod):
            pods.setdefault(namespace_of(pod), []).append(pod)
    for service in ctx.store.list("Service"):
        selector = (service.get("spec") or {}).get("selector")
        if selector and service["spec"].get("type") != "ExternalName" and not is_deleting(service):
            chosen = [pod for pod in pods.get(namespace_of(service), []) if matches(selector, labels_of(pod))]
            groups = _groups(service, chosen)
            _write(ctx.store, "Endpoints", _endpoints(service, groups))
            _write_slices(ctx.store, service, _slices(service, groups))
    _drop_orphans(ctx)


def _can_be_reached(pod: Object) -> bool:
    return not is_deleting(pod) and not is_finished(pod) and bool((pod.get("status") or {}).get("podIP"))


def target_port(port: Object, pod: Object) -> int | None:
    """The number that a Service's port leads to in this pod; None when it names a port that no container has for its protocol."""
    target = str(port.get("targetPort", port["port"]))
    if target.isdigit():
        return int(target)
    for container in pod["spec"]["containers"]:
        for each in container.get("ports") or []:
            if each.get("name") == target and each.get("protocol", "TCP") == port.get("protocol", "TCP"):
                return int(each["containerPort"])
    return None


def _groups(service: Object, pods: list[Object]) -> list[Group]:
    """Pods with the same resolved ports belong to one subset."""
    groups: dict[str, Group] = {}
    for pod in pods:
        ports = []
        for port in service["spec"].get("ports") or []:
            number = target_port(port, pod)
            if number is not None:
                named = {"name": port["name"]} if port.get("name") else {}
                ports.append({**named, "port": number, "protocol": port.get("protocol", "TCP")})
        if ports:
            groups.setdefault(repr(ports), (ports, []))[1].append(pod)
    return list(groups.values())


def _address(pod: Object) -> Object:
    return {
        "ip": pod["status"]["podIP"],
        "nodeName": pod["spec"].get("nodeName"),
        "targetRef": {"kind": "Pod", "namespace": namespace_of(pod), "name": name_of(pod), "uid": uid_of(pod)},
    }


def _endpoints(service: Object, groups: list[Group]) -> Object:
    subsets = []
    for ports, members in groups:
        ready = [_address(pod) for pod in members if _is_shown(service, pod)]
        waiting = [_address(pod) for pod in members if not _is_shown(service, pod)]
        subset: Object = {"ports": ports}
        if ready:
            subset["addresses"] = ready
        if waiting:
            subset["notReadyAddresses"] = waiting
        subsets.append(subset)
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {
            "name": name_of(service),
            "namespace": namespace_of(service),
            "labels": dict(labels_of(service)),
        },
        **({"subsets": subsets} if subsets else {}),
    }


def _is_shown(service: Object, pod: Object) -> bool:
    """Ready, or wanted all the same: peers of one another have to find each other before they are ready."""
    return is_ready(pod) or bool(service["spec"].get("publishNotReadyAddresses"))


def _slices(service: Object, groups: list[Group]) -> list[Object]:
    """As many as it takes with a hundred endpoints each, one set of ports a slice; one that is empty where there is nobody."""
    made = [
        _slice(service, ports, members[first : first + MOST_ENDPOINTS])
        for ports, members in groups
        for first in range(0, len(members), MOST_ENDPOINTS)
    ]
    return made or [_slice(service, [], [])]


def _slice(service: Object, ports: list[Object], members: list[Object]) -> Object:
    headless = {HEADLESS: ""} if service["spec"].get("clusterIP") == "None" else {}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "addressType": "IPv4",
        "metadata": {
            "generateName": f"{name_of(service)}-",
            "namespace": namespace_of(service),
            "labels": {
                **labels_of(service),
                SERVICE_NAME: name_of(service),
                MANAGED_BY: "endpointslice-controller.k8s.io",
                **headless,
            },
            "ownerReferences": [owner_reference(service, "Service", "v1")],
        },
        "ports": ports,
        "endpoints": [_endpoint(service, pod) for pod in members],
    }


def _endpoint(service: Object, pod: Object) -> Object:
    ready = _is_shown(service, pod)
    reference = _address(pod)
    return {
        "addresses": [reference["ip"]],
        "conditions": {"ready": ready, "serving": is_ready(pod), "terminating": False},
        "nodeName": reference["nodeName"],
        "targetRef": reference["targetRef"],
    }


def _write(store: Store, kind: str, wanted: Object) -> None:
    known = store.get(kind, namespace_of(wanted), name_of(wanted))
    if known is None:
        store.create(kind, wanted)
    else:
        store.update(kind, _over(known, wanted))


def _write_slices(store: Store, service: Object, wanted: list[Object]) -> None:
    """Over those that are there, in the order of their names; more are made, and what is left over goes."""
    known = [
        each
        for each in store.list("EndpointSlice", namespace_of(service))
        if labels_of(each).get(SERVICE_NAME) == name_of(service)
    ]
    for slice_, present in zip(wanted, known, strict=False):
        store.update("EndpointSlice", _over(present, slice_))
    for slice_ in wanted[len(known) :]:
        store.create("EndpointSlice", slice_)
    for present in known[len(wanted) :]:
        store.delete("EndpointSlice", namespace_of(present), name_of(present))


def _over(known: Object, wanted: Object) -> Object:
    """The wanted content under the known object's own metadata; a subset that vanished vanishes."""
    metadata: dict[str, Any] = {**known["metadata"], "labels": wanted["metadata"]["labels"]}
    return {**wanted, "metadata": metadata}


def _drop_orphans(ctx: Context) -> None:
    """Endpoints carry the Service's name and no owner: they go when it goes, or when it has lost its selector's purpose."""
    for endpoints in ctx.store.list("Endpoints"):
        if ctx.store.get("Service", namespace_of(endpoints), name_of(endpoints)) is None:
            ctx.store.delete("Endpoints", namespace_of(endpoints), name_of(endpoints))
