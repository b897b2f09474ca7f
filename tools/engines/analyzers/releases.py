"""New versions that do worse than the ones before, and programs scaled down below what they need.

A change alone hurts nobody: the pods of the new revision must fail, or the program's answers get worse after it. Whatever names what is
bad in it (an image, a probe, a limit, a missing key) goes before. Of a release that changed only settings it is the settings that are
bad; where the image is another, the version.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from core.language import Text
from tools.engines.alarms import Alarm, about, alarms
from tools.engines.changes import Rollout, last_rollout, revisions
from tools.engines.diagnosis import Evidence
from tools.engines.edits import applied, last_edit
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import heard
from tools.engines.metrics.load import loads, service_shift
from tools.engines.metrics.scene import Scene, moment, scene_of
from tools.engines.metrics.shift import Shift, level
from tools.engines.objects import (
    Object,
    component,
    dig,
    is_ready,
    is_unready,
    name_of,
    readiness_since,
    rows,
    statuses,
    when,
    whole,
)
from tools.engines.program import Program
from tools.engines.settings import changed_settings
from tools.engines.since import Complaint, complaint_since, errors
from tools.engines.snapshot import Signal, Snapshot
from tools.engines.unwell import is_warming_up

LATELY = timedelta(hours=2)
PATIENCE = timedelta(minutes=3)
BESIDE_READY = 2
AFTER = timedelta(minutes=20)
BEFORE = timedelta(minutes=2)
BUSY = 0.8
_DOWN = re.compile(r"Scaled down replica set (\S+) (?:from (\d+) to (\d+)|to (\d+) from (\d+))")

# What a program's own code does wrong, whatever it is told and whoever answers it.
OF_CODE = re.compile(
    r"\b(?:Type|Name|Attribute|Index|Key|Reference|ZeroDivision|NotImplemented|Syntax|Import|ModuleNotFound)Error\b"
    r"|NullPointerException|NullReferenceException|ClassCastException|InvalidCastException|IndexOutOf|OutOfRangeException"
    r"|Argument\w{0,12}Exception|IllegalArgument|IllegalState|NoSuch(?:Method|Field|Element)|NumberFormat|FormatException"
    r"|nil pointer dereference|index out of range|division by zero|divide by zero|interface conversion|panicked at"
    r"|Cannot read propert|is not a function|undefined method|unsupported operand|StackOverflow|KeyNotFoundException"
)
LEAST_SECONDS = 0.05
LEAST_SHARE = 0.03
MANY_LINES, SOME_LINES = 20, 4
LEAST_RATE = 0.2


def releases_that_do_worse(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    rung = about(alarms(scene), "errors", "latency") if snapshot.alerts else {}
    for program in snapshot.programs:
        rollout = last_rollout(snapshot, program.obj) if program.obj else None
        at = rollout.current.at if rollout else None
        if rollout is None or not rollout.fields or (at and snapshot.taken_at - at > LATELY):
            continue
        if all("annotations" in change.path for change in rollout.fields):
            continue  # a restart is no release: see what it read anew
        failing = list(failing_pods(snapshot, program, rollout))
        if rollout.is_rollback and len(failing) < BESIDE_READY:
            continue  # going back is what ends a trouble: what the numbers still tell is what came before
        worse = [] if failing or at is None else list(worse_since(scene, program, at, rung.get(program.component, [])))
        said = [] if failing else list(said_since(snapshot, program, rollout))
        spoken = _spoken_of(snapshot, program, rollout) if at else None
        if failing or worse or said or spoken:
            yield _release(program, rollout, [*failing, *worse, *said], spoken)


def _spoken_of(snapshot: Snapshot, program: Program, rollout: Rollout) -> Complaint | None:
    """A complaint about a variable that the release changed."""
    changed = changed_settings((change.path, change.after) for change in rollout.fields)
    told = complaint_since(snapshot, program, rollout.current.at, changed) if changed and rollout.current.at else None
    return told if told and told.link else None


def failing_pods(snapshot: Snapshot, program: Program, rollout: Rollout) -> Iterator[Evidence]:
    new = [pod for pod in program.pods if _is_of(pod, rollout.current.name)]
    old = [pod for pod in program.pods if _is_of(pod, rollout.previous.name) and is_ready(pod)]
    bad = [pod for pod in new if is_unready(pod) and not _is_young(snapshot, pod)]
    if not bad or any(is_ready(pod) and not _restarts(pod) for pod in new):
        return
    quote = f"{len(bad)} of {len(new)} pods of revision {rollout.current.number} are not ready"
    since = min((at for pod in bad if (at := readiness_since(pod))), default=None)
    yield evidence("kubernetes", f"{component(bad[0])} status.conditions[Ready]", quote, since, weight=0.4)
    if old:
        quote = f"{len(old)} pods of revision {rollout.previous.number} are ready"
        yield evidence("kubernetes", f"{rollout.previous.name} status.readyReplicas", quote, weight=0.4)


def _is_of(pod: Object, made_by: str) -> bool:
    owners = {str(row.get("name")) for row in rows(pod, "metadata", "ownerReferences")}
    return made_by in owners or dig(pod, "metadata", "labels", "controller-revision-hash") == made_by


def _is_young(snapshot: Snapshot, pod: Object) -> bool:
    born = when(dig(pod, "metadata", "creationTimestamp"))
    return born is not None and snapshot.taken_at - born < PATIENCE


def _restarts(pod: Object) -> int:
    return sum(whole(status.get("restartCount")) or 0 for status in statuses(pod))


def _is_felt(scene: Scene, program: Program, signal: Signal, moved: Shift) -> bool:
    """One answer in a thousand that fails is no news, nor are a few milliseconds."""
    if signal.endswith("latency"):
        return moved.after - moved.before >= LEAST_SECONDS
    if signal == "error_share":
        return moved.after - moved.before >= LEAST_SHARE
    asked = [level(one.points) for one in scene.of("requests").get(program.component, ())]
    return moved.after >= LEAST_SHARE * max(asked, default=LEAST_RATE / LEAST_SHARE)


_WORSE: tuple[tuple[Signal, str], ...] = (
    ("error_share", "errors"),
    ("errors", "errors"),
    ("latency", "latency"),
    ("served_latency", "latency"),
    ("call_latency", "latency"),
)


def worse_since(scene: Scene, program: Program, at: datetime, rung: list[Alarm]) -> Iterator[Evidence]:
    """Errors first, then slowness, that began with the release; of pods that are only warming up no slowness."""
    is_cold = is_warming_up(scene.snapshot, program)
    for signal, what in _WORSE:
        if is_cold and what == "latency":
            continue
        found = service_shift(scene, program.component, signal)
        if (
            found
            and found[1].rose(1.5)
            and _is_felt(scene, program, signal, found[1])
            and _follows(moment(found[1].onset), at)
        ):
            series, moved = found
            quote = f"{what} from {moved.before:.3g} to {moved.after:.3g} since the release"
            yield evidence("metric", series.query or signal, quote, moment(moved.onset), weight=0.55)
            break
    for alarm in rung[:1]:
        if alarm.alert.starts_at and _follows(alarm.alert.starts_at, at):
            yield evidence("alert", alarm.alert.ref, alarm.alert.text, alarm.alert.starts_at, weight=0.35)


def said_since(snapshot: Snapshot, program: Program, rollout: Rollout) -> Iterator[Evidence]:
    """Errors that the pods of the new revision go on writing, and that those of the one before do not."""
    made = {name_of(pod): rollout.current.name for pod in program.pods if _is_of(pod, rollout.current.name)}
    before = {one.template for key, log in snapshot.logs_of(program) if key.pod not in made for one in errors(log)}
    # Where nothing of the old version was read, a few errors may be what it always wrote, unless its code is what fails.
    compared = any(key.pod not in made for key, _ in snapshot.logs_of(program))
    is_new_code = any(".image" in change.path for change in rollout.fields)
    for key, log in snapshot.logs_of(program):
        new = [one for one in errors(log) if one.template not in before] if key.pod in made else []
        own = is_new_code and any(OF_CODE.search(one.example) for one in new)
        share = MANY_LINES if compared or own else SOME_LINES
        if sum(one.count for one in new) >= max(2, log.lines // share):
            loudest = max(new, key=lambda one: one.count)
            yield evidence("log", str(key), f"{loudest.count}x {loudest.example}", loudest.first, weight=0.45)
            return


def _follows(onset: datetime, at: datetime) -> bool:
    return at - BEFORE <= onset <= at + AFTER


def _release(program: Program, rollout: Rollout, proof: list[Evidence], spoken: Complaint | None) -> Finding:
    proof = [*(spoken.proof() if spoken else ()), *proof]
    settings = all(_is_setting(change.path) for change in rollout.fields)
    shown = "; ".join(str(change) for change in rollout.fields[:3])
    ref = f"{program.component} revision {rollout.current.number} ({rollout.current.name})"
    change = evidence("change", ref, shown, rollout.current.at, weight=0.5)
    now, before = rollout.current.number, rollout.previous.number
    return Finding(
        fault="bad_config_change" if settings else "bad_rollout",
        category="change",
        component=program.component,
        words=Text(
            f"Revision {now} of {program.component} does worse than revision {before} did ({shown}): {proof[0].quote}. "
            f"Go back to revision {before}.",
            f"{program.component} 的第 {now} 版比第 {before} 版差（{shown}）：{proof[0].quote}。请回滚到第 {before} 版。",
        ),
        evidence=(change, *proof),
        onset=rollout.current.at,
        explainable=spoken is None and len(proof) < 2 and proof[0].source != "kubernetes",
        remedies=("rollback_rollout",),
        facts={"revision": now, "back_to": before},
    )


def _is_setting(path: str) -> bool:
    return ".env" in path or ".volumes" in path or "annotations" in path or "configMap" in path


def programs_scaled_below_need(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    rung = about(alarms(scene), "errors", "latency", "cpu", "throttled", "scaler", "backlog") if snapshot.alerts else {}
    for program in snapshot.programs:
        found = _scaled(snapshot, program) if program.wanted else None
        if found is None:
            continue
        before, change = found
        harm = [
            *_overloaded(scene, program),
            *_behind(scene, program),
            *_rung(rung.get(program.component, []), change.at),
        ]
        if change.at:
            harm += list(worse_since(scene, program, change.at, []))
        if harm:
            yield _scaled_finding(program, before, change, harm)


def _scaled(snapshot: Snapshot, program: Program) -> tuple[int, Evidence] | None:
    """How many it had before somebody made them fewer, and where that stands."""
    obj, wanted = program.obj, program.wanted or 0
    if obj is None or any(_rescaled(snapshot, program)):
        return None
    history = revisions(snapshot, obj)
    for event in reversed(snapshot.events_of(obj)):
        match = _DOWN.search(event.message)
        if not match or (event.at and snapshot.taken_at - event.at > LATELY):
            continue
        before, after = int(match[2] or match[5]), int(match[3] or match[4])
        same = not history or match[1] == history[0].name
        if same and after == wanted < before:
            return before, evidence("event", event.ref, event.message, event.at, weight=0.5)
    told = whole(applied(obj, "spec", "replicas"))
    if told and told > wanted:
        edit = last_edit(obj, subresource="scale")
        quote = f"{wanted}, and {told} were applied"
        return told, evidence(
            "change", f"{program.component} spec.replicas", quote, edit.at if edit else None, weight=0.5
        )
    return None


def _rescaled(snapshot: Snapshot, program: Program) -> Iterator[bool]:
    """An autoscaler that decides on the number has its own reasons."""
    for scaler in snapshot.of("HorizontalPodAutoscaler", program.namespace):
        target = dig(scaler, "spec", "scaleTargetRef") or {}
        yield dig(target, "kind") == program.component.kind and dig(target, "name") == program.name


def _overloaded(scene: Scene, program: Program) -> Iterator[Evidence]:
    busy = [load for load in loads(scene, program) if (load.share or 0.0) >= BUSY or load.is_at_its_limit]
    if busy:
        most = max(busy, key=lambda load: load.share or 0.0)
        ref = most.usage.query if most.usage else most.source
        yield evidence("metric", ref, f"{most.pod}: {most.share or 1.0:.0%} of its CPU limit", weight=0.5)


def _behind(scene: Scene, program: Program) -> Iterator[Evidence]:
    """Whoever takes from a queue shows what is too much by what waits there."""
    for one in heard(scene.snapshot, program, "backlog")[:1]:
        yield evidence("log", str(one.key), one.said.quote or one.said.text, one.said.last, weight=0.5)
    found = service_shift(scene, program.component, "queue")
    if found and found[1].rose(1.5):
        quote = f"{found[1].after:.4g} wait in its queue, {found[1].before:.4g} did before"
        yield evidence("metric", found[0].query, quote, found[0].ended, weight=0.5)


def _rung(rung: list[Alarm], at: datetime | None) -> Iterator[Evidence]:
    for alarm in rung[:1]:
        if at is None or alarm.alert.starts_at is None or alarm.alert.starts_at >= at - BEFORE:
            yield evidence("alert", alarm.alert.ref, alarm.alert.text, alarm.alert.starts_at, weight=0.4)


def _scaled_finding(program: Program, before: int, change: Evidence, harm: list[Evidence]) -> Finding:
    return Finding(
        fault="scaled_down",
        category="change",
        component=program.component,
        words=Text(
            f"{program.component} was scaled from {before} to {program.wanted}, which is too few: {harm[0].quote}. "
            f"Scale it back to {before}.",
            f"{program.component} 从 {before} 个副本缩到 {program.wanted} 个，已不够用：{harm[0].quote}。请恢复到 {before} 个。",
        ),
        evidence=(change, *harm),
        onset=change.at,
        remedies=("restore_replicas", "scale_out"),
        facts={"replicas": before},
    )
