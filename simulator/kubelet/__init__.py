"""The node agents: pods bound to a node become containers, and what happens to those becomes the pods' status."""

from simulator.kubelet.agent import Kubelet
from simulator.kubelet.runs import ContainerRun, Phase, PodRun, Termination

__all__ = ["ContainerRun", "Kubelet", "Phase", "PodRun", "Termination"]
