"""What the API server refuses to create."""

from __future__ import annotations

from simulator.faults.base import Fault

FAULTS: tuple[Fault, ...] = ()
