"""The life of a shop that is nobody's fault.

Releases, a process that ends once and comes back, a word from a kernel, nightly jobs, a crawler, a moment of slowness, scanners that find
nothing, and everyday lines in the logs: what an on-call engineer has to look past. All of it follows from the seed and the time; none of
it raises an alarm.
"""

from simulator.life.living import Life

__all__ = ["Life"]
