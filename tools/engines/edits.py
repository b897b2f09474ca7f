"""When an object was last edited, by whom, and what it was told to be before, as far as the object itself still says so.

The API server notes in managedFields who wrote which fields when; a controller that only writes a status is no editor. What kubectl
applied last stands in an annotation: where the object differs from it, somebody has changed it by another way since.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from tools.engines.objects import Object, dig, mapping, rows, when

APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
AT_ONCE = timedelta(minutes=2)
MAX_APPLIED = 500_000


@dataclass(frozen=True, slots=True)
class Edit:
    at: datetime
    by: str
    path: str = "metadata.managedFields"


def last_edit(obj: Object, *, subresource: str = "") -> Edit | None:
    """The latest change since it was made; None where it was never edited, or nothing tells."""
    born = when(dig(obj, "metadata", "creationTimestamp"))
    edits = [
        Edit(at, str(row.get("manager") or "somebody"))
        for row in rows(obj, "metadata", "managedFields")
        if (at := when(row.get("time"))) and str(row.get("subresource") or "") == subresource
    ]
    edits += [
        Edit(at, "a tool", f"metadata.annotations[{key}]")
        for key, value in mapping(obj, "metadata", "annotations").items()
        if not subresource and _tells_time(key) and (at := when(value))
    ]
    latest = max(edits, key=lambda one: one.at, default=None)
    if latest is None or (born and latest.at - born < AT_ONCE):
        return None
    return latest


def applied(obj: Object, *path: str) -> Any:
    """What was applied last at this place."""
    text = dig(obj, "metadata", "annotations", APPLIED)
    if not isinstance(text, str) or len(text) > MAX_APPLIED:
        return None
    try:
        return dig(orjson.loads(text), *path)
    except orjson.JSONDecodeError:
        return None


def _tells_time(key: str) -> bool:
    return key.rpartition("/")[2].lower().replace("-", "").replace("_", "") in {
        "updatedat", "modifiedat", "changedat", "lastmodified", "lastupdated", "rotatedat", "lastchange", "editedat",
    }  # fmt: skip
