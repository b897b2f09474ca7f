"""What is kept of an object that comes from a cluster or a bundle: all that a comparison needs, and nothing that nobody may see.

A Secret's values become keyed hashes before anything else looks at it, under a key that dies with the process: its keys can be compared
with what programs ask for, and equal values can be seen to be equal. What only the API server needs is left out; of managedFields
who wrote when remains, which tells a change.
"""

import secrets
from collections.abc import Callable
from typing import Any

from core.secrets import fingerprint

Object = dict[str, Any]
SHOWN = 16
_WRITER = ("manager", "operation", "subresource", "time")
MAX_WRITERS = 20
_KEY = secrets.token_hex(16)
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def kept(obj: Object) -> Object:
    """The object itself, changed in place."""
    meta = obj.get("metadata")
    if isinstance(meta, dict) and "managedFields" in meta:
        meta["managedFields"] = _writers(meta["managedFields"])
    if obj.get("kind") == "Secret":
        _hide(obj, meta)
    elif isinstance(obj.get("binaryData"), dict):
        _replace(obj, "binaryData", lambda value: f"{len(str(value))} characters")
    return obj


def _writers(held: Any) -> list[Object]:
    found = [one for one in held if isinstance(one, dict)] if isinstance(held, list) else []
    return [{key: one[key] for key in _WRITER if key in one} for one in sorted(found, key=_written_at)[-MAX_WRITERS:]]


def _written_at(writer: Object) -> str:
    return str(writer.get("time") or "")


def _hide(obj: Object, meta: Any) -> None:
    annotations = meta.get("annotations") if isinstance(meta, dict) else None
    if isinstance(annotations, dict):
        annotations.pop(_APPLIED, None)  # it holds the values once more
    for part in ("data", "stringData"):
        if part in obj:
            _replace(obj, part, _hashed)


def _replace(obj: Object, part: str, change: Callable[[Any], str]) -> None:
    held = obj[part]
    obj[part] = {key: change(value) for key, value in held.items()} if isinstance(held, dict) else {}


def _hashed(value: Any) -> str:
    return fingerprint(_KEY, str(value))[:SHOWN] if value else ""
