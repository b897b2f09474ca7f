"""node-exporter: what the machines themselves show, from what the pods on them use and from what presses on the machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.apps import NodeSpec
from simulator.machines import DISK_BYTES, INODES, MIB, SYSTEM_PIDS, free_disk, free_memory
from simulator.noise import Floats, drift, grain
from simulator.promql.tsdb import Labels
from simulator.telemetry.counters import Row
from simulator.telemetry.labels import labelled

MODES = ("user", "nice", "system", "iowait", "irq", "softirq", "steal", "idle")
SYSTEM_CORES = 0.09
BYTES_PER_CORE = 2_400_000.0
SEGMENT_BYTES = 1_200.0
USUAL_RESENT = 0.0002  # of all segments: no network is without
BOOTED = 1_764_900_000.0

_NETWORK = ("bytes", "packets", "errs", "drop")
_DISK = (
    "node_disk_io_time_seconds_total",
    "node_disk_io_time_weighted_seconds_total",
    "node_disk_read_time_seconds_total",
    "node_disk_write_time_seconds_total",
    "node_disk_reads_completed_total",
    "node_disk_writes_completed_total",
    "node_disk_read_bytes_total",
    "node_disk_written_bytes_total",
)
_PRESSURES = ("cpu_waiting", "io_waiting", "io_stalled", "memory_waiting", "memory_stalled")
_TCP = ("node_netstat_Tcp_OutSegs", "node_netstat_Tcp_InSegs", "node_netstat_Tcp_RetransSegs")
_WHOLE = ("reads_completed", "writes_completed", "_bytes_")
_GAUGES = (
    "node_memory_MemTotal_bytes",
    "node_memory_MemAvailable_bytes",
    "node_memory_MemFree_bytes",
    "node_memory_Cached_bytes",
    "node_load1",
    "node_load5",
    "node_load15",
    "node_procs_running",
    "node_procs_blocked",
    "node_processes_pids",
    "node_processes_max_processes",
    "node_filefd_allocated",
    "node_filefd_maximum",
    "node_timex_offset_seconds",
    "node_timex_sync_status",
    "node_time_seconds",
    "node_boot_time_seconds",
)
_FILESYSTEM = (
    "node_filesystem_size_bytes",
    "node_filesystem_avail_bytes",
    "node_filesystem_files",
    "node_filesystem_files_free",
    "node_filesystem_readonly",
)


@dataclass(frozen=True)
class Load:
    """What a machine has to bear, a value for each time."""

    cores: Floats  # used by the pods
    wanted: Floats  # by the pods, had they all they want
    mib: Floats
    threads: Floats
    stolen: Floats  # share of the CPUs
    disk: Floats  # share of the disk's time
    writes: Floats  # a second
    lost: Floats  # packets a second
    offset: Floats  # seconds that its clock is wrong
    filled: Floats  # bytes of the disk that strangers take


def base_labels(node: NodeSpec) -> dict[str, str]:
    return {"job": "node-exporter", "instance": f"{node.address}:9100", "node": node.name}


def rows(node: NodeSpec) -> list[Row]:
    base = base_labels(node)
    counters = [
        Row(labelled("node_cpu_seconds_total", base, cpu=str(cpu), mode=mode), is_whole=False)
        for cpu in range(node.cpu)
        for mode in MODES
    ]
    for way in ("receive", "transmit"):
        counters += [Row(labelled(f"node_network_{way}_{what}_total", base, device="eth0")) for what in _NETWORK]
    counters += [
        Row(labelled(name, base, device="vda"), is_whole=any(part in name for part in _WHOLE)) for name in _DISK
    ]
    counters += [Row(labelled(f"node_pressure_{what}_seconds_total", base), is_whole=False) for what in _PRESSURES]
    return [*counters, *(Row(labelled(name, base)) for name in _TCP)]


def rates(node: NodeSpec, seed: int, times: Floats, load: Load) -> Floats:
    """Increments a second of `rows`."""
    zero = np.zeros_like(times)
    increments = _cpus(node, seed, times, load)
    received, sent = load.cores * BYTES_PER_CORE, load.cores * BYTES_PER_CORE * 1.3
    for passed in (received, sent):
        increments += [passed, passed / SEGMENT_BYTES, zero, load.lost / 2]
    increments += _disk(load)
    increments += _pressures(node, load, zero)
    segments = sent / SEGMENT_BYTES
    increments += [segments, received / SEGMENT_BYTES, segments * USUAL_RESENT + load.lost]
    return np.asarray(increments)


def _cpus(node: NodeSpec, seed: int, times: Floats, load: Load) -> list[Floats]:
    left = 1 - load.stolen
    busy = np.minimum((load.cores + SYSTEM_CORES) / node.cpu, 0.995 * left)
    increments = []
    for cpu in range(node.cpu):
        own = np.clip(busy * (1 + 0.1 * grain(seed, f"{node.name}/cpu{cpu}", times)), 0.001, 0.999 * left)
        idle = left - own
        waits = np.minimum(0.004 + 0.7 * load.disk**4, 0.97) * idle
        shares = [own * 0.74, own * 0.0, own * 0.23, waits, own * 0.0, own * 0.03, load.stolen]
        increments += [*shares, 1 - sum(shares, np.zeros_like(times))]
    return increments


def _disk(load: Load) -> list[Floats]:
    stretch = 1 / (1 - np.minimum(load.disk, 0.995))
    reading, writing = load.writes * 0.3, load.writes
    busy = np.minimum(load.disk, 0.999)
    return [
        busy,
        busy * stretch,
        reading * 0.0004 * stretch,
        writing * 0.0006 * stretch,
        reading + 300 * busy,
        writing + 900 * busy,
        (reading + 300 * busy) * 16_384,
        (writing + 900 * busy) * 8_192,
    ]


def _pressures(node: NodeSpec, load: Load, zero: Floats) -> list[Floats]:
    available = np.maximum(node.cpu * (1 - load.stolen), 0.05)
    waiting = np.clip((load.wanted + SYSTEM_CORES) / available - 0.25, 0.0, 0.98) ** 2
    blocked = np.clip(load.disk, 0.0, 0.98) ** 3
    return [waiting, blocked, blocked * 0.6, zero, zero]


def gauge_labels(node: NodeSpec) -> list[Labels]:
    base = base_labels(node)
    disk = {"device": "/dev/vda1", "fstype": "ext4", "mountpoint": "/"}
    return [*(labelled(name, base) for name in _GAUGES), *(labelled(name, base, **disk) for name in _FILESYSTEM)]


def gauges(node: NodeSpec, seed: int, times: Floats, load: Load) -> list[Floats]:
    """Values of `gauge_labels`."""
    zero = np.zeros_like(times)
    return [
        *_memory(node, seed, times, load),
        *_loads(node, seed, times, load),
        np.floor(1 + load.wanted),
        np.floor(load.disk**4 * 12),
        np.floor(SYSTEM_PIDS + load.threads),
        zero + 32_768,
        np.floor(1_900 + 6 * load.threads),
        zero + 9_223_372_036_854_775_807,
        *_clock(node, seed, times, load),
        zero + BOOTED,
        *_filesystem(node, seed, times, load.filled),
    ]


def _memory(node: NodeSpec, seed: int, times: Floats, load: Load) -> list[Floats]:
    total = np.zeros_like(times) + node.memory_mb * MIB
    available = free_memory(node, seed, times, load.mib)
    cached = np.floor(available * 0.42 / 4096) * 4096
    return [total, available, available - cached, cached]


def _loads(node: NodeSpec, seed: int, times: Floats, load: Load) -> list[Floats]:
    """Threads that run or want to, and on Linux those that wait for a disk."""
    runnable = (load.wanted + SYSTEM_CORES) * 1.15 + load.disk**4 * 12
    level = runnable * (1 + 0.1 * drift(seed, f"{node.name}/load", times))
    return [
        np.round(level * (1 + 0.15 * grain(seed, f"{node.name}/load1", times)), 2),
        np.round(level * (1 + 0.05 * grain(seed, f"{node.name}/load5", times, 60.0)), 2),
        np.round(level, 2),
    ]


def _clock(node: NodeSpec, seed: int, times: Floats, load: Load) -> list[Floats]:
    wander = 0.0003 * drift(seed, f"{node.name}/clock", times)
    return [np.round(load.offset + wander, 6), (np.abs(load.offset) < 0.1).astype(np.float64), times + load.offset]


def _filesystem(node: NodeSpec, seed: int, times: Floats, filled: Floats) -> list[Floats]:
    zero = np.zeros_like(times)
    return [
        zero + DISK_BYTES,
        free_disk(node, seed, times, filled),
        zero + INODES,
        zero + np.floor(INODES * 0.94),
        zero,
    ]
