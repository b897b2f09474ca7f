"""Server-side apply and the record of who set which field.

A field set is the nested form that `metadata.managedFields[].fieldsV1` has: `f:name` for a field, `k:{"name":"web"}` for
the item of a keyed list, `v:value` for the item of a set, `{}` for a leaf. Apply merges the configuration into the live
object, refuses to change a leaf that another manager owns unless forced, and takes away what the same manager applied
before and now leaves out. Updates and patches record what they changed under their own manager, so that a later apply
can tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from simulator.kubernetes_api.schema import ANY, Field, fields_of, root_fields
from simulator.kubernetes_api.status import Failure
from simulator.kubernetes_api.strategic import strategic_merge

FieldSet = dict[str, Any]
Fields = dict[str, Field]
_NOT_OWNED = frozenset({"apiVersion", "kind"})
_NOT_OWNED_METADATA = frozenset(
    {
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "managedFields",
        "name",
        "namespace",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)


@dataclass(frozen=True, slots=True)
class Manager:
    name: str
    operation: str  # Apply or Update
    api_version: str
    time: str
    subresource: str = ""


def field_set(kind: str, obj: dict[str, Any]) -> FieldSet:
    owned = {name: value for name, value in obj.items() if name not in _NOT_OWNED}
    metadata = owned.get("metadata") or {}
    owned["metadata"] = {name: value for name, value in metadata.items() if name not in _NOT_OWNED_METADATA}
    if not owned["metadata"]:
        del owned["metadata"]
    return _set_of(owned, _root(kind))


def record_update(kind: str, old: dict[str, Any] | None, new: dict[str, Any], manager: Manager) -> dict[str, Any]:
    """The new object with the fields this write changed under its manager; none changed, nothing recorded."""
    after = field_set(kind, new)
    changed = after if old is None else _changed(kind, old, new, after)
    if not changed:
        return new
    entries = _entries(new)
    kept: list[dict[str, Any]] = []
    mine: FieldSet = {}
    for entry in entries:
        fields = _intersection(entry.get("fieldsV1") or {}, after)
        if _is_mine(entry, manager):
            mine = fields
        else:
            left = _without(fields, changed)
            kept += [{**entry, "fieldsV1": left}] if left else []
    kept.append(_entry(manager, _union(mine, changed)))
    return _with_entries(new, kept)


def apply(kind: str, live: dict[str, Any] | None, config: dict[str, Any], manager: Manager, force: bool) -> Any:
    """The object after the configuration was applied to it. Raises Failure 409 on a conflict."""
    wanted = field_set(kind, config)
    if live is None:
        return _with_entries(config, [_entry(manager, wanted)])
    merged = strategic_merge(kind, live, config)
    changed = _intersection(_changed(kind, live, merged, field_set(kind, merged)), wanted)
    others = [entry for entry in _entries(live) if not _is_mine(entry, manager)]
    if not force:
        _refuse_conflicts(others, changed)
    others = [{**entry, "fieldsV1": _without(entry.get("fieldsV1") or {}, changed)} for entry in others]
    mine = next((entry for entry in _entries(live) if _is_mine(entry, manager)), {})
    dropped = _without(mine.get("fieldsV1") or {}, wanted)
    for entry in others:
        dropped = _without(dropped, entry["fieldsV1"])
    pruned = _prune(merged, dropped, _root(kind))
    return _with_entries(pruned, [*(entry for entry in others if entry["fieldsV1"]), _entry(manager, wanted)])


def _refuse_conflicts(others: list[dict[str, Any]], changed: FieldSet) -> None:
    found = {
        _told(entry): paths
        for entry in others
        if (paths := _leaves(_intersection(entry.get("fieldsV1") or {}, changed)))
    }
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": path}
        for who, paths in sorted(found.items())
        for path in paths
    ]
    if len(causes) == 1:
        told = f"1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        parts = ["\n".join([f"conflicts with {who}:", *(f"- {path}" for path in found[who])]) for who in sorted(found)]
        told = f"{len(causes)} conflicts: " + "\n".join(parts)
    if causes:
        raise Failure(409, "Conflict", f"Apply failed with {told}", {"causes": causes})


def _told(entry: dict[str, Any]) -> str:
    """A manager as conflicts name it; only one that updates is named with the version it used."""
    name = f'"{entry.get("manager")}"'
    if entry.get("subresource"):
        name = f'{name} with subresource "{entry["subresource"]}"'
    return f"{name} using {entry.get('apiVersion')}" if entry.get("operation") == "Update" else name


def _root(kind: str) -> Fields:
    return root_fields(kind) or {"metadata": Field("ObjectMeta")}


def _inner(field: Field) -> Fields:
    return {} if field.shape == "map" else fields_of(field.type) or {}


def _set_of(value: dict[str, Any], fields: Fields) -> FieldSet:
    return {f"f:{name}": _set_of_value(inner, fields.get(name, ANY)) for name, inner in value.items()}


def _set_of_value(value: Any, field: Field) -> FieldSet:
    if isinstance(value, dict):
        return _set_of(value, _inner(field))
    if isinstance(value, list) and field.key is not None:
        return {_item_key(item, field): {".": {}, **_set_of_item(item, field)} for item in value}
    return {}


def _set_of_item(item: Any, field: Field) -> FieldSet:
    return _set_of(item, _inner(field)) if isinstance(item, dict) else {}


def _item_key(item: Any, field: Field) -> str:
    if field.key and isinstance(item, dict):
        return "k:" + orjson.dumps({field.key: item.get(field.key)}).decode()
    return "v:" + orjson.dumps(item).decode()


def _changed(kind: str, old: dict[str, Any], new: dict[str, Any], after: FieldSet) -> FieldSet:
    return _differing(old, new, after, _root(kind))


def _differing(old: Any, new: Any, fields_set: FieldSet, fields: Fields) -> FieldSet:
    """The part of the new object's field set whose leaves have another value in the old one."""
    found: FieldSet = {}
    for step, inner in fields_set.items():
        if step == ".":
            continue
        before, after, field = _step(old, step, fields), _step(new, step, fields), _field_at(step, fields)
        if before == after:
            continue
        part = _differing(before, after, inner, field) if inner else {}
        if part or not inner or before is None:
            found[step] = part or inner
    return found


def _field_at(step: str, fields: Fields) -> Fields:
    """The fields below a step; a keyed list keeps its own Field under "" so that its items can be found."""
    if step.startswith("f:"):
        field = fields.get(step[2:], ANY)
        return {"": field} if field.key is not None else _inner(field)
    return _inner(fields[""]) if "" in fields else {}


def _step(value: Any, step: str, fields: Fields) -> Any:
    if step.startswith("f:"):
        return value.get(step[2:]) if isinstance(value, dict) else None
    if not isinstance(value, list) or "" not in fields:
        return None
    return next((item for item in value if _item_key(item, fields[""]) == step), None)


def _prune(value: Any, doomed: FieldSet, fields: Fields) -> Any:
    """Without the doomed leaves, and without the items and maps that they leave empty."""
    if isinstance(value, list):
        kept = [_prune_item(item, doomed, fields) for item in value]
        return [item for item in kept if item is not None]
    if not isinstance(value, dict):
        return value
    result = dict(value)
    for step, inner in doomed.items():
        name = step[2:]
        if not step.startswith("f:") or name not in result:
            continue
        left = _prune(result[name], inner, _field_at(step, fields)) if inner else None
        if left in (None, {}, []):
            del result[name]
        else:
            result[name] = left
    return result


def _prune_item(item: Any, doomed: FieldSet, fields: Fields) -> Any:
    inner = doomed.get(_item_key(item, fields[""])) if "" in fields else None
    if inner is None:
        return item
    return None if "." in inner else _prune(item, inner, _inner(fields[""]))


def _union(one: FieldSet, other: FieldSet) -> FieldSet:
    result = dict(one)
    for step, inner in other.items():
        result[step] = _union(result[step], inner) if step in result else inner
    return result


def _intersection(one: FieldSet, other: FieldSet) -> FieldSet:
    result: FieldSet = {}
    for step, inner in one.items():
        if step not in other:
            continue
        both = _intersection(inner, other[step])
        if both or not inner or not other[step]:
            result[step] = both
    return result


def _without(one: FieldSet, other: FieldSet) -> FieldSet:
    result: FieldSet = {}
    for step, inner in one.items():
        if step not in other:
            result[step] = inner
        elif inner:
            left = _without(inner, other[step])
            result.update({step: left} if left else {})
    return result


def _leaves(fields: FieldSet, path: str = "") -> list[str]:
    found: list[str] = []
    for step, inner in fields.items():
        if step == ".":
            continue
        where = f"{path}.{step[2:]}" if step.startswith("f:") else f"{path}[{_key_text(step)}]"
        deeper = _leaves(inner, where)
        found += deeper or [where]
    return found


def _key_text(step: str) -> str:
    key = orjson.loads(step[2:])
    if step.startswith("k:") and isinstance(key, dict):
        return ",".join(f"{name}={orjson.dumps(value).decode()}" for name, value in key.items())
    return f"={step[2:]}"


def _entries(obj: dict[str, Any]) -> list[dict[str, Any]]:
    entries = obj["metadata"].get("managedFields")
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _with_entries(obj: dict[str, Any], entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {**obj, "metadata": {**obj["metadata"], "managedFields": entries}}


def _is_mine(entry: dict[str, Any], manager: Manager) -> bool:
    mine = (manager.name, manager.operation, manager.subresource)
    return (entry.get("manager"), entry.get("operation"), entry.get("subresource", "")) == mine


def _entry(manager: Manager, fields: FieldSet) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": manager.api_version,
        "time": manager.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return entry
