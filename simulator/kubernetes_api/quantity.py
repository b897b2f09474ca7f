"""Resource quantities: `250m`, `1.5Gi`, `1e3`."""

from __future__ import annotations

import math
import re
from decimal import Decimal

QUANTITY_PATTERN = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E)|[eE]([+-]?\d{1,2}))?")
_FACTORS = {
    **{unit: Decimal(1024) ** (power + 1) for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))},
    **{unit: Decimal(1000) ** (power + 1) for power, unit in enumerate(("k", "M", "G", "T", "P", "E"))},
    **{unit: Decimal(1000) ** -(power + 1) for power, unit in enumerate(("m", "u", "n"))},
}


def is_quantity(text: str) -> bool:
    return len(text) <= 64 and _QUANTITY.fullmatch(text) is not None


def quantity(text: str) -> Decimal:
    """The amount in base units. The text must be a quantity; decoding has refused all else."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"not a quantity: {text!r}")
    number, unit, exponent = match.groups()
    if exponent is not None:
        return Decimal(number).scaleb(int(exponent))
    return Decimal(number) * _FACTORS.get(unit, Decimal(1))


_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = ("", "k", "M", "G", "T", "P", "E")
_SMALL = ("m", "u", "n")


def amount_text(amount: Decimal, like: str) -> str:
    """The amount as Kubernetes prints it, binary where the other amount is: the largest unit that leaves a whole number."""
    if like.endswith("i") and abs(amount) >= 1024 and amount == int(amount):
        return _in_units(int(amount), 1024, _BINARY)
    if amount == int(amount):
        return _in_units(int(amount), 1000, _DECIMAL)
    for unit in _SMALL:
        amount *= 1000
        if amount == int(amount):
            return f"{int(amount)}{unit}"
    return f"{math.ceil(amount)}{_SMALL[-1]}"


def _in_units(amount: int, base: int, units: tuple[str, ...]) -> str:
    power = 0
    while amount and amount % base == 0 and power < len(units) - 1:
        amount //= base
        power += 1
    return f"{amount}{units[power]}"
