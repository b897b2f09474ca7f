"""Services with the endpoints that stand behind them."""

from datetime import datetime

from tests.evaluation.casebook.heads import meta, uid_of
from tests.evaluation.casebook.model import Object, Pod, Service
from tests.evaluation.casebook.scene import Scene


def routing(scene: Scene, service: Service) -> list[Object]:
    created = service.created or scene.ago(days=30)
    spec: Object = {
        "type": service.type,
        "clusterIP": service.cluster_ip,
        "clusterIPs": [service.cluster_ip],
        "ports": service.ports,
        "sessionAffinity": "None",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "internalTrafficPolicy": "Cluster",
    }
    if service.selector:
        spec["selector"] = service.selector
    labels = service.labels or dict(list(service.selector.items())[:1])
    status: Object = {"loadBalancer": {"ingress": [{"ip": "203.0.113.20"}]} if service.type == "LoadBalancer" else {}}
    made: list[Object] = [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta(scene, service.name, service.namespace, created, labels=labels),
            "spec": {**spec, **service.extra},
            "status": status,
        }
    ]
    if not service.selector:
        return made
    pods = [
        pod
        for program in scene.everyone()
        if program.namespace == service.namespace
        for pod in program.pods
        if _selects(service, pod) and pod.ip and pod.phase not in ("Failed", "Succeeded")
    ]
    ports = [found for row in service.ports if (found := _target(row, pods))]
    made.append(_slice(scene, service, pods, ports, created))
    if scene.style.old_endpoints:
        made.append(_endpoints(scene, service, pods, ports, created))
    return made


def _selects(service: Service, pod: Pod) -> bool:
    labels = pod.template["metadata"]["labels"]
    return all(labels.get(key) == value for key, value in service.selector.items())


def _target(row: Object, pods: list[Pod]) -> Object | None:
    """The number behind a targetPort; a name that no container has gives no port at all, as in the real controller."""
    target = row.get("targetPort", row["port"])
    if isinstance(target, str):
        named = (
            port
            for pod in pods[:1]
            for one in pod.template["spec"]["containers"]
            for port in one.get("ports", ())
            if port.get("name") == target
        )
        found = next(named, None)
        if found is None:
            return None
        target = found["containerPort"]
    return {"name": row.get("name", ""), "port": target, "protocol": row.get("protocol", "TCP")}


def _ref(pod: Pod) -> Object:
    return {"kind": "Pod", "name": pod.name, "namespace": pod.namespace, "uid": pod.uid}


def _slice(scene: Scene, service: Service, pods: list[Pod], ports: list[Object], created: datetime) -> Object:
    labels = {
        "kubernetes.io/service-name": service.name,
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    rows = [
        {
            "addresses": [pod.ip],
            "conditions": {
                "ready": pod.is_ready and not pod.leaving_since,
                "serving": pod.is_ready,
                "terminating": bool(pod.leaving_since),
            },
            "nodeName": pod.node.name if pod.node else "",
            "targetRef": _ref(pod),
        }
        for pod in pods
    ]
    usable = rows if ports else []
    owner = [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "name": service.name,
            "uid": uid_of(scene, "Service", service.namespace, service.name),
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
    head = meta(
        scene, f"{service.name}-{scene.letters(5)}", service.namespace, created, labels=labels, ownerReferences=owner
    )
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": head,
        "addressType": "IPv4",
        "endpoints": usable,
        "ports": ports,
    }


def _endpoints(scene: Scene, service: Service, pods: list[Pod], ports: list[Object], created: datetime) -> Object:
    def row(pod: Pod) -> Object:
        return {"ip": pod.ip, "nodeName": pod.node.name if pod.node else "", "targetRef": _ref(pod)}

    ready = [row(pod) for pod in pods if pod.is_ready and not pod.leaving_since]
    other = [row(pod) for pod in pods if not pod.is_ready]
    made: Object = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": meta(scene, service.name, service.namespace, created),
    }
    subset: Object = {
        **({"addresses": ready} if ready else {}),
        **({"notReadyAddresses": other} if other else {}),
        "ports": ports,
    }
    if ports and (ready or other):
        made["subsets"] = [subset]
    return made
