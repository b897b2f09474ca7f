"""Nodes that run short: their conditions, and the pods that have to go.

Every ten seconds the kubelet compares what is left of memory, disk and process numbers with its thresholds. Below one of them the node
says so at once, and takes it back only five minutes after it was last true. What it can clear away itself is little, so pods are evicted,
one each time: those above their requests first, then by priority, then by how much they use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from simulator.conditions import Kind
from simulator.events import EventType, Source
from simulator.kubelet.runs import PodRun
from simulator.kubelet.station import Station
from simulator.machines import DISK_BYTES, MIB, MOST_PIDS, SYSTEM_PIDS, free_disk, free_memory
from simulator.objects import Object, is_deleting, is_finished, uid_of
from simulator.quantity import resource

CALM = timedelta(minutes=5)
CRITICAL = 2_000_000_000
THREADS = 20  # of a usual container

Said = tuple[str, str, str]  # status, reason and message of a condition
Evict = Callable[[Object, PodRun, str], None]


@dataclass(frozen=True)
class Signal:
    condition: str
    resource: str
    pressure: Kind
    threshold: float
    quantity: str  # the threshold in words
    strained: Said
    calm: Said
    events: tuple[str, str]  # when it begins and when it ends


SIGNALS = (
    Signal(
        "MemoryPressure",
        "memory",
        Kind.MEMORY_TAKEN,
        100 * MIB,
        "100Mi",
        ("True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
        ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("NodeHasInsufficientMemory", "NodeHasSufficientMemory"),
    ),
    Signal(
        "DiskPressure",
        "ephemeral-storage",
        Kind.DISK_TAKEN,
        DISK_BYTES // 10,
        str(DISK_BYTES // 10),
        ("True", "KubeletHasDiskPressure", "kubelet has disk pressure"),
        ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("NodeHasDiskPressure", "NodeHasNoDiskPressure"),
    ),
    Signal(
        "PIDPressure",
        "pids",
        Kind.PIDS_TAKEN,
        MOST_PIDS // 10,
        str(MOST_PIDS // 10),
        ("True", "KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
        ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("NodeHasInsufficientPID", "NodeHasSufficientPID"),
    ),
)


class Evictions:
    def __init__(self, station: Station, evict: Evict) -> None:
        self._station = station
        self._evict = evict
        self._last: dict[tuple[str, str], datetime] = {}  # (node, condition) -> when it was last short
        self._is_strained: dict[tuple[str, str], bool] = {}

    def observe(self, runs: dict[str, PodRun]) -> None:
        awake = [node for node in self._station.nodes if not self._station.conditions.holds(Kind.KUBELET_DOWN, node)]
        for node in awake:
            for signal in SIGNALS:
                if self._station.conditions.holds(signal.pressure, node) or (node, signal.condition) in self._last:
                    self._look(node, signal, [run for run in runs.values() if run.node == node])

    def said(self, node: str, condition: str) -> Said | None:
        """What the agent says of a condition; None while it has never had a reason to look."""
        strained = self._is_strained.get((node, condition))
        signal = next((each for each in SIGNALS if each.condition == condition), None)
        if strained is None or signal is None:
            return None
        return signal.strained if strained else signal.calm

    def _look(self, node: str, signal: Signal, runs: list[PodRun]) -> None:
        key, now = (node, signal.condition), self._station.now()
        left = self._left(node, signal, runs)
        is_short = left < signal.threshold
        if is_short:
            self._last[key] = now
        was = self._is_strained.get(key, False)
        strained = is_short or (was and now - self._last[key] < CALM)
        self._is_strained[key] = strained
        if strained != was:
            word = signal.events[0 if strained else 1]
            self._tell(node, "Normal", word, f"Node {node} status is now: {word}")
        if is_short:
            self._reclaim(node, signal, left, runs, at_first=not was)

    def _left(self, node: str, signal: Signal, runs: Iterable[PodRun]) -> float:
        station, times = self._station, np.array([self._station.now().timestamp()])
        taken, spec = station.conditions.total(signal.pressure, node, times), station.nodes[node]
        running = [each for run in runs for each in run if each.phase.is_running]
        if signal.resource == "memory":
            return float(free_memory(spec, station.seed, times, taken + sum(each.memory_mib for each in running))[0])
        if signal.resource == "pids":
            return float(MOST_PIDS - SYSTEM_PIDS - THREADS * len(running) - taken[0])
        return float(free_disk(spec, station.seed, times, taken)[0])

    def _reclaim(self, node: str, signal: Signal, left: float, runs: list[PodRun], *, at_first: bool) -> None:
        self._tell(node, "Warning", "EvictionThresholdMet", f"Attempting to reclaim {signal.resource}")
        if signal.resource == "ephemeral-storage":
            wanted = int(signal.threshold * 1.5 - left)
            found = f"Attempted to free {wanted} bytes, but only found 0 bytes eligible to free."
            message = f"Failed to garbage collect required amount of images. {found}"
            self._tell(node, "Warning", "FreeDiskSpaceFailed", message)
            self._tell(node, "Warning", "ImageGCFailed", message)
        # What can be cleared away without hurting anybody comes first.
        victim = None if at_first else self._victim(signal, runs)
        if victim is not None:
            pod, run = victim
            self._evict(pod, run, _message(signal, left, pod, run))

    def _victim(self, signal: Signal, runs: list[PodRun]) -> tuple[Object, PodRun] | None:
        by_uid = {run.uid: run for run in runs if not run.is_over and run.has_sandbox}
        pods = [pod for pod in self._station.store.list("Pod") if uid_of(pod) in by_uid]
        candidates = [pod for pod in pods if not (is_deleting(pod) or is_finished(pod) or _is_critical(pod))]
        ranked = sorted(candidates, key=lambda pod: _rank(signal, pod, by_uid[uid_of(pod)]))
        return (ranked[0], by_uid[uid_of(ranked[0])]) if ranked else None

    def _tell(self, node: str, kind: EventType, reason: str, message: str) -> None:
        found = self._station.store.get("Node", None, node)
        if found is not None:
            self._station.events.record(found, "Node", kind, reason, message, Source("kubelet", node))


def _is_critical(pod: Object) -> bool:
    is_static = any(each["kind"] == "Node" for each in pod["metadata"].get("ownerReferences") or [])
    return (
        is_static or pod["metadata"]["namespace"] == "kube-system" or int(pod["spec"].get("priority") or 0) >= CRITICAL
    )


def _rank(signal: Signal, pod: Object, run: PodRun) -> tuple[object, ...]:
    used = sum(each.memory_mib for each in run) * MIB
    asked = sum(resource(each, "requests", "memory") or 0.0 for each in pod["spec"]["containers"])
    over = used - asked if signal.resource == "memory" else used
    return over <= 0, int(pod["spec"].get("priority") or 0), -over, run.namespace, run.name


def _message(signal: Signal, left: float, pod: Object, run: PodRun) -> str:
    available = f"{int(left)}" if signal.resource == "pids" else f"{int(left / 1024)}Ki"
    head = f"The node was low on resource: {signal.resource}. Threshold quantity: {signal.quantity}, available: {available}. "
    if signal.resource == "pids":
        return head
    return head + "".join(_consumption(signal, each, run) for each in pod["spec"]["containers"])


def _consumption(signal: Signal, container: Object, run: PodRun) -> str:
    used = run.containers[container["name"]].memory_mib * MIB if signal.resource == "memory" else 4096.0 * 22
    asked = resource(container, "requests", signal.resource) or 0.0
    if used <= asked:
        return ""
    request = f"{int(asked / MIB)}Mi" if asked else "0"
    return (
        f"Container {container['name']} was using {int(used / 1024)}Ki, request is {request}, "
        f"has larger consumption of {signal.resource}. "
    )
