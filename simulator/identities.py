"""The way in and the papers: the edge's Ingress with its controller, certificates of servers, and the authority that programs trust.

The edge shows customers a certificate of a public authority; servers inside that speak TLS show one of the shop's own, whose root lies in a
ConfigMap that their clients mount.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta

from simulator.apps import App, Shop
from simulator.certificates import Authority, issue, root
from simulator.network.handshakes import BUNDLE_FILE
from simulator.network.ingress import CLASS, CONTROLLER
from simulator.objects import Object

PUBLIC = Authority("R11", "public")
CONTROLLER_IMAGE = "registry.k8s.io/ingress-nginx/controller:v1.11.3"
ISSUED_BEFORE = timedelta(days=25)
PUBLIC_TERM = timedelta(days=90)
OWN_TERM = timedelta(days=397)
ROOT_TERM = timedelta(days=3650)
SERVER_PAPERS = "/etc/tls"
TRUST = "/etc/ssl/internal"


def own_authority(shop: Shop, word: str = "first") -> Authority:
    return Authority(f"{shop.name} Internal CA", word)


def host(shop: Shop) -> str:
    return f"{shop.name}.example"


def edge_secret(shop: Shop) -> str:
    return f"{shop.name}-example-tls"


def server_secret(app: App) -> str:
    return f"{app.name}-tls"


def trust_map(shop: Shop) -> str:
    return f"{shop.name}-internal-ca"


def objects(shop: Shop, now: datetime) -> Iterator[tuple[str, Object]]:
    since = now.replace(microsecond=0) - ISSUED_BEFORE
    edges = [app for app in shop.apps if app.is_edge]
    for app in edges:
        paper = issue(PUBLIC, host(shop), since, since + PUBLIC_TERM, (host(shop),))
        yield "Secret", tls_secret(edge_secret(shop), app.namespace, paper)
        yield "Ingress", _ingress(app, shop)
    for app in shop.apps:
        if app.speaks_tls:
            paper = server_paper(own_authority(shop), app, since, since + OWN_TERM)
            yield "Secret", tls_secret(server_secret(app), app.namespace, paper)
    for namespace in shop.namespaces:
        yield "ConfigMap", _trust(shop, namespace, root(own_authority(shop), since, since + ROOT_TERM))
    yield from _controller()


def server_paper(authority: Authority, app: App, start: datetime, end: datetime) -> str:
    name = f"{app.name}.{app.namespace}.svc"
    return issue(authority, name, start, end, (app.name, f"{app.name}.{app.namespace}", name))


def tls_secret(name: str, namespace: str, paper: str) -> Object:
    data = {"tls.crt": encoded(paper), "tls.key": encoded("simulated key\n")}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls", "data": data}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _trust(shop: Shop, namespace: str, paper: str) -> Object:
    metadata = {"name": trust_map(shop), "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {BUNDLE_FILE.strip("/"): paper}}


def _ingress(app: App, shop: Shop) -> Object:
    backend = {"service": {"name": app.name, "port": {"number": app.port}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": shop.name, "namespace": app.namespace},
        "spec": {
            "ingressClassName": CLASS,
            "tls": [{"hosts": [host(shop)], "secretName": edge_secret(shop)}],
            "rules": [
                {"host": host(shop), "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
            ],
        },
    }


def _controller() -> Iterator[tuple[str, Object]]:
    labels = {"app.kubernetes.io/name": CONTROLLER, "app.kubernetes.io/component": "controller"}
    metadata = {"name": f"{CONTROLLER}-controller", "namespace": CONTROLLER, "labels": labels}
    container = {
        "name": "controller",
        "image": CONTROLLER_IMAGE,
        "args": ["/nginx-ingress-controller", f"--ingress-class={CLASS}"],
        "ports": [{"name": "http", "containerPort": 80}, {"name": "https", "containerPort": 443}],
        "resources": {"requests": {"cpu": "100m", "memory": "90Mi"}, "limits": {"memory": "256Mi"}},
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    yield (
        "Deployment",
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec},
    )
    ports = [{"name": name, "port": port, "targetPort": name} for name, port in (("http", 80), ("https", 443))]
    service = {"selector": labels, "clusterIP": "10.96.0.80", "clusterIPs": ["10.96.0.80"], "ports": ports}
    yield "Service", {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service}


def volumes(app: App, shop: Shop) -> list[Object]:
    found: list[Object] = []
    if app.speaks_tls:
        found.append({"name": "tls", "secret": {"secretName": server_secret(app)}})
    if calls_with_tls(app, shop):
        found.append({"name": "internal-ca", "configMap": {"name": trust_map(shop)}})
    return found


def mounts(app: App, shop: Shop) -> list[Object]:
    found: list[Object] = []
    if app.speaks_tls:
        found.append({"name": "tls", "mountPath": SERVER_PAPERS, "readOnly": True})
    if calls_with_tls(app, shop):
        found.append({"name": "internal-ca", "mountPath": TRUST, "readOnly": True})
    return found


def calls_with_tls(app: App, shop: Shop) -> bool:
    return any(shop.app(call.app).speaks_tls for route in app.routes for call in route.calls)
