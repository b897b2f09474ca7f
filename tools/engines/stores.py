"""Databases and caches: which programs are one, which clients are told to call them, and with whose name and password.

A store is known by the engine in its image's name, by the port that only such an engine serves, or because a client's address points at
it as at a database. What a client was given (port, user, password) is compared with what the store was given; a password is only ever
compared, never told.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tools.engines.addresses import Address, Meant, meant
from tools.engines.diagnosis import Component
from tools.engines.graph import Graph
from tools.engines.objects import (
    Object,
    component,
    dig,
    listed,
    mapping,
    name_of,
    namespace_of,
    rows,
    whole,
)
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot

ENGINES: dict[str, str] = {
    "mysql": "mysql", "mysqld": "mysql", "mariadb": "mysql", "percona": "mysql", "tidb": "mysql",
    "postgres": "postgres", "postgresql": "postgres", "postgis": "postgres", "timescaledb": "postgres",
    "spilo": "postgres", "cockroach": "postgres", "cockroachdb": "postgres", "pg": "postgres",
    "mssql": "mssql", "oracle": "oracle", "mongo": "mongo", "mongodb": "mongo", "mongod": "mongo",
    "redis": "redis", "valkey": "redis", "keydb": "redis", "dragonfly": "redis", "memcached": "memcached",
    "cassandra": "cassandra", "scylla": "cassandra",
}  # fmt: skip
PORTS: dict[int, str] = {
    3306: "mysql", 5432: "postgres", 1433: "mssql", 1521: "oracle", 27017: "mongo", 6379: "redis", 11211: "memcached", 26257: "postgres",
}  # fmt: skip
CACHES = frozenset({"redis", "memcached"})
_BESIDE = frozenset(
    [
        "exporter",
        "operator",
        "client",
        "admin",
        "proxy",
        "pgbouncer",
        "router",
        "backup",
        "migrate",
        "migration",
        "migrations",
        "sentinel",
        "commander",
        "insight",
        "express",
        "ui",
        "web",
        "init",
        "tools",
        "cli",
        "adminer",
        "phpmyadmin",
        "pgadmin",
        "bouncer",
        "controller",
        "agent",
        "sidecar",
        "manager",
        "metrics",
    ]
)
_MEANS_STORE = re.compile(
    r"(?i)(?:^|[_.-])(?:mysql|maria(?:db)?|postgres(?:ql)?|pg|mongo(?:db)?|redis|valkey|memcached?|db|database|datasource|jdbc|sql|cache)(?:[_.-]|$)"
)
_USER = re.compile(r"(?i)(?:user(?:_?name)?|login)$")
_PASSWORD = re.compile(r"(?i)(?:pass(?:word|wd|phrase)?|pwd|secret|auth)$")
_ROOT = {"mysql": "root", "postgres": "postgres"}
_SETTINGS_OF_SERVER: dict[str, tuple[tuple[str, str], ...]] = {
    "mysql": (
        ("MYSQL_USER", "MYSQL_PASSWORD"),
        ("MARIADB_USER", "MARIADB_PASSWORD"),
        ("", "MYSQL_ROOT_PASSWORD"),
        ("", "MARIADB_ROOT_PASSWORD"),
    ),
    "postgres": (("POSTGRES_USER", "POSTGRES_PASSWORD"), ("POSTGRESQL_USERNAME", "POSTGRESQL_PASSWORD")),
    "mongo": (
        ("MONGO_INITDB_ROOT_USERNAME", "MONGO_INITDB_ROOT_PASSWORD"),
        ("MONGODB_ROOT_USER", "MONGODB_ROOT_PASSWORD"),
        ("MONGODB_USERNAME", "MONGODB_PASSWORD"),
    ),
    "redis": (("", "REDIS_PASSWORD"), ("", "VALKEY_PASSWORD")),
}
_REQUIRED = re.compile(r"--requirepass[= ]\"?([^\s\"]{1,200})")
_IN_URL = re.compile(r"://([^:/@\s]{0,100}):([^@\s]{1,200})@")


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's value, to be compared and never shown, with the place where it stands."""

    text: str
    path: str

    def differs(self, other: "Value") -> bool:
        return self.text != other.text


@dataclass(frozen=True, slots=True)
class Dial:
    """One client's address of one store."""

    client: Program
    address: Address
    engine: str
    meant: Meant
    servers: tuple[Program, ...]

    @property
    def where(self) -> str:
        """The Service that it dials, or the host where it is none."""
        return f"{self.meant.namespace}/{self.meant.name}" if self.meant.service else self.address.host


class Stores:
    def __init__(self, snapshot: Snapshot, graph: Graph) -> None:
        self._snapshot, self._graph = snapshot, graph

    @cached_property
    def dials(self) -> list[Dial]:
        return [dial for program in self._snapshot.programs if not engine_of(program) for dial in self._of(program)]

    def dials_of(self, program: Program) -> list[Dial]:
        return list(self._by_client.get(component_key(program), ()))

    @cached_property
    def _by_client(self) -> dict[str, list[Dial]]:
        found: dict[str, list[Dial]] = {}
        for dial in self.dials:
            found.setdefault(component_key(dial.client), []).append(dial)
        return found

    def only_one(self, client: Program, engines: list[str], *, caches: bool | None = None) -> Component | None:
        """The only store that can be meant by a client of which no address is known: near it, or at all."""
        fitting = [one for one in self._servers if _fits(one[1], engines, caches=caches)]
        called = {
            dial.servers[0].component
            for dial in self.dials
            if dial.servers and dial.client.namespace == client.namespace
        }
        near = [one for one, _ in fitting if one.namespace == client.namespace]
        named = [one for one, _ in fitting if _names(self._snapshot, client, one.name)]
        for few in (named, near, [one for one, _ in fitting if one in called], [one for one, _ in fitting]):
            if len(few) == 1:
                return few[0]
        return None

    def dialled_in_log(self, client: Program, host: str, port: int, path: str) -> Dial | None:
        """The store at an address that a client's log names, where its settings were not read."""
        address = Address(host, port, path)
        service = self._by_ip.get(host)
        target = Meant("service", namespace_of(service), name_of(service), service) if service else None
        if target is None:
            target = Meant("outside") if host[:1].isdigit() else meant(self._snapshot, address, client.namespace)
        servers = tuple(self._snapshot.programs_behind(target.service)) if target.service else ()
        engine = next((found for server in servers if (found := engine_of(server))), "")
        return Dial(client, address, engine, target, servers) if engine else None

    @cached_property
    def _by_ip(self) -> dict[str, Object]:
        return {str(dig(one, "spec", "clusterIP")): one for one in self._snapshot.of("Service")}

    @cached_property
    def _servers(self) -> list[tuple[Component, str]]:
        return [(program.component, engine) for program in self._snapshot.programs if (engine := engine_of(program))]

    def _of(self, program: Program) -> Iterator[Dial]:
        seen: set[tuple[str, int | None]] = set()
        for address in self._graph.addresses_of(program):
            if (address.host, address.port) in seen:
                continue
            seen.add((address.host, address.port))
            target = meant(self._snapshot, address, program.namespace)
            servers = tuple(self._snapshot.programs_behind(target.service)) if target.service else ()
            if engine := _engine_dialled(address, target, servers):
                yield Dial(program, address, engine, target, servers)


def _fits(engine: str, engines: list[str], *, caches: bool | None) -> bool:
    return (not engines or engine in engines) and (caches is None or (engine in CACHES) == caches)


def _names(snapshot: Snapshot, client: Program, server: str) -> bool:
    """Whether a variable of the client begins with a store's name: LEDGER_DB_USER of ledger-db."""
    stem = re.sub(r"\W", "_", server).upper()
    return any(name.upper().startswith(f"{stem}_") for name in names_of(snapshot, client))


def component_key(program: Program) -> str:
    return str(program.component)


def engine_of(program: Program) -> str:
    """The engine that a program is; empty for what is no store."""
    for container in program.containers:
        words = set(re.split(r"[^a-z0-9]+", _base_name(str(container.get("image") or ""))))
        found = next((ENGINES[word] for word in sorted(words) if word in ENGINES), "")
        if found and not words & _BESIDE:
            return found
    ports = [whole(port.get("containerPort")) for container in program.containers for port in rows(container, "ports")]
    return next((PORTS[port] for port in ports if port in PORTS), "")


def value_of(snapshot: Snapshot, program: Program, name: str) -> Value | None:
    """A variable of a program, followed into the Secret or the ConfigMap where it is kept."""
    for container in program.containers:
        for variable in rows(container, "env"):
            if variable.get("name") == name:
                return _resolved(
                    snapshot, program, variable, f"{program.ref}.containers[{container.get('name')}].env[{name}]"
                )
        for place, source in enumerate(rows(container, "envFrom")):
            path = f"{program.ref}.containers[{container.get('name')}].envFrom[{place}]"
            if found := _kept(snapshot, program.namespace, source, "Ref", name, path):
                return found
    return None


def names_of(snapshot: Snapshot, program: Program) -> Iterator[str]:
    """The names of all its variables, those that come with a whole Secret or ConfigMap too."""
    for container in program.containers:
        yield from (str(variable.get("name") or "") for variable in rows(container, "env"))
        for source in rows(container, "envFrom"):
            for kind, field in (("Secret", "secretRef"), ("ConfigMap", "configMapRef")):
                held = snapshot.get(kind, program.namespace, str(dig(source, field, "name") or "")) or {}
                yield from mapping(held, "data")


def given_to(snapshot: Snapshot, dial: Dial, *, only: bool = True) -> tuple[Value | None, Value | None]:
    """The user and the password that a client was given for a store; `only`: whether it calls no other store."""
    stem = dial.address.name.upper()
    names = list(dict.fromkeys(names_of(snapshot, dial.client)))
    raw = value_of(snapshot, dial.client, dial.address.name) if dial.address.name in names else None
    if raw and (inside := _IN_URL.search(raw.text)):
        return Value(inside[1], raw.path), Value(inside[2], raw.path)
    fitting = [name for name in names if _may_belong(name, dial.engine)]
    return (
        _beside(snapshot, dial.client, [name for name in fitting if _USER.search(name)], stem, only=only),
        _beside(snapshot, dial.client, [name for name in fitting if _PASSWORD.search(name)], stem, only=only),
    )


def _may_belong(name: str, engine: str) -> bool:
    """A variable that names another engine is not meant for this one."""
    named = {ENGINES[word] for word in re.split(r"[^a-z0-9]+", name.lower()) if word in ENGINES}
    return not named or engine in named


def expected_by(snapshot: Snapshot, dial: Dial, user: str) -> Value | None:
    """The password that the store was set up with for a user."""
    for server in dial.servers:
        engine = engine_of(server) or dial.engine
        for user_name, password_name in _SETTINGS_OF_SERVER.get(engine, ()):
            password = value_of(snapshot, server, password_name)
            owner = value_of(snapshot, server, user_name) if user_name else None
            known = owner.text if owner else _ROOT.get(engine, "")
            if password and (engine == "redis" or known == user):
                return password
        if engine == "redis" and (found := _required(server)):
            return found
    return None


def _required(server: Program) -> Value | None:
    for container in server.containers:
        words = [str(word) for key in ("command", "args") for word in listed(container, key) if isinstance(word, str)]
        found = _REQUIRED.search(" ".join(words))
        if found and "$" not in found[1]:
            return Value(found[1], f"{server.ref}.containers[{container.get('name')}].args")
    return None


def _beside(snapshot: Snapshot, program: Program, fitting: list[str], stem: str, *, only: bool) -> Value | None:
    """The variable whose name begins as the address's does, or the only one, where it can be for nothing else."""
    while "_" in stem:
        stem = stem.rpartition("_")[0]
        if same := next((name for name in fitting if name.upper().startswith(f"{stem}_")), ""):
            return value_of(snapshot, program, same)
    return value_of(snapshot, program, fitting[0]) if only and len(fitting) == 1 else None


def _resolved(snapshot: Snapshot, program: Program, variable: Object, path: str) -> Value | None:
    if isinstance(value := variable.get("value"), str):
        return Value(value, path)
    source = mapping(variable, "valueFrom")
    for field in ("secretKeyRef", "configMapKeyRef"):
        if key := str(dig(source, field, "key") or ""):
            return _kept(snapshot, program.namespace, source, "KeyRef", key, path)
    return None


def _kept(snapshot: Snapshot, namespace: str, source: Object, ending: str, key: str, path: str) -> Value | None:
    for kind, field in (("Secret", f"secret{ending}"), ("ConfigMap", f"configMap{ending}")):
        held = snapshot.get(kind, namespace, str(dig(source, field, "name") or ""))
        text = dig(held, "data", key) or dig(held, "stringData", key)
        if held and isinstance(text, str):
            plain = text if kind == "ConfigMap" or dig(held, "stringData", key) else _decoded(text)
            return Value(plain, f"{path} ({component(held)} data[{key}])")
    return None


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return text


def _engine_dialled(address: Address, target: Meant, servers: tuple[Program, ...]) -> str:
    if servers:
        return next((engine for server in servers if (engine := engine_of(server))), "")
    scheme = ENGINES.get(address.scheme) or {"rediss": "redis", "sqlserver": "mssql"}.get(address.scheme, "")
    if scheme or address.scheme in {"http", "https"}:
        return scheme
    words = re.split(r"[^a-z0-9]+", f"{address.name} {target.name or address.host}".lower())
    named = next((ENGINES[word] for word in words if word in ENGINES), "")
    if named or (target.service and not _MEANS_STORE.search(address.name)):
        return named
    return PORTS.get(address.port or 0, "") or (
        "mysql" if re.search(r"(?i)(?:^|[_.-])(?:db|database|datasource)(?:[_.-]|$)", address.name) else ""
    )


def _base_name(image: str) -> str:
    return image.rsplit("/", 1)[-1].split("@")[0].split(":")[0].lower()


def ports_served(dial: Dial) -> list[int]:
    """The ports at which a client reaches the store: the Service's, and the containers' where the Service only gives names."""
    service = dial.meant.service or {}
    ports = [whole(port.get("port")) for port in rows(service, "spec", "ports")]
    if dig(service, "spec", "clusterIP") == "None":
        ports += [
            whole(port.get("containerPort"))
            for server in dial.servers
            for container in server.containers
            for port in rows(container, "ports")
        ]
    return sorted({port for port in ports if port})


def title(dial: Dial) -> str:
    return name_of(dial.meant.service) if dial.meant.service else dial.address.host
