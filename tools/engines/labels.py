"""Finding by labels without looking at everything: what a selector picks, and which selectors pick a thing.

A namespace of thousands of objects is asked for every Service what it selects and for every workload what selects it; answered by going
through all of them, that is the square of the namespace. Here everything is filed once under its labels. Of the labels in a question
the rarest one names the few candidates, and only those are compared in full.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Labels = Mapping[str, Any]
_Tag = tuple[str, str, str]


def selects(selector: Labels, labels: Labels) -> bool:
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


class ByLabels(Generic[T]):
    """Things that carry labels, to be asked with a selector; answers keep the order in which the things came."""

    def __init__(self, things: Iterable[tuple[str, Labels, T]]) -> None:
        self._filed: dict[_Tag, list[tuple[Labels, T]]] = defaultdict(list)
        for place, labels, thing in things:
            for tag in _tags(place, labels):
                self._filed[tag].append((labels, thing))

    def picked(self, place: str, selector: Labels) -> list[T]:
        found = min((self._filed.get(tag, []) for tag in _tags(place, selector)), key=len, default=[])
        return [thing for labels, thing in found if selects(selector, labels)]


class BySelector(Generic[T]):
    """Things that select by labels, to be asked with the labels of one; answers keep the order in which the things came."""

    def __init__(self, things: Iterable[tuple[str, Labels, T]]) -> None:
        kept = [(place, selector, thing) for place, selector, thing in things if selector]
        common = Counter(tag for place, selector, _ in kept for tag in _tags(place, selector))
        self._filed: dict[_Tag, list[tuple[int, Labels, T]]] = defaultdict(list)
        for number, (place, selector, thing) in enumerate(kept):
            rarest = min(_tags(place, selector), key=lambda tag: common[tag])
            self._filed[rarest].append((number, selector, thing))

    def picking(self, place: str, labels: Labels) -> list[T]:
        found = [entry for tag in _tags(place, labels) for entry in self._filed.get(tag, ())]
        return [thing for _, selector, thing in sorted(found, key=lambda entry: entry[0]) if selects(selector, labels)]


def _tags(place: str, labels: Labels) -> list[_Tag]:
    # As text, because a label of an object that is not as it should be may be anything.
    return [(place, str(key), str(value)) for key, value in labels.items()]
