"""What somebody once applied for the databases, caches and brokers of the shop: settings, credentials, and the way their clients log in.

A server reads its settings from a ConfigMap that is mounted into it, and its user and password from a Secret; each namespace with a client
has a copy of that Secret. Both sides read them when they start and never again.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from simulator import identities
from simulator.apps import App, Engine, Shop
from simulator.objects import Object

SCHEMES: dict[Engine, str] = {
    "": "http://",
    "redis": "",
    "postgres": "postgres://",
    "mysql": "mysql://",
    "rabbitmq": "amqp://",
}
# Variables of a server's own image: its user, its password, and the database it makes.
VARIABLES: dict[Engine, tuple[str, str, str]] = {
    "": ("", "", ""),
    "redis": ("", "REDIS_PASSWORD", ""),
    "postgres": ("POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"),
    "mysql": ("MYSQL_USER", "MYSQL_PASSWORD", "MYSQL_DATABASE"),
    "rabbitmq": ("RABBITMQ_DEFAULT_USER", "RABBITMQ_DEFAULT_PASS", "RABBITMQ_DEFAULT_VHOST"),
}
SIMULATED = "simulated-password"
GRANTS_FILE = "grants.sql"


def credentials(server: App) -> str:
    """The Secret with the user and password of a server."""
    return f"{server.name}-credentials"


def settings(app: App) -> str:
    """The ConfigMap with a program's own settings."""
    return f"{app.name}-config"


def objects(shop: Shop) -> Iterator[tuple[str, Object]]:
    for app in shop.apps:
        if app.config_file:
            yield "ConfigMap", _settings(app)
        if app.engine:
            for namespace in sorted({app.namespace, *_client_namespaces(shop, app)}):
                yield "Secret", _secret(app, namespace)


def _client_namespaces(shop: Shop, server: App) -> Iterator[str]:
    for app in shop.apps:
        if any(call.app == server.name for route in app.routes for call in route.calls):
            yield app.namespace


def _settings(app: App) -> Object:
    data = {app.config_file: app.config, **({GRANTS_FILE: app.grants} if app.grants else {})}
    metadata = {"name": settings(app), "namespace": app.namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _secret(server: App, namespace: str) -> Object:
    data = {"username": _encoded(server.account or "default"), "password": _encoded(SIMULATED)}
    metadata = {"name": credentials(server), "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def address(client: App, server: App, host: str) -> str:
    """The address of a dependency as its client's library wants it."""
    scheme = "https://" if server.speaks_tls else SCHEMES[server.engine]
    if server.engine in ("postgres", "mysql"):
        prefix = "jdbc:" if client.language == "java" else ""
        scheme = "postgresql://" if prefix and server.engine == "postgres" else scheme
        return f"{prefix}{scheme}{host}:{server.port}/{server.database}"
    return f"{scheme}{host}:{server.port}"


def login(variable: str, server: App) -> list[Object]:
    """The client's variables with user and password, named after the one with the address."""
    if not server.engine:
        return []
    prefix = variable.rpartition("_")[0]
    user = [_from_secret(f"{prefix}_USER", server, "username")] if server.account else []
    return [*user, _from_secret(f"{prefix}_PASSWORD", server, "password")]


def own_environment(server: App) -> list[Object]:
    user, password, database = VARIABLES[server.engine]
    own = [_from_secret(user, server, "username")] if user else []
    own += [_from_secret(password, server, "password")] if password else []
    return [*own, {"name": database, "value": server.database}] if database else own


def _from_secret(variable: str, server: App, key: str) -> Object:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": credentials(server), "key": key}}}


def volumes(app: App, shop: Shop) -> dict[str, Any]:
    own = [{"name": "config", "configMap": {"name": settings(app)}}] if app.config_file else []
    found = [*own, *identities.volumes(app, shop)]
    return {"volumes": found} if found else {}


def mounts(app: App, shop: Shop) -> dict[str, Any]:
    directory = app.config_path.rpartition("/")[0]
    own = [{"name": "config", "mountPath": directory, "readOnly": True}] if app.config_file else []
    found = [*own, *identities.mounts(app, shop)]
    return {"volumeMounts": found} if found else {}
