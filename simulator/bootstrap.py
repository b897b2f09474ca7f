"""The objects of the shop as somebody once applied them.

The world is built by its own controllers: this module only creates what a person or a pipeline would have (nodes, namespaces, Services,
Deployments of an older version, then the present one), and the controllers, the scheduler and the kubelets do the rest, so that every
revision, owner and event has come about the usual way.
"""

from __future__ import annotations

import base64
import json
import math
from typing import Any

from simulator import identities, servers
from simulator.apps import App, NodeSpec, Shop
from simulator.cluster_parts import ROLE, VERSION, create_parts
from simulator.controllers.context import Context
from simulator.kubelet.heartbeats import node_conditions
from simulator.kubernetes_api import roles
from simulator.kubernetes_api.defaults import defaulted
from simulator.network.ingress import CONTROLLER
from simulator.objects import Object
from simulator.shop import image, repository
from simulator.store import Store

REGISTRY_LOGIN = "registry-login"
FIT_FOR_A_BUDGET = 3
SCALE_AT_PERCENT = 150  # of the request, which is a third of the limit
PROTOCOLS = {"http": "http", "tcp": "tcp"}


def create_shop(ctx: Context, shop: Shop) -> None:
    store = ctx.store
    for name in ("default", "kube-system", "kube-public", CONTROLLER, *shop.namespaces):
        _create(store, "Namespace", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for kind, obj in roles.default_objects(shop.namespaces):
        _create(store, kind, obj)
    for node in shop.nodes:
        store.create("Node", node_object(node, ctx.stamp()))
    if shop.has_parts:
        create_parts(store)
    for name in shop.namespaces:
        _create(store, "ConfigMap", _config_map(shop.settings, name))
        _create(store, "Secret", _pull_secret(shop, name))
    for kind, obj in (*servers.objects(shop), *identities.objects(shop, ctx.now())):
        _create(store, kind, obj)
    _create_dns(store)
    for index, app in enumerate(shop.apps):
        if not app.consumes:
            _create(store, "Service", service(app, shop, f"10.96.{20 + index}.{11 + index * 7}"))
        _create(store, "Deployment", deployment(app, shop, app.versions[0]))
        if shop.has_parts:
            _guard(store, app)


def _guard(store: Store, app: App) -> None:
    """What keeps a program large enough: an autoscaler where its size may change, a budget where it has pods to spare."""
    head = {"metadata": {"name": app.name, "namespace": app.namespace, "labels": {"app": app.name}}}
    if app.most_replicas:
        _create(store, "HorizontalPodAutoscaler", {**head, **autoscaler(app.name, app.replicas, app.most_replicas)})
    if app.replicas >= FIT_FOR_A_BUDGET:
        spec = {"maxUnavailable": 1, "selector": {"matchLabels": {"app": app.name}}}
        budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", **head, "spec": spec}
        _create(store, "PodDisruptionBudget", budget)


def autoscaler(deployment: str, least: int, most: int, percent: int = SCALE_AT_PERCENT) -> Object:
    target = {"type": "Utilization", "averageUtilization": percent}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment},
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": spec}


def roll_out_present_versions(ctx: Context, shop: Shop) -> None:
    for app in shop.apps:
        known = ctx.store.get("Deployment", app.namespace, app.name)
        if known is not None:
            wanted = defaulted("Deployment", deployment(app, shop, app.versions[-1]))
            ctx.store.update("Deployment", {**known, "spec": wanted["spec"]})


def _pull_secret(shop: Shop, namespace: str) -> Object:
    """The login to the shop's own registry."""
    host = repository(next(app for app in shop.apps if not app.repository.startswith("docker.io"))).partition("/")[0]
    login = {"username": "pull", "auth": base64.b64encode(f"pull:{namespace}-token".encode()).decode()}
    config = base64.b64encode(json.dumps({"auths": {host: login}}).encode()).decode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": REGISTRY_LOGIN, "namespace": namespace},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": config},
    }


def _create(store: Store, kind: str, obj: Object) -> None:
    store.create(kind, defaulted(kind, obj))


def _labels(app: App, shop: Shop) -> dict[str, str]:
    return {"app": app.name, "app.kubernetes.io/name": app.name, "app.kubernetes.io/part-of": shop.name}


def service(app: App, shop: Shop, cluster_ip: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": app.name, "namespace": app.namespace, "labels": _labels(app, shop)},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": cluster_ip,
            "clusterIPs": [cluster_ip],
            "selector": {"app": app.name},
            "ports": [{"name": PROTOCOLS[app.protocol], "port": app.port, "targetPort": PROTOCOLS[app.protocol]}],
        },
    }


def deployment(app: App, shop: Shop, version: str) -> Object:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": app.name, "namespace": app.namespace, "labels": _labels(app, shop)},
        "spec": {
            "replicas": app.replicas,
            "selector": {"matchLabels": {"app": app.name}},
            "strategy": rolling if app.strategy == "RollingUpdate" else {"type": "Recreate"},
            "template": {
                "metadata": {"labels": _labels(app, shop), "annotations": {"prometheus.io/scrape": "true"}},
                "spec": {
                    "containers": [_container(app, shop, version)],
                    "imagePullSecrets": [{"name": REGISTRY_LOGIN}],
                    **servers.volumes(app, shop),
                },
            },
        },
    }


def _container(app: App, shop: Shop, version: str) -> Object:
    port = PROTOCOLS[app.protocol]
    check: Object = (
        {"tcpSocket": {"port": port}}
        if app.protocol == "tcp" or app.speaks_tls
        else {"httpGet": {"path": "/healthz", "port": port}}
    )
    resources = app.resources
    container: Object = {
        "name": app.name,
        "image": image(app, version),
        "ports": [{"name": port, "containerPort": app.port}],
        "env": environment(app, shop),
        "envFrom": [{"configMapRef": {"name": shop.settings}}],
        "resources": {
            "requests": {"cpu": resources.cpu_request, "memory": resources.memory_request},
            "limits": {"cpu": resources.cpu_limit, "memory": resources.memory_limit},
        },
        **_probes(app, check),
        **servers.mounts(app, shop),
    }
    if app.protocol == "tcp":
        del container["envFrom"]
    return container


def _probes(app: App, check: Object) -> Object:
    """Nothing is asked before it can answer; what starts slowly has a probe for that."""
    up = math.ceil(app.boot_seconds * 1.2) + 1
    if app.language == "java":
        return {
            "startupProbe": {**check, "initialDelaySeconds": up, "periodSeconds": 2, "failureThreshold": 30},
            "readinessProbe": {**check, "periodSeconds": 5, "timeoutSeconds": 2},
            "livenessProbe": {**check, "periodSeconds": 10, "timeoutSeconds": 2},
        }
    return {
        "readinessProbe": {**check, "initialDelaySeconds": up, "periodSeconds": 5, "timeoutSeconds": 2},
        "livenessProbe": {**check, "initialDelaySeconds": up + 10, "periodSeconds": 10, "timeoutSeconds": 2},
    }


def environment(app: App, shop: Shop) -> list[dict[str, Any]]:
    """An address for every dependency, short within the namespace and with the namespace across."""
    env: dict[str, dict[str, Any]] = {}
    for call in (call for route in app.routes for call in route.calls):
        callee = shop.app(call.app)
        host = callee.name if callee.namespace == app.namespace else f"{callee.name}.{callee.namespace}"
        env[call.env] = {"name": call.env, "value": servers.address(app, callee, host)}
        env.update({each["name"]: each for each in servers.login(call.env, callee)})
    own = servers.own_environment(app)
    return [*env.values(), *own, *({"name": key, "value": value} for key, value in app.env)]


def _config_map(name: str, namespace: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": {"LOG_LEVEL": "info", "CURRENCY": "EUR", "FEATURE_GIFT_CARDS": "off"},
    }


def _create_dns(store: Store) -> None:
    """The cluster's own name server, so that kube-system is not empty."""
    labels = {"k8s-app": "kube-dns"}
    metadata = {"name": "coredns", "namespace": "kube-system", "labels": labels}
    container = {
        "name": "coredns",
        "image": "registry.k8s.io/coredns/coredns:v1.11.1",
        "ports": [{"name": "dns", "containerPort": 53, "protocol": "UDP"}],
        "resources": {"requests": {"cpu": "100m", "memory": "70Mi"}, "limits": {"memory": "170Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 5},
    }
    spec = {
        "replicas": 2,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    _create(store, "Deployment", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    port = {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns"}
    dns = {"selector": labels, "clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10"], "ports": [port]}
    _create(
        store,
        "Service",
        {"apiVersion": "v1", "kind": "Service", "metadata": {**metadata, "name": "kube-dns"}, "spec": dns},
    )


def node_object(node: NodeSpec, stamp: str) -> Object:
    capacity = {"cpu": str(node.cpu), "memory": f"{node.memory_mb}Mi", "pods": "110", "ephemeral-storage": "80Gi"}
    allocatable = {**capacity, "cpu": f"{node.cpu * 1000 - 200}m", "memory": f"{node.memory_mb - 1024}Mi"}
    taints = [
        {"key": key, **({"value": value} if value else {}), "effect": effect} for key, value, effect in node.taints
    ]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "labels": {
                "kubernetes.io/hostname": node.name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/zone": node.zone,
                **({ROLE: ""} if node.is_control_plane else {}),
            },
        },
        "spec": {"podCIDR": f"{node.pod_cidr_prefix}.0/24", **({"taints": taints} if taints else {})},
        "status": {
            "capacity": capacity,
            "allocatable": allocatable,
            "addresses": [{"type": "InternalIP", "address": node.address}, {"type": "Hostname", "address": node.name}],
            "conditions": node_conditions(stamp),
            "nodeInfo": {
                "kubeletVersion": VERSION,
                "kubeProxyVersion": VERSION,
                "containerRuntimeVersion": "containerd://1.7.24",
                "osImage": "Debian GNU/Linux 12 (bookworm)",
                "kernelVersion": "6.1.0-28-amd64",
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
        },
    }
