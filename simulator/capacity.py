"""What CPU does to a request: utilisation becomes waiting, throttling and, beyond the limit, refusals.

Below the limit waiting grows as in a queue; at the limit the kernel's quota stops the process for most of each period, so requests stand
in a full queue for about a second and the share that cannot be served at all is turned away. Nothing here knows of a fault: the curves
take demand and limit, whatever moved them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulator.noise import Floats

PERIOD = 0.1  # seconds of the kernel's quota period
THREADS_VARIABLE = "WORKER_THREADS"
QUEUE_SECONDS = 0.9  # the longest a full accept queue makes a request wait
SHED_SECONDS = 1.5  # after which an overloaded program turns a request away


def _between(values: Floats, most: float) -> Floats:
    """Not below zero; np.clip does the same in five times the time, which counts here."""
    bounded: Floats = np.minimum(np.maximum(values, 0.0), most)
    return bounded


def slowdown(utilisation: Floats) -> Floats:
    """By how much the CPU part of a request stretches."""
    busy = np.minimum(utilisation, 1.0)
    stretch: Floats = 1 + 0.6 * busy**2 / np.maximum(1 - busy, 0.04)
    return stretch


def queueing(utilisation: Floats) -> Floats:
    """Seconds in the accept queue once the limit is reached."""
    return _between((utilisation - 0.97) * 3.0, QUEUE_SECONDS)


def shed_share(utilisation: Floats) -> Floats:
    """The share of requests for which there is no CPU at all."""
    return _between(1 - 1 / np.maximum(utilisation, 1e-9), 1.0)


def throttled_share(utilisation: Floats) -> Floats:
    """The share of 100 ms periods in which the quota ran out; bursts touch it well before the average does."""
    return _between((utilisation - 0.6) / 0.37, 1.0) ** 2


def stall(cpu_seconds: float, limit: float) -> float:
    """How long a request stands still because it needs more CPU in one go than the quota gives in a period."""
    periods = cpu_seconds / max(limit * PERIOD, 1e-6)
    return max(periods - 1, 0.0) * PERIOD * max(1 - limit, 0.0)


def pool_wait(busy: Floats) -> Floats:
    """Seconds before a worker is free; `busy` is the work at hand over the workers there are."""
    return _between((busy - 0.9) * 3.0, QUEUE_SECONDS)


def turned_away(utilisation: Floats, busy: Floats) -> Floats:
    """The share of requests for which there is no CPU or no worker."""
    return 1 - (1 - shed_share(utilisation)) * (1 - shed_share(busy))


def disk_stretch(taken: Floats) -> Floats:
    """By how much waiting for a disk stretches that is busy with other things."""
    stretch: Floats = 1 / (1 - _between(taken, 0.995))
    return stretch


def thread_cores(env: Mapping[str, str]) -> float:
    """A batch program keeps a core busy with each of its threads."""
    text = env.get(THREADS_VARIABLE, "")
    return float(text) if text.isdigit() and len(text) < 5 else 0.0


def used_cores(demand: Floats, limit: Floats | float) -> Floats:
    return np.minimum(demand, limit * 0.998)


def cpu_waiting(utilisation: Floats) -> Floats:
    """The share of the time in which some thread that could run waits for a CPU."""
    return _between((utilisation - 0.15) / 0.9, 1.0) ** 2
