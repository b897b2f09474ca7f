"""What is wrong with the machines and the cluster's own parts."""

from __future__ import annotations

from simulator.faults.base import Fault
from simulator.faults.infrastructure import node_pressure
from simulator.faults.infrastructure.cluster_network import CorednsUnavailable, KubeProxyUnavailable
from simulator.faults.infrastructure.control_plane import ControllerManagerUnavailable, KubeSchedulerUnavailable
from simulator.faults.infrastructure.node_network import NodeClockSkew, NodeNetworkDelay, NodeNetworkPacketLoss
from simulator.faults.infrastructure.nodes import ContainerdUnavailable, KubeletUnavailable, NodeUnreachable

FAULTS: tuple[Fault, ...] = (
    ContainerdUnavailable(),
    KubeletUnavailable(),
    KubeProxyUnavailable(),
    KubeSchedulerUnavailable(),
    CorednsUnavailable(),
    ControllerManagerUnavailable(),
    NodeNetworkDelay(),
    NodeNetworkPacketLoss(),
    NodeClockSkew(),
    NodeUnreachable(),
    *node_pressure.FAULTS,
)
