"""The Kubernetes objects of a bundle, one or a List a file, in JSON or YAML, with what each kind's absence may mean.

Everything that is a mapping is kept, whatever it lacks, because an engine reads what is there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tools.bundle.folder import File, Refusals, text_of
from tools.bundle.items import Reading, values
from tools.bundle.limits import MAX_EVENTS, MAX_OBJECT_TEXT, MAX_OBJECTS, MAX_YAML_FILE
from tools.bundle.yamls import documents
from tools.clients.kinds import KindTable
from tools.discreet import kept
from tools.engines.objects import Object, dig, kind_of, name_of, namespace_of

MAX_NESTED = 3
_KINDS = KindTable()


@dataclass(slots=True)
class Objects:
    found: list[Object] = field(default_factory=list)
    events: list[Object] = field(default_factory=list)
    listed: set[str] = field(default_factory=set)
    """Kinds of which there was a list, be it empty."""
    kinds: set[str] = field(default_factory=set)
    """Of which there was a list or an object."""
    partial: set[str] = field(default_factory=set)
    """Of which something was lost."""
    text: int = 0
    dropped: int = 0
    events_dropped: int = 0
    _known: set[tuple[str, str, str]] = field(default_factory=set)

    @property
    def full(self) -> bool:
        return len(self.found) >= MAX_OBJECTS or self.text >= MAX_OBJECT_TEXT

    def all(self) -> list[Object]:
        return self.found + self.events

    def add(self, obj: Object) -> None:
        kind, name = kind_of(obj), name_of(obj)
        self.kinds.add(kind)
        if name and kind != "Event":  # one that stands in two files is one
            if (kind, namespace_of(obj), name) in self._known:
                return
            self._known.add((kind, namespace_of(obj), name))
        if kind == "Event":
            self.events.append(obj)
            if len(self.events) >= 2 * MAX_EVENTS:
                self.settle()
        elif self.full:
            self.dropped += 1
            self.partial.add(kind)
        else:
            self.found.append(obj)

    def settle(self) -> None:
        """Keep the events that can matter most, if there are more than may be kept."""
        if len(self.events) > MAX_EVENTS:
            self.events_dropped += len(self.events) - MAX_EVENTS
            self.events = sorted(self.events, key=_weight, reverse=True)[:MAX_EVENTS]

    def read_in_full(self) -> frozenset[str]:
        return frozenset(self.listed - self.partial - {""})


def _weight(event: Object) -> tuple[bool, str]:
    last = event.get("lastTimestamp") or event.get("deprecatedLastTimestamp")
    times = (last, dig(event, "series", "lastObservedTime"), event.get("eventTime"))
    return event.get("type") == "Warning", next((one for one in times if isinstance(one, str)), "")


def load(found: Iterable[File], refusals: Refusals) -> Objects:
    objects = Objects()
    for file in found:
        try:
            _load(file, objects, refusals)
        except OSError as error:
            refusals.add(file.name, error.strerror or str(error))
    objects.settle()
    if objects.dropped:
        refusals.add(f"{objects.dropped} objects", f"no more than {MAX_OBJECTS} objects of a bundle are kept")
    if objects.events_dropped:
        refusals.add(
            f"{objects.events_dropped} events",
            f"no more than {MAX_EVENTS} events are kept, warnings and the newest first",
        )
    return objects


def _load(file: File, objects: Objects, refusals: Refusals) -> None:
    reading, seen, strange = Reading(), set[str](), 0
    guess = _KINDS.get(file.stem.split(".")[0].replace("-", ""))
    told, before, count = guess.name if guess else "", objects.text, len(objects.found)
    for value in _values(file, reading):
        if not isinstance(value, dict):
            strange += 1
            continue
        for obj in _unpacked(value, reading.kind.removesuffix("List") or told, objects.listed):
            seen.add(kind_of(obj))
            objects.add(kept(obj))
        if len(objects.found) > count:
            objects.text, count = objects.text + reading.taken, len(objects.found)
    objects.text = max(objects.text, before + (0 if reading.taken else file.size))
    own = reading.kind.removesuffix("List") or told
    if reading.is_list:
        objects.listed |= {own, *seen} - {""}
    if reading.broken or reading.goes_on:
        objects.partial |= seen | {own}
    objects.kinds |= objects.listed
    if reading.broken:
        refusals.add(file.name, reading.broken)
    elif reading.goes_on:
        refusals.add(file.name, "a page of a longer list")
    elif strange:
        refusals.add(file.name, "some of its values are no objects")


def _values(file: File, reading: Reading) -> Iterator[Any]:
    if file.ending == "json":
        yield from values(file.path, file.size, reading)
    elif file.size > MAX_YAML_FILE:
        reading.broken = f"YAML is read up to {MAX_YAML_FILE >> 20} MB"
    else:
        yield from documents(text_of(file.path.read_bytes()), reading)


def _unpacked(value: Object, kind: str, listed: set[str], depth: int = 0) -> Iterator[Object]:
    """An object, or those of a list within it; one without a kind is of the kind of its list."""
    own = kind_of(value)
    items = value.get("items")
    if isinstance(items, list) and (not own or own.endswith("List")) and depth < MAX_NESTED:
        inner = own.removesuffix("List")
        listed.add(inner or kind)
        for item in items:
            if isinstance(item, dict):
                listed.add(kind_of(item))
                yield from _unpacked(item, inner or kind, listed, depth + 1)
        return
    if not own and kind:
        value["kind"] = kind
    yield value
