"""Strategic merge patch: maps merge, and lists merge by the key their type declares.

The directives are the ones kubectl writes: `$patch: delete|replace` in a map or a list item, `$retainKeys`,
`$deleteFromPrimitiveList/<field>` and `$setElementOrder/<field>`. Where the schema knows no merge key a list is
replaced, as the real server does (tolerations are such a list).
"""

from __future__ import annotations

from typing import Any

from simulator.kubernetes_api.schema import ANY, Field, fields_of, root_fields
from simulator.kubernetes_api.status import bad_request

Fields = dict[str, Field]
_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"


def strategic_merge(kind: str, target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    return _merge_map(target, patch, root_fields(kind) or {"metadata": Field("ObjectMeta")})


def _merge_map(target: dict[str, Any], patch: dict[str, Any], fields: Fields) -> dict[str, Any]:
    if "$patch" in patch:
        return _directed(target, patch, fields)
    merged = _retained(target, patch)
    for name, value in patch.items():
        if name.startswith(_DELETE):
            _delete_primitives(merged, name.removeprefix(_DELETE), value)
        elif not name.startswith("$"):
            _merge_field(merged, name, value, fields.get(name, ANY))
    for name, order in patch.items():
        if name.startswith(_ORDER):
            _reorder(merged, name.removeprefix(_ORDER), order, fields)
    return merged


def _directed(target: dict[str, Any], patch: dict[str, Any], fields: Fields) -> dict[str, Any]:
    rest = {name: value for name, value in patch.items() if name != "$patch"}
    if patch["$patch"] == "merge":
        return _merge_map(target, rest, fields)
    if patch["$patch"] == "replace":
        return rest
    if patch["$patch"] == "delete":
        return {}
    raise bad_request(f"Unknown patch type found: {patch['$patch']}")


def _retained(target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    keys = patch.get("$retainKeys")
    if keys is None:
        return dict(target)
    if not isinstance(keys, list):
        raise bad_request("$retainKeys must be a list")
    return {name: value for name, value in target.items() if name in keys}


def _merge_field(merged: dict[str, Any], name: str, value: Any, field: Field) -> None:
    if value is None:
        merged.pop(name, None)
    elif isinstance(value, dict):
        old = merged.get(name)
        inner = {} if field.shape == "map" else fields_of(field.type) or {}
        merged[name] = _merge_map(old if isinstance(old, dict) else {}, value, inner)
    elif isinstance(value, list) and field.key is not None:
        old = merged.get(name)
        merged[name] = _merge_list(old if isinstance(old, list) else [], value, field, name)
    else:
        merged[name] = value


def _merge_list(target: list[Any], patch: list[Any], field: Field, name: str) -> list[Any]:
    if not field.key:
        return [*target, *(item for item in patch if item not in target)]
    if {"$patch": "replace"} in patch:
        return [item for item in patch if item != {"$patch": "replace"}]
    merged = list(target)
    for item in patch:
        _merge_item(merged, item, field, name)
    return merged


def _merge_item(merged: list[Any], item: Any, field: Field, name: str) -> None:
    key = field.key or ""
    if not isinstance(item, dict) or key not in item:
        raise bad_request(f"map: {name}: does not contain declared merge key: {key}")
    places = [i for i, old in enumerate(merged) if isinstance(old, dict) and old.get(key) == item[key]]
    if item.get("$patch") == "delete":
        merged[:] = [old for i, old in enumerate(merged) if i not in places]
    elif places:
        merged[places[0]] = _merge_map(merged[places[0]], item, fields_of(field.type) or {})
    else:
        merged.append(_merge_map({}, item, fields_of(field.type) or {}))


def _delete_primitives(merged: dict[str, Any], name: str, doomed: Any) -> None:
    if not isinstance(doomed, list) or not isinstance(merged.get(name, []), list):
        raise bad_request(f"{_DELETE}{name} must be a list")
    if name in merged:
        merged[name] = [item for item in merged[name] if item not in doomed]


def _reorder(merged: dict[str, Any], name: str, order: Any, fields: Fields) -> None:
    """Put the listed elements in the listed order; the others keep their places after them."""
    key = fields.get(name, ANY).key
    if not isinstance(order, list) or not isinstance(merged.get(name), list):
        return

    def identity(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, dict) else item

    wanted = [identity(item) for item in order]
    merged[name] = sorted(
        merged[name], key=lambda item: wanted.index(identity(item)) if identity(item) in wanted else len(wanted)
    )
