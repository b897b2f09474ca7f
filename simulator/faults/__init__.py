"""The faults that can be injected, by id, a folder for each category of them.

To add one: a subclass of `base.Fault` in a file of its category, and a line in that folder's list.
"""

from __future__ import annotations

from simulator.faults import admission, change, infrastructure, performance, routing, runtime, scheduling, startup
from simulator.faults.base import Component, Fault, Injection, Parameter, Place, Refused

_ALL: tuple[Fault, ...] = (
    *admission.FAULTS,
    *scheduling.FAULTS,
    *startup.FAULTS,
    *runtime.FAULTS,
    *routing.FAULTS,
    *performance.FAULTS,
    *infrastructure.FAULTS,
    *change.FAULTS,
)
FAULTS: dict[str, Fault] = {fault.id: fault for fault in _ALL}

__all__ = ["FAULTS", "Component", "Fault", "Injection", "Parameter", "Place", "Refused"]
