"""One object, cut down to what a reader needs and may see.

Book-keeping goes (managedFields, the last-applied copy). Values of Secrets are replaced by their sizes, and so are environment variables
whose name says that they hold a secret. What is still too long is cut, strings and lists first a little, then more, until the whole fits;
the caller is told that it happened.
"""

import base64
import binascii
import re
from typing import Any

import orjson

from tools.engines.objects import Object, kind_of

MAX_SHOWN = 12_000
_LIMITS = ((2_000, 60), (500, 25), (160, 10), (80, 4))
_DROPPED_ANNOTATIONS = {"kubectl.kubernetes.io/last-applied-configuration"}
_DROPPED_METADATA = {"managedFields", "selfLink", "generateName"}
_HIDDEN = re.compile(
    r"(?i)pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|auth$|dsn$"
)


def trimmed(obj: Object) -> tuple[Object, bool]:
    """What to show, and whether anything of it was cut for its length."""
    shown = _without_secrets(_tidied(obj))
    fitted: Object = shown
    for longest, most in _LIMITS:
        fitted = _fit(shown, longest, most)
        if len(orjson.dumps(fitted)) <= MAX_SHOWN:
            return fitted, fitted != shown
    return {key: fitted[key] for key in ("apiVersion", "kind", "metadata", "status") if key in fitted}, True


def _tidied(obj: Object) -> Object:
    metadata = {key: value for key, value in (obj.get("metadata") or {}).items() if key not in _DROPPED_METADATA}
    annotations = {
        key: value for key, value in (metadata.get("annotations") or {}).items() if key not in _DROPPED_ANNOTATIONS
    }
    if annotations:
        metadata["annotations"] = annotations
    else:
        metadata.pop("annotations", None)
    return {**obj, "metadata": metadata}


def _without_secrets(obj: Object) -> Object:
    hidden = dict(obj)
    if kind_of(obj) == "Secret":
        hidden["data"] = {key: f"<{_decoded_size(value)} bytes>" for key, value in (obj.get("data") or {}).items()}
        hidden.pop("stringData", None)
        # Older tools keep a copy of the data where nobody looks for it.
        metadata = dict(hidden["metadata"])
        metadata.pop("annotations", None)
        hidden["metadata"] = metadata
        return hidden
    return {key: _hide(value) for key, value in hidden.items()}


def _hide(value: Any) -> Any:
    if isinstance(value, list):
        return [_hide(item) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("name"), str) and isinstance(value.get("value"), str) and _HIDDEN.search(value["name"]):
        return {**value, "value": f"<{len(value['value'])} characters>"}
    return {key: _hide(item) for key, item in value.items()}


def _decoded_size(value: Any) -> int:
    try:
        return len(base64.b64decode(str(value), validate=True))
    except (binascii.Error, ValueError):
        return len(str(value))


def _fit(value: Any, longest: int, most: int) -> Any:
    if isinstance(value, str) and len(value) > longest:
        return f"{value[:longest]} ... ({len(value)} characters)"
    if isinstance(value, list):
        kept = [_fit(item, longest, most) for item in value[:most]]
        return [*kept, f"... ({len(value) - most} more)"] if len(value) > most else kept
    if isinstance(value, dict):
        kept_items = {key: _fit(item, longest, most) for key, item in list(value.items())[: most * 2]}
        return kept_items | ({"...": f"{len(value) - most * 2} more"} if len(value) > most * 2 else {})
    return value
