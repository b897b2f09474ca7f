"""What somebody changed."""

from __future__ import annotations

from simulator.faults.base import Fault

FAULTS: tuple[Fault, ...] = ()
