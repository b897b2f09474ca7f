"""Settings that somebody changed and that broke who reads them.

A ConfigMap that was edited is only a cause where those who read it anew have failed since: programs that went down after the edit, or that
complain of what they did not complain of before. Best is a complaint that speaks of one of its settings. Where no object says when it
was edited, a release that only restarts a program tells that something was read anew. The changed object is what has to be changed back.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from core.language import Text
from tools.engines.analyzers.releases import failing_pods, said_since, worse_since
from tools.engines.changes import Rollout, last_rollout
from tools.engines.diagnosis import Component, Evidence
from tools.engines.edits import Edit, last_edit
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.metrics.scene import Scene, scene_of
from tools.engines.objects import Object, component, dig, is_ready, mapping, name_of, number_in, statuses, when, whole
from tools.engines.program import Program
from tools.engines.references import Reference, references
from tools.engines.settings import settings_of
from tools.engines.since import Complaint, complaint_since, is_read_anew
from tools.engines.snapshot import Snapshot

LATELY = timedelta(hours=2)
AT_ONCE = timedelta(minutes=15)
_NOBODY_S = {"kube-root-ca.crt"}
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Harm:
    program: Program
    proof: tuple[Evidence, ...]
    is_certain: bool
    """Whether it went down, or speaks of a setting: nobody else can have brought that about."""


def settings_that_broke_their_users(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    edited = {key: edit for key, edit in _edited(snapshot).items() if snapshot.taken_at - edit.at < LATELY}
    users: dict[Key, list[tuple[Program, list[Reference]]]] = {}
    for program in snapshot.programs if edited else ():
        read: dict[Key, list[Reference]] = {}
        for ref in references(program):
            read.setdefault((ref.kind, program.namespace, ref.name), []).append(ref)
        for key in read.keys() & edited.keys():
            users.setdefault(key, []).append((program, read[key]))
    scene = scene_of(snapshot, graph)
    for key, readers in users.items():
        edit = edited[key]
        broken = [one for one, _ in readers if _broke_since(one, edit)]
        if broken and not any(_is_well_since(one, edit) for one, _ in readers):
            yield _setting(key, edit, [_went_down(snapshot, key, one) for one in broken])
            continue
        harmed = [harm for one, refs in readers if (harm := _harmed(scene, key, edit, one, refs))]
        if harmed:
            yield _setting(key, edit, harmed)


def _harmed(scene: Scene, key: Key, edit: Edit, program: Program, refs: list[Reference]) -> _Harm | None:
    """What a program that runs says since it read the change."""
    snapshot, obj = scene.snapshot, scene.snapshot.get(*key) or {}
    is_live = any(ref.path.startswith("volumes") for ref in refs)
    if not (is_live or is_read_anew(program, edit.at)):
        return None
    complaint = complaint_since(snapshot, program, edit.at, settings_of(obj), is_live=is_live)
    worse = list(worse_since(scene, program, edit.at, []))
    if not complaint and not worse:
        return None
    proof = [*(complaint.proof() if complaint else ()), *worse]
    return _Harm(program, tuple(proof), bool(complaint and complaint.link))


def _went_down(snapshot: Snapshot, key: Key, program: Program) -> _Harm:
    failed = evidence("kubernetes", f"{program.component}", "fails since it read it", weight=0.4)
    named = _named_in_logs(snapshot, snapshot.get(*key) or {}, program)
    return _Harm(program, (failed, *named), is_certain=True)


def settings_read_at_a_restart(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    """A release that only restarts, after which a program does worse: what it read anew has changed, not its version."""
    scene = scene_of(snapshot, graph)
    for program in snapshot.programs:
        rollout = last_rollout(snapshot, program.obj) if program.obj else None
        at = rollout.current.at if rollout else None
        if rollout is None or at is None or snapshot.taken_at - at > LATELY or not only_restarts(rollout):
            continue
        names = dict.fromkeys(ref.name for ref in references(program) if ref.kind == "ConfigMap")
        found = [obj for name in names if (obj := snapshot.get("ConfigMap", program.namespace, name))]
        told = {name_of(obj): complaint_since(snapshot, program, at, settings_of(obj)) for obj in found}
        spoken = {name: one for name, one in told.items() if one and one.link}
        harm = [*failing_pods(snapshot, program, rollout), *worse_since(scene, program, at, [])]
        harm += said_since(snapshot, program, rollout) if not spoken else ()
        if found and (harm or spoken):
            obj = max(found, key=lambda one: _likely_edited(one, spoken.get(name_of(one))))
            told_of = spoken.get(name_of(obj))
            if told_of is None:
                harm += [item for one in spoken.values() for item in one.proof()]
            yield _read_anew(program, rollout, obj, harm, told_of, sure=len(found) == 1)


def only_restarts(rollout: Rollout) -> bool:
    return bool(rollout.fields) and all("annotations" in change.path for change in rollout.fields)


def _likely_edited(obj: Object, told: Complaint | None) -> tuple[str, int, int, str]:
    """Which of several was changed: by what it says, by what is complained of, else by the version that the API server counts."""
    edit = last_edit(obj)
    version = str(dig(obj, "metadata", "resourceVersion") or "0")
    strength = 0 if not told or not told.link else 1 + told.link.is_quoted
    return edit.at.isoformat() if edit else "", strength, number_in(version) or 0, name_of(obj)


def _read_anew(
    program: Program, rollout: Rollout, obj: Object, harm: list[Evidence], told: Complaint | None, *, sure: bool
) -> Finding:
    who = component(obj)
    ref = f"{program.component} revision {rollout.current.number} ({rollout.current.name})"
    quote = f"only restarted: {'; '.join(str(change) for change in rollout.fields[:2])}"
    shown = ", ".join(f"{key}={value}" for key, value in list(mapping(obj, "data").items())[:4] if len(str(value)) < 40)
    harm = [*(told.proof() if told else ()), *harm]
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
        explainable=told is None,
        harms=(program.component,),
    )


def _edited(snapshot: Snapshot) -> dict[Key, Edit]:
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


def _setting(key: Key, edit: Edit, harmed: list[_Harm]) -> Finding:
    who = Component(kind=key[0], namespace=key[1], name=key[2])
    names = ", ".join(str(one.program.component) for one in harmed[:3])
    quote = f"changed by {edit.by} at {edit.at:%H:%M:%S} UTC"
    harmed = sorted(harmed, key=lambda one: not one.is_certain)
    return Finding(
        fault="bad_config_change",
        category="change",
        component=who,
        words=Text(
            f"{who} was changed by {edit.by} at {edit.at:%H:%M} UTC, and {names} fail(s) since. Take the change back.",
            f"{who} 于 {edit.at:%H:%M} UTC 被 {edit.by} 修改，此后 {names} 出错。请撤回该修改。",
        ),
        evidence=(
            evidence("change", f"{who} {edit.path}", quote, edit.at, weight=0.55),
            *(item for one in harmed[:3] for item in one.proof),
        ),
        onset=edit.at,
        explainable=not harmed[0].is_certain,
        harms=tuple(one.program.component for one in harmed),
    )


def _named_in_logs(snapshot: Snapshot, obj: Object, program: Program) -> Iterator[Evidence]:
    """A last line that names one of its keys, or the value that stands there."""
    data = {str(key): str(value) for key, value in mapping(obj, "data").items()}
    secret = dig(obj, "kind") == "Secret"
    for log_key, log in snapshot.logs_of(program):
        for line in log.tail[-8:]:
            named = any(len(key) > 3 and key in line for key in data)
            told = not secret and any(4 < len(value) < 80 and value in line for value in data.values())
            if named or told:
                yield evidence("log", str(log_key), line, weight=0.6)
                return
