"""What wrong clocks do to programs that trust the time in a signed token.

A token says when it was issued and until when it holds. One from a clock that is ahead comes from the callee's future and is turned away
until that moment has come; one from a clock far behind has run out on its way. A minute is forgiven, as verifiers do.
"""

from __future__ import annotations

import numpy as np

from simulator.noise import Floats

LEEWAY = 60.0
LIFETIME = 300.0
TOO_EARLY = "token used before issued"
TOO_LATE = "token is expired"


def rejected(ahead: Floats) -> Floats:
    """The share of the calls that are turned away, where the caller's clock is so far ahead of the callee's."""
    return np.where((ahead > LEEWAY) | (ahead < -LIFETIME), 1.0, 0.0)


def complaint(ahead: float) -> str:
    return TOO_EARLY if ahead > 0 else TOO_LATE
