"""Callers that a NetworkPolicy keeps away from what they call, on their way out or on the way in, or from the cluster's names.

The policies are evaluated as the cluster would; only calls that are known (an address, measured traffic) are asked about. Of several
that close the same way together the one that came in the time looked at is named, then the one that was meant for this program: that
has rules of its own and selects it by more than "everybody here".
"""

from collections.abc import Iterable, Iterator

from core.language import Text
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import Heard, as_evidence, heard
from tools.engines.objects import Object, component, dig, mapping, name_of, rows, when
from tools.engines.policies import Direction, Policies, Port, ports_behind
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot
from tools.engines.used import AWAY, failing, names

DNS = {"k8s-app": "kube-dns"}
SYSTEM = "kube-system"
DNS_PORTS = [Port(53, frozenset({"dns"}), "UDP"), Port(53, frozenset({"dns-tcp"}), "TCP")]
LOST_NAMES = ("dns_unavailable", "no_such_host", "timed_out")
Way = tuple[Object, Direction, Component, Component]


def calls_that_a_policy_blocks(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    if not snapshot.of("NetworkPolicy"):
        return
    blamed: dict[Component, list[Way]] = {}
    for way in _blocked(snapshot, graph):
        blamed.setdefault(component(way[0]), []).append(way)
    for ways in blamed.values():
        yield _finding(snapshot, graph, ways)


def _blocked(snapshot: Snapshot, graph: Graph) -> Iterator[Way]:
    policies = Policies(snapshot)
    for caller, called in sorted(graph.calls, key=str):
        client, service = snapshot.program(caller), snapshot.get("Service", called.namespace, called.name)
        behind = snapshot.programs_behind(service) if service else []
        if client is None or service is None or len(behind) != 1:
            continue
        ports = ports_behind(service, behind[0])
        if closing := policies.blocks(behind[0], "ingress", client, ports):
            yield _likeliest(snapshot, closing), "ingress", caller, called
        if closing := policies.blocks(client, "egress", behind[0], ports):
            yield _likeliest(snapshot, closing), "egress", caller, called
    names_server = _names_server(snapshot)
    for program in snapshot.programs:
        if program.namespace != SYSTEM and graph.addresses_of(program):
            closing = policies.blocks(program, "egress", names_server, DNS_PORTS)
            if closing:
                yield _likeliest(snapshot, closing), "egress", program.component, names_server.component


def _names_server(snapshot: Snapshot) -> Program:
    service = snapshot.get("Service", SYSTEM, "kube-dns") or snapshot.get("Service", SYSTEM, "coredns")
    behind = snapshot.programs_behind(service) if service else []
    who = Component(kind="Service", namespace=SYSTEM, name="kube-dns")
    return behind[0] if behind else Program(who, None, {"metadata": {"labels": DNS}}, ())


def _likeliest(snapshot: Snapshot, closing: list[Object]) -> Object:
    def key(policy: Object) -> tuple[bool, bool, bool, float]:
        born = when(dig(policy, "metadata", "creationTimestamp"))
        selector = mapping(policy, "spec", "podSelector")
        has_rules = bool(rows(policy, "spec", "ingress") or rows(policy, "spec", "egress"))
        return (
            born is not None and born >= snapshot.window.start,
            bool(selector.get("matchLabels") or selector.get("matchExpressions")),
            has_rules,
            born.timestamp() if born else 0.0,
        )

    return max(closing, key=key)


def _finding(snapshot: Snapshot, graph: Graph, ways: list[Way]) -> Finding:
    policy, direction = ways[0][:2]
    name, born = component(policy), when(dig(policy, "metadata", "creationTimestamp"))
    lines = [line for way in ways for line in _lines(snapshot, way)]
    seen = [item for way in ways[:4] for item in _failing(snapshot, graph, way)]
    who = ", ".join(dict.fromkeys(way[2].name for way in ways[:6]))
    to = ", ".join(dict.fromkeys(way[3].name for way in ways[:6]))
    is_new = born is not None and born >= snapshot.window.start
    quote = f"podSelector {_shown(policy)}, no rule lets {who} through to {to}"
    return Finding(
        fault="network_policy_blocked",
        category="service routing",
        component=name,
        words=Text(
            f"{name} keeps {who} from reaching {to} ({direction}). Add an {direction} rule that allows it, or take the policy back.",
            f"{name} 阻断了 {who} 到 {to} 的访问（{direction} 方向）。请增加放行规则，或撤回该策略。",
        ),
        evidence=(
            evidence("kubernetes", f"{name} spec.{direction}", quote, born, weight=0.85),
            *as_evidence(lines, 0.5),
            *seen,
            *([evidence("change", f"{name} created", "in the time looked at", born, weight=0.5)] if is_new else []),
        ),
        onset=born if is_new else None,
        latent=not lines and not seen and not is_new,
        harms=tuple(dict.fromkeys(one for way in ways for one in _harmed(graph, way))),
        facts={"policy": name_of(policy), "direction": direction, "callers": who, "called": to},
    )


def _harmed(graph: Graph, way: Way) -> Iterator[Component]:
    _, direction, caller, called = way
    yield caller
    if direction == "ingress":
        yield called
        yield from graph.backing_of(called)


def _failing(snapshot: Snapshot, graph: Graph, way: Way) -> Iterator[Evidence]:
    service = snapshot.get("Service", way[3].namespace, way[3].name)
    for item in failing(snapshot, graph, service) if service else ():
        if item.source != "log":
            yield item


def _lines(snapshot: Snapshot, way: Way) -> list[Heard]:
    """What the caller says of exactly this way."""
    _, _, caller, called = way
    client, service = snapshot.program(caller), snapshot.get("Service", called.namespace, called.name)
    if client is None:
        return []
    if service is None or called.namespace == SYSTEM:
        return heard(snapshot, client, *LOST_NAMES)
    return [one for one in heard(snapshot, client, *AWAY) if names(one, service)]


def _shown(policy: Object) -> str:
    labels = mapping(policy, "spec", "podSelector", "matchLabels")
    return ", ".join(f"{key}={value}" for key, value in labels.items()) or "{} (every pod here)"
