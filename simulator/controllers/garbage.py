"""The garbage collector: what is owned goes when its last owner has gone.

Pods go the polite way (a deletion timestamp and a grace period, which the kubelet waits out), everything else at once. An object that
was deleted with the policy Foreground or Orphan waits under a finalizer until its dependents are gone, or let go; a Namespace on its way
out is emptied first.
"""

from __future__ import annotations

from simulator.controllers import namespace_deletion
from simulator.controllers.context import Context
from simulator.kubernetes_api import RESOURCES, DeleteOptions, marked
from simulator.objects import Object, is_deleting, name_of, namespace_of, uid_of, with_metadata

DEPENDENTS = ("ReplicaSet", "Pod", "EndpointSlice", "Job", "ControllerRevision")
FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
FINALIZER = "kubernetes"
KINDS = {kind: place for place, kind in enumerate(dict.fromkeys(resource.kind for resource in RESOURCES))}
NAMESPACED = tuple(dict.fromkeys(resource.kind for resource in RESOURCES if resource.namespaced))


def reconcile(ctx: Context) -> None:
    doomed = [(kind, obj) for kind, obj in ctx.store.doomed() if kind in KINDS and obj["metadata"].get("finalizers")]
    owned = _collect(ctx)
    for kind, obj in sorted(doomed, key=lambda each: KINDS[each[0]]):
        _finish(ctx, kind, obj, owned.get(uid_of(obj), []))
    for namespace in ctx.store.list("Namespace"):
        if is_deleting(namespace):
            _empty(ctx, namespace)


def delete(ctx: Context, kind: str, obj: Object) -> None:
    """Delete with the manners of the API server."""
    if is_deleting(obj):
        return
    doomed = marked(kind, obj, ctx.now(), DeleteOptions())
    if doomed is None:
        ctx.store.delete(kind, namespace_of(obj), name_of(obj))
    else:
        ctx.store.update(kind, doomed)


def _collect(ctx: Context) -> dict[str, list[tuple[str, Object]]]:
    """Drop what has lost all its owners; everything by owner. Who owns what is judged before anything goes."""
    owned: dict[str, list[tuple[str, Object]]] = {}
    going = []
    for kind in DEPENDENTS:
        for obj in ctx.store.list(kind):
            references = obj["metadata"].get("ownerReferences") or ()
            for reference in references:
                owned.setdefault(reference["uid"], []).append((kind, obj))
            if references and _goes(ctx, references):
                going.append((kind, obj))
    for kind, obj in going:
        delete(ctx, kind, obj)
    return owned


def _goes(ctx: Context, references: list[Object]) -> bool:
    owners = [owner for each in references if (owner := ctx.store.with_uid(each["uid"])) is not None]
    return not owners or any(_goes_first(owner) for owner in owners)


def _goes_first(owner: Object) -> bool:
    """The owner waits for its dependents to go before it, and does not let them go."""
    finalizers = owner["metadata"].get("finalizers") or []
    return is_deleting(owner) and FOREGROUND in finalizers and ORPHAN not in finalizers


def _finish(ctx: Context, kind: str, owner: Object, dependents: list[tuple[str, Object]]) -> None:
    finalizers: list[str] = owner["metadata"]["finalizers"]
    if ORPHAN in finalizers:
        for each, obj in dependents:
            _let_go(ctx, each, obj, uid_of(owner))
        ctx.store.update(kind, with_metadata(owner, finalizers=[name for name in finalizers if name != ORPHAN]))
    elif FOREGROUND in finalizers and not dependents:
        ctx.store.update(kind, with_metadata(owner, finalizers=[name for name in finalizers if name != FOREGROUND]))


def _let_go(ctx: Context, kind: str, obj: Object, owner: str) -> None:
    present = ctx.store.get(kind, namespace_of(obj), name_of(obj))
    if present is not None:
        kept = [each for each in present["metadata"]["ownerReferences"] if each["uid"] != owner]
        ctx.store.update(kind, with_metadata(present, ownerReferences=kept))


def _empty(ctx: Context, namespace: Object) -> None:
    """Everything in the namespace goes, then the namespace loses its own finalizer and with it its life."""
    left = []
    for kind in NAMESPACED:
        for obj in ctx.store.list(kind, name_of(namespace)) if ctx.store.count(kind) else ():
            delete(ctx, kind, obj)
            present = ctx.store.get(kind, name_of(namespace), name_of(obj))
            left += [] if present is None else [(kind, present)]
    told = {**namespace, "status": namespace_deletion.status(ctx, namespace, left)}
    if not left:
        kept = [name for name in (namespace.get("spec") or {}).get("finalizers") or [] if name != FINALIZER]
        told["spec"] = {**(namespace.get("spec") or {}), "finalizers": kept}
    ctx.store.update("Namespace", told)
