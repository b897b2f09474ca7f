"""Small questions to Kubernetes objects, and new objects made from old ones without changing the old."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

Object = dict[str, Any]

# The alphabet of generated hashes in Kubernetes: no vowels, so no words.
SAFE_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def name_of(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def namespace_of(obj: Object) -> str:
    return str(obj["metadata"].get("namespace") or "")


def uid_of(obj: Object) -> str:
    return str(obj["metadata"]["uid"])


def labels_of(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}


def is_deleting(obj: Object) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def with_metadata(obj: Object, **changes: Any) -> Object:
    return {**obj, "metadata": {**obj["metadata"], **changes}}


def with_annotations(obj: Object, **changes: str) -> Object:
    return with_metadata(obj, annotations={**annotations_of(obj), **changes})


def with_spec(obj: Object, **changes: Any) -> Object:
    return {**obj, "spec": {**(obj.get("spec") or {}), **changes}}


def with_status(obj: Object, status: Object) -> Object:
    return {**obj, "status": status}


def matches(selector: Mapping[str, str] | None, labels: Mapping[str, str]) -> bool:
    """An equality selector; an empty one selects nothing here, as for a Service."""
    return bool(selector) and all(labels.get(key) == value for key, value in (selector or {}).items())


def label_selector_matches(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """A LabelSelector with matchLabels and matchExpressions, as in a Deployment's spec."""
    if not selector:
        return False
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_expression_holds(each, labels) for each in selector.get("matchExpressions") or [])


def _expression_holds(expression: Object, labels: Mapping[str, str]) -> bool:
    key, operator, values = expression["key"], expression["operator"], expression.get("values") or []
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    if operator == "In":
        return labels.get(key) in values
    return labels.get(key) not in values


def controller_of(obj: Object) -> Object | None:
    for owner in obj["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            return dict(owner)
    return None


def owner_reference(owner: Object, kind: str, api_version: str) -> Object:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def by_controller(objects: Iterable[Object]) -> dict[str, list[Object]]:
    """Objects grouped by the uid of the controller that owns them; ownerless ones under the empty string."""
    owned: dict[str, list[Object]] = defaultdict(list)
    for obj in objects:
        owner = controller_of(obj)
        owned[owner["uid"] if owner else ""].append(obj)
    return owned


def condition(obj: Object, kind: str) -> Object | None:
    for each in (obj.get("status") or {}).get("conditions") or []:
        if each["type"] == kind:
            return dict(each)
    return None


def is_true(obj: Object, kind: str) -> bool:
    found = condition(obj, kind)
    return found is not None and found["status"] == "True"


def is_ready(pod: Object) -> bool:
    return is_true(pod, "Ready")


def is_finished(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def short_hash(value: Any, length: int = 10) -> str:
    """A hash of a JSON value in the letters of a pod-template-hash."""
    number = int.from_bytes(hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()[:8])
    letters = []
    for _ in range(length):
        number, index = divmod(number, len(SAFE_LETTERS))
        letters.append(SAFE_LETTERS[index])
    return "".join(letters)


def int_or_percent(value: Any, total: int, *, round_up: bool) -> int:
    """maxSurge and maxUnavailable: 2, "2" or "25%"."""
    text = str(value)
    if not text.endswith("%"):
        return int(text)
    scaled = total * int(text[:-1])
    return -(-scaled // 100) if round_up else scaled // 100
