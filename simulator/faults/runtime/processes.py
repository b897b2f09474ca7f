"""Programs that die, leak or stand still: by a bug of a new build, or in the one process that it has befallen.

What a build does wrong every process of it does again after a restart; what has befallen a process is over with it.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from simulator.conditions import Kind, Level, Pressure, process_place
from simulator.faults.base import (
    Category,
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Refused,
    Repair,
    existing,
    first_container,
)
from simulator.faults.workloads import edit_container, is_steady, next_version, pods_of, program, restart
from simulator.programs.defects import Defect
from simulator.programs.process import MOST_DESCRIPTORS, MOST_THREADS, NO_TROUBLE
from simulator.world import World

HOW = Parameter(
    "how", "text", "'build': every process of a new version has it; 'state': it has befallen those that run"
)


class Ailment(Fault):
    """A defect that a new version brings along, or a pressure on each process that runs now."""

    category: ClassVar[Category] = "runtime"
    kind: ClassVar[Kind | None] = None
    by_default: ClassVar[str] = "build"
    parameters: ClassVar[tuple[Parameter, ...]] = (HOW,)
    repairs: ClassVar[tuple[Repair, ...]] = ("rollback", "patch_workload")

    def defect(self, world: World, place: Place, parameters: Parameters) -> Defect:
        raise NotImplementedError

    def strength(self, world: World, place: Place, parameters: Parameters) -> float:  # noqa: ARG002
        return 1.0

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        how = str(parameters.get("how") or self.by_default)
        if how not in ("build", "state") or (how == "state" and self.kind is None):
            raise Refused(f"params: how {how!r} is not possible")
        return self._by_build(world, place, parameters) if how == "build" else self._by_state(world, place, parameters)

    def _by_build(self, world: World, place: Place, parameters: Parameters) -> Injection:
        before = str(first_container(existing(world, "Deployment", place))["image"])
        image = world.registry.publish(
            program(world, place), next_version(before), self.defect(world, place, parameters)
        )
        return edit_container(world, place, f"image set from {before} to {image}", image=image)

    def _by_state(self, world: World, place: Place, parameters: Parameters) -> Injection:
        if self.kind is None:
            raise Refused("params: how 'state' is not possible")
        level = Level(self.strength(world, place, parameters), world.clock.now().timestamp())
        running = [run for pod in pods_of(world, place) if (run := world.kubelet.runs.get(pod["metadata"]["uid"]))]
        ids = [each.container_id for run in running for each in run if each.process and each.process.app]
        pressures = tuple((Pressure(self.kind, process_place(each)), level) for each in ids)
        for pressure, each in pressures:
            world.conditions.press(pressure, each)
        return Injection(f"{self.kind.name.lower()} in {len(ids)} processes", pressures=pressures)

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        if not is_steady(world, place):
            return False
        image = world.registry.find(str(first_container(existing(world, "Deployment", place))["image"]))
        return image is not None and image.defect.is_sound and not self._is_befallen(world, place)

    def undo(self, world: World, place: Place, injection: Injection) -> None:
        """What a process has lost it does not find again when it loses no more: those that suffer are restarted."""
        super().undo(world, place, injection)
        if injection.pressures and self._is_befallen(world, place):
            restart(world, place)

    def _is_befallen(self, world: World, place: Place) -> bool:
        runs = [world.kubelet.runs.get(pod["metadata"]["uid"]) for pod in pods_of(world, place)]
        return any(
            (self.kind is not None and world.conditions.holds(self.kind, process_place(each.container_id)))
            or (each.process is not None and each.process.trouble != NO_TROUBLE)
            for run in runs
            if run is not None
            for each in run
        )

    def suits(self, world: World, place: Place) -> bool:
        if not super().suits(world, place):
            return False
        image = world.registry.find(str(first_container(existing(world, "Deployment", place))["image"]))
        return image is not None and image.app is not None and image.app.protocol == "http"


class ApplicationCrash(Ailment):
    id = "application_crash"
    title = "A new version runs into a bug after a while and dies of it, again and again"
    parameters = (Parameter("after_seconds", "number", "how long a process lives", "25"),)

    def defect(self, world: World, place: Place, parameters: Parameters) -> Defect:  # noqa: ARG002
        return Defect(crashes_after=float(parameters.get("after_seconds") or 25.0))


class MemoryLeak(Ailment):
    id = "memory_leak"
    title = "A version gives memory back to nobody: its working set only grows"
    kind = Kind.LEAKED_MEMORY
    parameters = (HOW, Parameter("minutes", "number", "until the memory limit is reached", "20"))

    def defect(self, world: World, place: Place, parameters: Parameters) -> Defect:
        return Defect(leaks_mib=self.strength(world, place, parameters))

    def strength(self, world: World, place: Place, parameters: Parameters) -> float:
        app = program(world, place)
        members = world.members(place.namespace, app.name)
        limit = max((group.group.memory_limit_mib or 0.0 for group, _ in members), default=0.0) or 512.0
        return max(limit - app.memory.busy, 16.0) / float(parameters.get("minutes") or 20.0)


class ThreadExhaustion(Ailment):
    id = "thread_exhaustion"
    title = "Threads are started and never end, until no more can be started"
    kind = Kind.LEAKED_THREADS
    by_default = "state"
    repairs: ClassVar[tuple[Repair, ...]] = ("restart", "delete_pod", "rollback", "patch_workload")
    parameters = (HOW, Parameter("minutes", "number", "until none is left", "6"))

    def defect(self, world: World, place: Place, parameters: Parameters) -> Defect:
        return Defect(leaks_threads=self.strength(world, place, parameters))

    def strength(self, world: World, place: Place, parameters: Parameters) -> float:  # noqa: ARG002
        return MOST_THREADS / float(parameters.get("minutes") or 6.0)


class FileDescriptorExhaustion(Ailment):
    id = "file_descriptor_exhaustion"
    title = "A version opens files and sockets and never closes them, until it may open no more"
    kind = Kind.LEAKED_DESCRIPTORS
    parameters = (HOW, Parameter("minutes", "number", "until none is left", "6"))

    def defect(self, world: World, place: Place, parameters: Parameters) -> Defect:
        return Defect(leaks_descriptors=self.strength(world, place, parameters))

    def strength(self, world: World, place: Place, parameters: Parameters) -> float:  # noqa: ARG002
        return MOST_DESCRIPTORS / float(parameters.get("minutes") or 6.0)


class Deadlock(Ailment):
    id = "deadlock"
    title = "The threads of a program wait for each other: it lives and answers nothing but its health check"
    kind = Kind.DEADLOCK
    by_default = "state"
    repairs: ClassVar[tuple[Repair, ...]] = ("restart", "delete_pod", "rollback")
    parameters = (HOW, Parameter("after_seconds", "number", "with 'build': how long a process works", "60"))

    def defect(self, world: World, place: Place, parameters: Parameters) -> Defect:  # noqa: ARG002
        return Defect(hangs_after=float(parameters.get("after_seconds") or 60.0))


FAULTS: tuple[Fault, ...] = (
    ApplicationCrash(),
    MemoryLeak(),
    ThreadExhaustion(),
    FileDescriptorExhaustion(),
    Deadlock(),
)
