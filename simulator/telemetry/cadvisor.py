"""What a kubelet's cAdvisor says about running containers; a container that does not run has no series."""

from __future__ import annotations

import numpy as np

from simulator import capacity
from simulator.apps import App
from simulator.flow import GroupFlow
from simulator.kubelet.runs import ContainerRun, PodRun
from simulator.noise import Floats
from simulator.objects import Object
from simulator.quantity import resource
from simulator.registry import MIB
from simulator.telemetry.counters import Row
from simulator.telemetry.labels import Sample, labelled

PERIOD_MICROS = 100_000
PERIODS_PER_SECOND = 1e6 / PERIOD_MICROS
BYTES_IN, BYTES_OUT = 900.0, 2_600.0
SEGMENT_BYTES = 1_200.0
WRITTEN_BYTES = 180.0  # a request's line in the log
DURABLE_BYTES = 8_192.0
IDLE_CORES = 0.001
MOST_DESCRIPTORS = 65_536.0
THREADS = {"go": 11.0, "python": 4.0, "java": 38.0, "node": 11.0, "c": 5.0}

_INSIDE = ("container_fs_reads_bytes_total", "container_fs_writes_bytes_total")
_WAITING = "container_pressure_cpu_waiting_seconds_total"
_WIRE = (
    "container_network_receive_bytes_total",
    "container_network_transmit_bytes_total",
    "container_network_receive_packets_total",
    "container_network_transmit_packets_total",
    "container_network_receive_packets_dropped_total",
    "container_network_transmit_packets_dropped_total",
    "container_network_receive_errors_total",
    "container_network_transmit_errors_total",
)
LIVING = (
    "container_memory_working_set_bytes",
    "container_memory_usage_bytes",
    "container_memory_rss",
    "container_memory_cache",
    "container_threads",
    "container_file_descriptors",
    "container_processes",
    "container_sockets",
    "container_fs_usage_bytes",
)


def base_labels(run: PodRun, address: str) -> dict[str, str]:
    return {
        "job": "kubelet",
        "metrics_path": "/metrics/cadvisor",
        "instance": f"{address}:10250",
        "node": run.node,
        "namespace": run.namespace,
        "pod": run.name,
    }


def inside(run: PodRun, container: ContainerRun, address: str) -> dict[str, str]:
    return {**base_labels(run, address), "container": container.name, "image": container.reference}


def rows(run: PodRun, container: ContainerRun, address: str, *, has_quota: bool, has_wire: bool) -> list[Row]:
    """CPU, quota, disk, pressure; and the network, which belongs to the pod and is shown with its first container."""
    own = inside(run, container, address)
    counters = [Row(labelled("container_cpu_usage_seconds_total", own), is_whole=False)]
    if has_quota:
        counters += [
            Row(labelled("container_cpu_cfs_periods_total", own)),
            Row(labelled("container_cpu_cfs_throttled_periods_total", own)),
            Row(labelled("container_cpu_cfs_throttled_seconds_total", own), is_whole=False),
        ]
    counters += [Row(labelled(name, own, device="/dev/vda1")) for name in _INSIDE]
    counters.append(Row(labelled(_WAITING, own), is_whole=False))
    if has_wire:
        wire = {**base_labels(run, address), "interface": "eth0"}
        counters += [Row(labelled(name, wire)) for name in _WIRE]
    return counters


def rates(flow: GroupFlow | None, *, has_quota: bool, has_wire: bool, length: int = 1) -> Floats:
    """Increments a second of `rows`; a program that the shop does not know idles."""
    zero = np.zeros(length) if flow is None else np.zeros_like(flow.cores)
    counters = [zero + IDLE_CORES if flow is None else flow.cores]
    if has_quota:
        counters += _quota(flow, zero)
    if flow is None:
        return np.asarray(counters + [zero] * (len(_INSIDE) + 1 + (len(_WIRE) if has_wire else 0)))
    rate, app = flow.rate, flow.group.app
    stored = DURABLE_BYTES if app.is_durable else WRITTEN_BYTES
    counters += [rate * (stored / 2 if app.is_durable else 0.0), rate * stored]
    counters.append(capacity.cpu_waiting(flow.utilisation))
    if has_wire:
        counters += _wire(flow, rate, zero)
    return np.asarray(counters)


def _quota(flow: GroupFlow | None, zero: Floats) -> list[Floats]:
    if flow is None:
        return [zero + PERIODS_PER_SECOND, zero, zero]
    throttled = np.minimum(flow.throttled, 1.0)
    over = np.maximum(flow.demand / flow.group.cpu_limit - 0.55, 0.02) * 0.5
    return [zero + PERIODS_PER_SECOND, throttled * PERIODS_PER_SECOND, throttled * over]


def _wire(flow: GroupFlow, rate: Floats, zero: Floats) -> list[Floats]:
    received, sent = rate * BYTES_IN, rate * BYTES_OUT
    lost = flow.retransmits
    return [
        received,
        sent,
        received / SEGMENT_BYTES + rate,
        sent / SEGMENT_BYTES + rate,
        lost / 2,
        lost / 2,
        zero,
        zero,
    ]


def shaped(rates: Floats, factor: Floats | float, seconds: float, limit: float, *, has_quota: bool) -> Floats:
    """A pod's share moves what requests cost, but neither its limit nor the clock: quota periods tick evenly for all."""
    moved: Floats = rates * factor
    if has_quota:
        moved[0] = np.minimum(moved[0], limit * seconds)
        moved[1] = rates[1] * seconds
        moved[2] = np.minimum(moved[2], moved[1])
    return moved


def fixed(run: PodRun, container: ContainerRun, spec: Object, address: str) -> list[Sample]:
    """What stays as it is for as long as the container runs."""
    own = inside(run, container, address)
    started = container.started_at.timestamp() if container.started_at else 0.0
    samples = [
        (labelled("container_spec_memory_limit_bytes", own), resource(spec, "limits", "memory") or 0.0),
        (labelled("container_oom_events_total", own), float(container.oom_kills)),
        (labelled("container_memory_failcnt", own), float(container.oom_kills * 37)),
        (labelled("container_spec_cpu_period", own), float(PERIOD_MICROS)),
        (labelled("container_spec_cpu_shares", own), _shares(spec)),
        (labelled("container_start_time_seconds", own), started),
        (labelled("container_ulimits_soft", own, ulimit="max_open_files"), MOST_DESCRIPTORS),
    ]
    cpu = resource(spec, "limits", "cpu")
    if cpu:
        samples.append((labelled("container_spec_cpu_quota", own), cpu * PERIOD_MICROS))
    return samples


def _shares(spec: Object) -> float:
    return max(float(int((resource(spec, "requests", "cpu") or 0.0) * 1024)), 2.0)


def lost(container: ContainerRun) -> tuple[float, float]:
    """Threads and descriptors that the process has and does not use."""
    process = container.process
    return (float(int(process.threads)), float(int(process.descriptors))) if process else (0.0, 0.0)


def living(container: ContainerRun, app: App | None, busy: Floats, mib: Floats) -> list[Floats]:
    """Values of `LIVING`; `busy` is how many requests the program has in hand."""
    pages = np.floor(mib * MIB / 4096)
    cached = np.floor(pages * 1.07) * 4096
    threads = THREADS[app.language] if app else 1.0
    sockets = 6 + np.floor(busy)
    lost_threads, lost_descriptors = lost(container)
    return [
        pages * 4096,
        cached,
        np.floor(pages * 0.93) * 4096,
        cached - np.floor(pages * 0.93) * 4096,
        threads + lost_threads + np.floor(busy) * (app is not None and app.language in ("java", "python")),
        12 + 2 * sockets + lost_descriptors,
        1 + np.floor(busy) * (app is not None and app.log_style == "postgres"),
        sockets,
        np.zeros_like(mib) + 4096.0 * (22 + 3 * container.restarts),
    ]
