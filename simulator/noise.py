"""Randomness without a state: a value is a function of (seed, name, slot of time), nothing else.

A week of history is computed at once over an array of times, and live ticks one time at a time; both must tell the same story, and a
process started twice must tell it twice. A generator with a state could not do that, a hash can: SplitMix64 over the slot number, and
for slow drift a handful of sine waves whose phases come from the hash.
"""

from __future__ import annotations

import zlib
from functools import cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_DRIFT_PERIODS = (611.0, 1709.0, 4507.0, 12347.0)


@cache
def _key(seed: int, name: str) -> int:
    return (seed * 0x100000001B3 + zlib.crc32(name.encode()) * 0x9E3779B1) % (1 << 63)


def _mixed(words: npt.NDArray[np.uint64]) -> Floats:
    words = words * _GOLDEN
    words = (words ^ (words >> np.uint64(30))) * _MIX_1
    words = (words ^ (words >> np.uint64(27))) * _MIX_2
    return (words ^ (words >> np.uint64(31))).astype(np.float64) / 2.0**64


def uniform(seed: int, name: str) -> float:
    """One number in [0, 1) for a name."""
    return float(_mixed(np.array([_key(seed, name)], dtype=np.uint64))[0])


def grain(seed: int, name: str, times: Floats, slot_seconds: float = 15.0) -> Floats:
    """White noise in [-1, 1), constant within a slot."""
    slots = (times // slot_seconds).astype(np.uint64)
    return 2.0 * _mixed(slots + np.uint64(_key(seed, name))) - 1.0


@cache
def _phases(seed: int, name: str) -> tuple[float, ...]:
    return tuple(2 * np.pi * uniform(seed, f"{name}/{period}") for period in _DRIFT_PERIODS)


def drift(seed: int, name: str, times: Floats) -> Floats:
    """Slow wandering in about [-1, 1]: minutes to hours, smooth."""
    total = np.zeros_like(times)
    for period, phase in zip(_DRIFT_PERIODS, _phases(seed, name), strict=True):
        total += np.sin(times * (2 * np.pi / period) + phase)
    return total / 2.5
