"""What a cluster brings along before any shop moves in: the control plane's static pods, the agents on every node, storage, monitoring.

The control plane's parts are files on the disk of its node; the agent there shows them to the API as mirror pods. Everything else is
applied as an operator of a cluster would have: DaemonSets for the network, the proxy and the node's metrics, Deployments and a StatefulSet
beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from simulator.apps import NodeSpec
from simulator.kubernetes_api.defaults import defaulted
from simulator.objects import Object, short_hash, uid_of
from simulator.store import Store

VERSION = "v1.31.4"
ROLE = "node-role.kubernetes.io/control-plane"
MONITORING = "monitoring"
STORAGE = "longhorn-system"
DEFAULT_CLASS = "standard"
DRIVER = "driver.longhorn.io"
CRITICAL = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
EVERYWHERE: list[Object] = [{"operator": "Exists"}]

# name: (image, cpu request, memory request, port of its health check)
CONTROL_PLANE = {
    "etcd": ("registry.k8s.io/etcd:3.5.15-0", "100m", "100Mi", 2381),
    "kube-apiserver": (f"registry.k8s.io/kube-apiserver:{VERSION}", "250m", "", 6443),
    "kube-controller-manager": (f"registry.k8s.io/kube-controller-manager:{VERSION}", "200m", "", 10257),
    "kube-scheduler": (f"registry.k8s.io/kube-scheduler:{VERSION}", "100m", "", 10259),
}
AGENTS = (
    ("kube-system", "kube-proxy", f"registry.k8s.io/kube-proxy:{VERSION}", "", ""),
    ("kube-system", "calico-node", "docker.io/calico/node:v3.28.2", "250m", ""),
    (MONITORING, "node-exporter", "quay.io/prometheus/node-exporter:v1.8.2", "50m", "64Mi"),
)
AGENT_PORTS = {"node-exporter": 9100}
# namespace, name, container, image, cpu, memory, port
SERVANTS = (
    (
        "kube-system",
        "metrics-server",
        "metrics-server",
        "registry.k8s.io/metrics-server/metrics-server:v0.7.2",
        "100m",
        "200Mi",
        10250,
    ),
    (
        MONITORING,
        "kube-state-metrics",
        "kube-state-metrics",
        "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.13.0",
        "50m",
        "128Mi",
        8080,
    ),
    (STORAGE, "csi-provisioner", "csi-provisioner", "docker.io/longhornio/csi-provisioner:v4.0.1", "20m", "32Mi", 0),
    (STORAGE, "csi-attacher", "csi-attacher", "docker.io/longhornio/csi-attacher:v4.6.1", "20m", "32Mi", 0),
)
PROMETHEUS = "quay.io/prometheus/prometheus:v2.54.1"
IMAGES = (
    *(image for image, *_ in CONTROL_PLANE.values()),
    *(agent[2] for agent in AGENTS),
    *(servant[3] for servant in SERVANTS),
    PROMETHEUS,
)


def create_parts(store: Store) -> None:
    """The order is that of a new cluster: what is asked for by name is there before somebody asks."""
    for space in (MONITORING, STORAGE, "kube-node-lease"):
        _create(store, "Namespace", "v1", "", space)
    for name, value in CRITICAL.items():
        _create(
            store,
            "PriorityClass",
            "scheduling.k8s.io/v1",
            "",
            name,
            value=value,
            preemptionPolicy="PreemptLowerPriority",
        )
    _create(
        store,
        "StorageClass",
        "storage.k8s.io/v1",
        "",
        DEFAULT_CLASS,
        annotations={"storageclass.kubernetes.io/is-default-class": "true"},
        provisioner=DRIVER,
        parameters={"numberOfReplicas": "2"},
        reclaimPolicy="Delete",
        allowVolumeExpansion=True,
        volumeBindingMode="WaitForFirstConsumer",
    )
    for space, name, image, cpu, memory in AGENTS:
        _create(store, "DaemonSet", "apps/v1", space, name, labels={"app": name}, spec=_agent(name, image, cpu, memory))
    for servant in SERVANTS:
        _create(
            store,
            "Deployment",
            "apps/v1",
            servant[0],
            servant[1],
            labels={"app": servant[1]},
            spec=_servant(*servant[1:]),
        )
    _create(store, "StatefulSet", "apps/v1", MONITORING, "prometheus", labels={"app": "prometheus"}, spec=_prometheus())
    for name, port in (("prometheus", 9090), ("kube-state-metrics", 8080)):
        _create(store, "Service", "v1", MONITORING, name, spec=_headless(name, port))


def _create(
    store: Store,
    kind: str,
    api_version: str,
    namespace: str,
    name: str,
    *,
    annotations: Object | None = None,
    **fields: Any,
) -> None:
    labels = fields.pop("labels", None)
    metadata = {"name": name, "namespace": namespace, "labels": labels, "annotations": annotations}
    kept = {key: value for key, value in metadata.items() if value}
    store.create(kind, defaulted(kind, {"apiVersion": api_version, "kind": kind, "metadata": kept, **fields}))


def _requests(cpu: str, memory: str) -> Object:
    asked = {name: value for name, value in (("cpu", cpu), ("memory", memory)) if value}
    return {"resources": {"requests": asked}} if asked else {}


def _agent(name: str, image: str, cpu: str, memory: str) -> Object:
    container: Object = {"name": name, "image": image, **_requests(cpu, memory)}
    if name in AGENT_PORTS:  # on the host's network a port of the container is one of the host
        number = AGENT_PORTS[name]
        container["ports"] = [{"name": "metrics", "containerPort": number, "hostPort": number}]
    spec = {
        "hostNetwork": True,
        "priorityClassName": "system-node-critical",
        "tolerations": EVERYWHERE,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "containers": [container],
    }
    return _of(name, spec)


def _servant(name: str, container: str, image: str, cpu: str, memory: str, port: int) -> Object:
    made: Object = {"name": container, "image": image, **_requests(cpu, memory)}
    if port:
        made["ports"] = [{"name": "metrics", "containerPort": port}]
    spec = {"priorityClassName": "system-cluster-critical", "containers": [made]}
    return {"replicas": 1, **_of(name, spec)}


def _prometheus() -> Object:
    container = {
        "name": "prometheus",
        "image": PROMETHEUS,
        "ports": [{"name": "web", "containerPort": 9090}],
        "volumeMounts": [{"name": "data", "mountPath": "/prometheus"}],
        **_requests("200m", "512Mi"),
    }
    return {
        "replicas": 1,
        "serviceName": "prometheus",
        **_of("prometheus", {"containers": [container]}),
        "volumeClaimTemplates": [claim_template("data", "50Gi")],
    }


def claim_template(name: str, size: str) -> Object:
    return {
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": DEFAULT_CLASS,
            "resources": {"requests": {"storage": size}},
            "volumeMode": "Filesystem",
        },
    }


def _of(name: str, spec: Object) -> Object:
    return {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": spec},
    }


def _headless(name: str, port: int) -> Object:
    ports = [{"name": "http", "port": port, "targetPort": port}]
    return {"type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["None"], "selector": {"app": name}, "ports": ports}


class StaticPods:
    """The pods that the agent of the control plane's node runs from files: no deletion through the API is for good."""

    def __init__(self, store: Store, now: Callable[[], datetime], nodes: tuple[NodeSpec, ...]) -> None:
        self._store = store
        self._now = now
        self._nodes = [node for node in nodes if node.is_control_plane]

    def sync(self) -> None:
        for spec in self._nodes:
            node = self._store.get("Node", None, spec.name)
            for name in CONTROL_PLANE if node else ():
                if node and self._store.get("Pod", "kube-system", f"{name}-{spec.name}") is None:
                    self._store.create("Pod", defaulted("Pod", _mirror(name, node, spec)))


def _mirror(name: str, node: Object, spec: NodeSpec) -> Object:
    image, cpu, memory, port = CONTROL_PLANE[name]
    digest = short_hash([name, image], 32)
    annotations = {f"kubernetes.io/config.{key}": digest for key in ("hash", "mirror")}
    owner = {"apiVersion": "v1", "kind": "Node", "name": spec.name, "uid": uid_of(node), "controller": True}
    check = {"httpGet": {"host": "127.0.0.1", "path": "/livez", "port": port, "scheme": "HTTPS"}, "failureThreshold": 8}
    command = [name, f"--bind-address={spec.address}"]
    container = {"name": name, "image": image, "command": command, "livenessProbe": check, **_requests(cpu, memory)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{name}-{spec.name}",
            "namespace": "kube-system",
            "labels": {"component": name, "tier": "control-plane"},
            "annotations": {**annotations, "kubernetes.io/config.source": "file"},
            "ownerReferences": [owner],
        },
        "spec": {
            "nodeName": spec.name,
            "hostNetwork": True,
            "priority": CRITICAL["system-node-critical"],
            "priorityClassName": "system-node-critical",
            "tolerations": [{"operator": "Exists", "effect": "NoExecute"}],
            "containers": [container],
        },
    }
