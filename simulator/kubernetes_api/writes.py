"""Create, update and patch: one road for all of them, and dry run takes it to the last step.

Whatever the client sent becomes a whole proposed object first. Then always the same: fields that the client may not set
are put back, types are checked, defaults filled, rules checked, the field manager recorded, and the store is asked, with
`dry_run` as the only difference between what is and what would be.
"""

from __future__ import annotations

import base64
import ipaddress
import zlib
from typing import Any

from starlette.responses import Response

from simulator.kubernetes_api import admission
from simulator.kubernetes_api.call import Call
from simulator.kubernetes_api.decode import parse_json, parse_yaml
from simulator.kubernetes_api.defaults import defaulted
from simulator.kubernetes_api.managed_fields import Manager, apply, record_update
from simulator.kubernetes_api.patches import json_patch, merge_patch
from simulator.kubernetes_api.reads import existing
from simulator.kubernetes_api.resources import RESOURCES_BY_KIND
from simulator.kubernetes_api.status import (
    PATCH_TYPES,
    already_exists,
    bad_request,
    conflict,
    invalid,
    modified,
    required,
    unsupported_media_type,
)
from simulator.kubernetes_api.strategic import strategic_merge
from simulator.kubernetes_api.validation import validate_create, validate_update
from simulator.store import AlreadyExists, Conflict, Store, timestamp

Object = dict[str, Any]
APPLY = "application/apply-patch+yaml"
_SERVICE_NETWORK = ipaddress.IPv4Network("10.96.0.0/16")
_SERVER_SET = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")


async def create(call: Call) -> Response:
    obj = call.typed(await call.document())
    made = _insert(call, obj, None)
    return call.answer(made, 201)


async def update(call: Call) -> Response:
    current = existing(call)
    proposed = call.typed(await call.document())
    return call.answer(commit(call, current, proposed))


async def patch(call: Call) -> Response:
    media_type = call.media_type()
    if media_type not in PATCH_TYPES:
        raise unsupported_media_type(PATCH_TYPES)
    body = await call.body()
    if media_type == APPLY:
        return _apply(call, parse_yaml(body))
    current = existing(call)
    patched = apply_patch(call.resource.kind, call.shown(current), media_type, parse_json(body))
    return call.answer(commit(call, current, call.typed(patched)))


def apply_patch(kind: str, current: Object, media_type: str, document: Any) -> Any:
    if media_type == "application/json-patch+json":
        return json_patch(current, document)
    if not isinstance(document, dict):
        raise bad_request("error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}")
    if media_type == "application/strategic-merge-patch+json":
        return strategic_merge(kind, current, document)
    return merge_patch(current, document)


def commit(call: Call, current: Object, proposed: Object) -> Object:
    """Write what the client proposes in the place of what is there; the answer is the new object."""
    kind, name = call.resource.kind, current["metadata"]["name"]
    _check_identity(call, current, proposed)
    guarded = _guarded(call, current, proposed)
    if guarded != current:
        guarded = defaulted(kind, guarded)
        if errors := validate_update(kind, current, guarded):
            raise invalid(call.resource, name, errors)
        if not call.subresource:
            admission.validate(admission.Request(call.store, kind, guarded, current, call.warnings))
        if guarded["metadata"].get("managedFields") == current["metadata"].get("managedFields"):
            guarded = record_update(kind, current, guarded, _manager(call, "Update"))
    try:
        return call.store.update(kind, guarded, proposed["metadata"].get("resourceVersion"), dry_run=call.dry_run)
    except Conflict as error:
        raise modified(call.resource, name) from error


def _insert(call: Call, obj: Object, applied_by: Manager | None) -> Object:
    kind, name = call.resource.kind, obj["metadata"].get("name", "")
    if obj["metadata"].get("resourceVersion"):
        raise bad_request("resourceVersion should not be set on objects to be created")
    asked = admission.Request(call.store, kind, defaulted(kind, _fresh(call, obj)), warnings=call.warnings)
    filled = admission.mutated(asked)
    if errors := validate_create(kind, filled):
        raise invalid(call.resource, name, errors)
    filled = admission.named(call.store, filled, dry_run=call.dry_run)
    admission.validate(asked.with_object(filled))
    if applied_by is None:
        recorded = record_update(kind, None, filled, _manager(call, "Update"))
    else:
        recorded = apply(kind, None, obj, applied_by, force=True)
    entries = {"managedFields": recorded["metadata"].get("managedFields", [])}
    filled = {**filled, "metadata": {**filled["metadata"], **entries}}
    if kind == "Service":
        filled = _with_address(call.store, filled)
    try:
        return call.store.create(kind, filled, dry_run=call.dry_run)
    except AlreadyExists as error:
        raise already_exists(call.resource, name) from error


def _fresh(call: Call, obj: Object) -> Object:
    """A new object without what only the server sets."""
    own = {key: value for key, value in obj["metadata"].items() if key not in (*_SERVER_SET, "managedFields")}
    fresh = {**obj, "metadata": own, "kind": call.resource.kind}
    fresh["apiVersion"] = RESOURCES_BY_KIND[call.resource.kind].api_version
    if call.resource.has_status:
        fresh["status"] = {}
    return _with_string_data(fresh) if call.resource.kind == "Secret" else fresh


def _apply(call: Call, document: Any) -> Response:
    if not call.param("fieldManager"):
        raise invalid(call.resource, call.wanted_name, [required("fieldManager", "is required for apply patch")])
    config = call.typed(document)
    if "managedFields" in config["metadata"]:
        raise bad_request("metadata.managedFields must be nil")
    manager = _manager(call, "Apply")
    current = call.store.get(call.resource.kind, call.namespace, call.wanted_name)
    if current is None:
        return call.answer(_insert(call, config, manager), 201)
    merged = apply(call.resource.kind, current, config, manager, call.flag("force"))
    return call.answer(commit(call, current, call.typed({**merged, **_type_of(call)})))


def _type_of(call: Call) -> Object:
    return {"kind": call.resource.kind, "apiVersion": call.resource.api_version}


def _manager(call: Call, operation: str) -> Manager:
    version = call.resource.api_version
    return Manager(call.manager(), operation, version, timestamp(call.hooks.now()), call.subresource)


def _check_identity(call: Call, current: Object, proposed: Object) -> None:
    sent, own = proposed["metadata"].get("uid"), current["metadata"]["uid"]
    if sent and sent != own:
        why = f"Precondition failed: UID in precondition: {sent}, UID in object meta: {own}"
        raise conflict(call.resource, current["metadata"]["name"], why)


def _guarded(call: Call, current: Object, proposed: Object) -> Object:
    """The proposed object without what this door may not change."""
    before = current["metadata"]
    if call.subresource == "status":
        return _with_status_of(current, proposed)
    metadata = {name: value for name, value in proposed["metadata"].items() if name not in _SERVER_SET}
    metadata |= {name: before[name] for name in (*_SERVER_SET, "resourceVersion") if name in before}
    if "managedFields" not in metadata and "managedFields" in before:
        metadata["managedFields"] = before["managedFields"]
    types: Object = {name: current[name] for name in ("kind", "apiVersion") if name in current}
    content = {name: value for name, value in proposed.items() if name not in ("kind", "apiVersion")}
    guarded: Object = {**content, **types, "metadata": metadata}
    if call.resource.has_status:
        guarded.pop("status", None)
        if "status" in current:
            guarded["status"] = current["status"]
    return _completed(call.resource.kind, current, guarded)


def _completed(kind: str, current: Object, proposed: Object) -> Object:
    """What the server itself once put in stays when a client leaves it out."""
    if kind == "Secret":
        return _with_string_data(proposed)
    if kind != "Service" or (proposed.get("spec") or {}).get("type") == "ExternalName":
        return proposed
    kept = {name: value for name, value in (current.get("spec") or {}).items() if name in ("clusterIP", "clusterIPs")}
    return {**proposed, "spec": {**kept, **(proposed.get("spec") or {})}}


def _with_status_of(current: Object, proposed: Object) -> Object:
    """The status subresource changes the status, and the record of who changed it."""
    guarded = {name: value for name, value in current.items() if name != "status"}
    if "managedFields" in proposed["metadata"]:
        guarded["metadata"] = {**current["metadata"], "managedFields": proposed["metadata"]["managedFields"]}
    if "status" in proposed:
        guarded["status"] = proposed["status"]
    return guarded


def _with_string_data(secret: Object) -> Object:
    """`stringData` is only ever written: it arrives in `data`, encoded."""
    plain = secret.get("stringData")
    if plain is None:
        return secret
    encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()}
    rest = {name: value for name, value in secret.items() if name != "stringData"}
    return {**rest, "data": {**(secret.get("data") or {}), **encoded}}


def _with_address(store: Store, service: Object) -> Object:
    """A free cluster address, the same each time for the same name in the same cluster."""
    spec = service["spec"]
    if spec.get("type") == "ExternalName":
        return service
    address = spec.get("clusterIP")
    if not address:
        taken = {(other.get("spec") or {}).get("clusterIP") for other in store.list("Service")}
        name = f"{service['metadata'].get('namespace')}/{service['metadata'].get('name')}"
        size = _SERVICE_NETWORK.num_addresses - 2
        offset = zlib.crc32(name.encode()) % size
        places = (str(_SERVICE_NETWORK[1 + (offset + step) % size]) for step in range(size))
        address = next(place for place in places if place not in taken)
    return {**service, "spec": {**spec, "clusterIP": address, "clusterIPs": [address]}}
