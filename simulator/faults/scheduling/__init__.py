"""What finds no node."""

from __future__ import annotations

from simulator.faults.base import Fault
from simulator.faults.scheduling.claims import (
    ProvisionerFailed,
    PvBindingOccupied,
    PvcAccessModeMismatch,
    PvcCapacityMismatch,
    PvcSelectorMismatch,
    PvcStorageClassMismatch,
    StorageClassMissing,
)
from simulator.faults.scheduling.placement import (
    CpuCapacityMismatch,
    GpuUnavailable,
    HostPortConflict,
    MemoryCapacityMismatch,
    NodeAffinityMismatch,
    NodeCordonMismatch,
    NodeSelectorMismatch,
    PodAntiAffinityConflict,
    TaintTolerationMismatch,
    TopologySpreadUnsatisfied,
)
from simulator.faults.scheduling.priority_preempted import PriorityPreempted

FAULTS: tuple[Fault, ...] = (
    CpuCapacityMismatch(),
    MemoryCapacityMismatch(),
    NodeAffinityMismatch(),
    NodeSelectorMismatch(),
    PodAntiAffinityConflict(),
    TaintTolerationMismatch(),
    NodeCordonMismatch(),
    PvBindingOccupied(),
    PvcSelectorMismatch(),
    PvcStorageClassMismatch(),
    PvcCapacityMismatch(),
    PvcAccessModeMismatch(),
    StorageClassMissing(),
    ProvisionerFailed(),
    PriorityPreempted(),
    TopologySpreadUnsatisfied(),
    HostPortConflict(),
    GpuUnavailable(),
)
