"""How much memory a program holds: it fills up after the start, follows its load, and gives back slowly."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from simulator.apps import App
from simulator.noise import Floats, drift

SHRINK_SECONDS = 900.0
# Every program of the shop keeps a local cache and reads its size from here, in MiB on top of its usual size.
CACHE_VARIABLE = "LOCAL_CACHE_MB"


def extra_mib(env: Mapping[str, str]) -> float:
    text = env.get(CACHE_VARIABLE, "")
    return float(text) if text.isdigit() else 0.0


def steady_mib(app: App, rate: Floats, env: Mapping[str, str], seed: int, name: str, times: Floats) -> Floats:
    """The working set a program settles at under this load; without any it stays idle."""
    served = app.memory.busy + extra_mib(env) + app.memory.per_rps * rate
    level = np.where(rate > 0, served, app.memory.idle)
    return level * (1 + 0.012 * drift(seed, f"memory/{name}", times))


def towards(current: float, target: float, app: App, seconds: float) -> float:
    pace = app.memory.warm_seconds if target > current else SHRINK_SECONDS
    return current + (target - current) * (1 - math.exp(-seconds / pace))
