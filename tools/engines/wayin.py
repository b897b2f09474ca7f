"""Routes: which path leads to which Service and port, from route objects and from the tables that gateways read out of a ConfigMap.

Ingress, Gateway API, mesh and proxy objects say it in fields. A table says it in the words of its proxy: an nginx location with a
proxy_pass, or rows of YAML in which a path and an address stand together, whatever the two are called.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tools.engines.addresses import in_text
from tools.engines.objects import Object, component, dig, kind_of, mapping, name_of, namespace_of, number_in, rows
from tools.engines.snapshot import Snapshot

GATEWAY_API = ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute")
MAX_TABLE = 200_000
# A route stands thirteen deep in the file that envoy reads at its start.
MAX_DEPTH = 20
_LOCATION = re.compile(r"location\s+(?:[=~^*]{1,2}\s+)?(?P<path>\S{1,200})\s*\{(?P<body>[^{}]{0,4000})\}")
_UPSTREAM = re.compile(r"upstream\s+(?P<name>[\w.-]{1,100})\s*\{[^{}]{0,200}?server\s+(?P<address>[\w.:-]{1,200})")
_PASS = re.compile(r"(?:proxy|grpc)_pass\s+(?:\w{1,6}://)?(?P<host>[\w.-]{1,200})(?::(?P<port>\d{1,5}))?")
_PATHS = ("path", "paths", "prefix", "match", "predicates", "location", "route", "pathprefix", "rule")
_TARGETS = ("upstream", "uri", "url", "service", "backend", "target", "destination", "host", "address", "cluster")
_SLASHED = re.compile(r"(?:^|[=(`'\s])(/[\w.~*/-]{0,200})")
_MATCHES = re.compile(r"PathPrefix\(`([^`]{1,200})`\)|Path\(`([^`]{1,200})`\)")


@dataclass(frozen=True, slots=True)
class Route:
    path: str
    namespace: str
    service: str
    port: int | str | None
    ref: str
    """Where it stands."""
    holder: Object
    """The route object, or the ConfigMap that holds the table."""

    @property
    def is_table(self) -> bool:
        return kind_of(self.holder) == "ConfigMap"


def routes(snapshot: Snapshot) -> Iterator[Route]:
    """Those of objects first."""
    yield from object_routes(snapshot)
    for config in snapshot.of("ConfigMap"):
        yield from table_routes(config)


def object_routes(snapshot: Snapshot) -> Iterator[Route]:
    for ingress in snapshot.of("Ingress"):
        yield from _of_ingress(ingress)
    for kind in GATEWAY_API:
        for route in snapshot.of(kind):
            yield from _of_gateway_api(route)
    for mesh in snapshot.of("VirtualService"):
        yield from _of_mesh(mesh)
    for route in snapshot.of("IngressRoute"):
        for place, rule in enumerate(rows(route, "spec", "routes")):
            found = _MATCHES.search(str(rule.get("match")))
            for backend in rows(rule, "services"):
                if backend.get("kind") in (None, "Service") and "@" not in str(backend.get("name")):
                    path = next((part for part in found.groups() if part), "/") if found else "/"
                    yield _route(route, path, backend, f"spec.routes[{place}].services")


def table_routes(config: Object) -> Iterator[Route]:
    for key, text in mapping(config, "data").items():
        if isinstance(text, str) and "/" in text:
            ref = f"{component(config)} data[{key}]"
            for path, host, port in dict.fromkeys(_in_table(text[:MAX_TABLE])):
                labels = host.rstrip(".").split(".")
                place = labels[1] if len(labels) > 1 else namespace_of(config)
                yield Route(path, place, labels[0], port, f"{ref} {path}", config)


def _of_ingress(ingress: Object) -> Iterator[Route]:
    backend = mapping(ingress, "spec", "defaultBackend")
    if backend:
        yield from _ingress_backend(ingress, "/", backend, "spec.defaultBackend")
    for number, rule in enumerate(rows(ingress, "spec", "rules")):
        for place, row in enumerate(rows(rule, "http", "paths")):
            where = f"spec.rules[{number}].http.paths[{place}].backend"
            yield from _ingress_backend(ingress, str(row.get("path") or "/"), mapping(row, "backend"), where)


def _ingress_backend(ingress: Object, path: str, backend: Object, where: str) -> Iterator[Route]:
    service = mapping(backend, "service")
    name, port = service.get("name") or backend.get("serviceName"), mapping(service, "port")
    number = port.get("number") or port.get("name") or backend.get("servicePort")
    if isinstance(name, str) and number != "use-annotation":
        yield _route(ingress, path, {"name": name, "port": number}, where)


def _of_gateway_api(route: Object) -> Iterator[Route]:
    for number, rule in enumerate(rows(route, "spec", "rules")):
        paths = [str(dig(match, "path", "value") or "/") for match in rows(rule, "matches")] or ["/"]
        for backend in rows(rule, "backendRefs"):
            if backend.get("kind") in (None, "Service") and not backend.get("group") and backend.get("weight") != 0:
                yield _route(route, paths[0], backend, f"spec.rules[{number}].backendRefs")


def _of_mesh(mesh: Object) -> Iterator[Route]:
    for number, rule in enumerate(rows(mesh, "spec", "http")):
        uris = [mapping(match, "uri") for match in rows(rule, "match")]
        paths = [str(uri.get("prefix") or uri.get("exact") or "/") for uri in uris] or ["/"]
        for leg in rows(rule, "route"):
            labels = str(dig(leg, "destination", "host") or "").split(".")
            port = dig(leg, "destination", "port", "number")
            # A host with a dot that is no Service's stands for something outside, by a ServiceEntry.
            if labels[0] and leg.get("weight") != 0 and (len(labels) == 1 or labels[2:3] == ["svc"]):
                place = labels[1] if len(labels) > 1 else namespace_of(mesh)
                backend = {"name": labels[0], "namespace": place, "port": port}
                yield _route(mesh, paths[0], backend, f"spec.http[{number}].route")


def _route(holder: Object, path: str, backend: Object, where: str) -> Route:
    port = backend.get("port")
    return Route(
        path,
        str(backend.get("namespace") or namespace_of(holder)),
        str(backend.get("name") or ""),
        port if isinstance(port, int | str) else None,
        f"{component(holder)} {where}",
        holder,
    )


def _in_table(text: str) -> Iterator[tuple[str, str, int | None]]:
    upstreams = {found["name"]: found["address"] for found in _UPSTREAM.finditer(text)}
    locations = list(_LOCATION.finditer(text))
    for location in locations:
        passed = _PASS.search(location["body"])
        if passed:
            host, _, told = upstreams.get(passed["host"], passed["host"]).partition(":")
            port = passed["port"] or told
            yield location["path"], host, number_in(port)
    if not locations and any(word in text.lower() for word in ("path", "prefix", "route")):
        yield from _in_rows(_parsed(text))


def _parsed(text: str) -> Any:
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _in_rows(
    value: Any, depth: int = 0, clusters: dict[str, tuple[str, int | None]] | None = None
) -> Iterator[tuple[str, str, int | None]]:
    if depth > MAX_DEPTH:
        return
    known = _clusters(value) if clusters is None else clusters
    if isinstance(value, list):
        for item in value:
            yield from _in_rows(item, depth + 1, known)
    elif isinstance(value, dict):
        path, target = _path_in(value), _target_in(value, known)
        if path and target:
            yield path, *target
            return
        for item in value.values():
            yield from _in_rows(item, depth + 1, known)


def _path_in(row: Object) -> str:
    for key, value in row.items():
        if str(key).lower() in _PATHS:
            found = _SLASHED.search(_flat(value))
            if found:
                return found[1]
    return ""


def _target_in(row: Object, clusters: dict[str, tuple[str, int | None]]) -> tuple[str, int | None] | None:
    for key, value in row.items():
        text = value if isinstance(value, str) else str(dig(value, "cluster") or "") if key == "route" else ""
        if text in clusters:
            return clusters[text]
        if str(key).lower() in _TARGETS and text:
            for address in in_text(text, ""):
                return address.host, address.port
    return None


def _clusters(value: Any, depth: int = 0) -> dict[str, tuple[str, int | None]]:
    """What envoy and traefik call a cluster or a service: a name with addresses below it."""
    found: dict[str, tuple[str, int | None]] = {}
    if depth > MAX_DEPTH:
        return found
    if isinstance(value, dict):
        name = value.get("name")
        if isinstance(name, str) and "load_assignment" in value:
            address = _socket(value["load_assignment"])
            if address:
                found[name] = address
        for key, item in value.items():
            server = rows(item, "loadBalancer", "servers")
            for one in in_text(str(server[0].get("url")), "") if server else ():
                found[str(key)] = (one.host, one.port)
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        found.update(_clusters(item, depth + 1))
    return found


def _socket(value: Any, depth: int = 0) -> tuple[str, int | None] | None:
    if depth > MAX_DEPTH:
        return None
    address = dig(value, "socket_address", "address")
    if isinstance(address, str):
        port = dig(value, "socket_address", "port_value")
        return address, port if isinstance(port, int) else None
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for item in items if (found := _socket(item, depth + 1))), None)


def _flat(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_flat(item) for item in value[:8])
    if isinstance(value, dict):
        return " ".join(_flat(item) for item in list(value.values())[:8])
    return str(value)


def called(route: Route) -> str:
    return f"{name_of(route.holder)}: {route.path} -> {route.service}" + (f":{route.port}" if route.port else "")
