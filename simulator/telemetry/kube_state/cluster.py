"""Nodes, namespaces, Services, volumes, Ingresses and what else belongs to no workload."""

from __future__ import annotations

from simulator.objects import Object, labels_of, name_of, namespace_of, uid_of
from simulator.quantity import quantity
from simulator.telemetry.kube_state.samples import STATES, Metrics, of, time_of

UNITS = {"cpu": "core", "memory": "byte", "pods": "integer", "ephemeral-storage": "byte"}
ROLE = "node-role.kubernetes.io/"


def service(service: Object) -> Metrics:
    who = {"namespace": namespace_of(service), "service": name_of(service), "uid": uid_of(service)}
    yield of("kube_service_info", 1, **who, cluster_ip=service["spec"].get("clusterIP", ""))
    yield of("kube_service_spec_type", 1, **who, type=service["spec"].get("type", "ClusterIP"))


def endpoints(endpoints: Object) -> Metrics:
    who = {"namespace": namespace_of(endpoints), "endpoint": name_of(endpoints)}
    counts = {"addresses": 0, "notReadyAddresses": 0}
    for subset in endpoints.get("subsets") or []:
        for field, ready in (("addresses", "true"), ("notReadyAddresses", "false")):
            for address in subset.get(field) or []:
                counts[field] += 1
                for port in subset.get("ports") or []:
                    labels = {"ip": address["ip"], "ready": ready, "port_number": str(port["port"])}
                    named = {"port_name": port.get("name", ""), "port_protocol": port.get("protocol", "TCP")}
                    yield of("kube_endpoint_address", 1, **who, **labels, **named)
    yield of("kube_endpoint_info", 1, **who)
    yield of("kube_endpoint_address_available", counts["addresses"], **who)
    yield of("kube_endpoint_address_not_ready", counts["notReadyAddresses"], **who)


def node(node: Object) -> Metrics:
    name, status = name_of(node), node.get("status") or {}
    info = status.get("nodeInfo") or {}
    internal = next((each["address"] for each in status.get("addresses") or [] if each["type"] == "InternalIP"), "")
    details = {
        "kubelet_version": info.get("kubeletVersion", ""),
        "os_image": info.get("osImage", ""),
        "internal_ip": internal,
    }
    yield of("kube_node_info", 1, node=name, **details)
    yield from time_of("kube_node_created", node["metadata"].get("creationTimestamp"), node=name)
    for label in labels_of(node):
        if label.startswith(ROLE):
            yield of("kube_node_role", 1, node=name, role=label.removeprefix(ROLE))
    yield of("kube_node_spec_unschedulable", bool((node.get("spec") or {}).get("unschedulable")), node=name)
    for each in status.get("conditions") or []:
        for state in STATES:
            labels = {"node": name, "condition": each["type"], "status": state}
            yield of("kube_node_status_condition", each["status"].lower() == state, **labels)
    for section in ("allocatable", "capacity"):
        for resource_name, unit in UNITS.items():
            value = (status.get(section) or {}).get(resource_name)
            if value is not None:
                labels = {"node": name, "resource": resource_name.replace("-", "_"), "unit": unit}
                yield of(f"kube_node_status_{section}", quantity(value), **labels)
    for taint in (node.get("spec") or {}).get("taints") or []:
        yield of(
            "kube_node_spec_taint", 1, node=name, **{key: str(taint.get(key, "")) for key in ("key", "value", "effect")}
        )


def namespace(namespace: Object) -> Metrics:
    phase = (namespace.get("status") or {}).get("phase", "Active")
    for each in ("Active", "Terminating"):
        yield of("kube_namespace_status_phase", phase == each, namespace=name_of(namespace), phase=each)


def claim(claim: Object) -> Metrics:
    who = {"namespace": namespace_of(claim), "persistentvolumeclaim": name_of(claim)}
    spec, phase = claim["spec"], (claim.get("status") or {}).get("phase", "Pending")
    named = {"storageclass": spec.get("storageClassName") or "", "volumename": spec.get("volumeName") or ""}
    yield of("kube_persistentvolumeclaim_info", 1, **who, **named, volumemode=spec.get("volumeMode", "Filesystem"))
    for each in ("Lost", "Bound", "Pending"):
        yield of("kube_persistentvolumeclaim_status_phase", phase == each, **who, phase=each)
    wanted = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if wanted:
        yield of("kube_persistentvolumeclaim_resource_requests_storage_bytes", quantity(wanted), **who)
    for mode in spec.get("accessModes") or []:
        yield of("kube_persistentvolumeclaim_access_mode", 1, **who, access_mode=mode)


def volume(volume: Object) -> Metrics:
    who = {"persistentvolume": name_of(volume)}
    spec, phase = volume["spec"], (volume.get("status") or {}).get("phase", "Pending")
    yield of("kube_persistentvolume_info", 1, **who, storageclass=spec.get("storageClassName") or "")
    for each in ("Pending", "Available", "Bound", "Released", "Failed"):
        yield of("kube_persistentvolume_status_phase", phase == each, **who, phase=each)
    if (spec.get("capacity") or {}).get("storage"):
        yield of("kube_persistentvolume_capacity_bytes", quantity(spec["capacity"]["storage"]), **who)
    bound = spec.get("claimRef")
    if bound:
        labels = {"name": bound.get("name", ""), "claim_namespace": bound.get("namespace", "")}
        yield of("kube_persistentvolume_claim_ref", 1, **who, **labels)


def storage_class(found: Object) -> Metrics:
    yield of(
        "kube_storageclass_info",
        1,
        storageclass=name_of(found),
        provisioner=found.get("provisioner", ""),
        reclaim_policy=found.get("reclaimPolicy", "Delete"),
        volume_binding_mode=found.get("volumeBindingMode", "Immediate"),
    )


def ingress(ingress: Object) -> Metrics:
    who = {"namespace": namespace_of(ingress), "ingress": name_of(ingress)}
    yield of("kube_ingress_info", 1, **who, ingressclass=ingress["spec"].get("ingressClassName") or "_default")
    for rule in ingress["spec"].get("rules") or []:
        for path in (rule.get("http") or {}).get("paths") or []:
            service = (path.get("backend") or {}).get("service") or {}
            port = service.get("port") or {}
            labels = {
                "service_name": service.get("name", ""),
                "service_port": str(port.get("number", port.get("name", ""))),
            }
            yield of("kube_ingress_path", 1, **who, host=rule.get("host", ""), path=path.get("path", ""), **labels)
    for tls in ingress["spec"].get("tls") or []:
        for host in tls.get("hosts") or []:
            yield of("kube_ingress_tls", 1, **who, tls_host=host, secret_name=tls.get("secretName", ""))


def config_map(found: Object) -> Metrics:
    who = {"namespace": namespace_of(found), "configmap": name_of(found)}
    yield of("kube_configmap_info", 1, **who)
    yield of("kube_configmap_metadata_resource_version", float(found["metadata"]["resourceVersion"]), **who)


def secret(found: Object) -> Metrics:
    who = {"namespace": namespace_of(found), "secret": name_of(found)}
    yield of("kube_secret_info", 1, **who)
    yield of("kube_secret_type", 1, **who, type=found.get("type", "Opaque"))
