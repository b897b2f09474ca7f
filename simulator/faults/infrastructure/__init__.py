"""What is wrong with the machines and the cluster's own parts."""

from __future__ import annotations

from simulator.faults.base import Fault
from simulator.faults.infrastructure.cluster_network import CorednsUnavailable, KubeProxyUnavailable
from simulator.faults.infrastructure.node_network import NodeClockSkew, NodeNetworkDelay, NodeNetworkPacketLoss

FAULTS: tuple[Fault, ...] = (
    CorednsUnavailable(),
    KubeProxyUnavailable(),
    NodeNetworkDelay(),
    NodeNetworkPacketLoss(),
    NodeClockSkew(),
)
