"""How customers come in: through an Ingress of the edge, which the ingress controller's pods carry out.

The host and the longest fitting path name a Service and one of its ports. Without a fitting rule the controller answers 404, without the
Service or without anybody behind it 503, and a certificate that is not valid any more keeps the customers themselves away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from simulator.certificates import Certificate, read
from simulator.kubelet.environment import data_of
from simulator.kubelet.runs import ContainerRun, PodRun
from simulator.network.groups import ServiceKey
from simulator.network.landscape import Landscape
from simulator.network.policies import End
from simulator.network.reasons import Facts, Why
from simulator.network.target import Backend, Obstacle, Target
from simulator.objects import Object, name_of, namespace_of
from simulator.store import Store

CLASS = "nginx"
CONTROLLER = "ingress-nginx"  # the value of the label app.kubernetes.io/name
CUSTOMER = "203.0.113.7"


@dataclass(frozen=True)
class Doorway:
    """A running pod of the ingress controller."""

    run: PodRun
    container: ContainerRun
    pod: Object


@dataclass(frozen=True)
class Edge:
    ingresses: tuple[Object, ...]
    doorways: tuple[Doorway, ...]
    certificates: dict[tuple[str, str], Certificate]  # of the Ingresses, by namespace and name

    @property
    def is_open(self) -> bool:
        return any(each.run.is_ready for each in self.doorways)


@dataclass(frozen=True)
class Rule:
    ingress: Object
    path: str
    backend: Object

    @property
    def service(self) -> ServiceKey:
        return namespace_of(self.ingress), str((self.backend.get("service") or {}).get("name", ""))


def read_edge(store: Store, doorways: list[Doorway]) -> Edge:
    ingresses = tuple(
        each for each in store.list("Ingress") if (each.get("spec") or {}).get("ingressClassName") == CLASS
    )
    certificates = {}
    for ingress in ingresses:
        found = _certificate(store, ingress)
        if found is not None:
            certificates[namespace_of(ingress), name_of(ingress)] = found
    return Edge(ingresses, tuple(doorways), certificates)


def _certificate(store: Store, ingress: Object) -> Certificate | None:
    for tls in ingress["spec"].get("tls") or []:
        secret = store.get("Secret", namespace_of(ingress), tls.get("secretName", ""))
        if secret is not None:
            return next(iter(read(data_of("Secret", secret).get("tls.crt", ""))), None)
    return None


def entrance(land: Landscape, edge: Edge, path: str, now: datetime) -> Target:
    """Where the customers of a path come to."""
    if not edge.is_open:
        return Target.nowhere(Facts(CONTROLLER, 443), "no ready pod of the ingress controller")
    rule = find_rule(edge, path)
    if rule is None:
        return _stopped(Facts(CONTROLLER, 443, path=path), Why.NO_ROUTE, f'no rule for "{path}"')
    namespace, name = rule.service
    facts = Facts(name, _number(land, rule), path=path)
    certificate = edge.certificates.get((namespace, name_of(rule.ingress)))
    if certificate is not None and not certificate.is_valid_at(now):
        return _stopped(facts, Why.EXPIRED, f'SSL certificate for "{certificate.subject}" has expired')
    return _behind(land, edge, rule, facts)


def _behind(land: Landscape, edge: Edge, rule: Rule, facts: Facts) -> Target:
    key = rule.service
    label = f'"{key[0]}/{key[1]}"'
    if key not in land.services:
        said = f"Error obtaining Endpoints for Service {label}: no object matching key {label} in local store"
        return _stopped(facts, Why.NO_SERVICE, said)
    port = _port(land, rule)
    if port is None:
        return _stopped(facts, Why.NO_SERVICE, f"Service {label} does not have a port of the Ingress's rule")
    found = land.behind(key, port)
    backend = land.backends.get(key)
    if not found or backend is None:
        said = f"Service {label} does not have any active Endpoint."
        return replace(_stopped(facts, Why.NO_ENDPOINTS, said), backend=backend)
    return _over_endpoints(land, edge, backend, facts, port)


def _over_endpoints(land: Landscape, edge: Edge, backend: Backend, facts: Facts, port: Object) -> Target:
    """The controller talks to the pods themselves; what it may not reach times out, what does not listen refuses."""
    shares: dict[int, float] = {}
    lost: dict[Why, float] = {}
    door = edge.doorways[0]
    found = land.behind(backend.key, port)
    for endpoint in found:
        source, target = End(door.run.ip, door.pod), End(endpoint.ip, land.pods.get(endpoint.uid))
        group = endpoint.group
        if not land.policies.is_empty and not land.policies.allow(source, target, endpoint.port, "TCP"):
            lost[Why.UNREACHABLE] = lost.get(Why.UNREACHABLE, 0.0) + 1 / len(found)
        elif group is None or endpoint.port not in land.groups[group].ports:
            lost[Why.REFUSED] = lost.get(Why.REFUSED, 0.0) + 1 / len(found)
        else:
            shares[group] = shares.get(group, 0.0) + 1 / len(found)
    ip = found[0].ip
    obstacles = tuple(Obstacle(why, _UPSTREAM[why], share) for why, share in lost.items())
    return Target(replace(facts, ip=ip), backend, shares, obstacles)


_UPSTREAM = {
    Why.UNREACHABLE: "upstream timed out (110: Operation timed out) while connecting to upstream",
    Why.REFUSED: "connect() failed (111: Connection refused) while connecting to upstream",
}


def _stopped(facts: Facts, why: Why, words: str) -> Target:
    return Target(facts, obstacles=(Obstacle(why, words),))


def find_rule(edge: Edge, path: str) -> Rule | None:
    fitting = [
        Rule(ingress, str(each.get("path", "/")), each.get("backend") or {})
        for ingress in edge.ingresses
        for rule in ingress["spec"].get("rules") or []
        for each in (rule.get("http") or {}).get("paths") or []
        if _fits(each, path)
    ]
    return max(fitting, key=lambda rule: len(rule.path), default=None)


def _fits(rule: Object, path: str) -> bool:
    wanted = str(rule.get("path", "/"))
    if rule.get("pathType") == "Exact":
        return path == wanted
    bare = wanted.rstrip("/")
    return path == bare or path.startswith(f"{bare}/")


def _port(land: Landscape, rule: Rule) -> Object | None:
    wanted = (rule.backend.get("service") or {}).get("port") or {}
    for port in land.services[rule.service]["spec"].get("ports") or []:
        if port.get("protocol", "TCP") == "TCP" and wanted in ({"number": port["port"]}, {"name": port.get("name")}):
            return dict(port)
    return None


def _number(land: Landscape, rule: Rule) -> int:
    port = _port(land, rule) if rule.service in land.services else None
    return (
        int(port["port"]) if port else int(((rule.backend.get("service") or {}).get("port") or {}).get("number") or 0)
    )
