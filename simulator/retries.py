"""How stubborn a client is: how long it waits for an answer and how often it asks again.

Every program of the shop has its own patience for each call and takes another one from its environment. Asking again helps when an error
was bad luck; when the callee is overrun each new attempt makes it worse, and the load stays up after its first cause is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from simulator.apps import Call
from simulator.noise import Floats

ATTEMPTS_VARIABLE = "RETRY_ATTEMPTS"
TIMEOUT_VARIABLE = "UPSTREAM_TIMEOUT_MS"
MOST_ATTEMPTS = 50


def as_configured(call: Call, env: Mapping[str, str]) -> Call:
    """The call as the environment of its client wants it made; nonsense there changes nothing."""
    attempts, timeout = _whole(env.get(ATTEMPTS_VARIABLE)), _whole(env.get(TIMEOUT_VARIABLE))
    if attempts:
        call = replace(call, attempts=min(attempts, MOST_ATTEMPTS))
    return replace(call, timeout=timeout / 1000) if timeout else call


def attempts_made(failed: Floats, attempts: int) -> Floats:
    """How often a call is made on average, where each attempt fails as often as the one before."""
    made = np.ones_like(failed)
    still = np.ones_like(failed)
    for _ in range(attempts - 1):
        still = still * failed
        made = made + still
    return made


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdigit() and len(text) < 9 else 0
