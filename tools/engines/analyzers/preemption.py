"""Workloads whose pods were pushed off their nodes by pods of a higher priority and find no place since.

The victim's pod is gone, so its event speaks for the workload and not for the pod, and only as long as the workload is short of pods.
Without the event, a pod that waits for room which younger pods of a higher priority took says the same, more quietly.
"""

import re
from collections.abc import Iterable
from functools import cached_property

from core.language import Text
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.objects import Object, component, dig, namespace_of, whole
from tools.engines.placement import Obstacle, Places
from tools.engines.program import Program
from tools.engines.shortage import misses_pods, unplaced
from tools.engines.snapshot import Event, Snapshot, unseen_pod

_BY = re.compile(r"(?:Preempted by|by) (?:pod )?(\S+?)(?:/(\S+))? on node (\S+)")
_ROOM = {"cpu", "memory", "device", "pods", "amount"}


def workloads_that_were_preempted(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    waiting = unplaced(snapshot)
    told: dict[Component, Event] = {}
    for event in snapshot.events:
        if event.kind == "Pod" and event.reason == "Preempted":
            pod = snapshot.get("Pod", event.namespace, event.name)
            told[snapshot.maker_of(pod or unseen_pod(event.namespace, event.name))] = event
    by_uid = _by_uid(snapshot) if told else {}
    for who, event in told.items():
        program = snapshot.program(who)
        if who in waiting or program is None or _is_short(snapshot, program):
            proof = [evidence("event", event.ref, event.message, event.at, weight=0.85)]
            yield _finding(who, _by_whom(snapshot, by_uid, event), [*proof, *_waits(waiting.get(who, []))])
    takers = Takers(snapshot)
    for who, pods in waiting.items():
        if who not in told and (taker := takers.of(pods[0])):
            priority, other = _priority(pods[0]), _priority(taker)
            quote = f"{priority}, and {component(taker)} with {other} came later and took the room"
            proof = [evidence("kubernetes", f"{component(pods[0])} spec.priority", quote, weight=0.7)]
            yield _finding(who, str(snapshot.maker_of(taker)), proof)


def _is_short(snapshot: Snapshot, program: Program) -> bool:
    return misses_pods(snapshot, program) or (program.wanted or 0) > program.ready


def _by_uid(snapshot: Snapshot) -> dict[str, Object]:
    return {str(uid): pod for pod in snapshot.of("Pod") if (uid := dig(pod, "metadata", "uid"))}


def _by_whom(snapshot: Snapshot, by_uid: dict[str, Object], event: Event) -> str:
    """The workload that took the place; the sentence names its pod, or only the pod's uid."""
    by = _BY.search(event.message)
    if not by:
        return "a pod of a higher priority"
    pod = snapshot.get("Pod", by[1], by[2]) if by[2] else by_uid.get(by[1])
    if pod:
        return str(snapshot.maker_of(pod))
    return f"{by[1]}/{by[2]}" if by[2] else f"pod {by[1]}"


def _waits(pods: list[Object]) -> list[Evidence]:
    return [
        evidence("kubernetes", f"{component(pod)} status.phase", f"Pending, priority {_priority(pod)}", weight=0.4)
        for pod in pods[:1]
    ]


class Takers:
    """Who took the room of pods that wait; what was found for one of them holds for all that ask for the same."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot, self._places = snapshot, Places(snapshot)
        self._youngest: dict[tuple[str, int], Object | None] = {}

    def of(self, pod: Object) -> Object | None:
        """The youngest pod of a higher priority on a node that would take this one but for room."""
        if namespace_of(pod) not in self._ranked:
            return None
        asked, by_node = self._places.answer(pod)
        question = (asked, max(_priority(pod), 0))
        if question not in self._youngest:
            self._youngest[question] = self._above(by_node, question[1])
        youngest = self._youngest[question]
        program = self._snapshot.program(self._snapshot.maker_of(pod))
        born = _born(program.obj if program and program.obj else pod)
        return youngest if youngest and _born(youngest) > born else None

    def _above(self, by_node: dict[str, list[Obstacle]], priority: int) -> Object | None:
        if not by_node or not all(by_node.values()):
            return None
        full = [node for node, found in by_node.items() if all(one.kind in _ROOM and not one.lasting for one in found)]
        above = (one for node in full for one in self._snapshot.pods_on(node) if _priority(one) > priority)
        return max((one for one in above if _is_normal(one)), key=_born, default=None)

    @cached_property
    def _ranked(self) -> set[str]:
        """Namespaces in which any pod has a priority."""
        return {namespace_of(one) for one in self._snapshot.of("Pod") if dig(one, "spec", "priority")}


def _is_normal(pod: Object) -> bool:
    """Not one of the system's own pods, which are above all and were there first."""
    return not str(dig(pod, "spec", "priorityClassName") or "").startswith("system-")


def _priority(pod: Object) -> int:
    return whole(dig(pod, "spec", "priority")) or 0


def _born(pod: Object) -> str:
    return str(dig(pod, "metadata", "creationTimestamp") or "")


def _finding(who: Component, taker: str, proof: list[Evidence]) -> Finding:
    return Finding(
        fault="priority_preempted",
        category="scheduling",
        component=who,
        words=Text(
            f"Pods of {who} were preempted: {taker} has a higher priority and took their place. Raise the priorityClassName of {who}, "
            "lower the other's, or add room.",
            f"{who} 的 Pod 被抢占：{taker} 优先级更高，占用了其资源。请提高 {who} 的 priorityClassName、降低对方的优先级，或增加容量。",
        ),
        evidence=tuple(proof),
        onset=min((item.at for item in proof if item.at), default=None),
        facts={"taken_by": taker},
    )
