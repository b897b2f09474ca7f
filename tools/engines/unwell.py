"""Whether a program suffers now: pods that are not ready, containers that wait or were restarted while somebody looked.

A mismatch that stands in a template accuses only where something suffers from it, and a sentence in a log weighs more where the program
that wrote it does not run.
"""

from tools.engines.objects import Object, dig, is_leaving, is_ready, restarts, rows, statuses, when
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot

LONGEST_BETWEEN = 600.0
SETTLING = 1_800.0
WARM_UP = 180.0
STARTING = frozenset({"ContainerCreating", "PodInitializing"})


def is_unwell(snapshot: Snapshot, program: Program) -> bool:
    if any(_suffers(snapshot, pod) for pod in program.pods):
        return True
    wanted = program.wanted
    return bool(wanted and program.obj and "status" in program.obj and program.ready < wanted)


def had_run_well(snapshot: Snapshot, program: Program) -> bool:
    """Whether its pods are older than their restarts can tell: one that never ran is restarted every five minutes or more often."""
    for pod in program.pods:
        born = when(dig(pod, "metadata", "creationTimestamp"))
        count = max((restarts(status) for status in rows(pod, "status", "containerStatuses")), default=0)
        if born and count and (snapshot.taken_at - born).total_seconds() > count * LONGEST_BETWEEN + SETTLING:
            return True
    return False


def is_warming_up(snapshot: Snapshot, program: Program) -> bool:
    """Whether all its pods are so young that they answer late for that alone: caches are empty, code is not compiled yet."""
    ages = [
        (snapshot.taken_at - born).total_seconds()
        if (born := when(dig(pod, "metadata", "creationTimestamp")))
        else None
        for pod in program.pods
        if not is_leaving(pod)
    ]
    return bool(ages) and all(age is not None and age < WARM_UP for age in ages)


def waiting_reason(status: Object) -> str:
    reason = str(dig(status, "state", "waiting", "reason") or "")
    return "" if reason in STARTING else reason


def _suffers(snapshot: Snapshot, pod: Object) -> bool:
    known = bool(rows(pod, "status", "conditions"))
    if known and not is_ready(pod):
        return True
    return any(waiting_reason(status) or _fell(snapshot, status) for status in statuses(pod))


def _fell(snapshot: Snapshot, status: Object) -> bool:
    ended = when(dig(status, "lastState", "terminated", "finishedAt"))
    failed = bool(dig(status, "lastState", "terminated", "exitCode"))
    return failed and restarts(status) > 0 and (ended is None or ended >= snapshot.window.start)
