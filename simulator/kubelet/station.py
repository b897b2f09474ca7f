"""What every part of a kubelet works with: the objects, the clock, the events, the registry, and dice that depend on names alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.apps import NodeSpec
from simulator.conditions import Conditions
from simulator.events import EventType, Recorder, Source
from simulator.kubelet.runs import ContainerRun, PodRun
from simulator.noise import uniform
from simulator.objects import Object, name_of
from simulator.registry import Registry
from simulator.store import Store

POD_SYNC_SECONDS = 13.0  # how often a kubelet looks at a pod that waits


@dataclass(frozen=True)
class Station:
    store: Store
    now: Callable[[], datetime]
    events: Recorder
    registry: Registry
    conditions: Conditions
    nodes: dict[str, NodeSpec]
    seed: int

    def say(
        self, pod: Object, kind: EventType, reason: str, message: str, container: ContainerRun | None = None
    ) -> None:
        source = Source("kubelet", pod["spec"]["nodeName"])
        place = "initContainers" if container and container.is_init else "containers"
        field = f"spec.{place}{{{container.name}}}" if container else ""
        self.events.record(pod, "Pod", kind, reason, message, source, field)

    def after(self, seconds: float) -> datetime:
        return self.now() + timedelta(seconds=seconds)

    def jitter(self, run: PodRun, what: str, attempt: int) -> float:
        return uniform(self.seed, f"{run.uid}/{what}/{attempt}")


def spec_of(pod: Object, container: ContainerRun) -> Object:
    for each in pod["spec"].get("initContainers" if container.is_init else "containers") or []:
        if each["name"] == container.name:
            return dict(each)
    raise KeyError(f"pod {name_of(pod)} has no container {container.name!r}")


def go_duration(seconds: float) -> str:
    minutes, rest = divmod(math.floor(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
