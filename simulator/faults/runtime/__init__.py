"""What comes up and does not stay, or does not answer."""

from __future__ import annotations

from simulator.faults.base import Fault
from simulator.faults.runtime.oom_killed import OomKilled

FAULTS: tuple[Fault, ...] = (OomKilled(),)
