"""What is not reached."""

from __future__ import annotations

from simulator.faults.base import Fault
from simulator.faults.routing.service_selector_mismatch import ServiceSelectorMismatch

FAULTS: tuple[Fault, ...] = (ServiceSelectorMismatch(),)
