"""Settings, certificates and quotas that somebody changed and that broke who uses them.

An object that was edited is only a cause where those who use it have failed since: programs restarted after the edit, callers that no
longer trust a certificate, pods that no longer fit. A quota of which more is used than it allows was lowered, for nothing else can bring
that about. The changed object itself is what has to be changed back.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from core.language import Text
from tools.engines.addresses import Address, meant
from tools.engines.analyzers.releases import failing_pods, said_since, worse_since
from tools.engines.changes import Rollout, last_rollout
from tools.engines.diagnosis import Component, Evidence
from tools.engines.edits import Edit, applied, last_edit
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.metrics.scene import scene_of
from tools.engines.objects import Object, component, dig, is_ready, mapping, name_of, statuses, when, whole
from tools.engines.program import Program
from tools.engines.quantity import parse
from tools.engines.references import references
from tools.engines.shortage import misses_pods
from tools.engines.snapshot import Snapshot

LATELY = timedelta(hours=2)
_UNTRUSTED = ("certificate_unknown_authority",)
_NOBODY_S = {"kube-root-ca.crt"}


def settings_that_broke_their_users(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    edited = {key: edit for key, edit in _edited(snapshot).items() if snapshot.taken_at - edit.at < LATELY}
    users: dict[tuple[str, str, str], list[Program]] = {}
    for program in snapshot.programs if edited else ():
        for key in dict.fromkeys((ref.kind, program.namespace, ref.name) for ref in references(program)):
            if key in edited:
                users.setdefault(key, []).append(program)
    for key, programs in users.items():
        broken = [one for one in programs if _broke_since(one, edited[key])]
        if broken and not any(_is_well_since(one, edited[key]) for one in programs):
            yield _setting(snapshot, key, edited[key], broken)


def settings_read_at_a_restart(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    """A release that only restarts, after which a program does worse: what it read anew has changed, not its version."""
    scene = scene_of(snapshot, graph)
    for program in snapshot.programs:
        rollout = last_rollout(snapshot, program.obj) if program.obj else None
        at = rollout.current.at if rollout else None
        if rollout is None or at is None or snapshot.taken_at - at > LATELY or not _only_restarts(rollout):
            continue
        files = list(dict.fromkeys((ref.kind, ref.name) for ref in references(program) if ref.kind == "ConfigMap"))
        found = [(obj, name) for kind, name in files if (obj := snapshot.get(kind, program.namespace, name))]
        harm = [*failing_pods(snapshot, program, rollout), *worse_since(scene, program, at, [])]
        harm += said_since(snapshot, program, rollout)
        if found and harm:
            obj = max(found, key=lambda pair: _likely_edited(pair[0], pair[1]))[0]
            yield _read_anew(program, rollout, obj, harm, sure=len(found) == 1)


def _only_restarts(rollout: Rollout) -> bool:
    return all("annotations" in change.path for change in rollout.fields)


def _likely_edited(obj: Object, name: str) -> tuple[str, int, str]:
    """Which of several was edited last: by what it says, else by the version that the API server counts."""
    edit = last_edit(obj)
    version = str(dig(obj, "metadata", "resourceVersion") or "0")
    return (edit.at.isoformat() if edit else "", int(version) if version.isdigit() else 0, name)


def _read_anew(program: Program, rollout: Rollout, obj: Object, harm: list[Evidence], *, sure: bool) -> Finding:
    who = component(obj)
    ref = f"{program.component} revision {rollout.current.number} ({rollout.current.name})"
    quote = f"only restarted: {'; '.join(str(change) for change in rollout.fields[:2])}"
    shown = ", ".join(f"{key}={value}" for key, value in list(mapping(obj, "data").items())[:4] if len(str(value)) < 40)
    return Finding(
        fault="bad_config_change",
        category="change",
        component=who,
        words=Text(
            f"{program.component} was only restarted and does worse since ({harm[0].quote}): what it read anew from {who} has "
            "changed. Compare that with what stood there before, and take the change back.",
            f"{program.component} 只是被重启，之后变差（{harm[0].quote}）：它重新读取的 {who} 已被修改。请与先前内容对比并撤回修改。",
        ),
        evidence=(
            evidence("change", ref, quote, rollout.current.at, weight=0.5),
            evidence("kubernetes", f"{who} data", shown or "read at the restart", weight=0.4 if sure else 0.25),
            *harm,
        ),
        onset=rollout.current.at,
        explainable=True,
        harms=(program.component,),
    )


def _edited(snapshot: Snapshot) -> dict[tuple[str, str, str], Edit]:
    found = (
        ((kind, str(dig(obj, "metadata", "namespace") or ""), name_of(obj)), last_edit(obj))
        for kind in ("ConfigMap", "Secret")
        for obj in snapshot.of(kind)
    )
    return {key: edit for key, edit in found if edit and key[2] not in _NOBODY_S}


def _broke_since(program: Program, edit: Edit) -> bool:
    """A container that failed after the edit and had not failed before it."""
    for pod in program.pods:
        for status in statuses(pod) if not is_ready(pod) else ():
            ended = dig(status, "lastState", "terminated") or dig(status, "state", "terminated") or {}
            at, born = when(dig(ended, "finishedAt")), when(dig(pod, "metadata", "creationTimestamp"))
            failed = dig(ended, "exitCode") and dig(ended, "reason") != "OOMKilled" and at and at >= edit.at
            often = (whole(status.get("restartCount")) or 0) * timedelta(minutes=5)
            was_well = born is None or born >= edit.at - timedelta(minutes=5) or (at and at - often <= edit.at + LATELY)
            if failed and was_well:
                return True
    return False


def _is_well_since(program: Program, edit: Edit) -> bool:
    """A user that started after the edit and is ready has read the new settings without harm."""
    for pod in program.pods:
        started = [when(dig(status, "state", "running", "startedAt")) for status in statuses(pod)]
        if is_ready(pod) and started and all(at and at > edit.at for at in started):
            return True
    return False


def _setting(snapshot: Snapshot, key: tuple[str, str, str], edit: Edit, broken: list[Program]) -> Finding:
    who = Component(kind=key[0], namespace=key[1], name=key[2])
    names = ", ".join(str(one.component) for one in broken[:3])
    proof = [
        evidence(
            "change", f"{who} {edit.path}", f"changed by {edit.by} at {edit.at:%H:%M:%S} UTC", edit.at, weight=0.55
        ),
        evidence("kubernetes", f"{broken[0].component}", "fails since it read it", weight=0.4),
        *_named_in_logs(snapshot, snapshot.get(*key) or {}, broken),
    ]
    return Finding(
        fault="bad_config_change",
        category="change",
        component=who,
        words=Text(
            f"{who} was changed by {edit.by} at {edit.at:%H:%M} UTC, and {names} fail(s) since. Take the change back.",
            f"{who} 于 {edit.at:%H:%M} UTC 被 {edit.by} 修改，此后 {names} 出错。请撤回该修改。",
        ),
        evidence=tuple(proof),
        onset=edit.at,
        harms=tuple(one.component for one in broken),
    )


def _named_in_logs(snapshot: Snapshot, obj: Object, broken: list[Program]) -> Iterator[Evidence]:
    """A last line that names one of its keys, or the value that stands there."""
    data = {str(key): str(value) for key, value in mapping(obj, "data").items()}
    secret = dig(obj, "kind") == "Secret"
    for program in broken:
        for log_key, log in snapshot.logs_of(program):
            for line in log.tail[-8:]:
                named = any(len(key) > 3 and key in line for key in data)
                quoted = not secret and any(4 < len(value) < 80 and value in line for value in data.values())
                if named or quoted:
                    yield evidence("log", str(log_key), line, weight=0.6)
                    return


def certificates_that_nobody_trusts(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    untrusting: dict[Component, list[tuple[Program, Evidence]]] = {}
    for program in snapshot.speakers:
        # Not only what was said last: a client that gave up does not go on asking.
        for key, log in snapshot.logs_of(program):
            for one in log.said(*_UNTRUSTED):
                host = one.target.rsplit(":", maxsplit=1)[0]
                addresses = [Address(host, None, "")] if host else graph.addresses_of(program)
                proof = evidence("log", str(key), one.text, one.last, weight=0.55)
                for behind in _servers(snapshot, program, addresses):
                    untrusting.setdefault(behind.component, []).append((program, proof))
    for who, clients in untrusting.items():
        server = snapshot.program(who)
        secret = _certificate(snapshot, server) if server else None
        if secret:
            yield _untrusted(who, secret, clients)


def _servers(snapshot: Snapshot, program: Program, addresses: list[Address]) -> Iterator[Program]:
    """Whom it calls that has a certificate of its own."""
    for address in addresses:
        service = meant(snapshot, address, program.namespace).service
        for server in snapshot.programs_behind(service) if service else ():
            if server is not program and _certificate(snapshot, server):
                yield server


def _certificate(snapshot: Snapshot, server: Program) -> Object | None:
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
