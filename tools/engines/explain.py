"""From a Snapshot to a Diagnosis: examine, rank, word it, and say what could not be known.

`investigate` gives the findings with their facts (the repair planner computes from those), `diagnose` the object that people and models
read. With a focus, only what touches that component counts as its cause; trouble elsewhere is told as seen beside it. Healthy is said only
when nothing was found and no source is missing that could have contradicted; a second telling of what was read (alerts, probes) is none.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from core.language import Language, pick
from tools.engines.analyzers import examine
from tools.engines.calibration import calibrated
from tools.engines.changes import Rollout, changes_of
from tools.engines.chinese import in_chinese
from tools.engines.deciding import DECIDES
from tools.engines.diagnosis import Cause, Component, Diagnosis, Gap, Moment, NearMiss, Symptom, Window
from tools.engines.finding import Finding
from tools.engines.graph import Graph
from tools.engines.objects import component
from tools.engines.rank import Ranked, Verdict, rank
from tools.engines.snapshot import WORKLOADS, Event, Snapshot

MAX_CAUSES = 8
MAX_SYMPTOMS = 30
MAX_MOMENTS = 40
BEFORE_SEEN = timedelta(minutes=2)
_LETTERS = (
    "[bcdfghjklmnpqrstvwxz2456789]"  # what generated name endings are made of, so that cart-redis is no pod of cart
)
_EVERYBODYS = {"kube_scheduler_unavailable", "controller_manager_unavailable", "coredns_unavailable"}
_TOLD = {"ScalingReplicaSet", "SuccessfulRescale", "Killing", "NodeNotReady"}


def investigate(snapshot: Snapshot) -> tuple[Verdict, Graph]:
    graph = Graph(snapshot)
    findings, gaps = examine(snapshot, graph)
    return replace(rank(findings, graph), gaps=gaps), graph


def diagnose(
    snapshot: Snapshot,
    subject: str,
    window: Window,
    taken_at: datetime,
    language: Language = "en",
    *,
    focus: str | None = None,
) -> Diagnosis:
    """`focus` is the name of the one component that was asked about."""
    verdict, graph = investigate(snapshot)
    causes = [cause for cause in verdict.causes if touches(cause, graph, focus)]
    connected = {id(cause) for cause in causes}
    beside = [cause for cause in verdict.causes if id(cause) not in connected]
    explained = {id(finding): place for place, cause in reversed([*enumerate(causes, 1)]) for finding in cause.explains}
    symptoms = [
        finding
        for finding in verdict.symptoms
        if not focus or _names(finding.component, focus) or id(finding) in explained
    ]
    gaps = [*snapshot.gaps, *verdict.gaps]
    told = [_symptom(finding, explained.get(id(finding)), language) for finding in symptoms][:MAX_SYMPTOMS]
    return Diagnosis(
        subject=subject,
        window=window,
        taken_at=taken_at,
        healthy=_healthy(bool(causes or told or _is_everybodys(beside)), any(gap.deciding for gap in gaps)),
        causes=[_cause(place, cause, language) for place, cause in enumerate(causes[:MAX_CAUSES], 1)],
        near_misses=[_near_miss(one, language) for one in verdict.near if touches(one, graph, focus)][:MAX_CAUSES],
        symptoms=told + [_elsewhere(cause, language) for cause in beside[:MAX_CAUSES]],
        timeline=_timeline(snapshot, [cause.finding for cause in causes], language),
        gaps=[_gap(gap, language) for gap in gaps],
    )


def is_empty(snapshot: Snapshot) -> bool:
    """Whether a namespace was asked about in which nothing runs: that is no health, and perhaps a slip of the hand."""
    wanted = snapshot.namespace
    return bool(wanted) and not any(program.namespace == wanted for program in snapshot.programs)


def runs_nothing(snapshot: Snapshot) -> Gap:
    return Gap(
        what=f"namespace {snapshot.namespace}",
        why="no workload and no pod was found in it",
        how="name the namespace that is meant, or * for all",
    )


def touches(cause: Ranked, graph: Graph, focus: str | None) -> bool:
    """Whether a cause sits on the component of that name, or makes it suffer."""
    if not focus:
        return True
    near = [cause.finding.component, *cause.affected, *cause.finding.harms]
    near += graph.suffering(cause.finding.component, *cause.finding.harms)
    return any(_names(one, focus) for one in near)


def is_pod_of(pod: str, workload: str) -> bool:
    """Whether a pod's name was made from a workload's, even of a pod that is gone."""
    ending = rf"-(\d+|({_LETTERS}{{5,10}}-)?{_LETTERS}{{5}})"
    return re.fullmatch(re.escape(workload) + ending, pod) is not None


def _names(one: Component, focus: str) -> bool:
    """A pod is asked about by its own name, its workload is what is changed."""
    return one.name == focus or (one.kind in WORKLOADS and is_pod_of(focus, one.name))


def _is_everybodys(beside: list[Ranked]) -> bool:
    """What the whole cluster lives on: nothing in it is well while that is out, though it may not feel it yet."""
    return any(cause.finding.fault in _EVERYBODYS for cause in beside)


def _healthy(trouble: bool, gaps: bool) -> bool | None:
    if trouble:
        return False
    return None if gaps else True


def _cause(place: int, ranked: Ranked, language: Language) -> Cause:
    finding = ranked.finding
    return Cause(
        rank=place,
        fault=finding.fault,
        category=finding.category,
        component=finding.component,
        confidence=calibrated(ranked.confidence),
        statement=finding.said(language),
        evidence=sorted(finding.evidence, key=lambda item: -item.weight),
        against=list(finding.against),
        affected=ranked.affected,
        onset=began(finding),
        remedies=list(finding.remedies),
    )


def began(finding: Finding) -> datetime | None:
    """When its harm is first seen; the change that brought it is told as what it is, a moment of its own."""
    changed = {item.at for item in finding.evidence if item.source == "change"}
    if finding.onset not in changed or finding.onset is None:
        return finding.onset
    harm = [item.at for item in finding.evidence if item.at and item.source != "change"]
    return min((at for at in harm if at >= finding.onset - BEFORE_SEEN), default=finding.onset)


def _symptom(finding: Finding, caused_by: int | None, language: Language) -> Symptom:
    return Symptom(
        component=finding.component,
        statement=finding.said(language),
        caused_by=caused_by,
        evidence=list(finding.evidence),
    )


def _near_miss(ranked: Ranked, language: Language) -> NearMiss:
    finding = ranked.finding
    return NearMiss(
        fault=finding.fault,
        component=finding.component,
        confidence=calibrated(ranked.confidence),
        statement=finding.said(language),
        decide=DECIDES[finding.fault](language) if finding.fault in DECIDES else "",
    )


def _gap(gap: Gap, language: Language) -> Gap:
    if language == "en":
        return gap
    return gap.model_copy(update={"why": in_chinese(gap.why), "how": in_chinese(gap.how)})


def _elsewhere(ranked: Ranked, language: Language) -> Symptom:
    said = ranked.finding.said(language)
    text = pick(language, f"Seen beside it, not connected: {said}", f"另外发现（与所问无关）：{said}")
    return Symptom(component=ranked.finding.component, statement=text, evidence=list(ranked.finding.evidence))


def _timeline(snapshot: Snapshot, causes: list[Finding], language: Language) -> list[Moment]:
    deciding = [*_onsets(causes, language), *_changes(snapshot, language)]
    kept = sorted(_inside(snapshot, deciding), key=lambda moment: moment.at)[-MAX_MOMENTS:]
    events = sorted(_inside(snapshot, _events(snapshot)), key=lambda moment: moment.at)
    room = MAX_MOMENTS - len(kept)
    return sorted([*kept, *(events[-room:] if room else ())], key=lambda moment: moment.at)


def _inside(snapshot: Snapshot, moments: Iterable[Moment]) -> Iterator[Moment]:
    return (moment for moment in moments if snapshot.window.start <= moment.at <= snapshot.window.end)


def _onsets(causes: list[Finding], language: Language) -> Iterator[Moment]:
    for finding in causes:
        if at := began(finding):
            what = pick(
                language,
                f"{finding.fault} begins on {finding.component}",
                f"{finding.component} 开始出现 {finding.fault}",
            )
            yield Moment(at=at, what=what, ref=str(finding.component))


def _changes(snapshot: Snapshot, language: Language) -> Iterator[Moment]:
    for deployment in snapshot.of("Deployment"):
        for change in changes_of(snapshot, deployment):
            if change.current.at:
                what = _changed(component(deployment), change, language)
                yield Moment(at=change.current.at, what=what, ref=f"ReplicaSet {change.current.name}")


def _changed(who: Component, change: Rollout, language: Language) -> str:
    fields = "; ".join(str(field) for field in change.fields[:3])
    now, before = change.current.number, change.previous.number
    if change.is_rollback:
        return pick(
            language,
            f"{who} rolled back: revision {now} is again what ran before revision {before}: {fields}",
            f"{who} 已回滚：第 {now} 版即第 {before} 版之前的内容：{fields}",
        )
    return pick(language, f"{who} rolled out revision {now}: {fields}", f"{who} 发布第 {now} 版：{fields}")


def _events(snapshot: Snapshot) -> Iterator[Moment]:
    """One moment for each thing and reason, at its latest time: a back-off repeated forty times is one line."""
    latest: dict[tuple[str, str, str], Event] = {}
    for event in snapshot.events:
        if event.at and (event.type == "Warning" or event.reason in _TOLD):
            latest[(event.kind, event.name, event.reason)] = event
    for event in latest.values():
        times = f" ({event.count}x)" if event.count > 1 else ""
        if event.at:
            yield Moment(
                at=event.at,
                what=f"{event.kind} {event.name}: {event.reason}{times}: {event.message[:200]}",
                ref=event.ref,
            )
