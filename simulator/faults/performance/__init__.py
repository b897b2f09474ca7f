"""What is slow."""

from __future__ import annotations

from simulator.faults.base import Fault
from simulator.faults.performance.cache_stampede import CacheStampede
from simulator.faults.performance.cpu_throttled import CpuThrottled
from simulator.faults.performance.disk_io_saturated import DiskIoSaturated
from simulator.faults.performance.hpa_maxed import HpaMaxed
from simulator.faults.performance.noisy_neighbour import NoisyNeighbour
from simulator.faults.performance.pod_cpu_overload import PodCpuOverload
from simulator.faults.performance.pod_network import PodNetworkDelay, PodNetworkLoss
from simulator.faults.performance.retry_storm import RetryStorm
from simulator.faults.performance.slow_dependency import SlowDependency
from simulator.faults.performance.traffic_surge import TrafficSurge

FAULTS: tuple[Fault, ...] = (
    PodCpuOverload(),
    CpuThrottled(),
    PodNetworkDelay(),
    PodNetworkLoss(),
    NoisyNeighbour(),
    SlowDependency(),
    TrafficSurge(),
    HpaMaxed(),
    CacheStampede(),
    RetryStorm(),
    DiskIoSaturated(),
)
