"""What a program that ails writes while it lives."""

from __future__ import annotations

from simulator.apps import App
from simulator.programs.ends import Note
from simulator.programs.process import MOST_DESCRIPTORS, MOST_THREADS, Process


def complaint(app: App, process: Process) -> Note | None:
    """A line that it repeats; one that is stuck says nothing any more."""
    if process.is_stuck:
        return None
    if process.threads >= MOST_THREADS:
        return Note("error", "cannot start a worker", {"error": NO_THREADS[app.language]})
    if process.descriptors >= MOST_DESCRIPTORS:
        return Note(
            "error",
            "cannot accept connection",
            {"error": f"accept tcp 0.0.0.0:{app.port}: accept4: too many open files"},
        )
    if process.defect.error_share:
        return Note("error", "unhandled error in request", {"error": BUGS[app.language]})
    return None


NO_THREADS = {
    "go": "runtime: failed to create new OS thread (have 1002 already; errno=11): resource temporarily unavailable",
    "java": "java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory or process/resource limits reached",
    "python": "RuntimeError: can't start new thread",
    "node": "Error: spawn EAGAIN: resource temporarily unavailable",
    "c": "could not fork new process: Resource temporarily unavailable",
}
BUGS = {
    "go": "runtime error: invalid memory address or nil pointer dereference",
    "java": 'java.lang.NullPointerException: Cannot invoke "Item.key()" because "item" is null',
    "python": "AttributeError: 'NoneType' object has no attribute 'value'",
    "node": "TypeError: Cannot read properties of undefined (reading 'key')",
    "c": "assertion failed",
}
