"""How much each unit of a question tells, alike for every index: the rarer the more, and a term of operations more than a rare word."""

import math
from collections.abc import Callable, Sequence

from knowledge_base.segment import CONCEPT, EXIT_CODE, Unit

TECHNICAL = 1.6
"""A concept of the glossary against a plain word of the same rarity."""
LEAST = 0.8
UNKNOWN = 0.6
"""A word that stands nowhere in the store: half the time a paraphrase, half the time another subject."""
UNHEARD = 0.25
"""A name, code or address that stands nowhere in the store: pasted lines are full of them, and no page could know them."""
ABSENT = 1.5
"""A thing of the glossary that stands nowhere in the store, most of all a product: whatever is said of it is not here."""
EVERYDAY = 0.2
FOREIGN = 0.35
"""A plain word of the question's language, asked of a page that exists in the other language only."""
SATURATION = 1.2
LENGTH = 0.6
"""BM25's k1 and b."""


def weights(units: Sequence[Unit], frequency: Callable[[str], int], passages: int) -> list[float]:
    return [_weight(unit, frequency(lead(unit)), max(1, passages)) for unit in units]


def lead(unit: Unit) -> str:
    """The term that answers for the unit: a concept for its phrase, a whole name for its parts, which alone would answer to anything."""
    return unit.terms[0]


def rarity(frequency: int, passages: int) -> float:
    return math.log(1 + (passages - frequency + 0.5) / (frequency + 0.5))


def _weight(unit: Unit, frequency: int, passages: int) -> float:
    told = rarity(frequency, passages)
    if not frequency and unit.kind == "technical" and not _is_of_glossary(unit):
        return told * UNHEARD
    if lead(unit).startswith(CONCEPT):
        return max(LEAST, told * (TECHNICAL if unit.kind == "technical" else 1.0) * (1.0 if frequency else ABSENT))
    if unit.kind == "everyday":
        return told * EVERYDAY
    if unit.kind == "technical":
        return told * TECHNICAL
    return told if frequency else told * UNKNOWN


def _is_of_glossary(unit: Unit) -> bool:
    return lead(unit).startswith(CONCEPT) and not lead(unit).startswith(EXIT_CODE)
