"""Meshes whose sides do not agree: a server that takes mutual TLS only, and callers that do not speak it.

A caller does not speak it because a DestinationRule forbids it for this host (then the rule is to be changed), or because it has no part in
the mesh (then it is what insists). A policy that nobody outside the mesh calls through harms nobody.
"""

from collections import defaultdict
from collections.abc import Iterable

from core.language import Text
from tools.engines.crowding import matches
from tools.engines.diagnosis import Component
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import Heard, as_evidence, heard
from tools.engines.objects import Object, component, dig, kind_of, mapping, name_of, namespace_of, rows
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot

ROOT = "istio-system"
BROKEN = ("reset", "tls_handshake", "plaintext_to_tls", "upstream_unavailable", "unavailable")
_PROXIES = ("istio-proxy", "linkerd-proxy")


def callers_that_do_not_speak_the_meshes_tls(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    strict = [one for one in snapshot.of("PeerAuthentication") if dig(one, "spec", "mtls", "mode") == "STRICT"]
    if not strict:
        return
    plain = {_host(rule): rule for rule in snapshot.of("DestinationRule") if _is_plain(rule)}
    blamed: dict[Component, tuple[Object, list[tuple[Component, Component]]]] = {}
    for caller, called in sorted(graph.calls, key=str):
        service = snapshot.get("Service", called.namespace, called.name)
        insisting = _insisting(snapshot, strict, service) if service else None
        client = snapshot.program(caller)
        if insisting is None or client is None:
            continue
        rule = plain.get((called.namespace or "", called.name))
        if rule is not None or not is_in_mesh(snapshot, client):
            guilty = rule or insisting
            blamed.setdefault(component(guilty), (guilty, []))[1].append((caller, called))
    for guilty, pairs in blamed.values():
        yield _finding(snapshot, guilty, pairs)


def is_in_mesh(snapshot: Snapshot, program: Program) -> bool:
    holders: list[Object] = [{"metadata": {"labels": program.labels}, "spec": program.spec}, *program.pods]
    if any(_has_proxy(one) for one in holders):
        return True
    if program.pods:
        return False  # what runs shows what was injected
    space = mapping(snapshot.get("Namespace", None, program.namespace), "metadata", "labels")
    return space.get("istio-injection") == "enabled" or "istio.io/rev" in space


def _has_proxy(holder: Object) -> bool:
    labels = mapping(holder, "metadata", "labels")
    named = [row.get("name") for key in ("containers", "initContainers") for row in rows(holder, "spec", key)]
    return (
        any(name in _PROXIES for name in named)
        or labels.get("istio.io/dataplane-mode") == "ambient"
        or labels.get("security.istio.io/tlsMode") == "istio"
    )


def _insisting(snapshot: Snapshot, strict: list[Object], service: Object) -> Object | None:
    """The narrowest policy that applies: of the program, of its namespace, of the mesh."""
    behind = snapshot.programs_behind(service)
    here = [one for one in strict if namespace_of(one) == namespace_of(service)]
    own = [one for one in here if _selector(one) and any(matches(_selector(one), each.labels) for each in behind)]
    wide = [one for one in here if not _selector(one)]
    root = [one for one in strict if namespace_of(one) == ROOT and not _selector(one)]
    return next(iter([*own, *wide, *root]), None)


def _selector(policy: Object) -> Object:
    return mapping(policy, "spec", "selector")


def _is_plain(rule: Object) -> bool:
    return bool(dig(rule, "spec", "trafficPolicy", "tls", "mode") == "DISABLE")


def _host(rule: Object) -> tuple[str, str]:
    labels = str(dig(rule, "spec", "host") or "").split(".")
    return labels[1] if len(labels) > 1 else namespace_of(rule), labels[0]


def _finding(snapshot: Snapshot, guilty: Object, pairs: list[tuple[Component, Component]]) -> Finding:
    name, is_rule = component(guilty), kind_of(guilty) == "DestinationRule"
    who = ", ".join(dict.fromkeys(caller.name for caller, _ in pairs))
    harmed: dict[Component, list[Component]] = defaultdict(list)
    for caller, called in pairs:
        harmed[caller].append(called)
    heard_of = [line for caller in harmed for line in _lines(snapshot, caller)]
    path = "spec.trafficPolicy.tls.mode" if is_rule else "spec.mtls.mode"
    quote = "DISABLE, but the server is STRICT" if is_rule else f"STRICT, but {who} has no proxy of the mesh"
    service = pairs[0][1]
    return Finding(
        fault="mesh_mtls_mismatch",
        category="service routing",
        component=name,
        words=Text(
            f"{who} cannot call {service.name}: {name} {path} is {quote}. "
            + ("Set it to ISTIO_MUTUAL." if is_rule else "Set it to PERMISSIVE, or give the callers a sidecar."),
            f"{who} 无法调用 {service.name}：{name} 的 {path} 为 {quote.split(',')[0]}，两端 mTLS 设置不一致。"
            + ("请改为 ISTIO_MUTUAL。" if is_rule else "请改为 PERMISSIVE，或为调用方注入 sidecar。"),
        ),
        evidence=(
            evidence("kubernetes", f"{name} {path}", quote, weight=0.85),
            *(item for one in heard_of[:2] for item in as_evidence([one], 0.4)),
        ),
        latent=not heard_of and not _takes_part(snapshot, service),
        harms=tuple(dict.fromkeys([*harmed, *(called for _, called in pairs)])),
        facts={"policy": name_of(guilty), "callers": who},
    )


def _lines(snapshot: Snapshot, caller: Component) -> list[Heard]:
    program = snapshot.program(caller)
    return heard(snapshot, program, *BROKEN) if program else []


def _takes_part(snapshot: Snapshot, called: Component) -> bool:
    """Whether the server has a proxy that could insist; a policy alone refuses nobody."""
    service = snapshot.get("Service", called.namespace, called.name) or {}
    return any(is_in_mesh(snapshot, program) for program in snapshot.programs_behind(service))
