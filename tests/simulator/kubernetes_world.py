"""A small cluster behind the API: two namespaces, a node, one Deployment with its pods, and hooks that take notes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.applications import Starlette

from simulator.kubernetes_api import ContainerUsage, defaulted, routes
from simulator.store import Store

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
Object = dict[str, Any]


class World:
    def __init__(self) -> None:
        self.time = NOON
        self.store = Store(self.now, uid_seed=7)
        self.kicks = 0
        self.audited: list[Object] = []
        self.logs: dict[tuple[str, str, bool], list[str]] = {}
        self.asked_log: tuple[Any, ...] = ()

    def now(self) -> datetime:
        return self.time

    def kick(self) -> None:
        self.kicks += 1

    def read_log(
        self,
        namespace: str,
        pod: str,
        container: str,
        previous: bool,
        tail_lines: int | None,
        since_seconds: int | None,
        timestamps: bool,
    ) -> str | None:
        self.asked_log = (namespace, pod, container, previous, tail_lines, since_seconds, timestamps)
        lines = self.logs.get((pod, container, previous))
        if lines is None:
            return None
        shown = lines if tail_lines is None else lines[len(lines) - tail_lines :]
        stamped = [f"2026-03-02T11:59:{at:02d}.000000000Z " for at in range(len(lines) - len(shown), len(lines))]
        return "".join(f"{stamp if timestamps else ''}{line}\n" for stamp, line in zip(stamped, shown, strict=True))

    def usage(self) -> list[ContainerUsage]:
        return [
            ContainerUsage(
                "node-1", pod["metadata"]["namespace"], pod["metadata"]["name"], each["name"], 0.25, 64 * 1024**2
            )
            for pod in self.store.list("Pod")
            for each in (pod.get("spec") or {}).get("containers") or ()
        ]

    def audit(self, entry: Object) -> None:
        self.audited.append(entry)

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def create(self, kind: str, obj: Object) -> Object:
        return self.store.create(kind, defaulted(kind, obj))


def container(name: str = "web", image: str = "shop/web:1.4", **more: Any) -> Object:
    return {"name": name, "image": image, **more}


def deployment(name: str = "web", namespace: str = "shop", replicas: int = 2, **spec: Any) -> Object:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container(name)]}}
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **spec},
    }


def pod(name: str, app: str = "web", namespace: str = "shop", phase: str = "Running", **status: Any) -> Object:
    running = {
        "name": app,
        "ready": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": "2026-03-02T11:00:00Z"}},
    }
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": app}},
        "spec": {"nodeName": "node-1", "containers": [container(app)]},
        "status": {"phase": phase, "podIP": "10.1.0.7", "containerStatuses": [running], **status},
    }


def event(name: str, about: str = "web-0", reason: str = "BackOff", namespace: str = "shop") -> Object:
    return {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": {"kind": "Pod", "name": about, "namespace": namespace, "uid": f"uid-of-{about}"},
        "reason": reason,
        "message": "Back-off restarting failed container",
        "type": "Warning",
        "source": {"component": "kubelet", "host": "node-1"},
        "firstTimestamp": "2026-03-02T11:50:00Z",
        "lastTimestamp": "2026-03-02T11:58:00Z",
        "count": 4,
    }


def a_world() -> World:
    world = World()
    world.time -= timedelta(hours=5)
    for namespace in ("shop", "bank"):
        world.create("Namespace", {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": namespace}})
        account = {"metadata": {"name": "default", "namespace": namespace}}
        world.create("ServiceAccount", {"kind": "ServiceAccount", "apiVersion": "v1", **account})
    ready = {"type": "Ready", "status": "True"}
    node = {"metadata": {"name": "node-1"}, "spec": {}, "status": {"conditions": [ready]}}
    world.create("Node", {"kind": "Node", "apiVersion": "v1", **node})
    world.create("Deployment", deployment())
    for name in ("web-0", "web-1"):
        world.create("Pod", pod(name))
        world.logs[(name, "web", False)] = [f"line {number}" for number in range(5)]
    world.create("Pod", pod("ledger-0", app="ledger", namespace="bank"))
    world.time = NOON
    return world


def app_of(world: World, tokens: dict[str, str] | None = None) -> Starlette:
    return Starlette(routes=routes(world.store, world, tokens))


def client_of(world: World, tokens: dict[str, str] | None = None, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app_of(world, tokens), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://cluster", headers=headers, timeout=5)
