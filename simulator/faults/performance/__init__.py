"""What is slow."""

from __future__ import annotations

from simulator.faults.base import Fault
from simulator.faults.performance.pod_cpu_overload import PodCpuOverload

FAULTS: tuple[Fault, ...] = (PodCpuOverload(),)
