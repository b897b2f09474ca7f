"""Clients that are told to call an address that nobody has: a Service that does not exist, or a port that it does not serve.

The name is compared with the Services there are, and the nearest one is what was probably meant. An address that nobody is seen to use
counts for little: the log that names exactly this host, or the client being unwell, makes it a cause. A database's wrong port is told
apart as a fault of its own. Where several clients ask a Service at one port that it does not serve, it is the Service that changed.
"""

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator

from core.language import Text
from tools.engines.addresses import Address, meant
from tools.engines.changes import FieldChange, Rollout, last_rollout
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import Heard, as_evidence, heard
from tools.engines.objects import Object, component, dig, kind_of, name_of, namespace_of, rows, whole
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot
from tools.engines.stores import CACHES, Stores
from tools.engines.unwell import is_unwell
from tools.engines.used import AWAY, failing

LIKE = 0.55
UNKNOWN_HOST = ("no_such_host", "dns_unavailable")
MANY = 2
ADDED = 0.3  # of an address that a release added and not changed


def addresses_that_nobody_has(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    if not snapshot.of("Service"):
        return
    for program in snapshot.programs:
        for address in graph.addresses_of(program):
            if meant(snapshot, address, program.namespace).state == "missing":
                yield _missing(snapshot, program, address)


def ports_that_a_service_does_not_serve(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    asked: dict[tuple[Component, int], list[tuple[Program, Address]]] = defaultdict(list)
    databases = {
        (dial.client.component, dial.address) for dial in Stores(snapshot, graph).dials if dial.engine not in CACHES
    }
    for program in snapshot.programs:
        for address in graph.addresses_of(program):
            service = meant(snapshot, address, program.namespace).service
            if service and address.port and address.port not in served(snapshot, service):
                asked[(component(service), address.port)].append((program, address))
    for (name, port), clients in asked.items():
        service = snapshot.get("Service", name.namespace, name.name) or {}
        others = _well_served(snapshot, graph, service)
        behind = snapshot.programs_behind(service)
        if len({program.component for program, _ in clients}) >= MANY and not others and len(behind) == 1:
            yield _service_moved(snapshot, graph, service, behind[0], port, [program for program, _ in clients])
            continue
        yield from (
            _wrong_port(snapshot, program, address, service)
            for program, address in clients
            if (program.component, address) not in databases
        )


def served(snapshot: Snapshot, service: Object) -> list[int]:
    """The ports at which a Service is answered; of one without an address of its own, those of its pods too."""
    ports = [number for port in rows(service, "spec", "ports") if (number := whole(port.get("port"))) is not None]
    if dig(service, "spec", "clusterIP") == "None":
        for program in snapshot.programs_behind(service):
            ports += [
                number
                for container in program.containers
                for port in rows(container, "ports")
                if (number := whole(port.get("containerPort"))) is not None
            ]
    return ports or ([] if dig(service, "spec", "type") != "ExternalName" else list(range(1, 65_536)))


def _missing(snapshot: Snapshot, program: Program, address: Address) -> Finding:
    lines = [one for one in heard(snapshot, program, *UNKNOWN_HOST, *AWAY) if _is_about(one, address)]
    nearest = _nearest(snapshot, program.namespace, address)
    said = [
        evidence("kubernetes", address.path, f"{address}; there is no such Service", weight=0.7),
        *as_evidence(lines, 0.6),
    ]
    near_en = f" The nearest is {nearest}: set {address.name or 'it'} to that." if nearest else ""
    near_zh = f"最接近的是 {nearest}，请把 {address.name or '该地址'} 改为它。" if nearest else "请改为存在的 Service。"
    return _finding(
        snapshot,
        program,
        address,
        [*said, *_changed(snapshot, program, address), *_unlike_others(nearest)],
        lines,
        Text(
            f"{program.component} is told to call {address} ({address.path}), but there is no such Service.{near_en}",
            f"{program.component} 配置的地址是 {address}（{address.path}），但不存在这个 Service。{near_zh}",
        ),
        nearest,
    )


def _wrong_port(snapshot: Snapshot, program: Program, address: Address, service: Object) -> Finding:
    ports = served(snapshot, service)
    lines = [one for one in heard(snapshot, program, *AWAY) if _is_about(one, address)]
    shown = ", ".join(map(str, ports)) or "none"
    said = [evidence("kubernetes", address.path, f"{address}; {component(service)} serves {shown}", weight=0.75)]
    right = f"{address.host}:{ports[0]}" if ports else ""
    return _finding(
        snapshot,
        program,
        address,
        [*said, *as_evidence(lines, 0.6), *_changed(snapshot, program, address)],
        lines,
        Text(
            f"{program.component} calls {address} ({address.path}), but {component(service)} serves only {shown}. "
            f"Set the port of {address.name or 'the address'} to {ports[0] if ports else shown}.",
            f"{program.component} 调用 {address}（{address.path}），而 {component(service)} 只提供端口 {shown}。"
            f"请把 {address.name or '该地址'} 的端口改为 {ports[0] if ports else shown}。",
        ),
        right,
    )


def _finding(
    snapshot: Snapshot,
    program: Program,
    address: Address,
    proof: list[Evidence],
    lines: list[Heard],
    words: Text,
    nearest: str,
) -> Finding:
    return Finding(
        fault="service_env_var_address_mismatch",
        category="service routing",
        component=program.component,
        words=words,
        evidence=tuple(proof),
        onset=min((one.said.first for one in lines if one.said.first), default=None),
        # What a release has just put in the place of another was used before; what it added need not be used at all.
        latent=not lines
        and not is_unwell(snapshot, program)
        and not any(item.source == "change" and item.weight > ADDED for item in proof),
        facts={"address": str(address), "path": address.path, "nearest": nearest},
    )


def _service_moved(
    snapshot: Snapshot, graph: Graph, service: Object, behind: Program, port: int, clients: list[Program]
) -> Finding:
    name, ports = component(service), ", ".join(map(str, served(snapshot, service))) or "none"
    who = ", ".join(sorted({client.name for client in clients})[:4])
    quote = f"serves {ports}; {who} ask at {port}"
    return Finding(
        fault="service_port_mapping_mismatch",
        category="service routing",
        component=behind.component,
        words=Text(
            f"{name} serves {ports}, but its clients ({who}) all call port {port}. Give the Service port {port} back.",
            f"{name} 提供端口 {ports}，而其客户端（{who}）都调用端口 {port}。请恢复 Service 的端口 {port}。",
        ),
        evidence=(evidence("kubernetes", f"{name} spec.ports", quote, weight=0.75), *failing(snapshot, graph, service)),
        harms=(name, *(client.component for client in clients)),
        facts={"service": name_of(service), "port": ports, "meant": port},
    )


def _well_served(snapshot: Snapshot, graph: Graph, service: Object) -> bool:
    """Whether some client asks at a port that is served."""
    ports = served(snapshot, service)
    for caller in graph.callers_of(component(service)):
        program = snapshot.program(caller)
        for address in graph.addresses_of(program) if program else ():
            target = meant(snapshot, address, caller.namespace or "").service
            if target is service and (address.port in ports or address.port is None):
                return True
    return False


def _is_about(one: Heard, address: Address) -> bool:
    host, _, port = one.said.target.rpartition(":")
    if not port.isdigit():
        host, port = one.said.target, ""
    same = host.rstrip(".").split(".")[0] == address.host.split(".")[0] and bool(host)
    return same and (not port or address.port is None or port == str(address.port))


def _nearest(snapshot: Snapshot, namespace: str, address: Address) -> str:
    labels = address.host.split(".")
    place = labels[1] if len(labels) > 1 else namespace
    names = {name_of(one): one for one in snapshot.of("Service", place) or snapshot.of("Service", namespace)}
    found = difflib.get_close_matches(labels[0], names, n=1, cutoff=LIKE)
    elsewhere = [one for one in snapshot.of("Service") if name_of(one) == labels[0]]
    if found and not elsewhere:
        suffix = "" if place == namespace else f".{place}"
        return f"{found[0]}{suffix}"
    return f"{labels[0]}.{namespace_of(elsewhere[0])}" if elsewhere else ""


def _unlike_others(nearest: str) -> Iterator[Evidence]:
    if nearest:
        yield evidence("kubernetes", f"Service {nearest}", "exists, and its name is nearly the same", weight=0.4)


def _changed(snapshot: Snapshot, program: Program, address: Address) -> Iterator[Evidence]:
    rollout = last_rollout(snapshot, program.obj) if program.obj and kind_of(program.obj) == "Deployment" else None
    change = _written(rollout, address)
    if rollout and change:
        ref = f"{program.component} revision {rollout.current.number}"
        yield evidence("change", ref, str(change), rollout.current.at, weight=0.5 if change.before else ADDED)


def _written(rollout: Rollout | None, address: Address) -> FieldChange | None:
    """The field by which the last rollout wrote this address."""
    for change in rollout.fields if rollout else ():
        is_host = address.host in str(change.after) and address.host not in str(change.before)
        is_port = str(address.port) == str(change.after) and "port" in change.path.lower() and ".env[" in change.path
        if is_host or is_port:
            return change
    return None
