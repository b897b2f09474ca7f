"""The history of StatefulSets and DaemonSets: a ControllerRevision for every template they have had.

A revision holds the template as a patch and carries a number; a template that comes back takes its old revision with the next number, which
is what `kubectl rollout undo` relies on. Revisions that no pod runs any more are dropped beyond revisionHistoryLimit.
"""

from __future__ import annotations

from simulator.controllers.context import Context
from simulator.objects import (
    Object,
    annotations_of,
    by_controller,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    short_hash,
    uid_of,
)

HASH = "controller-revision-hash"
_REVISION_LABEL = "controller.kubernetes.io/hash"


def hash_of(revision: Object) -> str:
    return name_of(revision).rpartition("-")[2]


def template_of(revision: Object) -> Object:
    template = revision["data"]["spec"]["template"]
    return {key: value for key, value in template.items() if key != "$patch"}


def sync_revisions(ctx: Context, owner: Object, kind: str) -> tuple[Object, list[Object]]:
    """The revision of the owner's present template, made or renumbered when needed; and all revisions, oldest first."""
    owned = by_controller(ctx.store.list("ControllerRevision", namespace_of(owner))).get(uid_of(owner), [])
    known = sorted(owned, key=lambda each: (int(each["revision"]), name_of(each)))
    template = owner["spec"]["template"]
    highest = max((int(each["revision"]) for each in known), default=0)
    equal = next((each for each in reversed(known) if template_of(each) == template), None)
    if equal is None:
        made = ctx.store.create("ControllerRevision", _revision(owner, kind, highest + 1))
        return made, [*known, made]
    if int(equal["revision"]) < highest:
        others = [each for each in known if each is not equal]
        equal = ctx.store.update("ControllerRevision", {**equal, "revision": highest + 1})
        return equal, [*others, equal]
    return equal, known


def drop_old(ctx: Context, owner: Object, revisions: list[Object], live: set[str]) -> None:
    """Forget the oldest revisions that nothing uses; `live` are the names that pods or the status still mention."""
    limit = int(owner["spec"].get("revisionHistoryLimit", 10))
    unused = [each for each in revisions if name_of(each) not in live]
    for each in unused[: max(len(unused) - limit, 0)]:
        ctx.store.delete("ControllerRevision", namespace_of(each), name_of(each))


def _revision(owner: Object, kind: str, number: int) -> Object:
    template = owner["spec"]["template"]
    suffix = short_hash(template)
    labels = {**((template.get("metadata") or {}).get("labels") or labels_of(owner))}
    # `kubectl apply` leaves a copy of the whole object there; the history needs no second one.
    kept = {
        key: value for key, value in annotations_of(owner).items() if not key.startswith("kubectl.kubernetes.io/last")
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": f"{name_of(owner)}-{suffix}",
            "namespace": namespace_of(owner),
            "labels": {**labels, _REVISION_LABEL: suffix},
            **({"annotations": kept} if kept else {}),
            "ownerReferences": [owner_reference(owner, kind, "apps/v1")],
        },
        "data": {"spec": {"template": {**template, "$patch": "replace"}}},
        "revision": number,
    }
