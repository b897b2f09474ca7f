"""What a program's logs say now: the sentences with a meaning that it has not got over, with the log that each stands in.

A log of a container that ran before counts only while the program is still unwell; what it said before it recovered accuses nobody.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tools.engines.diagnosis import Evidence
from tools.engines.finding import evidence
from tools.engines.logs.digest import Said
from tools.engines.objects import name_of, statuses
from tools.engines.program import Program
from tools.engines.snapshot import LogKey, Snapshot
from tools.engines.unwell import is_unwell

MAX_LINES = 3
ENOUGH_LINES = 5


@dataclass(frozen=True, slots=True)
class Heard:
    key: LogKey
    said: Said


def heard(snapshot: Snapshot, program: Program, *meanings: str) -> list[Heard]:
    """The loudest first."""
    found = list(_heard(snapshot, program, meanings))
    return sorted(found, key=lambda one: (-one.said.count, str(one.key), one.said.target))


def as_evidence(found: list[Heard], weight: float) -> tuple[Evidence, ...]:
    """The first few as they were written, each meaning and place once."""
    chosen: dict[tuple[str, str], Heard] = {}
    for one in found:
        chosen.setdefault((one.said.meaning, one.said.target), one)
    return tuple(
        evidence("log", str(one.key), one.said.quote or one.said.text, one.said.last, weight=weight)
        for one in list(chosen.values())[:MAX_LINES]
    )


def silence(snapshot: Snapshot, program: Program, weight: float) -> Iterator[Evidence]:
    """Against a mismatch: a log that was read, long enough to complain, and that complains of nothing of the kind."""
    for key, log in snapshot.logs_of(program):
        if log.lines >= ENOUGH_LINES:
            yield evidence("log", str(key), f"{log.lines} lines without a complaint about it", weight=weight)
            return


def _heard(snapshot: Snapshot, program: Program, meanings: tuple[str, ...]) -> Iterator[Heard]:
    running = {name_of(pod) for pod in program.pods}
    logs = snapshot.logs_of(program)
    unwell = is_unwell(snapshot, program) if any(key.previous for key, _ in logs) else False
    for key, log in logs:
        if program.pods and key.pod not in running:
            continue
        if key.previous and not (unwell or not _is_known(program, key.pod)):
            continue
        for said in log.said(*meanings) if key.previous else log.still_said(*meanings):
            yield Heard(key, said)


def _is_known(program: Program, pod: str) -> bool:
    return any(name_of(one) == pod and statuses(one) for one in program.pods)
