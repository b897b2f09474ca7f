"""What finds no node, or no volume."""

from __future__ import annotations

from simulator.faults.base import Fault

FAULTS: tuple[Fault, ...] = ()
