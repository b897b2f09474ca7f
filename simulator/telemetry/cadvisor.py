"""What a kubelet's cAdvisor says about running containers; a container that does not run has no series."""

from __future__ import annotations

import numpy as np

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
IDLE_CORES = 0.001


def base_labels(run: PodRun, address: str) -> dict[str, str]:
    return {
        "job": "kubelet",
        "metrics_path": "/metrics/cadvisor",
        "instance": f"{address}:10250",
        "node": run.node,
        "namespace": run.namespace,
        "pod": run.name,
    }


def rows(run: PodRun, container: ContainerRun, address: str, *, has_quota: bool) -> list[Row]:
    base = base_labels(run, address)
    inside = {**base, "container": container.name, "image": container.reference}
    wire = {**base, "interface": "eth0"}
    counters = [
        Row(labelled("container_cpu_usage_seconds_total", inside), is_whole=False),
        Row(labelled("container_network_receive_bytes_total", wire)),
        Row(labelled("container_network_transmit_bytes_total", wire)),
    ]
    if has_quota:
        counters += [
            Row(labelled("container_cpu_cfs_periods_total", inside)),
            Row(labelled("container_cpu_cfs_throttled_periods_total", inside)),
            Row(labelled("container_cpu_cfs_throttled_seconds_total", inside), is_whole=False),
        ]
    return counters


def rates(flow: GroupFlow | None, *, has_quota: bool, length: int = 1) -> Floats:
    """Increments a second of `rows`; a program that the shop does not know idles."""
    if flow is None:
        zero = np.zeros(length)
        plain = [zero + IDLE_CORES, zero, zero]
        return np.asarray(plain + ([zero + PERIODS_PER_SECOND, zero, zero] if has_quota else []))
    rate = flow.rate
    counters = [flow.cores, rate * BYTES_IN, rate * BYTES_OUT]
    if has_quota:
        throttled = np.minimum(flow.throttled, 1.0)
        over = np.maximum(flow.demand / flow.group.cpu_limit - 0.55, 0.02) * 0.5
        counters += [rate * 0 + PERIODS_PER_SECOND, throttled * PERIODS_PER_SECOND, throttled * over]
    return np.asarray(counters)


def gauges(run: PodRun, container: ContainerRun, spec: Object, address: str) -> list[Sample]:
    inside = {**base_labels(run, address), "container": container.name, "image": container.reference}
    limit = resource(spec, "limits", "memory") or 0.0
    samples = [
        (labelled("container_spec_memory_limit_bytes", inside), limit),
        (labelled("container_oom_events_total", inside), float(container.oom_kills)),
        (labelled("container_memory_failcnt", inside), float(container.oom_kills * 37)),
        (labelled("container_spec_cpu_period", inside), float(PERIOD_MICROS)),
    ]
    cpu = resource(spec, "limits", "cpu")
    if cpu:
        samples.append((labelled("container_spec_cpu_quota", inside), cpu * PERIOD_MICROS))
    return samples


MEMORY_METRICS = ("container_memory_working_set_bytes", "container_memory_usage_bytes", "container_memory_rss")


def memory_values(working_set_mib: Floats) -> tuple[Floats, Floats, Floats]:
    """Working set, usage (with reclaimable cache) and resident set, in bytes, page by page."""
    pages = np.floor(working_set_mib * MIB / 4096)
    return pages * 4096, np.floor(pages * 1.07) * 4096, np.floor(pages * 0.93) * 4096
