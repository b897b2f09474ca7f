"""Services that point at a port where nobody listens, or speak a protocol that nobody there speaks.

A port that containers do not declare may still be listened on, so a number alone is only a suspicion: the log's own word, a probe that
reaches another port, a client that is refused or a failed check make it a cause. A name is different: a target port named like no
container's port gives the Service no address at all.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from core.language import Text
from tools.engines.analyzers.routing import left_without
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.listening import Listening, listening
from tools.engines.objects import Object, component, dig, mapping, name_of, number_in, rows, whole
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot
from tools.engines.used import failing, is_used

DECIDING = 0.85
SUSPECT = 0.5


def ports_where_nobody_listens(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    for service, program, known in _fronted(snapshot):
        for port in rows(service, "spec", "ports"):
            proof = list(_against(service, program, port, known))
            if proof:
                yield _wrong_port(snapshot, graph, service, program, port, known, proof)
                break


def protocols_that_nobody_speaks(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    for service, program, known in _fronted(snapshot):
        for port in rows(service, "spec", "ports"):
            wanted, spoken = str(port.get("protocol") or "TCP"), _spoken(port, known)
            if spoken and wanted not in spoken:
                yield _wrong_protocol(snapshot, graph, service, program, port, min(spoken))
                break


def _fronted(snapshot: Snapshot) -> Iterator[tuple[Object, Program, Listening]]:
    """Services with exactly the one program behind them that their selector means, and that they are meant for."""
    known: dict[Component, Listening] = {}  # many Services may stand before one program of many pods
    for service in snapshot.of("Service"):
        if mapping(service, "spec", "selector") and dig(service, "spec", "type") != "ExternalName":
            behind = snapshot.programs_behind(service)
            if len(behind) == 1 and behind[0].containers and left_without(snapshot, service) is None:
                program = behind[0]
                if program.component not in known:
                    known[program.component] = listening(snapshot, program)
                yield service, program, known[program.component]


def target_of(port: Object) -> Any:
    target = port.get("targetPort")
    return port.get("port") if target in (None, 0, "") else target


def _against(service: Object, program: Program, port: Object, known: Listening) -> Iterator[Evidence]:
    target = target_of(port)
    ref = f"{component(service)} spec.ports[{port.get('name') or port.get('port')}].targetPort"
    number = whole(target) if not isinstance(target, str) else number_in(target)
    if number is None:
        if isinstance(target, str) and known.declared and target not in known.named and not _is_open(program):
            names = ", ".join(sorted(known.named)) or "none"
            yield evidence("kubernetes", ref, f"{target}; named ports of the containers: {names}", weight=DECIDING)
        return
    if number in known.declared | known.known:
        if number in known.declared and known.said and number not in known.known:
            yield evidence(
                "log", f"{program.component} log", f"listens on {_list(known.said)}, not on {number}", weight=SUSPECT
            )
        return
    if known.declared and not _is_open(program):
        yield evidence("kubernetes", ref, f"{number}; the containers declare {_list(known.declared)}", weight=SUSPECT)
    if known.said:
        yield evidence("log", f"{program.component} log", f"listens on {_list(known.said)}", weight=0.7)
    elif known.reached:
        quote = f"ready pods are probed at {_list(known.reached)}"
        yield evidence("kubernetes", f"{program.ref}.containers[].readinessProbe", quote, weight=0.4)


def _is_open(program: Program) -> bool:
    """Whether a part of it declares no port at all, so that anything may be listened on."""
    return any(not rows(container, "ports") for container in program.containers) and len(program.containers) == 1


def _wrong_port(
    snapshot: Snapshot,
    graph: Graph,
    service: Object,
    program: Program,
    port: Object,
    known: Listening,
    proof: list[Evidence],
) -> Finding:
    name, target, best = component(service), target_of(port), known.best()
    seen = failing(snapshot, graph, service)
    return Finding(
        fault="service_port_mapping_mismatch",
        category="service routing",
        component=program.component,
        words=Text(
            f"{name} sends requests to port {target} of {program.component}, where nobody listens"
            + (f"; the program listens on {best}. Set targetPort to {best}." if best else ". Correct its targetPort."),
            f"{name} 把请求转发到 {program.component} 的端口 {target}，但没有程序监听该端口"
            + (f"；实际监听端口为 {best}，请把 targetPort 改为 {best}。" if best else "，请修正 targetPort。"),
        ),
        evidence=(*proof, *seen),
        latent=not seen and not is_used(snapshot, graph, service),
        harms=(name, *graph.callers_of(name)),
        facts={"service": name_of(service), "port": port.get("port"), "target": target, "meant": best},
    )  # fmt: skip


def _spoken(port: Object, known: Listening) -> frozenset[str]:
    """What is spoken at the port that a Service's port leads to; empty where that is not known."""
    target = target_of(port)
    number = (known.named.get(target) or number_in(target)) if isinstance(target, str) else whole(target)
    if number is None:
        return frozenset()
    return known.protocols.get(number) or frozenset({"TCP"} if number in known.known else ())


def _wrong_protocol(
    snapshot: Snapshot, graph: Graph, service: Object, program: Program, port: Object, spoken: str
) -> Finding:
    name, wanted = component(service), str(port.get("protocol") or "TCP")
    seen = failing(snapshot, graph, service)
    ref = f"{name} spec.ports[{port.get('name') or port.get('port')}].protocol"
    harmed: tuple[Component, ...] = (name, *graph.callers_of(name))
    return Finding(
        fault="service_protocol_mismatch",
        category="service routing",
        component=program.component,
        words=Text(
            f"{name} forwards {wanted} at port {port.get('port')}, but {program.component} speaks {spoken} there. "
            f"Set the protocol of that port to {spoken}.",
            f"{name} 的端口 {port.get('port')} 转发 {wanted}，而 {program.component} 在该端口使用 {spoken}。请把协议改为 {spoken}。",
        ),
        evidence=(evidence("kubernetes", ref, f"{wanted}; the container speaks {spoken}", weight=DECIDING), *seen),
        latent=not seen and not is_used(snapshot, graph, service),
        harms=harmed,
        facts={"service": name_of(service), "port": port.get("port"), "spoken": spoken},
    )


def _list(ports: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(ports)))
