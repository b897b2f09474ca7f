"""What a running process loses with time: memory that nobody gives back, threads and descriptors that nobody closes, and its progress.

A loss is the build's own (every process of it has it from its start) or has befallen one process alone; either way it ends with the
process.
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.conditions import Kind
from simulator.programs.process import Process

Pressing = Callable[[Kind], float]
LOSSES = (Kind.LEAKED_MEMORY, Kind.LEAKED_THREADS, Kind.LEAKED_DESCRIPTORS, Kind.DEADLOCK)


def age(process: Process, seconds: float, uptime: float, pressing: Pressing) -> bool:
    """Let so much time pass; whether the program answers otherwise now."""
    before = process.trouble
    defect, minutes = process.defect, seconds / 60
    process.leaked_mib += (defect.leaks_mib + pressing(Kind.LEAKED_MEMORY)) * minutes
    process.threads += (defect.leaks_threads + pressing(Kind.LEAKED_THREADS)) * minutes
    process.descriptors += (defect.leaks_descriptors + pressing(Kind.LEAKED_DESCRIPTORS)) * minutes
    hangs_by_now = defect.hangs_after is not None and uptime >= defect.hangs_after
    process.is_stuck = process.is_stuck or hangs_by_now or pressing(Kind.DEADLOCK) > 0
    return process.trouble != before
