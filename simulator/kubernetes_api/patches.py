"""JSON patch (RFC 6902) and JSON merge patch (RFC 7386). Both build a new document and leave the old one alone."""

from __future__ import annotations

import copy
from typing import Any

from simulator.kubernetes_api.status import bad_request, rejected_patch

MAX_OPERATIONS = 10_000


def merge_patch(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def json_patch(target: dict[str, Any], operations: Any) -> Any:
    if not isinstance(operations, list) or not all(isinstance(operation, dict) for operation in operations):
        raise bad_request("error decoding patch: json: cannot unmarshal into Go value of type jsonpatch.Patch")
    if len(operations) > MAX_OPERATIONS:
        raise bad_request(f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}")
    root = {"": copy.deepcopy(target)}
    for operation in operations:
        _operate(root, operation)
    return root[""]


def _operate(root: dict[str, Any], operation: dict[str, Any]) -> None:
    verb = operation.get("op")
    path = _pointer(operation.get("path"))
    if verb in ("add", "replace", "test") and "value" not in operation:
        raise bad_request(f"error decoding patch: {verb} operation without a value")
    if verb == "test":
        if _read(root, path) != operation["value"]:
            raise rejected_patch()
    elif verb == "remove":
        _remove(root, path)
    elif verb == "replace":
        _read(root, path)
        _put(root, path, operation["value"], insert=False)
    elif verb == "add":
        _put(root, path, operation["value"], insert=True)
    elif verb in ("copy", "move"):
        _transfer(root, _pointer(operation.get("from")), path, verb)
    else:
        raise bad_request(f"error decoding patch: Unexpected kind: {verb}")


def _transfer(root: dict[str, Any], source: list[str], path: list[str], verb: str) -> None:
    value = copy.deepcopy(_read(root, source))
    if verb == "move":
        _remove(root, source)
    _put(root, path, value, insert=True)


def _pointer(text: Any) -> list[str]:
    """The steps from an outer box that holds the document under the empty key: so the root can be replaced too."""
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise bad_request(f"error decoding patch: invalid path {text!r}")
    return [step.replace("~1", "/").replace("~0", "~") for step in text.split("/")]


def _index(steps: list[Any], step: str, extra: int) -> int:
    if not (step.isascii() and step.isdecimal() and len(step) < 10) or int(step) >= len(steps) + extra:
        raise rejected_patch()
    return int(step)


def _descend(value: Any, step: str) -> Any:
    if isinstance(value, list):
        return value[_index(value, step, 0)]
    if not isinstance(value, dict) or step not in value:
        raise rejected_patch()
    return value[step]


def _read(root: dict[str, Any], path: list[str]) -> Any:
    value: Any = root
    for step in path:
        value = _descend(value, step)
    return value


def _remove(root: dict[str, Any], path: list[str]) -> None:
    holder, last = _read(root, path[:-1]), path[-1]
    _descend(holder, last)
    del holder[int(last) if isinstance(holder, list) else last]


def _put(root: dict[str, Any], path: list[str], value: Any, insert: bool) -> None:
    holder, last = _read(root, path[:-1]), path[-1]
    if isinstance(holder, dict):
        holder[last] = copy.deepcopy(value)
    elif not isinstance(holder, list):
        raise rejected_patch()
    elif insert:
        holder.insert(len(holder) if last == "-" else _index(holder, last, 1), copy.deepcopy(value))
    else:
        holder[_index(holder, last, 0)] = copy.deepcopy(value)
