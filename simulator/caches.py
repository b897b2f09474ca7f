"""How often a cache has what it is asked for, and what that does to those behind it.

A cache that forgets too soon, that is too small for what it should keep or that does not answer at all sends its clients to the database
for each request: the few misses that are usual become all requests.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulator.noise import Floats

USUAL_HITS = 0.94
TTL_VARIABLE = "CACHE_TTL_SECONDS"
SIZE_VARIABLE = "CACHE_MAX_KEYS"
REUSED_WITHIN = 40.0  # seconds, for half of the lookups
KEYS = 60_000  # that are looked up again and again


def hit_share(env: Mapping[str, str]) -> float:
    """Of the lookups, as the cache is configured; without a word about it a cache keeps enough for long enough."""
    ttl, keys = _number(env.get(TTL_VARIABLE)), _number(env.get(SIZE_VARIABLE))
    kept = 1.0 if ttl is None else ttl / (ttl + REUSED_WITHIN)
    held = 1.0 if keys is None else min(keys / KEYS, 1.0)
    return USUAL_HITS * kept * held


def keys_kept(env: Mapping[str, str]) -> float:
    return float(round(KEYS * hit_share(env) / USUAL_HITS))


def misses_over_usual(hits: Floats) -> Floats:
    """By how much the calls behind a cache grow."""
    return np.maximum(1 - hits, 0.0) / (1 - USUAL_HITS)


def _number(text: str | None) -> float | None:
    return float(text) if text and text.isdigit() and len(text) < 9 else None
