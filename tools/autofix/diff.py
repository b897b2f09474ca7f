"""What a change does to an object, as a unified diff of its YAML, for a person to approve.

Only what people decide is shown: status and bookkeeping are left out. Values of environment variables whose names say that they are
secret are replaced by pseudonyms, equal ones by equal ones, so a changed password is seen to change without being read.
"""

import difflib
import json
from typing import Any

import yaml

from core.redact import Redactor
from tools.engines.objects import Object, component

_BOOKKEEPING = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
CONTEXT_LINES = 3
MAX_LINES = 400


def unified(before: Object, after: Object, redactor: Redactor) -> str:
    name = str(component(before))
    left, right = _lines(before, redactor), _lines(after, redactor)
    lines = list(difflib.unified_diff(left, right, f"{name} (now)", f"{name} (after)", lineterm="", n=CONTEXT_LINES))
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], f"... {len(lines) - MAX_LINES} more lines"]
    return redactor.text("\n".join(lines))


def _lines(obj: Object, redactor: Redactor) -> list[str]:
    shown = json.loads(json.dumps(obj))
    shown.pop("status", None)
    metadata = shown.get("metadata") or {}
    for key in _BOOKKEEPING:
        metadata.pop(key, None)
    text: str = yaml.safe_dump(_hidden(shown, redactor), sort_keys=True, allow_unicode=True, width=160)
    return text.splitlines()


def _hidden(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, list):
        return [_hidden(item, redactor) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("name"), str) and isinstance(value.get("value"), str):
        return {**value, "value": redactor.value({value["name"]: value["value"]})[value["name"]]}
    return {key: _hidden(item, redactor) for key, item in value.items()}
