"""What a namespace says about itself while it is being emptied: which content is left, and which finalizers hold it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from simulator.controllers.context import Context
from simulator.kubernetes_api import RESOURCES_BY_KIND
from simulator.objects import Object, condition

FINE = (
    ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    (
        "NamespaceDeletionGroupVersionParsingFailure",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    (
        "NamespaceDeletionContentFailure",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
)


def status(ctx: Context, namespace: Object, left: Iterable[tuple[str, Object]]) -> Object:
    """The status of a namespace with what is left of its content, by kind."""
    kinds, finalizers = Counter[str](), Counter[str]()
    for kind, obj in left:
        resource = RESOURCES_BY_KIND[kind]
        kinds[f"{resource.plural}.{resource.group}"] += 1
        finalizers.update(obj["metadata"].get("finalizers") or [])
    said = [
        *((kind, "False", reason, message) for kind, reason, message in FINE),
        _remaining(kinds),
        _finalizers(finalizers),
    ]
    conditions = [_condition(ctx, namespace, *each) for each in said]
    return {**(namespace.get("status") or {}), "phase": "Terminating", "conditions": conditions}


def _remaining(kinds: Counter[str]) -> tuple[str, str, str, str]:
    kind = "NamespaceContentRemaining"
    if not kinds:
        return kind, "False", "ContentRemoved", "All content successfully removed"
    listed = ", ".join(f"{name} has {count} resource instances" for name, count in sorted(kinds.items()))
    return kind, "True", "SomeResourcesRemain", f"Some resources are remaining: {listed}"


def _finalizers(finalizers: Counter[str]) -> tuple[str, str, str, str]:
    kind = "NamespaceFinalizersRemaining"
    if not finalizers:
        return kind, "False", "ContentHasNoFinalizers", "All content-preserving finalizers finished"
    listed = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(finalizers.items()))
    message = f"Some content in the namespace has finalizers remaining: {listed}"
    return kind, "True", "SomeFinalizersRemain", message


def _condition(ctx: Context, namespace: Object, kind: str, value: str, reason: str, message: str) -> Object:
    known = condition(namespace, kind)
    since = known["lastTransitionTime"] if known and known["status"] == value else ctx.stamp()
    return {"type": kind, "status": value, "reason": reason, "message": message, "lastTransitionTime": since}
