"""What the kubelet and the container runtime say about a program's pods that are not well, wherever they say it.

The same sentence stands in a container's waiting message, in its last termination or in an event, and a bundle may hold any one of them.
A pod that is ready has got over whatever was said of it. Where no pod of a namespace was read at all, the events about pods are taken by
the workload that their names tell; where some were read, an event about another speaks of one that is gone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tools.engines.diagnosis import Evidence, EvidenceSource
from tools.engines.finding import evidence
from tools.engines.objects import Object, component, dig, is_ready, rows, when, whole
from tools.engines.program import Program
from tools.engines.snapshot import Event, Snapshot


@dataclass(frozen=True, slots=True)
class Complaint:
    source: EvidenceSource
    ref: str
    reason: str
    text: str
    at: datetime | None = None
    container: str = ""
    """Empty where it is about the pod, or where an event does not say."""
    init: bool = False
    code: int | None = None

    def proof(self, weight: float) -> Evidence:
        quote = self.text or self.reason
        if self.reason and self.source == "kubernetes" and self.reason not in quote:
            quote = f"{self.reason}: {quote}"
        return evidence(self.source, self.ref, quote, self.at, weight=weight)


def programs_with_pods_unread(snapshot: Snapshot) -> list[Program]:
    """All programs, and those of which nothing is known but events about their pods."""
    ghosts = [Program(who, None, {}, ()) for who in snapshot.events_of_unread if snapshot.program(who) is None]
    return [*snapshot.programs, *ghosts]


def complaints(snapshot: Snapshot, program: Program, *, ready_too: bool = False) -> list[Complaint]:
    """Newest first among the events, then what the statuses say."""
    said: list[Complaint] = []
    states: list[Complaint] = []
    for pod in program.pods:
        if ready_too or not is_ready(pod):
            said += [_told(event) for event in snapshot.events_of(pod)]
            states += _of_statuses(pod)
    unread = snapshot.events_of_unread.get(program.component, ())
    said += [_told(event) for event in unread if is_in_trouble(program)]
    said.sort(key=lambda one: one.at or snapshot.window.start, reverse=True)
    return said + states


def is_in_trouble(program: Program) -> bool:
    """Whether pods are missing or not ready; a workload without any status is not known to be well."""
    if any(not is_ready(pod) for pod in program.pods):
        return True
    if program.obj is None or program.component.kind in {"Job", "CronJob", "Pod"}:
        return not program.pods
    if program.pods and not dig(program.obj, "status"):
        return False
    return not dig(program.obj, "status") or (program.wanted or 0) > program.ready


def _told(event: Event) -> Complaint:
    return Complaint("event", event.ref, event.reason, event.message, event.at)


def _of_statuses(pod: Object) -> Iterator[Complaint]:
    for key in ("containerStatuses", "initContainerStatuses"):
        for status in rows(pod, "status", key):
            yield from _of_status(pod, key, status)


def _of_status(pod: Object, key: str, status: Object) -> Iterator[Complaint]:
    container = str(status.get("name") or "")
    where = f"{component(pod)} status.{key}[{container}]"
    for place, state in (("state", "waiting"), ("state", "terminated"), ("lastState", "terminated")):
        found = dig(status, place, state)
        if isinstance(found, dict) and (found.get("reason") or found.get("exitCode") is not None):
            yield Complaint(
                "kubernetes",
                f"{where}.{place}.{state}",
                str(found.get("reason") or ""),
                str(found.get("message") or ""),
                when(found.get("finishedAt")),
                container,
                key.startswith("init"),
                whole(found.get("exitCode")),
            )
