"""node-exporter: what the machines themselves show, from the CPU and memory that the pods on them use."""

from __future__ import annotations

import numpy as np

from simulator.apps import NodeSpec
from simulator.noise import Floats, drift, grain
from simulator.promql.tsdb import Labels
from simulator.registry import MIB
from simulator.telemetry.counters import Row
from simulator.telemetry.labels import Sample, labelled

MODES = {"user": 0.72, "system": 0.22, "iowait": 0.04, "softirq": 0.02}
SYSTEM_CORES = 0.09
SYSTEM_MIB = 1_150.0
DISK_BYTES = 80 * 1024**3
BYTES_PER_CORE = 2_400_000.0


def base_labels(node: NodeSpec) -> dict[str, str]:
    return {"job": "node-exporter", "instance": f"{node.address}:9100", "node": node.name}


def rows(node: NodeSpec) -> list[Row]:
    base = base_labels(node)
    counters = []
    for cpu in range(node.cpu):
        labels = {**base, "cpu": str(cpu)}
        modes = (*MODES, "idle")
        counters += [Row(labelled("node_cpu_seconds_total", labels, mode=mode), is_whole=False) for mode in modes]
    ways = ("receive", "transmit")
    return counters + [Row(labelled(f"node_network_{way}_bytes_total", base, device="eth0")) for way in ways]


def rates(node: NodeSpec, seed: int, times: Floats, pod_cores: Floats) -> Floats:
    """Increments a second of `rows`."""
    busy = np.minimum((pod_cores + SYSTEM_CORES) / node.cpu, 0.995)
    increments = []
    for cpu in range(node.cpu):
        own = np.clip(busy * (1 + 0.1 * grain(seed, f"{node.name}/cpu{cpu}", times)), 0.001, 0.999)
        increments += [own * share for share in MODES.values()]
        increments.append(1 - own)
    increments += [pod_cores * BYTES_PER_CORE, pod_cores * BYTES_PER_CORE * 1.3]
    return np.asarray(increments)


def gauges(node: NodeSpec, seed: int, times: Floats, pod_cores: Floats, pod_mib: Floats) -> list[tuple[Labels, Floats]]:
    base = base_labels(node)
    total = np.zeros_like(times) + node.memory_mb * MIB
    wobble = 1 + 0.02 * drift(seed, f"{node.name}/memory", times)
    available = total - (pod_mib + SYSTEM_MIB * wobble) * MIB
    load = (pod_cores + SYSTEM_CORES) * 1.15 * (1 + 0.1 * drift(seed, f"{node.name}/load", times))
    disk = {"device": "/dev/vda1", "fstype": "ext4", "mountpoint": "/"}
    free = DISK_BYTES * (0.62 + 0.02 * drift(seed, f"{node.name}/disk", times / 40))
    return [
        (labelled("node_memory_MemTotal_bytes", base), total),
        (labelled("node_memory_MemAvailable_bytes", base), np.floor(available / 4096) * 4096),
        (labelled("node_filesystem_size_bytes", base, **disk), np.zeros_like(times) + DISK_BYTES),
        (labelled("node_filesystem_avail_bytes", base, **disk), np.floor(free / 4096) * 4096),
        (labelled("node_load1", base), np.round(load * (1 + 0.15 * grain(seed, f"{node.name}/load1", times)), 2)),
        (labelled("node_load5", base), np.round(load * (1 + 0.05 * grain(seed, f"{node.name}/load5", times, 60.0)), 2)),
        (labelled("node_load15", base), np.round(load, 2)),
    ]


def samples(gauge: list[tuple[Labels, Floats]]) -> list[Sample]:
    return [(labels, float(values[-1])) for labels, values in gauge]
