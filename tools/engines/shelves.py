"""All volumes, sorted so that a claim is compared with a few of them: those that stand for the rest, and those that look meant.

Volumes of one class, mode and state differ only in size and name, and of each such kind only the first that is large enough and the first
that is not can be the nearest. Beside them stand those that are held for the claim, those that its selector picks and those with words
of its name; so thousands of claims beside thousands of volumes are not their product.
"""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from functools import cached_property
from itertools import accumulate
from typing import Any

from tools.engines.crowding import as_key, label_pairs, matches
from tools.engines.labels import ByLabels
from tools.engines.objects import Object, dig, listed, mapping, name_of, namespace_of
from tools.engines.quantity import parse
from tools.engines.snapshot import Snapshot
from tools.engines.volumes import Apart, class_of, was_provisioned, what_keeps_apart

MAX_ALIKE = 32
MAX_KINDS = 64


class Shelf:
    """Volumes that differ in size and name alone, by size."""

    def __init__(self, volumes: list[tuple[int, Object]], kind: str, *, taken: bool) -> None:
        self.kind, self.taken = kind, taken
        sized = sorted(((size_of(volume), place) for place, volume in volumes), key=lambda one: one[0])
        self._sizes = [size for size, _ in sized]
        places = [place for _, place in sized]
        self._smaller = list(accumulate(places, min))
        self._larger = list(accumulate(reversed(places), min))[::-1]

    def firsts(self, wanted: float) -> list[int]:
        """The first that is too small and the first that is not."""
        cut = bisect_left(self._sizes, wanted)
        return [*self._smaller[cut - 1 : cut], *self._larger[cut : cut + 1]] if cut else self._larger[:1]


class Shelves:
    def __init__(self, snapshot: Snapshot) -> None:
        self.volumes = snapshot.of("PersistentVolume")
        self._picks: dict[str, tuple[list[Shelf], list[Shelf]]] = {}

    def near(self, claim: Object) -> list[tuple[Object, list[Apart]]]:
        """What keeps the claim from each volume that may be the nearest, in the order in which the volumes came."""
        places = set(self._held.get(f"{namespace_of(claim)}/{name_of(claim)}", ())) | set(self._alike(claim))
        wanted = parse(dig(claim, "spec", "resources", "requests", "storage")) or 0.0
        for shelves in self._shelves(dig(claim, "spec", "selector")):
            fit = sorted(shelves, key=lambda one: (one.kind != class_of(claim), one.taken))
            places |= {place for shelf in fit[:MAX_KINDS] for place in shelf.firsts(wanted)}
        return [(self.volumes[place], what_keeps_apart(claim, self.volumes[place])) for place in sorted(places)]

    def named(self, name: str) -> list[Object]:
        return self._by_name.get(name, [])

    @cached_property
    def classes(self) -> set[str]:
        return {class_of(volume) for volume in self.volumes}

    @cached_property
    def _by_name(self) -> dict[str, list[Object]]:
        found: dict[str, list[Object]] = defaultdict(list)
        for volume in self.volumes:
            found[name_of(volume)].append(volume)
        return found

    def _shelves(self, selector: Any) -> tuple[list[Shelf], list[Shelf]]:
        """Those that the selector picks, and all others."""
        if not isinstance(selector, dict):
            return self._all, []
        asked = as_key(selector)
        if asked not in self._picks:
            pairs = label_pairs(selector)
            near = self._by_labels.picked("", pairs) if pairs else range(len(self.volumes))
            picked = [one for one in near if matches(selector, mapping(self.volumes[one], "metadata", "labels"))]
            self._picks[asked] = (self._sorted(picked), self._all)
        return self._picks[asked]

    @cached_property
    def _all(self) -> list[Shelf]:
        return self._sorted(range(len(self.volumes)))

    def _sorted(self, places: Any) -> list[Shelf]:
        kinds: dict[str, list[tuple[int, Object]]] = defaultdict(list)
        for place in places:
            kinds[_kind(self.volumes[place])].append((place, self.volumes[place]))
        return [Shelf(found, class_of(found[0][1]), taken=is_taken(found[0][1])) for found in kinds.values()]

    @cached_property
    def _by_labels(self) -> ByLabels[int]:
        return ByLabels(("", mapping(one, "metadata", "labels"), place) for place, one in enumerate(self.volumes))

    @cached_property
    def _held(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for place, volume in enumerate(self.volumes):
            owner = mapping(volume, "spec", "claimRef")
            if owner:
                found[f"{owner.get('namespace')}/{owner.get('name')}"].append(place)
        return found

    @cached_property
    def _words(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for place, volume in enumerate(self.volumes):
            for word in words_of(volume):
                found[word].append(place)
        return found

    def _alike(self, claim: Object) -> list[int]:
        """Those with most words of its name; a word that very many have says nothing."""
        common = [self._words.get(word, []) for word in words_of(claim)]
        shared = Counter(place for found in common if len(found) <= MAX_ALIKE for place in found)
        return sorted(shared, key=lambda place: (-shared[place], place))[:MAX_ALIKE]


def words_of(obj: Object) -> set[str]:
    return set(re.split(r"[-_.]", name_of(obj)))


def size_of(volume: Object) -> float:
    return parse(dig(volume, "spec", "capacity", "storage")) or 0.0


def is_taken(volume: Object) -> bool:
    return bool(mapping(volume, "spec", "claimRef")) or dig(volume, "status", "phase") in ("Released", "Failed")


def _kind(volume: Object) -> str:
    modes = sorted(map(str, listed(volume, "spec", "accessModes")))
    form = str(dig(volume, "spec", "volumeMode") or "Filesystem")
    return as_key([class_of(volume), modes, form, is_taken(volume), was_provisioned(volume)])
