"""What CPU does to a request: utilisation becomes waiting, throttling and, beyond the limit, refusals.

Below the limit waiting grows as in a queue; at the limit the kernel's quota stops the process for most of each period, so requests stand
in a full queue for about a second and the share that cannot be served at all is turned away. Nothing here knows of a fault: the curves
take demand and limit, whatever moved them.
"""

from __future__ import annotations

import numpy as np

from simulator.noise import Floats

QUEUE_SECONDS = 0.9  # the longest a full accept queue makes a request wait
SHED_SECONDS = 1.5  # after which an overloaded program turns a request away


def slowdown(utilisation: Floats) -> Floats:
    """By how much the CPU part of a request stretches."""
    busy = np.minimum(utilisation, 1.0)
    stretch: Floats = 1 + 0.6 * busy**2 / np.maximum(1 - busy, 0.04)
    return stretch


def queueing(utilisation: Floats) -> Floats:
    """Seconds in the accept queue once the limit is reached."""
    return np.clip((utilisation - 0.97) * 3.0, 0.0, QUEUE_SECONDS)


def shed_share(utilisation: Floats) -> Floats:
    """The share of requests for which there is no CPU at all."""
    return np.clip(1 - 1 / np.maximum(utilisation, 1e-9), 0.0, 1.0)


def throttled_share(utilisation: Floats) -> Floats:
    """The share of 100 ms periods in which the quota ran out; bursts touch it well before the average does."""
    return np.clip((utilisation - 0.6) / 0.37, 0.0, 1.0) ** 2


def used_cores(demand: Floats, limit: float) -> Floats:
    return np.minimum(demand, limit * 0.998)
