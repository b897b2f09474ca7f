"""Settings, certificates and quotas that somebody changed and that broke who uses them.

An object that was edited is only a cause where those who use it have failed since: programs restarted after the edit, callers that no
longer trust a certificate, pods that no longer fit. A quota of which more is used than it allows was lowered, for nothing else can bring
that about. The changed object itself is what has to be changed back.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta

from core.language import Text
from tools.engines.addresses import Address, meant
from tools.engines.diagnosis import Component, Evidence
from tools.engines.edits import applied, last_edit
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.objects import Object, component, dig, mapping, name_of
from tools.engines.program import Program
from tools.engines.quantity import parse
from tools.engines.references import references
from tools.engines.shortage import misses_pods
from tools.engines.snapshot import Snapshot

LATELY = timedelta(hours=2)
_AUTHORITIES = re.compile(
    r"(?i)(?:^|[._-])(?:ca|cas|root|chain|trust\w{0,8}|cacerts?|bundle|authorit\w{1,4})(?:[._-]|$)"
)
Clients = list[tuple[Program, Evidence]]
_UNTRUSTED = ("certificate_unknown_authority",)
_NOBODY_S = {"kube-root-ca.crt"}


def certificates_that_nobody_trusts(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    untrusting: dict[Component, Clients] = {}
    for program in snapshot.speakers:
        # Not only what was said last: a client that gave up does not go on asking.
        for key, log in snapshot.logs_of(program):
            for one in log.said(*_UNTRUSTED):
                host = one.target.rsplit(":", maxsplit=1)[0]
                addresses = [Address(host, None, "")] if host else graph.addresses_of(program)
                proof = evidence("log", str(key), one.text, one.last, weight=0.55)
                servers = [behind.component for behind in _servers(snapshot, program, addresses)]
                for behind in servers or [program.component]:
                    untrusting.setdefault(behind, []).append((program, proof))
    for who, clients in untrusting.items():
        server = snapshot.program(who)
        ends_tls = server and not any(program is server for program, _ in clients)
        secret = certificate_of(snapshot, server) if server and ends_tls else None
        bundle = _bundle(snapshot, clients)
        if bundle and not (secret and last_edit(secret)):
            yield _distrusting(bundle, clients)
        elif secret:
            yield _untrusted(who, secret, clients)


def _bundle(snapshot: Snapshot, clients: Clients) -> Object | None:
    """The authorities that a client was given lately, the latest first."""
    found = {
        (edit.at, str(component(obj))): obj
        for program, _ in clients
        for ref in references(program)
        if (obj := snapshot.get(ref.kind, program.namespace, ref.name)) and _holds_authorities(obj)
        if (edit := last_edit(obj)) and snapshot.taken_at - edit.at < LATELY
    }
    return found[max(found)] if found else None


def _holds_authorities(obj: Object) -> bool:
    keys = mapping(obj, "data").keys() | mapping(obj, "binaryData").keys()
    return obj.get("kind") in ("ConfigMap", "Secret") and any(_AUTHORITIES.search(str(key)) for key in keys)


def _distrusting(bundle: Object, clients: Clients) -> Finding:
    who, edit = component(bundle), last_edit(bundle)
    proof = [
        clients[0][1],
        evidence("kubernetes", f"{who}", "holds the authorities that the client trusts", weight=0.4),
    ]
    proof += [item for _, item in clients[1:3]]
    if edit:
        quote = f"changed by {edit.by} at {edit.at:%H:%M:%S} UTC"
        proof.append(evidence("change", f"{who} {edit.path}", quote, edit.at, weight=0.55))
    names = ", ".join(dict.fromkeys(str(program.component) for program, _ in clients[:4]))
    return Finding(
        fault="certificate_rotated",
        category="change",
        component=who,
        words=Text(
            f"{who} was replaced, and since then {names} do(es) not trust the certificate that is served: its authority is not "
            "among those in it. Put the old authority back into it, beside the new one, until every server has a new certificate.",
            f"{who} 被替换后，{names} 不再信任服务端证书：其中已没有签发该证书的 CA。请把旧 CA 与新 CA 一并放回，直到所有服务端换完证书。",
        ),
        evidence=tuple(proof),
        onset=edit.at if edit else clients[0][1].at,
        harms=tuple(dict.fromkeys(program.component for program, _ in clients)),
    )


def _servers(snapshot: Snapshot, program: Program, addresses: list[Address]) -> Iterator[Program]:
    """Whom it calls that has a certificate of its own."""
    for address in addresses:
        service = meant(snapshot, address, program.namespace).service
        for server in snapshot.programs_behind(service) if service else ():
            if server is not program and certificate_of(snapshot, server):
                yield server


def certificate_of(snapshot: Snapshot, server: Program) -> Object | None:
    for ref in references(server):
        obj = snapshot.get("Secret", server.namespace, ref.name) if ref.kind == "Secret" else None
        if obj and (dig(obj, "type") == "kubernetes.io/tls" or "tls.crt" in mapping(obj, "data")):
            return obj
    return _certificate_by_name(snapshot, server)


def _certificate_by_name(snapshot: Snapshot, server: Program) -> Object | None:
    """Whoever ends TLS for it keeps its certificate beside it, under its name or as a Certificate says."""
    services = {name_of(one) for one in snapshot.services_of(server.obj)} if server.obj else set()
    names = services | {server.name}
    for paper in snapshot.of("Certificate", server.namespace):
        hosts = {str(host).partition(".")[0] for host in dig(paper, "spec", "dnsNames") or () if isinstance(host, str)}
        if hosts & names:
            return snapshot.get("Secret", server.namespace, str(dig(paper, "spec", "secretName") or ""))
    for name in sorted(names):
        for ending in ("-tls", "-cert", "-certs", "-certificate"):
            if obj := snapshot.get("Secret", server.namespace, name + ending):
                return obj
    return None


def _untrusted(server: Component, secret: Object, clients: list[tuple[Program, Evidence]]) -> Finding:
    who, edit = component(secret), last_edit(secret)
    proof = [clients[0][1], evidence("kubernetes", f"{who}", f"holds the certificate of {server}", weight=0.4)]
    proof += [item for _, item in clients[1:3]]
    if edit:
        quote = f"changed by {edit.by} at {edit.at:%H:%M:%S} UTC"
        proof.append(evidence("change", f"{who} {edit.path}", quote, edit.at, weight=0.5))
    names = ", ".join(dict.fromkeys(str(program.component) for program, _ in clients[:4]))
    return Finding(
        fault="certificate_rotated",
        category="change",
        component=who,
        words=Text(
            f"{names} do(es) not trust the certificate in {who}, which {server} serves: its authority is unknown to them. "
            "Give the clients the new authority, or put back a certificate of the old one.",
            f"{names} 不信任 {server} 使用的 {who} 中的证书：签发机构未知。请向客户端下发新的 CA，或换回原机构签发的证书。",
        ),
        evidence=tuple(proof),
        onset=edit.at if edit else clients[0][1].at,
        harms=(server, *dict.fromkeys(program.component for program, _ in clients)),
    )


def quotas_that_were_lowered(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    short: dict[str, list[Component]] = {}
    quotas = [(quota, list(_lowered(quota))) for quota in snapshot.of("ResourceQuota")]
    if not any(proof for _, proof in quotas):
        return
    for program in snapshot.programs:
        if misses_pods(snapshot, program):
            short.setdefault(program.namespace, []).append(program.component)
    for quota, proof in quotas:
        place = str(dig(quota, "metadata", "namespace") or "")
        if proof and place in short:
            yield _quota(quota, place, proof, short[place])


def _lowered(quota: Object) -> Iterator[Evidence]:
    hard = mapping(quota, "spec", "hard") or mapping(quota, "status", "hard")
    for resource, most in hard.items():
        limit = parse(most)
        used, before = (
            parse(mapping(quota, "status", "used").get(resource)),
            parse(applied(quota, "spec", "hard", resource)),
        )
        ref = f"{component(quota)} spec.hard[{resource}]"
        if limit is None:
            continue
        if used is not None and used > limit * (1 + 1e-9):
            quote = f"{dig(quota, 'status', 'used', resource)} used of {most}: more than it allows"
            yield evidence("kubernetes", ref, quote, weight=0.8)
        elif before is not None and before > limit and used is not None and used >= limit * 0.8:
            yield evidence(
                "change", ref, f"{applied(quota, 'spec', 'hard', resource)} was applied, {most} stands", weight=0.7
            )


def _quota(quota: Object, place: str, proof: list[Evidence], short: list[Component]) -> Finding:
    edit = last_edit(quota)
    if edit:
        quote = f"changed by {edit.by} at {edit.at:%H:%M:%S} UTC"
        proof = [*proof, evidence("change", f"{component(quota)} {edit.path}", quote, edit.at, weight=0.5)]
    names = ", ".join(str(one) for one in short[:3])
    return Finding(
        fault="quota_lowered",
        category="change",
        component=Component(kind="Namespace", name=place),
        words=Text(
            f"Quota {name_of(quota)} of namespace {place} was lowered below what is used ({proof[0].quote}), so {names} "
            "get(s) no new pods. Raise it again.",
            f"命名空间 {place} 的配额 {name_of(quota)} 被调低到已用量以下（{proof[0].quote}），{names} 无法创建新 Pod。请调回。",
        ),
        evidence=tuple(proof),
        onset=edit.at if edit else None,
        harms=tuple(short),
    )
