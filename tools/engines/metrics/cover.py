"""Which one thing explains a set of marked measurements best: a program, or a machine.

Each measurement names who stands at its ends (a call its two programs and the machines under them, a pod its program and its machine).
A thing explains the measurements that it stands at; it explains well if nearly all of these are marked and nearly all marked ones are
among them. Of two that explain alike the smaller is meant, which is the program. What is neither marked nor quiet has no say.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)
WELL = 0.6


@dataclass(frozen=True, slots=True)
class Mark(Generic[T]):
    ends: frozenset[T]
    is_marked: bool
    said: str = ""
    ref: str = ""
    at: float = 0.0
    amount: float = 1.0


@dataclass(frozen=True, slots=True)
class Cover(Generic[T]):
    thing: T
    fit: float
    marks: tuple[Mark[T], ...]


def best(marks: Sequence[Mark[T]], prefer: Iterable[T] = ()) -> Cover[T] | None:
    """The thing with the best fit (marked and at it, of all that are marked or at it); None where none fits well."""
    marked = [mark for mark in marks if mark.is_marked and mark.ends]
    if not marked:
        return None
    hit: dict[T, list[Mark[T]]] = defaultdict(list)
    missed: dict[T, int] = defaultdict(int)
    for mark in marks:
        for end in mark.ends:
            if mark.is_marked:
                hit[end].append(mark)
            else:
                missed[end] += 1
    first = set(prefer)
    fits = {thing: len(found) / (len(marked) + missed[thing]) for thing, found in hit.items()}
    thing = max(fits, key=lambda one: (round(fits[one], 3), one in first, str(one)))
    return Cover(thing, fits[thing], tuple(hit[thing])) if fits[thing] >= WELL else None


def heaviest(marks: Sequence[Mark[T]], things: Iterable[T], share: float) -> Cover[T] | None:
    """Where each lost packet is counted at both of its ends, the thing at one end of all of them has half of the total."""
    total = sum(mark.amount for mark in marks if mark.is_marked)
    amounts: dict[T, float] = defaultdict(float)
    for mark in marks:
        for end in mark.ends if mark.is_marked else ():
            amounts[end] += mark.amount
    wanted = [thing for thing in things if total > 0 and amounts.get(thing, 0.0) >= share * total]
    thing = max(wanted, key=lambda one: amounts[one], default=None)
    if thing is None:
        return None
    at_it = tuple(
        sorted((mark for mark in marks if mark.is_marked and thing in mark.ends), key=lambda mark: -mark.amount)
    )
    return Cover(thing, min(1.0, 2 * amounts[thing] / total), at_it)
