"""Changes that a fault makes to objects, kept so that they can be taken back.

Taking back is a three-way merge: a field gets its former value only where it still has the value that the fault gave it, so that whatever
a person has mended, or changed for reasons of their own, stays as it is. Lists of named things (containers, variables, ports, volumes) are
merged by name, other lists as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.kubernetes_api import defaulted
from simulator.objects import Object, name_of, namespace_of, with_metadata
from simulator.store import Store

ABSENT: Any = object()


@dataclass(frozen=True)
class Edit:
    """One object before and after; None where there was none, or is none any more."""

    kind: str
    before: Object | None
    after: Object | None

    @property
    def place(self) -> tuple[str, str]:
        known = self.before or self.after or {}
        return namespace_of(known), name_of(known)


def change(store: Store, kind: str, obj: Object, changed: Object) -> Edit:
    """Write a changed object."""
    return Edit(kind, obj, store.update(kind, changed))


def change_with(store: Store, kind: str, obj: Object, changed: Callable[[Object], Object]) -> Edit:
    return change(store, kind, obj, changed(obj))


def add(store: Store, kind: str, obj: Object) -> Edit:
    return Edit(kind, None, store.create(kind, defaulted(kind, obj)))


def remove(store: Store, kind: str, obj: Object) -> Edit:
    store.delete(kind, namespace_of(obj), name_of(obj))
    return Edit(kind, obj, None)


def take_back(store: Store, edit: Edit) -> None:
    present = store.get(edit.kind, *edit.place)
    if edit.before is None:
        if present is not None:
            store.delete(edit.kind, *edit.place)
    elif edit.after is None:
        if present is None:
            store.create(edit.kind, _fresh(edit.before))
    elif present is not None:
        merged = _merged(_written(edit.before), _written(edit.after), _written(present))
        store.update(edit.kind, with_metadata({**present, **merged}, **_people(edit, present)))


def _written(obj: Object) -> Object:
    """What people write; a status and the server's metadata are nobody's to take back."""
    return {key: value for key, value in obj.items() if key not in ("metadata", "status")}


def _people(edit: Edit, present: Object) -> Object:
    """Labels and annotations as they should be."""
    result = {}
    for field in ("labels", "annotations"):
        before, after = ((side or {}).get("metadata", {}).get(field) or {} for side in (edit.before, edit.after))
        now = present["metadata"].get(field) or {}
        merged = _merged(before, after, now)
        if merged != now:
            result[field] = merged
    return result


def _fresh(obj: Object) -> Object:
    kept = ("name", "namespace", "labels", "annotations", "ownerReferences")
    metadata = {key: value for key, value in obj["metadata"].items() if key in kept}
    return {**obj, "metadata": metadata}


def _merged(before: Any, after: Any, now: Any) -> Any:
    if now == after:
        return before
    if before == after:
        return now
    if all(isinstance(each, dict) for each in (before, after, now)):
        return _merged_fields(before, after, now)
    if all(_is_named(each) for each in (before, after, now)):
        merged = _merged_fields(*({item["name"]: item for item in each} for each in (before, after, now)))
        return list(merged.values())
    return now


def _merged_fields(before: Object, after: Object, now: Object) -> Object:
    result = {}
    for key in {**now, **before}:
        value = _merged(before.get(key, ABSENT), after.get(key, ABSENT), now.get(key, ABSENT))
        if value is not ABSENT:
            result[key] = value
    return result


def _is_named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) and "name" in item for item in value)
