"""What a program in the simulated shop is: the types that `shop.py` fills with data.

An App is known by the repository of its image, not by the name of a Deployment: whatever pod runs that image behaves as that program,
with the limits, the environment and the labels which that pod really has. What a program costs (CPU, memory, seconds) and whom it
calls is written here; everything else about a running service is read from the objects of the cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Protocol = Literal["http", "tcp"]
Language = Literal["go", "python", "java", "node", "c"]
LogStyle = Literal["access", "logfmt", "json", "redis", "postgres", "rabbitmq", "plain"]


@dataclass(frozen=True)
class Call:
    """One dependency of a route. `env` is the variable that holds its address, as the program reads it at run time."""

    app: str
    route: str
    env: str
    per_request: float = 1.0
    required: bool = True
    timeout: float = 2.0


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    cpu_ms: float
    wait_ms: float
    calls: tuple[Call, ...] = ()
    # A path as it stands in an access log; {n} becomes a number.
    example: str = ""


@dataclass(frozen=True)
class Memory:
    """Working set in MiB: right after the start, in steady service, and per request a second on top."""

    idle: float
    busy: float
    per_rps: float = 0.0
    warm_seconds: float = 35.0


@dataclass(frozen=True)
class Resources:
    cpu_request: str
    cpu_limit: str
    memory_request: str
    memory_limit: str


@dataclass(frozen=True)
class App:
    name: str
    namespace: str
    port: int
    routes: tuple[Route, ...]
    memory: Memory
    resources: Resources
    replicas: int
    versions: tuple[str, ...]
    protocol: Protocol = "http"
    language: Language = "go"
    log_style: LogStyle = "logfmt"
    boot_seconds: float = 5.0
    image_mb: int = 80
    idle_cpu_millis: float = 4.0
    concurrency: int = 32
    is_edge: bool = False
    # A worker is called by nobody: it takes from this app's queue what others have put there.
    consumes: str = ""
    env: tuple[tuple[str, str], ...] = ()
    repository: str = ""
    # "Recreate" for what must not run twice on one volume
    strategy: Literal["RollingUpdate", "Recreate"] = "RollingUpdate"

    def route(self, path: str) -> Route:
        for route in self.routes:
            if route.path == path:
                return route
        raise KeyError(f"{self.name} has no route {path!r}")


@dataclass(frozen=True)
class EntryShare:
    """The share of the customers' requests that goes to one route at the edge."""

    app: str
    route: str
    share: float


@dataclass(frozen=True)
class NodeSpec:
    name: str
    cpu: int
    memory_mb: int
    pod_cidr_prefix: str
    address: str
    zone: str
    taints: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Shop:
    apps: tuple[App, ...]
    entries: tuple[EntryShare, ...]
    nodes: tuple[NodeSpec, ...]
    namespaces: tuple[str, ...]
    peak_rps: float
    other_images: tuple[str, ...] = ()
    name: str = "shop"
    # The ConfigMap, one in each namespace, that all programs read
    settings: str = "shop-settings"

    def app(self, name: str) -> App:
        for app in self.apps:
            if app.name == name:
                return app
        raise KeyError(f"the shop has no app {name!r}")
