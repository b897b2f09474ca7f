"""What the machines have, and what is left of it when the pods and everything else on a machine have taken theirs."""

from __future__ import annotations

import numpy as np

from simulator.apps import NodeSpec
from simulator.noise import Floats, drift

MIB = 1024 * 1024
SYSTEM_MIB = 1_150.0
SYSTEM_PIDS = 118.0
MOST_PIDS = 32_768
DISK_BYTES = 80 * 1024**3
INODES = 5_242_880.0
FREE_SHARE = 0.62  # of the disk, usually


def free_memory(node: NodeSpec, seed: int, times: Floats, taken_mib: Floats) -> Floats:
    """Bytes that can be had; `taken_mib` is what the pods and strangers hold."""
    wobble = 1 + 0.02 * drift(seed, f"{node.name}/memory", times)
    left = node.memory_mb * MIB - (taken_mib + SYSTEM_MIB * wobble) * MIB
    pages: Floats = np.floor(np.maximum(left, 0.0) / 4096) * 4096
    return pages


def free_disk(node: NodeSpec, seed: int, times: Floats, taken_bytes: Floats) -> Floats:
    usual = DISK_BYTES * (FREE_SHARE + 0.02 * drift(seed, f"{node.name}/disk", times / 40))
    blocks: Floats = np.floor(np.maximum(usual - taken_bytes, 0.0) / 4096) * 4096
    return blocks
