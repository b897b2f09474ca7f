"""Pods as controllers make, claim and count them: the ways that all of them share.

A controller owns the pods that carry its reference and still match its selector; orphans that match are adopted, owned ones that no longer
match are let go. A pod is created through the API server's admission, and after a refusal its maker is patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from simulator.clock import parse_rfc3339
from simulator.controllers.context import Context
from simulator.controllers.garbage import delete
from simulator.events import Source
from simulator.kubernetes_api import Failure, admit
from simulator.objects import (
    Object,
    condition,
    controller_of,
    is_deleting,
    is_finished,
    is_ready,
    label_selector_matches,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
    with_metadata,
)
from simulator.store import AlreadyExists

FAILED = "FailedCreate"


@dataclass(frozen=True)
class Maker:
    """A controller as the maker of pods: the kind it works for and the name under which it speaks."""

    kind: str
    api_version: str
    source: Source


class Refused(Exception):
    """The API server would not take the pod; the message is its own."""


def claim(ctx: Context, maker: Maker, owner: Object, pods: dict[str, list[Object]]) -> list[Object]:
    """The owner's pods of those grouped by controller, finished and leaving ones among them."""
    claimed = []
    selector = owner["spec"].get("selector")
    for pod in pods.get(uid_of(owner), []):
        if is_deleting(pod) or label_selector_matches(selector, labels_of(pod)):
            claimed.append(pod)
        else:
            ctx.store.update("Pod", with_metadata(pod, ownerReferences=[]))
    for pod in [*pods.get("", [])]:
        if _is_orphan_of(owner, pod, selector):
            pods[""].remove(pod)
            reference = owner_reference(owner, maker.kind, maker.api_version)
            claimed.append(ctx.store.update("Pod", with_metadata(pod, ownerReferences=[reference])))
    return claimed


def _is_orphan_of(owner: Object, pod: Object, selector: Object | None) -> bool:
    return (
        namespace_of(pod) == namespace_of(owner)
        and not is_deleting(pod)
        and not is_finished(pod)
        and label_selector_matches(selector, labels_of(pod))
    )


def is_active(pod: Object) -> bool:
    return not is_deleting(pod) and not is_finished(pod)


def from_template(maker: Maker, owner: Object, name: str = "", **labels: str) -> Object:
    """A pod as the owner's template wants it; without a name the server makes one from the owner's."""
    template = owner["spec"]["template"]
    metadata = template.get("metadata") or {}
    named = {"name": name} if name else {"generateName": f"{name_of(owner)}-"}
    annotated = {"annotations": dict(metadata["annotations"])} if metadata.get("annotations") else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **named,
            "namespace": namespace_of(owner),
            "labels": {**(metadata.get("labels") or {}), **labels},
            **annotated,
            "ownerReferences": [owner_reference(owner, maker.kind, maker.api_version)],
        },
        "spec": dict(template["spec"]),
        "status": {"phase": "Pending"},
    }


def create(ctx: Context, pod: Object) -> Object:
    """Create a pod the way the API server does, or raise Refused in its words."""
    try:
        return ctx.store.create("Pod", admit(ctx.store, "Pod", pod))
    except Failure as refusal:
        raise Refused(refusal.message) from refusal
    except AlreadyExists:
        raise Refused(f'pods "{pod["metadata"]["name"]}" already exists') from None


def create_from(ctx: Context, maker: Maker, owner: Object, pod: Object) -> Object | None:
    """Create a pod and say so about its owner, or say why it could not be; the controllers but StatefulSet say it like this."""
    if until := ctx.backoff.waits_until(owner, ctx.now()):
        ctx.call_again(until)
        return None
    try:
        made = create(ctx, pod)
    except Refused as error:
        say(ctx, maker, owner, "Warning", FAILED, f"Error creating: {error}")
        ctx.call_again(ctx.backoff.failed(owner, ctx.now(), str(error)))
        return None
    ctx.backoff.succeeded(owner)
    say(ctx, maker, owner, "Normal", "SuccessfulCreate", f"Created pod: {name_of(made)}")
    return made


def remove(ctx: Context, maker: Maker, owner: Object, pod: Object) -> None:
    delete(ctx, "Pod", pod)
    say(ctx, maker, owner, "Normal", "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")


def say(ctx: Context, maker: Maker, owner: Object, event: Any, reason: str, message: str) -> None:
    ctx.events.record(owner, maker.kind, event, reason, message, maker.source)


def ready_for(ctx: Context, pod: Object) -> timedelta:
    since = condition(pod, "Ready") or {}
    return ctx.now() - parse_rfc3339(str(since["lastTransitionTime"]))


def is_available(ctx: Context, pod: Object, minimum_seconds: int) -> bool:
    """Ready for long enough; the controller comes back at the moment when it will be."""
    if not is_ready(pod):
        return False
    left = timedelta(seconds=minimum_seconds) - ready_for(ctx, pod)
    if left <= timedelta(0):
        return True
    ctx.call_again(ctx.now() + left)
    return False


def owner_kind(pod: Object) -> str:
    return str((controller_of(pod) or {}).get("kind", ""))
