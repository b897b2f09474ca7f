"""The delivery tool: it keeps trying to create what has been handed to it and is not there.

What it has been handed stands in a ConfigMap that carries its label, one manifest (JSON) a key, as a tool that follows a repository keeps
its inventory. It creates what is missing through admission, and says on the ConfigMap why it could not, in the words that such tools use.
"""

from __future__ import annotations

import json

from simulator.controllers.context import Context
from simulator.events import Source
from simulator.kubernetes_api import Failure, admit
from simulator.objects import Object, labels_of, name_of, namespace_of
from simulator.store import AlreadyExists

LABEL = "kustomize.toolkit.fluxcd.io/name"
SOURCE = Source("kustomize-controller")
KINDS = frozenset({"Service", "PersistentVolumeClaim"})


def reconcile(ctx: Context) -> None:
    for inventory in ctx.store.list("ConfigMap"):
        if LABEL in labels_of(inventory):
            _deliver(ctx, inventory)


def _deliver(ctx: Context, inventory: Object) -> None:
    missing = [each for each in _manifests(inventory) if ctx.store.get(each["kind"], *_place(each)) is None]
    if not missing:
        ctx.backoff.succeeded(inventory)
        return
    if until := ctx.backoff.waits_until(inventory, ctx.now()):
        ctx.call_again(until)
        return
    for manifest in missing:
        if told := _create(ctx, manifest):
            ctx.events.record(inventory, "ConfigMap", "Warning", "ReconciliationFailed", told, SOURCE)
            ctx.call_again(ctx.backoff.failed(inventory, ctx.now(), told))
            return
        what = f"{manifest['kind']}/{'/'.join(_place(manifest))} created"
        ctx.events.record(inventory, "ConfigMap", "Normal", "Progressing", what, SOURCE)


def _create(ctx: Context, manifest: Object) -> str:
    """Why not; empty when it is there now."""
    kind = manifest["kind"]
    try:
        ctx.store.create(kind, admit(ctx.store, kind, manifest))
    except Failure as refusal:
        return f"{kind}/{'/'.join(_place(manifest))} dry-run failed ({refusal.reason}): {refusal.message}"
    except AlreadyExists:
        return ""
    return ""


def _place(manifest: Object) -> tuple[str, str]:
    return namespace_of(manifest), name_of(manifest)


def _manifests(inventory: Object) -> list[Object]:
    """The manifests that can be read; what people typed in between is left alone."""
    manifests = []
    for _, text in sorted((inventory.get("data") or {}).items()):
        try:
            manifest = json.loads(text)
        except ValueError:
            continue
        if (
            isinstance(manifest, dict)
            and manifest.get("kind") in KINDS
            and (manifest.get("metadata") or {}).get("name")
        ):
            manifests.append(manifest)
    return manifests


def inventory(name: str, namespace: str, *manifests: Object) -> Object:
    """The ConfigMap that hands manifests to the tool."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": {LABEL: name}},
        "data": {
            f"{each['kind'].lower()}-{name_of(each)}.json": json.dumps(each, sort_keys=True) for each in manifests
        },
    }
