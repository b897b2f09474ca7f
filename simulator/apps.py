"""What a program in the simulated shop is: the types that `shop.py` fills with data.

An App is known by the repository of its image, not by the name of a Deployment: whatever pod runs that image behaves as that program,
with the limits, the environment and the labels which that pod really has. What a program costs (CPU, memory, seconds) and whom it
calls is written here; everything else about a running service is read from the objects of the cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Protocol = Literal["http", "tcp"]
LogStyle = Literal["access", "logfmt", "json", "redis", "postgres", "mysql", "rabbitmq", "plain", "spring", "nested"]
Tongue = Literal["en", "zh"]
# A server that asks its clients who they are.
Engine = Literal["", "redis", "postgres", "mysql", "rabbitmq"]
ENGINES: dict[str, Engine] = {"redis": "redis", "postgres": "postgres", "mysql": "mysql", "rabbitmq": "rabbitmq"}
Language = Literal["go", "python", "java", "node", "c"]
VariableType = Literal["whole number", "log level", "switch", "duration", "currency"]

# The variables of the shop's common settings, which every program of the shop reads and checks at its start.
COMMON_VARIABLES: tuple[tuple[str, VariableType], ...] = (
    ("LOG_LEVEL", "log level"),
    ("CURRENCY", "currency"),
    ("FEATURE_GIFT_CARDS", "switch"),
)


@dataclass(frozen=True)
class Call:
    """One dependency of a route. `env` is the variable that holds its address, as the program reads it at run time."""

    app: str
    route: str
    env: str
    per_request: float = 1.0
    required: bool = True
    timeout: float = 2.0
    attempts: int = 1
    # The cache that is asked first: `per_request` is what its usual misses leave.
    behind: str = ""


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    cpu_ms: float
    wait_ms: float
    calls: tuple[Call, ...] = ()
    # A path as it stands in an access log; {n} becomes a number.
    example: str = ""
    # Whether it changes data.
    writes: bool = False


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
    # The language of its people, in which it writes its log.
    tongue: Tongue = "en"
    boot_seconds: float = 5.0
    image_mb: int = 80
    idle_cpu_millis: float = 4.0
    concurrency: int = 32
    # Whether it answers only to those who bring a signed token.
    checks_tokens: bool = False
    # Whether its requests wait for a disk.
    is_durable: bool = False
    is_edge: bool = False
    # How far an autoscaler may go, where there is one.
    most_replicas: int = 0
    # A worker is called by nobody: it takes from this app's queue what others have put there.
    consumes: str = ""
    env: tuple[tuple[str, str], ...] = ()
    repository: str = ""
    # "Recreate" for what must not run twice on one volume
    strategy: Literal["RollingUpdate", "Recreate"] = "RollingUpdate"
    # Ports beside the one it serves on.
    admin_ports: tuple[int, ...] = ()
    # Variables without which it does not start, beside the addresses of what it cannot do without.
    required_env: tuple[str, ...] = ()
    typed: tuple[tuple[str, VariableType], ...] = COMMON_VARIABLES
    # The name and text of its settings; they lie in a ConfigMap and are mounted into the container.
    config_file: str = ""
    config: str = ""
    # What its users may do; a database carries it out whenever it starts.
    grants: str = ""
    data_dir: str = ""
    # The user as which clients log in, and the database they use.
    account: str = ""
    database: str = ""
    # Whether it shows a certificate and speaks nothing but TLS.
    speaks_tls: bool = False
    # Connections that each pod keeps open to a database.
    pool: int = 5

    @property
    def engine(self) -> Engine:
        return ENGINES.get(self.log_style, "")

    @property
    def needs(self) -> tuple[str, ...]:
        """The variables it cannot start without; a gateway looks for an upstream only when it is asked for it."""
        called = (call.env for route in self.routes for call in route.calls if call.required and not self.is_edge)
        return tuple(dict.fromkeys((*self.required_env, *called)))

    @property
    def config_path(self) -> str:
        return f"/etc/{self.name}/{self.config_file}"

    def route(self, path: str) -> Route:
        for route in self.routes:
            if route.path == path:
                return route
        raise KeyError(f"{self.name} has no route {path!r}")


@dataclass(frozen=True)
class Tool:
    """An image that is no program of the shop: it runs for ever, or for some seconds and is done."""

    image: str
    size_mb: int = 20
    seconds: float | None = None
    exit_code: int = 0
    lines: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    programs: tuple[str, ...] = ()


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
    is_control_plane: bool = False


@dataclass(frozen=True)
class Shop:
    apps: tuple[App, ...]
    entries: tuple[EntryShare, ...]
    nodes: tuple[NodeSpec, ...]
    namespaces: tuple[str, ...]
    peak_rps: float
    other_images: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    name: str = "shop"
    # The ConfigMap, one in each namespace, that all programs read
    settings: str = "shop-settings"
    # Programs that the registry has and nobody of the shop runs.
    guests: tuple[App, ...] = ()
    # Whether the cluster has its own parts in it: control plane, agents, storage, monitoring.
    has_parts: bool = True

    def app(self, name: str) -> App:
        for app in self.apps:
            if app.name == name:
                return app
        raise KeyError(f"the shop has no app {name!r}")
