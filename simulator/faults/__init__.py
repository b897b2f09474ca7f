"""The faults that can be injected, by id. To add one: a file with a class that has the shape of `base.Fault`, and a line here."""

from __future__ import annotations

from simulator.faults.base import Fault, Injection, Parameter, Refused
from simulator.faults.incorrect_image_reference import IncorrectImageReference
from simulator.faults.oom_killed import OomKilled
from simulator.faults.pod_cpu_overload import PodCpuOverload
from simulator.faults.service_selector_mismatch import ServiceSelectorMismatch

_ALL: tuple[Fault, ...] = (IncorrectImageReference(), OomKilled(), PodCpuOverload(), ServiceSelectorMismatch())
FAULTS: dict[str, Fault] = {fault.id: fault for fault in _ALL}

__all__ = ["FAULTS", "Fault", "Injection", "Parameter", "Refused"]
