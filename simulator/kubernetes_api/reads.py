"""Get and list: what is there, filtered, in pages, at one version.

A list is a snapshot: every page of it shows the objects as they were at the version of the first page. The store keeps
only the present, so the past is rebuilt by undoing the changes made since; when those have been forgotten, the continue
token has expired, as it does in a real cluster after compaction.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

import orjson
from starlette.responses import Response

from simulator.kubernetes_api.call import Call, accepted_form, render
from simulator.kubernetes_api.selectors import labels_match, parse_fields, parse_labels
from simulator.kubernetes_api.status import bad_request, expired, not_found, version_too_large
from simulator.store import Store, TooOld

Object = dict[str, Any]
View = Callable[[Object], bool]
_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter."
)


def get(call: Call) -> Response:
    return call.answer(existing(call))


def existing(call: Call) -> Object:
    obj = call.store.get(call.resource.kind, call.namespace, call.wanted_name)
    if obj is None:
        raise not_found(call.resource, call.wanted_name)
    return obj


def view_of(call: Call) -> View:
    """What the call's namespace, name and selectors let through."""
    labels = parse_labels(call.param("labelSelector"))
    fields = parse_fields(call.param("fieldSelector"), call.resource.kind)
    namespace, name = call.namespace, call.name

    def visible(obj: Object) -> bool:
        metadata = obj["metadata"]
        if namespace is not None and metadata.get("namespace") != namespace:
            return False
        return (name is None or metadata["name"] == name) and labels_match(labels, obj) and fields(obj)

    return visible


def visible_objects(call: Call) -> list[Object]:
    visible = view_of(call)
    return [obj for obj in call.store.list(call.resource.kind, call.namespace) if visible(obj)]


def list_page(call: Call) -> Response:
    limit = call.number("limit")
    if limit is not None and limit < 0:
        raise bad_request(f"limit: Invalid value: {limit}: must be greater than or equal to 0")
    version, start = _position(call)
    visible = view_of(call)
    objects = [obj for obj in _snapshot(call.store, call.resource.kind, version) if visible(obj)]
    left = [obj for obj in objects if _key(obj) > start]
    page = left[:limit] if limit else left
    metadata: Object = {"resourceVersion": str(version)}
    if len(page) < len(left):
        metadata["continue"] = _token(version, _key(page[-1]))
        if not call.param("labelSelector") and not call.param("fieldSelector"):
            metadata["remainingItemCount"] = len(left) - len(page)
    return list_answer(call, page, metadata)


def list_answer(call: Call, objects: list[Object], metadata: Object) -> Response:
    form = accepted_form(call.request)
    if form == "table":
        return render(call.table(objects, metadata))
    items = [
        {name: value for name, value in call.shown(obj).items() if name not in ("kind", "apiVersion")}
        for obj in objects
    ]
    head = {"kind": f"{call.resource.kind}List", "apiVersion": call.resource.api_version, "metadata": metadata}
    return render({**head, "items": items}, form=form)


def _position(call: Call) -> tuple[int, tuple[str, str]]:
    """The version to list at, and the key of the last object already seen."""
    token = call.param("continue")
    if token:
        return _read_token(token)
    asked = resource_version(call)
    if asked > call.store.version:
        raise version_too_large(asked, call.store.version)
    exact = call.param("resourceVersionMatch") == "Exact" and asked
    return (asked if exact else call.store.version), ("", "")


def resource_version(call: Call) -> int:
    text = call.param("resourceVersion") or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise bad_request(f'resourceVersion: Invalid value: "{text[:50]}": strconv.ParseUint: invalid syntax')
    return int(text)


def _key(obj: Object) -> tuple[str, str]:
    return obj["metadata"].get("namespace") or "", obj["metadata"]["name"]


def _snapshot(store: Store, kind: str, version: int) -> list[Object]:
    if version == store.version:
        return store.list(kind)
    try:
        changes = store.changes_since(version)
    except TooOld as error:
        raise expired(_EXPIRED) from error
    then = {_key(obj): obj for obj in store.list(kind)}
    for change in reversed(changes):
        if change.kind == kind:
            then.pop(_key(change.object), None)
            then.update({} if change.previous is None else {_key(change.previous): change.previous})
    return [then[key] for key in sorted(then)]


def _token(version: int, key: tuple[str, str]) -> str:
    content = {"v": "meta.k8s.io/v1", "rv": version, "start": list(key)}
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")


def _read_token(token: str) -> tuple[int, tuple[str, str]]:
    try:
        content = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        version, (namespace, name) = content["rv"], content["start"]
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise bad_request("continue key is not valid") from error
    if not isinstance(version, int) or not isinstance(namespace, str) or not isinstance(name, str):
        raise bad_request("continue key is not valid")
    return version, (namespace, name)
