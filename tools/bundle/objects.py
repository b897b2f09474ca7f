"""Objects out of documents: one object, a List, a list of either, and Lists whose items leave their kind out.

Everything that is a mapping is kept, whatever it lacks, because an engine reads what is there. Of events only so many are kept as an
engine can use: the newest warnings before the rest.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tools.bundle.limits import MAX_EVENTS, MAX_OBJECTS
from tools.engines.objects import Object, dig, name_of, namespace_of, rows


@dataclass(slots=True)
class Shelf:
    """The objects of one bundle, each once; of events the ones that matter most."""

    objects: list[Object] = field(default_factory=list)
    listed: set[str] = field(default_factory=set)
    dropped_events: int = 0
    dropped_objects: int = 0
    _events: list[tuple[tuple[bool, str], int, Object]] = field(default_factory=list)
    _seen: set[tuple[str, str, str]] = field(default_factory=set)
    _number: int = 0

    def put(self, document: Any, kind: str = "") -> int:
        """`kind` is what the items are where they do not say; the number of objects found."""
        count = 0
        for obj in unfolded(document, kind):
            count += 1
            self._keep(obj)
        self.listed |= kinds_listed(document, kind)
        return count

    def all(self) -> list[Object]:
        return self.objects + [event for _, _, event in sorted(self._events, key=lambda one: one[1])]

    def _keep(self, obj: Object) -> None:
        key = (str(obj.get("kind") or ""), namespace_of(obj), name_of(obj))
        if key[2]:
            if key in self._seen:
                return
            self._seen.add(key)
        if key[0] == "Event":
            self._keep_event(obj)
        elif len(self.objects) < MAX_OBJECTS:
            self.objects.append(obj)
        else:
            self.dropped_objects += 1

    def _keep_event(self, event: Object) -> None:
        self._number += 1
        entry = ((event.get("type") == "Warning", _moment(event)), self._number, event)
        if len(self._events) < MAX_EVENTS:
            heapq.heappush(self._events, entry)
            return
        self.dropped_events += 1
        _, _, gone = heapq.heappushpop(self._events, entry)
        self._seen.discard(("Event", namespace_of(gone), name_of(gone)))


def unfolded(document: Any, kind: str = "") -> Iterator[Object]:
    if isinstance(document, list):
        for one in document:
            yield from unfolded(one, kind)
    elif isinstance(document, dict):
        items = document.get("items")
        own = str(document.get("kind") or "")
        if isinstance(items, list) and (not own or own.endswith("List")):
            for item in items:
                yield from unfolded(_with_kind(item, own.removesuffix("List") or kind, document), kind)
        elif document:
            yield document if own or not kind else {"kind": kind, **document}


def kinds_listed(document: Any, kind: str = "") -> set[str]:
    """The kinds that a List holds in full: those of its items, and its own name where it is empty."""
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        return set()
    own = str(document.get("kind") or "").removesuffix("List") or kind
    if dig(document, "metadata", "continue"):
        return set()
    held = {str(item["kind"]) for item in rows(document, "items") if item.get("kind")}
    return held | ({own} if own else set())


def _with_kind(item: Any, kind: str, parent: Object) -> Any:
    if not isinstance(item, dict) or item.get("kind") or not kind:
        return item
    version = {"apiVersion": parent["apiVersion"]} if parent.get("apiVersion") else {}
    return {"kind": kind, **version, **item}


def _moment(event: Object) -> str:
    """Times as written: RFC 3339 of one zone sorts as text, and a rare other zone costs a little order and nothing else."""
    for value in (
        event.get("lastTimestamp"),
        dig(event, "series", "lastObservedTime"),
        event.get("eventTime"),
        event.get("firstTimestamp"),
        dig(event, "metadata", "creationTimestamp"),
    ):
        if isinstance(value, str) and value:
            return value
    return ""
