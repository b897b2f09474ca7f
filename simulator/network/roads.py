"""The way of a call, step by step as a real client goes it; each step reads the landscape and returns how far the call has come.

A step stops the whole call (no such host) or the share of it that would have gone to some of the addresses (a policy that only one of two
versions falls under). What is stopped keeps its reason in the caller's words.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address

from simulator.apps import Call
from simulator.network import address as addresses
from simulator.network import names
from simulator.network.address import Address
from simulator.network.groups import Group, ServiceKey
from simulator.network.landscape import Endpoint, Landscape, is_port
from simulator.network.policies import End
from simulator.network.target import Obstacle, Target
from simulator.network.words import Facts, Why, say
from simulator.objects import Object

NOT_READ = Address("", "", 0)


@dataclass(frozen=True)
class Hop:
    endpoint: Endpoint
    share: float


@dataclass(frozen=True)
class Way:
    """How far a call has come."""

    caller: Group
    call: Call
    facts: Facts
    address: Address = NOT_READ
    service: ServiceKey | None = None
    port: Object | None = None
    hops: tuple[Hop, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    is_over: bool = False

    def stopped(self, why: Why) -> Way:
        obstacle = Obstacle(why, say(self.caller.app.language, why, self.facts))
        return replace(self, hops=(), obstacles=(obstacle,), is_over=True)

    def kept(self, passes: Callable[[Hop], bool], why: Why) -> Way:
        """Only the hops that pass; the others' share ends here."""
        left = tuple(hop for hop in self.hops if passes(hop))
        if len(left) == len(self.hops):
            return self
        lost = sum(hop.share for hop in self.hops) - sum(hop.share for hop in left)
        obstacle = Obstacle(why, say(self.caller.app.language, why, self.facts), lost)
        return replace(self, hops=left, obstacles=(*self.obstacles, obstacle), is_over=not left)


Step = Callable[[Landscape, Way], Way]


class Roads:
    def __init__(self, land: Landscape) -> None:
        self._land = land

    def target(self, caller: Group, call: Call) -> Target:
        known = caller.targets.get(call)
        if known is None:
            known = caller.targets[call] = self._follow(caller, call)
        return known

    def _follow(self, caller: Group, call: Call) -> Target:
        text = caller.env.get(call.env, "")
        port = 32_768 + zlib.crc32(f"{caller.ip}/{call.env}".encode()) % 28_000
        facts = Facts(source=f"{caller.ip}:{port}", text=text, variable=call.env, path=call.route, timeout=call.timeout)
        way = Way(caller, call, facts)
        for step in STEPS:
            way = step(self._land, way)
            if way.is_over:
                break
        shares: dict[int, float] = {}
        for hop in way.hops:
            if hop.endpoint.group is not None:
                shares[hop.endpoint.group] = shares.get(hop.endpoint.group, 0.0) + hop.share
        backend = self._land.backends.get(way.service) if way.service else None
        return Target(way.facts, backend, shares, way.obstacles)


def read_address(_land: Landscape, way: Way) -> Way:
    found = addresses.read(way.facts.text)
    if found is None:
        return way.stopped(Why.NO_ADDRESS)
    return replace(way, address=found, facts=replace(way.facts, host=found.host, port=found.port))


def look_up_name(land: Landscape, way: Way) -> Way:
    if _is_ip(way.address.host):
        return replace(way, service=land.by_ip.get(way.address.host), facts=replace(way.facts, ip=way.address.host))
    conf = names.resolv_conf(way.caller.pod)
    way = replace(way, facts=replace(way.facts, dns=conf.server))
    trouble = _ask(land, way, conf.server)
    if trouble is not None:
        return way.stopped(trouble)
    zone = land.zone if conf.server == names.CLUSTER_DNS else ""
    for name in names.candidates(way.address.host, conf):
        key = names.service_of(name, land.services, zone)
        if key is not None:
            return replace(way, service=key, facts=replace(way.facts, ip=land.cluster_ip(key)))
    return way.stopped(Why.NO_SUCH_HOST)


def _ask(land: Landscape, way: Way, server: str) -> Why | None:
    """Whether the name server answers at all."""
    if not server:
        return Why.DNS_REFUSED
    if server != names.CLUSTER_DNS:
        return Why.DNS_TIMEOUT if server.startswith("10.") else None
    service = land.services.get(names.DNS_SERVICE)
    if service is None or land.cluster_ip(names.DNS_SERVICE) != server or way.caller.node in land.unruled:
        return Why.DNS_TIMEOUT
    found = land.dns_endpoints()
    if not found:
        return Why.DNS_REFUSED
    return None if any(_is_allowed(land, way, each, "UDP") for each in found) else Why.DNS_TIMEOUT


def cross_proxy(land: Landscape, way: Way) -> Way:
    """The rules of the caller's own node turn a cluster IP into a pod's."""
    if way.service is None:
        return way.stopped(Why.UNREACHABLE)
    if way.caller.node in land.unruled and not land.headless(way.service):
        return way.stopped(Why.UNREACHABLE)
    return way


def find_port(land: Landscape, way: Way) -> Way:
    """A cluster IP answers for its own ports alone, and refuses the others."""
    if way.service is None:
        return way.stopped(Why.UNREACHABLE)
    for port in land.services[way.service]["spec"].get("ports") or []:
        if is_port(port, way.address.port, "TCP"):
            return replace(way, port=port)
    return way.stopped(Why.NO_SUCH_PORT)


def find_endpoints(land: Landscape, way: Way) -> Way:
    found = land.behind(way.service, way.port) if way.service and way.port else []
    if not found:
        return way.stopped(Why.REFUSED)
    return replace(way, hops=tuple(Hop(each, 1 / len(found)) for each in found))


def pass_policies(land: Landscape, way: Way) -> Way:
    if land.policies.is_empty:
        return way
    return way.kept(lambda hop: _is_allowed(land, way, hop.endpoint, "TCP"), Why.UNREACHABLE)


def _is_allowed(land: Landscape, way: Way, endpoint: Endpoint, protocol: str) -> bool:
    source = End(way.caller.ip, way.caller.pod)
    target = End(endpoint.ip, land.pods.get(endpoint.uid))
    return land.policies.allow(source, target, endpoint.port, protocol)


def meet_listener(land: Landscape, way: Way) -> Way:
    """Something listens at the port to which the Service's targetPort leads, or the kernel says no."""

    def listens(hop: Hop) -> bool:
        group = hop.endpoint.group
        return group is not None and hop.endpoint.port == land.groups[group].app.port

    return way.kept(listens, Why.REFUSED)


def speak_protocol(land: Landscape, way: Way) -> Way:
    """A web client that has come to a database, a client with TLS at a server without: neither understands the other."""
    wanted = _protocol(way.address.scheme)

    def speaks(hop: Hop) -> bool:
        return wanted in ("", land.groups[hop.endpoint.group or 0].app.protocol)

    way = way.kept(speaks, Why.WRONG_PROTOCOL)
    if way.address.scheme == "https":
        return way.stopped(Why.PLAIN_SERVER)
    return way


def find_route(land: Landscape, way: Way) -> Way:
    """The program that was reached knows the request."""

    def knows(hop: Hop) -> bool:
        routes = land.groups[hop.endpoint.group or 0].app.routes
        return any(route.path == way.call.route for route in routes)

    return way.kept(knows, Why.NOT_FOUND)


def _protocol(scheme: str) -> str:
    return {"http": "http", "https": "http"}.get(scheme, "tcp" if scheme else "")


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


STEPS: tuple[Step, ...] = (
    read_address,
    look_up_name,
    cross_proxy,
    find_port,
    find_endpoints,
    pass_policies,
    meet_listener,
    speak_protocol,
    find_route,
)
