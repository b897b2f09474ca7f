"""Certificates that have run out, and where they are shown: at an Ingress, at a Gateway, or by a program that mounts them.

The end is read from the certificate itself where it lies in the clear, else from what its issuer's object says, else from the sentence of
whoever was shown it. A certificate that nobody shows may run out; so may the one that a client has of its own.
"""

import base64
import binascii
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from core.language import Text
from tools.engines.addresses import Address, meant
from tools.engines.analyzers.changed import certificate_of
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import as_evidence, heard
from tools.engines.objects import Object, component, dig, mapping, name_of, namespace_of, number_in, rows, when
from tools.engines.program import Program
from tools.engines.references import references
from tools.engines.snapshot import Snapshot
from tools.engines.used import meant_by
from tools.engines.wayin import object_routes

_EXPIRED = re.compile(
    r"(?i)certificate[^\n]{0,40}(?:has |is |was )?expired|expired certificate|CERT_HAS_EXPIRED|证书(?:已经?)?过期"
)
# What a server writes when the other end has turned down what it showed.
_BY_PEER = re.compile(
    r"(?i)remote error: tls: expired|received (?:fatal )?alert:? certificate_expired|terminated the handshake: certificate_expired|"
    r"alert certificate expired|alert number 45"
)
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.{100,20000}?)-----END CERTIFICATE-----", re.DOTALL)
_TIMES = re.compile(rb"\x17\x0d(\d{12})Z|\x18\x0f(\d{14})Z")
Key = tuple[str, str]


def certificates_that_ran_out(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    found: dict[Component, list[Evidence]] = defaultdict(list)
    shown = _shown_by(snapshot)
    for secret, proof in [*_read(snapshot), *_certificates(snapshot)]:
        for holder in shown.get(secret, ()):
            found[holder].append(proof)
    for holder, proof in _told(snapshot, graph, list(found)):
        found[holder].append(proof)
    for holder, proofs in found.items():
        yield _finding(snapshot, graph, holder, proofs)


def _read(snapshot: Snapshot) -> Iterator[tuple[Key, Evidence]]:
    for secret in snapshot.of("Secret"):
        end = ends(dig(secret, "data", "tls.crt"))
        if end and end <= snapshot.taken_at:
            quote = f"not valid after {end:%Y-%m-%d %H:%M} UTC"
            key = (namespace_of(secret), name_of(secret))
            yield key, evidence("kubernetes", f"{component(secret)} data[tls.crt]", quote, end, weight=0.9)


def ends(text: object) -> datetime | None:
    """When a certificate runs out: the second of the two times that it holds."""
    if not isinstance(text, str) or len(text) > 200_000:
        return None
    try:
        pem = text.encode() if "BEGIN CERTIFICATE" in text else base64.b64decode(text, validate=True)
        body = _PEM.search(pem)
        times = list(_TIMES.finditer(base64.b64decode(body[1]))) if body else []
        told = (times[1][1] or times[1][2]).decode() if len(times) > 1 else ""
        form = "%y%m%d%H%M%S" if len(told) == len("YYMMDDhhmmss") else "%Y%m%d%H%M%S"
        return datetime.strptime(told, form).replace(tzinfo=UTC) if told else None
    except (ValueError, binascii.Error):
        return None


def _certificates(snapshot: Snapshot) -> Iterator[tuple[Key, Evidence]]:
    for certificate in snapshot.of("Certificate"):
        key = (namespace_of(certificate), str(dig(certificate, "spec", "secretName") or name_of(certificate)))
        end = when(dig(certificate, "status", "notAfter"))
        if end and end <= snapshot.taken_at:
            ref = f"{component(certificate)} status.notAfter"
            yield key, evidence("kubernetes", ref, f"not valid after {end:%Y-%m-%d %H:%M} UTC", end, weight=0.85)
            continue
        for row in rows(certificate, "status", "conditions"):
            if row.get("type") == "Ready" and row.get("status") == "False" and row.get("reason") == "Expired":
                ref = f"{component(certificate)} status.conditions[Ready]"
                yield key, evidence("kubernetes", ref, str(row.get("message") or "Expired"), weight=0.8)


def _shown_by(snapshot: Snapshot) -> dict[Key, list[Component]]:
    found: dict[Key, list[Component]] = defaultdict(list)
    for ingress in snapshot.of("Ingress"):
        for row in rows(ingress, "spec", "tls"):
            found[(namespace_of(ingress), str(row.get("secretName")))].append(component(ingress))
    for route in snapshot.of("IngressRoute"):
        found[(namespace_of(route), str(dig(route, "spec", "tls", "secretName")))].append(component(route))
    for gateway in snapshot.of("Gateway"):
        for listener in rows(gateway, "spec", "listeners"):
            for row in rows(listener, "tls", "certificateRefs"):
                place = str(row.get("namespace") or namespace_of(gateway))
                found[(place, str(row.get("name")))].append(component(gateway))
    for program in snapshot.programs:
        for reference in references(program):
            if reference.kind == "Secret":
                found[(program.namespace, reference.name)].append(program.component)
    return {key: list(dict.fromkeys(holders)) for key, holders in found.items()}


def _told(snapshot: Snapshot, graph: Graph, known: list[Component]) -> Iterator[tuple[Component, Evidence]]:
    """What clients, checks, events and alerts say; an outsider's word is about the way in."""
    for program in snapshot.speakers:
        for one in heard(snapshot, program, "certificate_expired"):
            host, _, port = one.said.target.partition(":")
            address = Address(host, number_in(port), "")
            service = meant(snapshot, address, program.namespace).service if host else None
            if _BY_PEER.search(one.said.text):
                yield program.component, as_evidence([one], 0.75)[0]
                continue
            servers = (
                graph.backing(service) if service else [] if host else _with_certificates(snapshot, graph, program)
            )
            for server in servers:
                yield server, as_evidence([one], 0.75)[0]
    for probe in snapshot.probes:
        if not probe.ok and _EXPIRED.search(probe.detail):
            target = meant_by(snapshot, probe)
            servers = [one for one in known if one.kind != "Ingress"] or (graph.backing_of(target) if target else [])
            for holder in _edges(snapshot, target, probe.target + " " + probe.detail) or servers[:1]:
                yield holder, evidence("probe", probe.ref, probe.detail, probe.at, weight=0.75)
    for event in snapshot.events:
        holder = Component(kind=event.kind, namespace=event.namespace or None, name=event.name)
        if event.kind in {"Ingress", "Gateway"} and _EXPIRED.search(event.message):
            yield holder, evidence("event", event.ref, event.message, event.at, weight=0.7)
    for alert in snapshot.alerts:
        if alert.state != "resolved" and _EXPIRED.search(alert.text):
            for holder in known or _edges(snapshot, None, alert.text + " " + " ".join(alert.labels.values())):
                yield holder, evidence("alert", alert.ref, alert.text, alert.starts_at, weight=0.6)


def _with_certificates(snapshot: Snapshot, graph: Graph, client: Program) -> list[Component]:
    """Whom a client that names nobody can mean: the one among those it calls that shows a certificate, if there is only one."""
    services = (meant(snapshot, one, client.namespace).service for one in graph.addresses_of(client))
    behind = {server.component: server for one in services if one for server in snapshot.programs_behind(one)}
    found = [who for who, server in behind.items() if server is not client and certificate_of(snapshot, server)]
    return found if len(found) == 1 else []


def _edges(snapshot: Snapshot, target: Component | None, text: str) -> list[Component]:
    """The ways in with a certificate that lead to a Service or whose host a text names; the only one there is otherwise."""
    secured = [one for one in snapshot.of("Ingress") if rows(one, "spec", "tls")]
    hosts = [one for one in secured if any(str(row.get("host")) in text for row in rows(one, "spec", "rules"))]
    leading = {component(route.holder) for route in object_routes(snapshot) if target and route.service == target.name}
    near = hosts or [one for one in secured if component(one) in leading]
    return [component(one) for one in near or (secured if len(secured) == 1 and target is None else [])][:1]


def _finding(snapshot: Snapshot, graph: Graph, holder: Component, proofs: list[Evidence]) -> Finding:
    harmed = list(_behind(snapshot, graph, holder))
    first = min((item.at for item in proofs if item.at), default=None)
    return Finding(
        fault="tls_certificate_expired",
        category="service routing",
        component=holder,
        words=Text(
            f"The certificate that {holder} shows has expired ({proofs[0].quote}). Renew it and put it into its Secret; "
            "see why it was not renewed in time.",
            f"{holder} 使用的证书已过期（{proofs[0].quote}）。请续期并更新对应的 Secret，同时检查为何未自动续期。",
        ),
        evidence=tuple(proofs),
        onset=first,
        harms=tuple(dict.fromkeys(harmed)),
    )


def _behind(snapshot: Snapshot, graph: Graph, holder: Component) -> Iterator[Component]:
    obj: Object | None = snapshot.get(holder.kind, holder.namespace, holder.name)
    if holder.kind in {"Ingress", "IngressRoute"} and obj:
        for route in object_routes(snapshot):
            if route.holder is obj and (service := snapshot.get("Service", route.namespace, route.service)):
                yield component(service)
                yield from graph.backing(service)
    elif program := snapshot.program(holder):
        labels = {"metadata": {"namespace": program.namespace, "labels": mapping(program.labels)}}
        for service in snapshot.services_picking(labels):
            yield component(service)
            yield from graph.callers_of(component(service))
