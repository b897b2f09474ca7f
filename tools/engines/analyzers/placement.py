"""Pods that no node takes: which single requirement keeps them off every node that they are meant for.

The scheduler's filter is done again from the objects. The nodes meant are those that selector and affinity name; if there are none, the
selector or the affinity is to blame, else what the nodes meant say. Requirements are relaxed one at a time: the one without which the pod
would fit bears the blame. What is usual (a control plane's taint, a node that was cordoned before) counts only where nothing else is left.
Where nodes were not read, or the pods on them were not, the scheduler's own sentence decides.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from core.language import Text
from tools.engines.analyzers.placement_words import what_nodes_have, what_to_change
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.objects import Object, component, dig, mapping, rows, whole
from tools.engines.placement import Obstacle, Places, claims_without_volume
from tools.engines.program import Program
from tools.engines.shortage import is_forgotten, unplaced
from tools.engines.snapshot import Event, Snapshot
from tools.engines.unscheduled import Reason, reasons

FAULTS = {
    "selector": "node_selector_mismatch",
    "affinity": "node_affinity_mismatch",
    "volume": "node_affinity_mismatch",
    "taint": "taint_toleration_mismatch",
    "cordon": "node_cordon_mismatch",
    "cpu": "cpu_capacity_mismatch",
    "memory": "memory_capacity_mismatch",
    "device": "gpu_unavailable",
    "anti_affinity": "pod_anti_affinity_conflict",
    "pod_affinity": "pod_anti_affinity_conflict",
    "spread": "topology_spread_unsatisfied",
    "host_port": "host_port_conflict",
}
_USUAL = {"control_plane", "condition"}
_CROWDED = {"anti_affinity", "spread", "host_port"}
_FULL = {"cpu", "memory", "pods", "amount"}
# Of requirements that each would be enough, the one a pod's author gets wrong most often comes first.
_ORDER = (
    "device",
    "taint",
    "anti_affinity",
    "pod_affinity",
    "spread",
    "host_port",
    "volume",
    "cordon",
    "cpu",
    "memory",
    "amount",
    "pods",
)
# What the scheduler asks before it looks at labels: a node refused for these may lack the label as well.
_BEFORE_LABELS = {"cordon", "taint", "control_plane", "condition"}
_HOSTNAME = "kubernetes.io/hostname"


@dataclass(frozen=True, slots=True)
class Blame:
    kind: str
    obstacles: tuple[Obstacle, ...]
    """Of that kind, one or more a node."""
    alone: bool
    """Without this one requirement the pod would fit."""


@dataclass(frozen=True, slots=True)
class Sentence:
    text: str
    ref: str
    event: bool
    at: datetime | None
    reasons: tuple[Reason, ...]


def pods_that_no_node_takes(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    judge = Judge(snapshot)
    waiting = unplaced(snapshot)
    for who, pods in waiting.items():
        newest = max(pods, key=lambda pod: str(dig(pod, "metadata", "creationTimestamp") or ""))
        if not claims_without_volume(snapshot, newest):
            yield from _of_pod(snapshot, judge, who, newest, len(pods))
    if not snapshot.of("Pod") and not snapshot.reads("Pod"):
        yield from _of_events(snapshot, judge.places)


@dataclass(frozen=True, slots=True)
class Judgement:
    blame: Blame
    path: str
    quote: str
    words: Text
    beside: tuple[Evidence, ...]


class Judge:
    """Thousands of pods may wait for the same: what was found for one of them holds for all."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.places = Places(snapshot)
        self._judged: dict[tuple[str, int, int], Judgement | None] = {}

    def of(self, pod: Object, wanted: int, waiting: int) -> Judgement | None:
        if not self.places.nodes:
            return None
        asked, by_node = self.places.answer(pod)
        if (asked, wanted, waiting) not in self._judged:
            blame = blamed(by_node, wanted, waiting) if by_node else None
            self._judged[asked, wanted, waiting] = self._judgement(pod, blame) if blame else None
        return self._judged[asked, wanted, waiting]

    def _judgement(self, pod: Object, blame: Blame) -> Judgement:
        shown = list(dict.fromkeys(f"{one.node}: {one.detail}" for one in blame.obstacles))
        return Judgement(
            blame=blame,
            path=next((one.path for one in blame.obstacles if one.path), blame.kind),
            quote="; ".join(shown[:6]) + (f" and {len(shown) - 6} more" if len(shown) > 6 else ""),
            words=what_to_change(self.places, pod, blame.kind, blame.obstacles),
            beside=tuple(what_nodes_have(self.places, pod, blame.kind, blame.obstacles)),
        )


def _of_pod(snapshot: Snapshot, judge: Judge, who: Component, pod: Object, waiting: int) -> Iterator[Finding]:
    told = sentence_of(snapshot, pod)
    program = snapshot.program(who)
    wanted = (program.wanted if program else None) or waiting
    judged = judge.of(pod, wanted, waiting)
    seen = judged.blame if judged else None
    kinds = {reason.kind for reason in told.reasons} if told else set()
    if "claim" in kinds and (seen is None or seen.kind not in {"selector", "affinity"}):
        return
    ref = program.ref if program else f"{who} spec"
    if judged and not _is_doubted(judged.blame, kinds):
        proof = [*_seen(judged, ref, told), *judged.beside]
        yield from _finding(snapshot, who, judged.blame.kind, proof, judged.words)
    elif told:
        for kind, weight in _blamed_by(told.reasons, mapping(pod, "spec")):
            sentence = evidence("event" if told.event else "kubernetes", told.ref, told.text, told.at, weight=weight)
            words = what_to_change(
                judge.places, pod, kind, (), [reason for reason in told.reasons if reason.kind == kind]
            )
            beside = what_nodes_have(judge.places, pod, kind, ())
            yield from _finding(snapshot, who, kind, [sentence, *beside], words)


def blamed(by_node: dict[str, list[Obstacle]], wanted: int, waiting: int) -> Blame | None:
    """The requirement to blame; None where some node would take the pod, or where the nodes themselves are ill."""
    if not all(by_node.values()):
        return None
    meant = {node: found for node, found in by_node.items() if not {"selector", "affinity"} & _kinds(found)}
    if not meant:
        return _unmeant(by_node)
    usual = {node: found for node, found in meant.items() if not _USUAL & _kinds(found)}
    if not usual:
        return _only_control_plane(by_node, meant)
    kind = _lasting_everywhere(usual) or _single(usual, wanted, waiting)
    if kind:
        return _blame(kind, usual, alone=any(_kinds(found) == {kind} for found in usual.values()))
    common = Counter(kind for found in usual.values() for kind in _kinds(found))
    kind = max(common, key=lambda one: (common[one], -_place(one)))
    return _blame(kind, usual, alone=False)


def _unmeant(by_node: dict[str, list[Obstacle]]) -> Blame:
    """Selector and affinity name no node: the one that alone names none, else the one that fewer nodes have."""
    lacking = Counter(kind for found in by_node.values() for kind in _kinds(found) & {"selector", "affinity"})
    kind = "selector" if lacking["selector"] >= lacking["affinity"] else "affinity"
    others = {k for found in by_node.values() for k in _kinds(found) - {"selector", "affinity"} - _USUAL}
    return _blame(kind, by_node, alone=not others or len(lacking) == 1)


def _only_control_plane(by_node: dict[str, list[Obstacle]], meant: dict[str, list[Obstacle]]) -> Blame | None:
    """The nodes meant are a control plane's, or ill; the pod's rules chose them only where other nodes were there to choose."""
    if any("condition" in _kinds(found) for found in meant.values()):
        return None
    rest = [found for node, found in by_node.items() if node not in meant]
    if rest and not any("cordon" in _kinds(found) for found in rest):
        return Blame(
            "taint", tuple(one for found in meant.values() for one in found if one.kind == "control_plane"), alone=True
        )
    return _blame("cordon", by_node, alone=True) if rest else None


def _lasting_everywhere(usual: dict[str, list[Obstacle]]) -> str | None:
    """A request that is above what any of the nodes has, however empty they are."""
    for kind in ("device", "cpu", "memory"):
        if all(any(one.kind == kind and one.lasting for one in found) for found in usual.values()):
            return kind
    return None


def _single(usual: dict[str, list[Obstacle]], wanted: int, waiting: int) -> str | None:
    only: Counter[str] = Counter()
    for found in usual.values():
        kinds = _kinds(found)
        if len(kinds) == 1:
            only[kinds.pop()] += 1
        elif kinds <= {"cpu", "memory"}:
            lasting = [one.kind for one in found if one.lasting]
            only[lasting[0] if lasting else "cpu"] += 1
    if not only:
        return None
    open_kinds = [kind for kind in only if kind != "cordon"]
    if "cordon" in only and (not open_kinds or _cordon_is_new(only, open_kinds, usual, wanted, waiting)):
        return "cordon"
    return max(open_kinds, key=lambda kind: (only[kind], -_place(kind)))


def _cordon_is_new(
    only: Counter[str], others: list[str], usual: dict[str, list[Obstacle]], wanted: int, waiting: int
) -> bool:
    """Whether the cordoned nodes are what is missing: without the cordon all waiting pods would find a place."""
    if all(kind in _CROWDED for kind in others):
        return wanted <= len(usual) and waiting <= only["cordon"]
    lasting = any(one.lasting and one.kind in _FULL for found in usual.values() for one in found)
    return all(kind in _FULL for kind in others) and not lasting


def _blame(kind: str, by_node: dict[str, list[Obstacle]], *, alone: bool) -> Blame:
    return Blame(kind, tuple(one for found in by_node.values() for one in found if one.kind == kind), alone)


def _kinds(found: Iterable[Obstacle]) -> set[str]:
    return {one.kind for one in found}


def _place(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else -1


def _is_doubted(seen: Blame, told: set[str]) -> bool:
    """The scheduler saw every pod and we perhaps not: what depends on other pods is believed only if it says so too."""
    dependent = seen.kind in _CROWDED | _FULL | {"pod_affinity", "device"} and not all(
        one.lasting for one in seen.obstacles
    )
    return bool(told) and seen.kind not in told and dependent


def _seen(judged: Judgement, ref: str, told: Sentence | None) -> Iterator[Evidence]:
    blame = judged.blame
    yield evidence("kubernetes", f"{ref} {judged.path}", judged.quote, weight=0.88 if blame.alone else 0.65)
    if told:
        agrees = blame.kind in {reason.kind for reason in told.reasons} or (
            blame.kind == "affinity" and "selector" in told.text
        )
        source = "event" if told.event else "kubernetes"
        yield evidence(
            "event" if source == "event" else "kubernetes", told.ref, told.text, told.at, weight=0.6 if agrees else 0.2
        )


def sentence_of(snapshot: Snapshot, pod: Object) -> Sentence | None:
    """The newest of what the scheduler said of this very pod."""
    for event in reversed(snapshot.events_of(pod)):
        if event.reason == "FailedScheduling" and (found := reasons(event.message)):
            return Sentence(event.message, event.ref, True, event.at, tuple(found))
    for row in rows(pod, "status", "conditions"):
        message = str(row.get("message") or "")
        if row.get("type") == "PodScheduled" and row.get("status") == "False" and (found := reasons(message)):
            return Sentence(
                message, f"{component(pod)} status.conditions[PodScheduled].message", False, None, tuple(found)
            )
    return None


def _blamed_by(told: Iterable[Reason], spec: Object) -> list[tuple[str, float]]:
    """From the sentence alone, best first: what comes after the labels in the scheduler's order speaks of nodes that have them."""
    found = {reason.kind: reason for reason in told if reason.kind not in _USUAL | {"claim"}}
    later = [kind for kind in found if kind not in _BEFORE_LABELS | {"selector"}]
    if later:
        kind = max(later, key=lambda one: (found[one].count, -_place(one)))
        return [(kind, 0.8 if len(later) == 1 else 0.65)]
    labels = "affinity" if _by_affinity(spec) else "selector"
    early = [kind for kind in ("taint", "cordon") if kind in found]
    if not early:
        return [(labels, 0.8)] if "selector" in found else []
    kind = max(early, key=lambda one: found[one].count)
    if "selector" not in found:
        return [(kind, 0.8)]
    pinned = _HOSTNAME in mapping(spec, "nodeSelector") or _HOSTNAME in str(dig(spec, "affinity", "nodeAffinity"))
    return [(kind, 0.75 if pinned else 0.6), (labels, 0.3 if pinned else 0.45)]


def _by_affinity(spec: Object) -> bool:
    required = dig(spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    usual = {"kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os", "beta.kubernetes.io/arch"}
    return required is not None and not set(mapping(spec, "nodeSelector")) - usual


def _of_events(snapshot: Snapshot, places: Places) -> Iterator[Finding]:
    """Where no pod was read at all: the newest sentence of each workload."""
    newest: dict[Component, Event] = {}
    for event in snapshot.events:
        if event.kind == "Pod" and event.reason in {"FailedScheduling", "Scheduled"}:
            pod = {"kind": "Pod", "metadata": {"namespace": event.namespace, "name": event.name}}
            newest[snapshot.maker_of(pod)] = event
    for who, event in newest.items():
        program = snapshot.program(who)
        found = reasons(event.message) if event.reason == "FailedScheduling" else []
        if any(reason.kind == "claim" for reason in found) or (program and _has_all(program)):
            continue
        pod = {
            "metadata": {"namespace": event.namespace, "labels": program.labels if program else {}},
            "spec": program.spec if program else {},
        }
        for kind, weight in _blamed_by(found, mapping(pod, "spec")):
            words = what_to_change(places, pod, kind, (), [reason for reason in found if reason.kind == kind])
            sentence = evidence("event", event.ref, event.message, event.at, weight=weight)
            beside = what_nodes_have(places, pod, kind, ())
            yield from _finding(snapshot, who, kind, [sentence, *beside], words)


def _has_all(program: Program) -> bool:
    """Whether its object counts all its pods as ready: one that once waited has been placed since."""
    ready, late = program.told_ready, whole(dig(program.obj, "status", "unavailableReplicas"))
    return ready is not None and not late and ready >= (program.wanted or 0)


def _finding(snapshot: Snapshot, who: Component, kind: str, proof: list[Evidence], words: Text) -> Iterator[Finding]:
    """Nothing for what the catalogue has no fault for, like a node with as many pods as it may have."""
    if kind not in FAULTS:
        return
    yield Finding(
        fault=FAULTS[kind],
        category="scheduling",
        component=who,
        words=Text(f"No node takes the pods of {who}: {words('en')}", f"没有节点能运行 {who} 的 Pod：{words('zh')}"),
        evidence=tuple(proof),
        onset=min((item.at for item in proof if item.at), default=None),
        latent=is_forgotten(snapshot, who),
        facts={"requirement": kind},
    )
