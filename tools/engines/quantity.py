"""Kubernetes quantities ("250m", "512Mi", "1e3") as numbers, and numbers as quantities people write.

Amounts are compared and multiplied as floats of the base unit (cores, bytes); what is written back is rounded up to a step a person
would choose, because a limit that is a byte too small is still too small; only a bound that must be kept rounds down.
"""

import math
import re
from typing import Any

_SUFFIX = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip
_SHAPE = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([a-zA-Z]{0,2})$")
MEBI = 2.0**20


def parse(value: Any) -> float | None:
    """The amount in base units, or None for anything that is not a quantity."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    match = _SHAPE.match(str(value).strip())
    if not match or match.group(2) not in _SUFFIX:
        return None
    return float(match.group(1)) * _SUFFIX[match.group(2)]


def memory(amount: float, most: float = math.inf) -> str:
    """Bytes as Mi, rounded up to a multiple of 16 above 128 and of 4 below; down only where `most` leaves no other."""
    mebi = amount / MEBI
    step = 16 if mebi > 128 else 4
    return f"{_rounded(mebi, most / MEBI, step)}Mi"


def cpu(amount: float, most: float = math.inf) -> str:
    """Cores as thousandths, rounded up to a multiple of 50; down only where `most` leaves no other."""
    milli = _rounded(amount * 1000, most * 1000, 50)
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"


def _rounded(amount: float, most: float, step: int) -> int:
    # What multiplying floats leaves behind must not cost a whole step.
    up = math.ceil(round(amount, 6) / step) * step
    return max(step, up if up <= most else math.floor(round(most, 6) / step) * step)
