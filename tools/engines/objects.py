"""Kubernetes objects as the JSON they came as, read without ever assuming that a field is there or has the type that it should have."""

from datetime import UTC, datetime
from typing import Any

from tools.engines.diagnosis import Component

Object = dict[str, Any]
MAX_DIGITS = 15


def dig(value: Any, *path: str | int) -> Any:
    """Follow a path through JSON; None where it ends early or a type is not as expected."""
    for part in path:
        if isinstance(part, str) and isinstance(value, dict):
            value = value.get(part)
        elif isinstance(part, int) and isinstance(value, list) and -len(value) <= part < len(value):
            value = value[part]
        else:
            return None
    return value


def mapping(value: Any, *path: str | int) -> dict[str, Any]:
    found = dig(value, *path)
    return found if isinstance(found, dict) else {}


def rows(value: Any, *path: str | int) -> list[dict[str, Any]]:
    found = dig(value, *path)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def listed(value: Any, *path: str | int) -> list[Any]:
    found = dig(value, *path)
    return found if isinstance(found, list) else []


def when(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        parsed = datetime.fromisoformat(text)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):  # the year 1 of a zone ahead of UTC is before all years
        return None


def kind_of(obj: Object) -> str:
    return str(obj.get("kind") or "")


def name_of(obj: Object) -> str:
    return str(dig(obj, "metadata", "name") or "")


def namespace_of(obj: Object) -> str:
    return str(dig(obj, "metadata", "namespace") or "")


def component(obj: Object) -> Component:
    return Component(kind=kind_of(obj), namespace=namespace_of(obj) or None, name=name_of(obj))


def template_labels(workload: Object) -> dict[str, Any]:
    return mapping(workload, "spec", "template", "metadata", "labels")


def containers(spec_holder: Object) -> list[dict[str, Any]]:
    """The containers of a pod or of a workload's template, those that run before it starts last."""
    spec = mapping(spec_holder, "spec", "template", "spec") or mapping(spec_holder, "spec")
    return rows(spec, "containers") + rows(spec, "initContainers")


def statuses(pod: Object) -> list[dict[str, Any]]:
    return rows(pod, "status", "containerStatuses") + rows(pod, "status", "initContainerStatuses")


def is_ready(pod: Object) -> bool:
    return any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in rows(pod, "status", "conditions")
    )


def is_unready(pod: Object) -> bool:
    """Whether it is known not to be ready: of a pod that came without its status nobody knows."""
    return bool(mapping(pod, "status")) and not is_ready(pod)


def readiness_since(pod: Object) -> datetime | None:
    """Since when it is ready, or is not."""
    told = (row for row in rows(pod, "status", "conditions") if row.get("type") == "Ready")
    return next((when(row.get("lastTransitionTime")) for row in told), None)


def is_leaving(pod: Object) -> bool:
    return dig(pod, "metadata", "deletionTimestamp") is not None or dig(pod, "status", "phase") in (
        "Succeeded",
        "Failed",
    )


def whole(value: Any) -> int | None:
    """A count as an object gives it; None where there is none, or where something else stands in its place."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def number_in(text: str) -> int | None:
    """A port or a count written as text; None where it is none, or longer than any that a cluster knows."""
    return int(text) if text.isdecimal() and len(text) <= MAX_DIGITS else None


def restarts(status: Object) -> int:
    return whole(status.get("restartCount")) or 0
