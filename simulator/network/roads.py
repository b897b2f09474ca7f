"""The way of a call, step by step as a real client goes it; each step reads the landscape and returns how far the call has come.

A step stops the whole call (no such host) or the share of it that would have gone to some of the addresses (a policy that only one of two
versions falls under). What is stopped keeps its reason in the caller's words.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address

from simulator.apps import App, Call, Engine
from simulator.clock import rfc3339
from simulator.network import address as addresses
from simulator.network import handshakes, logins, names, route_table
from simulator.network.address import Address
from simulator.network.groups import Group, ServiceKey
from simulator.network.ingress import Edge, entrance
from simulator.network.landscape import Endpoint, Landscape, is_port
from simulator.network.policies import End
from simulator.network.reasons import Facts, Why
from simulator.network.target import Obstacle, Target
from simulator.network.words import say
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
        return replace(self, hops=(), obstacles=(self._stop(why, 1.0),), is_over=True)

    def sifted(self, reason: Callable[[Hop], Why | None]) -> Way:
        """Only the hops without a reason to stop; the others' share ends here, each for its own."""
        reasons = {hop: reason(hop) for hop in self.hops}
        left = tuple(hop for hop in self.hops if reasons[hop] is None)
        if len(left) == len(self.hops):
            return self
        found = [self._stop(why, hop.share) for hop, why in reasons.items() if why is not None]
        return replace(self, hops=left, obstacles=(*self.obstacles, *_together(found)), is_over=not left)

    def thinned(self, share: float, why: Why) -> Way:
        """Only this share of all that is left goes on."""
        lost = sum(hop.share for hop in self.hops) * (1 - share)
        hops = tuple(replace(hop, share=hop.share * share) for hop in self.hops)
        return replace(self, hops=hops, obstacles=(*self.obstacles, self._stop(why, lost)))

    def _stop(self, why: Why, share: float) -> Obstacle:
        return Obstacle(why, say(self.caller.app.language, why, self.facts), share)


def _together(obstacles: list[Obstacle]) -> list[Obstacle]:
    """One obstacle for each reason."""
    merged: dict[Why, Obstacle] = {}
    for each in obstacles:
        known = merged.get(each.why)
        merged[each.why] = replace(each, share=each.share + known.share) if known else each
    return list(merged.values())


Step = Callable[[Landscape, Way], Way]


class Roads:
    def __init__(self, land: Landscape, edge: Edge) -> None:
        self._land = land
        self._edge = edge
        self._entrances: dict[str, Target] = {}

    def entrance(self, app: App, path: str) -> Target:  # noqa: ARG002  # whom a path leads to is the Ingress's business
        if path not in self._entrances:
            self._entrances[path] = entrance(self._land, self._edge, path, self._land.now)
        return self._entrances[path]

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
    table = route_table.table_in(way.caller.files)
    if table is not None and way.call.route.startswith("/"):
        listed = route_table.upstream(table, way.call.route, way.caller.env)
        if listed is None:
            return way.stopped(Why.NO_ROUTE)
        way = replace(way, facts=replace(way.facts, text=listed))
    found = addresses.read(way.facts.text)
    if found is None:
        return way.stopped(Why.NO_ADDRESS)
    engine, client = _ENGINES.get(found.scheme, ""), way.caller.ip
    verb = "INSERT" if way.call.route == "write" else "SELECT"
    facts = replace(way.facts, host=found.host, port=found.port, engine=engine, client=client, verb=verb)
    return replace(way, address=found, facts=facts)


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
    return way.sifted(lambda hop: None if _is_allowed(land, way, hop.endpoint, "TCP") else Why.UNREACHABLE)


def _is_allowed(land: Landscape, way: Way, endpoint: Endpoint, protocol: str) -> bool:
    source = End(way.caller.ip, way.caller.pod)
    target = End(endpoint.ip, land.pods.get(endpoint.uid))
    return land.policies.allow(source, target, endpoint.port, protocol)


def meet_listener(land: Landscape, way: Way) -> Way:
    """Something listens at the port to which the Service's targetPort leads, or the kernel says no."""

    def shut(hop: Hop) -> Why | None:
        group = hop.endpoint.group
        return None if group is not None and hop.endpoint.port in land.groups[group].ports else Why.REFUSED

    return way.sifted(shut)


def speak_protocol(land: Landscape, way: Way) -> Way:
    """A web client that has come to a database, a client with TLS at a server without: neither understands the other."""

    def foreign(hop: Hop) -> Why | None:
        if land.group(hop.endpoint).app.engine != way.facts.engine:
            return Why.WRONG_PROTOCOL
        wants, has = way.address.scheme == "https", handshakes.shown(land.group(hop.endpoint)) is not None
        return None if wants == has else Why.PLAIN_SERVER if wants else Why.TLS_SERVER

    return way.sifted(foreign)


def pass_mesh(land: Landscape, way: Way) -> Way:
    """Where the mesh lets in its own alone, it hangs up on everybody else."""

    def hangs_up(hop: Hop) -> Why | None:
        return Why.RESET if land.mesh.refuses(way.caller.pod, land.group(hop.endpoint).pod) else None

    return way.sifted(hangs_up) if land.mesh.policies else way


def shake_hands(land: Landscape, way: Way) -> Way:
    if way.address.scheme != "https":
        return way
    shown = {hop: handshakes.shown(land.group(hop.endpoint)) for hop in way.hops}
    ends = [each.not_after for each in shown.values() if each is not None]
    way = replace(way, facts=replace(way.facts, now=rfc3339(land.now), not_after=rfc3339(min(ends))))
    authorities = handshakes.trusted(way.caller)

    def doubted(hop: Hop) -> Why | None:
        certificate = shown[hop]
        return handshakes.doubt(certificate, authorities, land.now) if certificate else None

    return way.sifted(doubted)


def find_route(land: Landscape, way: Way) -> Way:
    """The program that was reached knows the request."""

    def unknown(hop: Hop) -> Why | None:
        routes = land.group(hop.endpoint).app.routes
        return None if any(route.path == way.call.route for route in routes) else Why.NOT_FOUND

    return way.sifted(unknown)


def find_place(land: Landscape, way: Way) -> Way:
    """A database takes so many clients and no more; whoever comes after finds no place."""
    servers = [logins.server_of(land.group(hop.endpoint)) for hop in way.hops if way.facts.engine]
    places = sum(server.places for server in servers)
    crowd = logins.crowd(land.groups, way.call.app) if servers else 0
    return way.thinned(places / crowd, Why.CROWDED) if crowd > places and servers else way


def log_in(land: Landscape, way: Way) -> Way:
    if not way.facts.engine:
        return way
    login = logins.login_of(way.caller, way.call, way.address)
    table = way.caller.app.name.replace("-", "_")
    database = way.address.path.strip("/")
    way = replace(way, facts=replace(way.facts, user=login.user, database=database, table=table))

    def refused(hop: Hop) -> Why | None:
        group = land.group(hop.endpoint)
        return logins.refusal(logins.server_of(group), login, group.app.route(way.call.route))

    return way.sifted(refused)


_ENGINES: dict[str, Engine] = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "mysql": "mysql",
    "amqp": "rabbitmq",
    "redis": "redis",
    "": "redis",  # cache clients take a bare host and port
}


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
    pass_mesh,
    speak_protocol,
    shake_hands,
    find_route,
    find_place,
    log_in,
)
