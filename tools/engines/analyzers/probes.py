"""Probes that ask the wrong port, speak the wrong protocol or have no patience.

A probe that fails because its program is broken is only a symptom, so a failing probe alone accuses nobody: what it asks must contradict
what the container has (ports declared, listened on, served, asked by its other probes), the answer must be of another protocol, or the
time that it allows must be shorter than a start takes. What the last revision changed in the probe weighs as much. A pod that is well
with the same probe proves that probe right.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.language import Text
from tools.engines.asked import Asked, asked, declared, listened, served, startup_seconds, told_by_environment
from tools.engines.changes import FieldChange, Rollout, last_rollout
from tools.engines.complaints import Complaint, complaints, is_in_trouble
from tools.engines.diagnosis import Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import as_evidence, heard
from tools.engines.objects import Object, component, dig, is_ready, mapping, rows, statuses, when, whole
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot

RECENT = timedelta(minutes=20)
TINY = 15.0
_PROBE = re.compile(r"(?i)^(liveness|readiness|startup) probe (failed|errored)")
_KILL = re.compile(r"(?i)failed (liveness|startup) probe, will be restarted")
_REFUSED = re.compile(r"(?i)connection refused|couldn't find port|no port named|could not find port|invalid port")
_LATE = re.compile(r"(?i)deadline exceeded|i/o timeout|timed out|timeout|Client\.Timeout")
_OTHER_PROTOCOL = re.compile(
    r"(?i)gave HTTP response to HTTPS client|malformed HTTP (response|status|version)|does not look like a TLS handshake|"
    r"HTTP request to an HTTPS server|unknown service grpc|error reading server preface|frame too large|"
    r"server does not implement the grpc health|wrong version number|unimplemented|http2: |unsupported protocol|"
    r"tls: (unrecognized name|handshake failure|first record)|x509:"
)
_PLAIN_TO_ME = re.compile(r"(?i)HTTP request (?:was )?(?:sent )?to (?:an )?HTTPS")
_TLS_TO_ME = re.compile(
    r"(?i)\\x16\\x03|invalid character in method name|bad request version|received TLS (?:handshake|record)"
)
_CUT_OFF = re.compile(r"(?i)\bEOF\b|connection reset by peer|broken pipe|statuscode: 400|statuscode: 505")
_NOT_HTTP = re.compile(
    r"(?i)^(mysql|maria|redis|postgres|pg|psql|grpc|amqp|mongo|kafka|tcp|memcache|nats|mqtt|sql|cql|zk|client|peer)"
)
_NOT_HTTP_PORTS = {3306, 5432, 6379, 27017, 5672, 9092, 11211, 1433, 1521, 2181, 26379, 1883, 4222, 33060}
_KILLED = {137, 143}


@dataclass(frozen=True, slots=True)
class Trouble:
    """A probe that fails now, with everything that says so."""

    asked: Asked
    said: list[Complaint]
    kills: list[Complaint]
    state: list[Evidence]
    changed: list[FieldChange]
    rollout: Rollout | None
    well: tuple[Asked, ...]
    """Other probes of the same container that nobody complains of."""

    def says(self, pattern: re.Pattern[str], weight: float) -> list[Evidence]:
        return [one.proof(weight) for one in self.said if pattern.search(one.text)][:1]

    def touched(self, *fields: str) -> list[FieldChange]:
        return [one for one in self.changed if one.path.endswith(fields)]


def probes_that_ask_wrongly(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for program in snapshot.programs:
        seen: set[str] = set()
        for trouble in _troubles(snapshot, program):
            finding = (
                _wrong_port(snapshot, trouble) or _wrong_protocol(snapshot, trouble) or _no_patience(snapshot, trouble)
            )
            if finding and finding.fault not in seen:
                seen.add(finding.fault)
                yield finding


def _troubles(snapshot: Snapshot, program: Program) -> Iterator[Trouble]:
    probes = list(asked(program))
    if not probes:
        return
    told = [one for one in complaints(snapshot, program) if one.source == "event"]
    if not told:  # a container that is killed again and again is ready in between
        told = [one for one in complaints(snapshot, program, ready_too=True) if _is_recent(snapshot, one)]
    rollout = last_rollout(snapshot, program.obj) if program.obj else None
    failing = {id(one): _said_of(one, probes, told) for one in probes}
    for one in probes:
        said, kills = failing[id(one)], [x for x in told if _kills(one, x)]
        state = list(_state(snapshot, one))
        if not (said or kills or state or (not program.pods and is_in_trouble(program))) or _is_proven(snapshot, one):
            continue
        changed = [field for field in rollout.fields if one.path in field.path] if rollout else []
        changed = [field for field in changed if not _is_the_same_port(one, field)]
        well = tuple(
            other for other in probes if other.name == one.name and other is not one and not failing[id(other)]
        )
        yield Trouble(one, said, kills, state, changed, rollout, well)


def _is_the_same_port(one: Asked, change: FieldChange) -> bool:
    """A name put in the place of its number, or the other way round, changes nothing."""
    if not change.path.endswith(".port"):
        return False
    numbers = {str(row.get("name")): str(number) for number, row in declared(one.container).items()}
    before, after = (numbers.get(str(value), str(value)) for value in (change.before, change.after))
    return before == after


def _is_recent(snapshot: Snapshot, one: Complaint) -> bool:
    return one.source == "event" and (one.at is None or snapshot.taken_at - one.at < RECENT)


def _said_of(one: Asked, probes: list[Asked], told: list[Complaint]) -> list[Complaint]:
    found = [x for x in told if (m := _PROBE.match(x.text)) and m.group(1).lower() == one.kind]
    rivals = {other.number for other in probes if other.kind == one.kind and other.name != one.name} - {one.number}
    return [x for x in found if not any(f":{number}/" in x.text or f":{number}:" in x.text for number in rivals)]


def _kills(one: Asked, said: Complaint) -> bool:
    found = _KILL.search(said.text)
    return bool(found and found.group(1).lower() == one.kind and f"ontainer {one.name} " in said.text)


def _state(snapshot: Snapshot, one: Asked) -> Iterator[Evidence]:
    """What the pods show without any event: never ready though it runs, or ended from outside and started again."""
    for pod in one.program.pods:
        status = next((row for row in statuses(pod) if row.get("name") == one.name), {})
        ref = f"{component(pod)} status.containerStatuses[{one.name}]"
        began = when(dig(status, "state", "running", "startedAt"))
        ended = mapping(status, "lastState", "terminated")
        if one.kind == "readiness":
            if dig(status, "state", "running") and status.get("ready") is False and not _is_young(snapshot, one, began):
                yield evidence("kubernetes", f"{ref}.ready", "runs and is not ready", began, weight=0.3)
                return
        elif (
            whole(ended.get("exitCode")) in _ends(snapshot, pod)
            and ended.get("reason") != "OOMKilled"
            and not _is_over(snapshot, ended)
        ):
            quote = f"exit code {ended.get('exitCode')}, {whole(status.get('restartCount')) or 0} restart(s)"
            yield evidence(
                "kubernetes", f"{ref}.lastState.terminated", quote, when(ended.get("finishedAt")), weight=0.3
            )
            return


def _ends(snapshot: Snapshot, pod: Object) -> set[int]:
    """With what a container ends that is killed: many programs hear the signal and choose their own code, so an event is asked first."""
    return _KILLED if snapshot.events_of(pod) else _KILLED | {1, 2}


def _is_young(snapshot: Snapshot, one: Asked, began: datetime | None) -> bool:
    return began is not None and (snapshot.taken_at - began).total_seconds() < max(60.0, one.budget)


def _is_over(snapshot: Snapshot, ended: Object) -> bool:
    at = when(ended.get("finishedAt"))
    return at is not None and snapshot.taken_at - at > RECENT


def _is_proven(snapshot: Snapshot, one: Asked) -> bool:
    """Whether a pod with this very probe has long been well with it."""
    for pod in one.program.pods:
        mine = next((row for row in rows(pod, "spec", "containers") if row.get("name") == one.name), {})
        status = next((row for row in statuses(pod) if row.get("name") == one.name), {})
        began = when(dig(status, "state", "running", "startedAt"))
        same = mine.get(f"{one.kind}Probe") == one.probe
        if not same or not is_ready(pod) or began is None or whole(status.get("restartCount")):
            continue
        if (snapshot.taken_at - began).total_seconds() > 2 * one.budget + 60:
            return True
    return False


def _wrong_port(snapshot: Snapshot, trouble: Trouble) -> Finding | None:
    one = trouble.asked
    if one.port is None:
        return None
    listens, known = listened(snapshot, one), declared(one.container)
    if one.number is not None and (one.number in listens or (_is_answered(trouble) and not trouble.touched(".port"))):
        return None
    against = list(_other_ports(snapshot, trouble, listens))
    refused = trouble.says(_REFUSED, 0.4)
    moved = trouble.touched(".port", "Probe", "httpGet", "tcpSocket", "grpc")
    moved = [x for x in moved if not x.path.endswith(".port") or x.after == one.port]
    decisive = [item for item in against if item.weight >= 0.5]
    moved_port = [x for x in moved if x.path.endswith(".port")]
    is_told = one.number in known or one.number in told_by_environment(one.container)
    by_itself = _exits_by_itself(one) and not (moved and decisive)
    if (is_told or (by_itself and not listens)) and not (moved_port and refused):
        return None
    if not decisive and not (moved_port and (refused or against)) and not (against and refused):
        return None
    if trouble.says(_OTHER_PROTOCOL, 0.1):
        return None
    proof = [*against, *refused, *_changed(trouble, moved), *trouble.state[:1], *_kill_evidence(trouble)]
    right = _right_port(snapshot, trouble, listens, moved)
    return _finding(trouble, "port", proof, _port_words(trouble, right), moved, facts={"right_port": right})


def _is_answered(trouble: Trouble) -> bool:
    """Whether somebody answers at that port, only not as hoped."""
    return any("statuscode:" in x.text for x in trouble.said) and not trouble.says(_REFUSED, 0.1)


def _exits_by_itself(one: Asked) -> bool:
    """A program that breaks listens nowhere while it is down, whatever its probe asks."""
    ends = (dig(row, key, "terminated", "exitCode") for row in _statuses_of(one) for key in ("state", "lastState"))
    return any(code and code not in _KILLED for code in map(whole, ends))


def _statuses_of(one: Asked) -> list[Object]:
    return [row for pod in one.program.pods for row in statuses(pod) if row.get("name") == one.name]


def _other_ports(snapshot: Snapshot, trouble: Trouble, listens: set[int]) -> Iterator[Evidence]:
    one = trouble.asked
    known = declared(one.container)
    shown = one.port if one.number is None else one.number
    if one.number is None:
        names = ", ".join(str(row.get("name")) for row in known.values()) or "none"
        quote = f"port {one.port}: the container has no port of that name (it has {names})"
        yield evidence("kubernetes", f"{one.ref}.{one.how}.port", quote, weight=0.9)
        return
    if listens:
        quote = f"port {shown}: the log says that it listens on {_listed(listens)}"
        yield evidence("log", f"{one.ref}.{one.how}.port", quote, weight=0.85)
    if known and one.number not in known:
        quote = f"port {shown}: the container declares {_listed(set(known))}"
        yield evidence("kubernetes", f"{one.ref}.{one.how}.port", quote, weight=0.6)
    for other in trouble.well:
        if other.number and other.number != one.number:
            quote = f"the {other.kind} probe asks {other.number} and nobody complains of it"
            yield evidence("kubernetes", other.ref, quote, weight=0.4)
    for where, ports in (
        ("Services send to", served(snapshot, one)),
        ("its environment says", told_by_environment(one.container)),
    ):
        if ports and one.number not in ports:
            yield evidence(
                "kubernetes", f"{one.ref}.{one.how}.port", f"port {shown}: {where} {_listed(ports)}", weight=0.3
            )


def _listed(ports: set[int]) -> str:
    return ", ".join(str(port) for port in sorted(ports))


def _right_port(snapshot: Snapshot, trouble: Trouble, listens: set[int], moved: list[FieldChange]) -> str:
    before = [x.before for x in moved if x.path.endswith(".port") and x.before]
    others = [other.number for other in trouble.well if other.number]
    choices = [
        *before,
        *others,
        *sorted(listens),
        *sorted(served(snapshot, trouble.asked)),
        *declared(trouble.asked.container),
    ]
    return str(next(iter(choices), ""))


def _port_words(trouble: Trouble, right: str) -> Text:
    one = trouble.asked
    fix_en, fix_zh = (f" Set it to {right}.", f"请改为 {right}。") if right else ("", "")
    kind = {"liveness": "存活", "readiness": "就绪", "startup": "启动"}[one.kind]
    return Text(
        f"The {one.kind} probe of container {one.name} of {one.program.component} asks port {one.port}, where nothing listens.{fix_en}",
        f"{one.program.component} 的容器 {one.name} 的{kind}探针访问端口 {one.port}，而该端口没有监听。{fix_zh}",
    )


def _turned_to_another(trouble: Trouble) -> list[FieldChange]:
    """A release that changed how a probe speaks, and neither its patience nor the program that it speaks to."""
    fields = trouble.rollout.fields if trouble.rollout else ()
    if any(".image" in field.path for field in fields) or trouble.touched("Seconds", "Threshold", ".port"):
        return []
    return trouble.touched(".scheme", "httpGet", "tcpSocket", "grpc")


def _overheard(snapshot: Snapshot, one: Asked) -> list[Evidence]:
    """What the program itself says of whoever speaks the wrong protocol to it, where its probe does so."""
    if one.how != "httpGet":
        return []
    pattern = _PLAIN_TO_ME if one.scheme == "HTTP" else _TLS_TO_ME
    # The kubelet asks from the node's own address.
    kubelets = {str(dig(pod, "status", "hostIP")) for pod in one.program.pods} - {"None", ""}
    told = heard(snapshot, one.program, "plaintext_to_tls", "tls_handshake")
    meant = [x for x in told if pattern.search(x.said.text) or any(f"{ip}:" in x.said.text for ip in kubelets)]
    return [*as_evidence(meant[:1], 0.6)]


def _wrong_protocol(snapshot: Snapshot, trouble: Trouble) -> Finding | None:
    one = trouble.asked
    proof = trouble.says(_OTHER_PROTOCOL, 0.85)
    moved = trouble.touched(".scheme", "Probe", "httpGet", "tcpSocket", "grpc", ".path", "exec")
    unlike = list(_unlike(trouble))
    cut = trouble.says(_CUT_OFF, 0.4)
    lost = [x for x in trouble.said if "statuscode: 404" in x.text and any(y.path.endswith(".path") for y in moved)]
    refused = trouble.says(_REFUSED, 0.1)
    by_name = unlike and (cut or trouble.state or not trouble.said) and not refused
    turned = _turned_to_another(trouble) if trouble.state and not refused else []
    overheard = _overheard(snapshot, one)
    proof += overheard
    if not proof and not (moved and (cut or unlike) and not refused) and not lost and not by_name and not turned:
        return None
    proof = [*proof, *cut, *unlike, *(x.proof(0.5) for x in lost[:1]), *_changed(trouble, moved), *trouble.state[:1]]
    speaks = f"{one.how} ({one.scheme})" if one.how == "httpGet" else one.how
    kind = {"liveness": "存活", "readiness": "就绪", "startup": "启动"}[one.kind]
    before = next((str(x.before) for x in moved if x.before and not isinstance(x.before, dict)), "")
    fix_en, fix_zh = (f" It was {before} before.", f"此前为 {before}。") if before else ("", "")
    words = Text(
        f"The {one.kind} probe of container {one.name} of {one.program.component} speaks {speaks} to port {one.port}, "
        f"which answers another protocol.{fix_en}",
        f"{one.program.component} 的容器 {one.name} 的{kind}探针以 {speaks} 访问端口 {one.port}，与该端口的协议不符。{fix_zh}",
    )
    return _finding(trouble, "protocol", proof, words, moved)


def _unlike(trouble: Trouble) -> Iterator[Evidence]:
    """What the objects alone say against the protocol that is spoken."""
    one = trouble.asked
    port = declared(one.container).get(one.number or 0, {})
    name = str(port.get("name") or "")
    ref = f"{one.ref}.{one.how}"
    if str(port.get("protocol") or "TCP").upper() != "TCP" and one.how != "exec":
        yield evidence(
            "kubernetes", ref, f"{one.how} asks port {one.port}, which is {port.get('protocol')}", weight=0.7
        )
    if one.how == "httpGet" and (_NOT_HTTP.match(name) or one.number in _NOT_HTTP_PORTS):
        yield evidence("kubernetes", ref, f"httpGet asks port {one.port} ({name or 'not an HTTP port'})", weight=0.6)
    if one.how == "grpc" and name.startswith("http"):
        yield evidence("kubernetes", ref, f"grpc asks port {one.port}, which is called {name}", weight=0.5)
    if one.how == "httpGet" and one.scheme == "HTTPS" and (name.startswith("http") and not name.startswith("https")):
        yield evidence("kubernetes", f"{ref}.scheme", f"HTTPS asks port {one.port}, which is called {name}", weight=0.5)
    for other in trouble.well:
        differs = one.how == "grpc" or (one.how == "httpGet" and one.scheme != other.scheme)
        if other.number == one.number and other.how == "httpGet" and differs:
            quote = f"the {other.kind} probe asks the same port with {other.how} ({other.scheme}), and nobody complains of it"
            yield evidence("kubernetes", other.ref, quote, weight=0.5)


def _no_patience(snapshot: Snapshot, trouble: Trouble) -> Finding | None:
    one = trouble.asked
    if one.kind == "readiness" or not (trouble.said or trouble.kills or trouble.state):
        return None
    seconds, where = startup_seconds(snapshot, one)
    moved = [x for x in trouble.touched("Seconds", "failureThreshold", "Probe") if not _is_longer(x)]
    proof: list[Evidence] = []
    if seconds > one.budget:
        quote = f"gives up after {one.budget:.0f} s, and a start takes {seconds:.0f} s ({where})"
        proof.append(evidence("kubernetes", one.ref, quote, weight=0.8))
    elif one.budget <= TINY and not trouble.says(re.compile(r"statuscode: [45]"), 0.1):
        proof.append(evidence("kubernetes", one.ref, f"gives up {one.budget:.0f} s after the start", weight=0.6))
    elif one.timeout <= 1 and (late := trouble.says(_LATE, 0.4)):
        proof += [*late, evidence("kubernetes", f"{one.ref}.timeoutSeconds", f"{one.timeout:.0f}", weight=0.2)]
    if not proof and not moved:
        return None
    is_sure = bool(moved) or any(item.weight >= 0.6 for item in proof)
    proof += [
        *_changed(trouble, moved),
        *_kill_evidence(trouble),
        *(x.proof(0.3) for x in trouble.said[:1]),
        *trouble.state[:1],
    ]
    need_en, need_zh = (
        (f", and a start takes {seconds:.0f} s", f"，而启动需要 {seconds:.0f} 秒") if seconds else ("", "")
    )
    told = {"gives_up": round(one.budget), "timeout": round(one.timeout), "start_takes": round(seconds)}
    kind = "启动" if one.kind == "startup" else "存活"
    words = Text(
        f"The {one.kind} probe of container {one.name} of {one.program.component} gives up after {one.budget:.0f} s "
        f"(each answer within {one.timeout:.0f} s){need_en}. Allow more: a longer initialDelaySeconds, failureThreshold or timeoutSeconds.",
        f"{one.program.component} 的容器 {one.name} 的{kind}探针在 {one.budget:.0f} 秒后放弃（单次超时 {one.timeout:.0f} 秒）{need_zh}。"
        "请增大 initialDelaySeconds、failureThreshold 或 timeoutSeconds。",
    )
    return _finding(trouble, "timing", proof, words, moved, explainable=not is_sure, facts=told)


def _is_longer(change: FieldChange) -> bool:
    before, after = whole(change.before), whole(change.after)
    return before is not None and after is not None and after >= before


def _changed(trouble: Trouble, moved: list[FieldChange]) -> Iterator[Evidence]:
    if trouble.rollout:
        for change in moved[:2]:
            now = trouble.rollout.current
            ref = f"{trouble.asked.program.component} revision {now.number} ({now.name})"
            yield evidence("change", ref, str(change), now.at, weight=0.6)


def _kill_evidence(trouble: Trouble) -> Iterator[Evidence]:
    for one in trouble.kills[:1]:
        yield one.proof(0.4)


def _finding(
    trouble: Trouble,
    what: str,
    proof: list[Evidence],
    words: Text,
    moved: list[FieldChange],
    *,
    explainable: bool = False,
    facts: Mapping[str, Any] | None = None,
) -> Finding:
    one = trouble.asked
    if what == "timing":
        fault = "startup_probe_too_short" if one.kind == "startup" else "liveness_probe_incorrect_timing"
    else:
        # A startup probe that asks wrongly kills as a liveness probe does, and has no fault of its own in the catalogue.
        kind = "readiness" if one.kind == "readiness" else "liveness"
        fault = f"{kind}_probe_incorrect_{what}"
    return Finding(
        fault=fault,
        category="runtime",
        component=one.program.component,
        words=words,
        evidence=tuple(proof),
        onset=min((item.at for item in proof if item.at), default=None),
        explainable=explainable,
        remedies=("rollback_rollout",) if moved else (),
        facts={"container": one.name, "probe": one.kind, "port": one.port, **(facts or {})},
    )
