"""The way in leads nowhere, or to somebody else: a backend that does not exist, or a path whose program gets no requests any more.

That a route leads to the wrong one of two Services that exist is told by the others of its table: paths are named for what they lead to,
and a path named for a Service that no route leads to any more, while its own target has a path already, was meant for that one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from core.language import Text
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.objects import Object, component, dig, name_of, namespace_of, rows
from tools.engines.snapshot import Snapshot
from tools.engines.used import failing
from tools.engines.wayin import Route, called, object_routes, routes

LIKE = 0.6


def backends_that_do_not_exist(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    lost: dict[Component, list[tuple[Route, str]]] = defaultdict(list)
    for route in object_routes(snapshot):
        wrong = _what_is_missing(snapshot, route)
        if wrong:
            lost[component(route.holder)].append((route, wrong))
    for who, found in lost.items():
        yield _missing(snapshot, graph, who, found)


def routes_that_lead_astray(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    every = list(routes(snapshot))
    own = [(route, meant) for route in every if (meant := _meant(snapshot, route)) in {"", route.service}]
    led_to = {(route.namespace, route.service) for route, _ in own}
    here = {(_way(route), route.namespace, route.service) for route, _ in own}
    named = {(_way(route), route.namespace, route.service) for route, meant in own if meant}
    for route in every:
        meant = _meant(snapshot, route)
        # Another way in may still lead to it; in this one the path of the other Service stands beside the one that was bent to it.
        is_bent = (_way(route), route.namespace, route.service) in named
        is_lost = (route.namespace, meant) not in led_to or (
            is_bent and (_way(route), route.namespace, meant) not in here
        )
        service = snapshot.get("Service", route.namespace, route.service)
        if route.is_table and service is None and snapshot.of("Service", route.namespace):
            near = meant or next(iter(get_close_matches(route.service, _names(snapshot, route), 1, LIKE)), "")
            if near:
                yield from _astray(snapshot, graph, route, near, f"there is no Service {route.service}")
        elif route.is_table and service is not None and _port_is_missing(service, route.port):
            yield from _astray(snapshot, graph, route, route.service, f"{route.service} serves {_ports(service)}")
        elif meant and service is not None and meant != route.service and is_lost:
            yield from _astray(snapshot, graph, route, meant, f"no route leads to {meant} any more")


def _way(route: Route) -> str:
    """Routes of one kind belong together; each table is a gateway's own."""
    return str(component(route.holder)) if route.is_table else route.holder.get("kind", "")


def _what_is_missing(snapshot: Snapshot, route: Route) -> str:
    service = snapshot.get("Service", route.namespace, route.service)
    if service is not None:
        wrong = _port_is_missing(service, route.port)
        return f"{component(service)} serves {_ports(service)}, not {route.port}" if wrong else ""
    if snapshot.of("Service", route.namespace) or snapshot.reads("Service") or _is_unresolved(route.holder):
        return f"there is no Service {route.namespace}/{route.service}"
    return ""


def _is_unresolved(holder: Object) -> bool:
    return any(
        condition.get("type") == "ResolvedRefs" and condition.get("reason") == "BackendNotFound"
        for parent in rows(holder, "status", "parents")
        for condition in rows(parent, "conditions")
    )


def _port_is_missing(service: Object, port: int | str | None) -> bool:
    offered = rows(service, "spec", "ports")
    if port is None or not offered or dig(service, "spec", "type") == "ExternalName":
        return False
    return not any(port in (row.get("port"), row.get("name"), str(row.get("port"))) for row in offered)


def _ports(service: Object) -> str:
    return ", ".join(str(row.get("port")) for row in rows(service, "spec", "ports"))


def _names(snapshot: Snapshot, route: Route) -> list[str]:
    return [name_of(service) for service in snapshot.of("Service", route.namespace)]


def _missing(snapshot: Snapshot, graph: Graph, who: Component, found: list[tuple[Route, str]]) -> Finding:
    route, wrong = found[0]
    near = next(iter(get_close_matches(route.service, _names(snapshot, route), 1, LIKE)), "")
    harmed = [one for each, _ in found for one in _behind(snapshot, graph, each, near)]
    service = snapshot.get("Service", route.namespace, near)
    advice_en = f" Set the backend to {near} ({_ports(service)})." if service else " Name one that exists."
    advice_zh = f"请把后端改为 {near}（端口 {_ports(service)}）。" if service else "请改为存在的 Service。"
    return Finding(
        fault="ingress_backend_missing",
        category="service routing",
        component=who,
        words=Text(
            f"{who} sends {route.path} to {route.service}:{route.port}, but {wrong}.{advice_en}",
            f"{who} 把 {route.path} 转发到 {route.service}:{route.port}，但该后端不存在（{wrong}）。{advice_zh}",
        ),
        evidence=(
            *(evidence("kubernetes", each.ref, f"{called(each)}; {why}", weight=0.85) for each, why in found[:3]),
            *_told(snapshot, route),
            *(failing(snapshot, graph, service) if service else ()),
        ),
        harms=tuple(dict.fromkeys(harmed)),
        facts={"path": route.path, "service": route.service, "port": route.port, "nearest": near},
    )


def _told(snapshot: Snapshot, route: Route) -> Iterator[Evidence]:
    if _is_unresolved(route.holder):
        yield evidence(
            "kubernetes", f"{component(route.holder)} status.parents[].conditions", "BackendNotFound", weight=0.5
        )
    for event in snapshot.events_of(route.holder):
        if route.service in event.message:
            yield evidence("event", event.ref, event.message, event.at, weight=0.5)


def _behind(snapshot: Snapshot, graph: Graph, route: Route, near: str) -> Iterator[Component]:
    for name in (route.service, near):
        service = snapshot.get("Service", route.namespace, name)
        if service is not None:
            yield component(service)
            yield from graph.backing(service)


def _meant(snapshot: Snapshot, route: Route) -> str:
    """The Service that a path, or else a route object, is named for; the longest name where one is a part of another."""
    parts = [part for part in route.path.strip("^~").split("/") if part]
    names = [part for part in parts if snapshot.get("Service", route.namespace, part)]
    if names or route.is_table or len(parts) > 1:
        return names[0] if names else ""
    own = name_of(route.holder)
    return own if snapshot.get("Service", route.namespace, own) and not _is_shared(route.holder) else ""


def _is_shared(holder: Object) -> bool:
    return (
        len(rows(holder, "spec", "rules")) > 1
        or len(rows(holder, "spec", "http")) > 1
        or len(rows(holder, "spec", "routes")) > 1
    )


def _astray(snapshot: Snapshot, graph: Graph, route: Route, meant: str, why: str) -> Iterator[Finding]:
    service = snapshot.get("Service", route.namespace, meant)
    backing = graph.backing(service) if service else []
    if service is None or not backing:
        return
    address = f"{meant}:{_ports(service)}"
    readers = _readers(snapshot, route) if route.is_table else []
    yield Finding(
        fault="gateway_misroute",
        category="service routing",
        component=backing[0],
        words=Text(
            f"{backing[0]} lost its route: {route.ref} sends {route.path} to {route.service}:{route.port or ''}, and {why}. "
            f"Let the route lead to {address}.",
            f"{backing[0]} 失去了路由：{route.ref} 把 {route.path} 转发到 {route.service}:{route.port or ''}。"
            f"请把该路由改为 {address}。",
        ),
        evidence=(
            evidence("kubernetes", route.ref, f"{called(route)}; {why}", weight=0.85),
            *failing(snapshot, graph, service),
        ),
        harms=(component(service), *readers),
        facts={"route": route.ref, "path": route.path, "target": route.service, "meant": address},
    )


def _readers(snapshot: Snapshot, route: Route) -> list[Component]:
    """The gateways that read the table."""
    return [
        program.component
        for program in snapshot.programs
        if program.namespace == namespace_of(route.holder)
        and any(dig(row, "configMap", "name") == name_of(route.holder) for row in rows(program.spec, "volumes"))
    ]
