"""How an object goes: at once, or marked and waiting for whoever has to let it go.

`marked` decides alone and changes nothing, so that controllers can delete with the same manners as the API: None means
that the object may be removed at once; otherwise it is the object with its deletionTimestamp, to be written with
`Store.update`. A pod on a node keeps its grace for the kubelet; a Namespace turns Terminating; propagation policies
other than Background become the finalizer that the garbage collector works on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from simulator.kubernetes_api import protobuf
from simulator.kubernetes_api.admission.namespaces import check_deletion
from simulator.kubernetes_api.call import Call, render
from simulator.kubernetes_api.decode import parse_json
from simulator.kubernetes_api.reads import existing, list_page, visible_objects
from simulator.kubernetes_api.status import bad_request, conflict, invalid, success, unsupported
from simulator.store import timestamp

Object = dict[str, Any]
DEFAULT_GRACE = 30
# These answer a delete with the deleted object, the others with a Status.
_ANSWER_OBJECT = frozenset(
    {"Pod", "Service", "PersistentVolume", "PersistentVolumeClaim", "ServiceAccount", "ResourceQuota"}
)
_FINALIZERS = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}
_POLICIES = ("Background", "Foreground", "Orphan")


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    grace: int | None = None
    propagation: str = "Background"
    uid: str = ""
    version: str = ""


def marked(kind: str, obj: Object, now: datetime, options: DeleteOptions) -> Object | None:
    metadata = dict(obj["metadata"])
    finalizers = list(metadata.get("finalizers") or [])
    wanted = _FINALIZERS.get(options.propagation)
    if wanted and wanted not in finalizers:
        finalizers.append(wanted)
    grace = _grace(obj, options) if kind == "Pod" else 0
    held = kind == "Namespace" and bool((obj.get("spec") or {}).get("finalizers"))
    if not grace and not finalizers and not held:
        return None
    metadata["deletionTimestamp"] = timestamp(now + timedelta(seconds=grace))
    metadata["deletionGracePeriodSeconds"] = grace
    if finalizers:
        metadata["finalizers"] = finalizers
    doomed = {**obj, "metadata": metadata}
    if kind == "Namespace":
        doomed["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}
    return doomed


def _grace(pod: Object, options: DeleteOptions) -> int:
    """Only a pod that runs on a node has anything to be patient about."""
    spec, phase = pod.get("spec") or {}, (pod.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    own: int = spec.get("terminationGracePeriodSeconds", DEFAULT_GRACE)
    grace = own if options.grace is None else options.grace
    left = pod["metadata"].get("deletionGracePeriodSeconds")
    return grace if left is None else min(grace, left)


async def delete(call: Call) -> Response:
    options = await _options(call)
    return remove(call, existing(call), options)


def remove(call: Call, obj: Object, options: DeleteOptions) -> Response:
    if call.resource.kind == "Namespace":
        check_deletion(obj["metadata"]["name"])
    _check_preconditions(call, obj, options)
    doomed = _begin(call, obj, options)
    if doomed is not None:
        return call.answer(doomed)
    if call.resource.kind in _ANSWER_OBJECT:
        return call.answer(obj)
    metadata = obj["metadata"]
    details = {"name": metadata["name"], "group": call.resource.group, "kind": call.resource.plural}
    kept = {key: value for key, value in {**details, "uid": metadata["uid"]}.items() if value}
    return render(success(kept))


def _begin(call: Call, obj: Object, options: DeleteOptions) -> Object | None:
    """Mark or remove; a repeated delete of a leaving object only ever shortens its grace."""
    kind, metadata = call.resource.kind, obj["metadata"]
    doomed = marked(kind, obj, call.hooks.now(), options)
    leaving = metadata.get("deletionTimestamp")
    if leaving and doomed is not None and not _shorter(metadata, doomed["metadata"]):
        return obj
    if call.dry_run:
        return doomed
    if doomed is None:
        call.store.delete(kind, metadata.get("namespace"), metadata["name"])
        return None
    return call.store.update(kind, doomed)


def _shorter(before: Object, after: Object) -> bool:
    was: int = before.get("deletionGracePeriodSeconds") or 0
    return bool(after["deletionGracePeriodSeconds"] < was)


async def delete_collection(call: Call) -> Response:
    options = await _options(call)
    answer = list_page(call)
    for obj in visible_objects(call):
        _begin(call, obj, options)
    return answer


async def _options(call: Call) -> DeleteOptions:
    body = await call.body()
    if call.media_type() == protobuf.MEDIA_TYPE and body:
        sent: Any = protobuf.parse(body)
    else:
        sent = parse_json(body) if body.strip() else {}
    if not isinstance(sent, dict):
        raise bad_request("json: cannot unmarshal into Go value of type v1.DeleteOptions")
    if sent.get("dryRun") == ["All"]:
        call.ask_dry_run()
    grace = sent.get("gracePeriodSeconds", call.number("gracePeriodSeconds"))
    policy = sent.get("propagationPolicy") or call.param("propagationPolicy") or "Background"
    if sent.get("orphanDependents") is True or call.flag("orphanDependents"):
        policy = "Orphan"
    if policy not in _POLICIES:
        raise invalid(call.resource, call.name or "", [unsupported("propagationPolicy", str(policy)[:100], _POLICIES)])
    if grace is not None and (isinstance(grace, bool) or not isinstance(grace, int)):
        raise bad_request("json: cannot unmarshal into Go struct field DeleteOptions.gracePeriodSeconds of type int64")
    preconditions = sent.get("preconditions") or {}
    if not isinstance(preconditions, dict):
        raise bad_request("json: cannot unmarshal into Go struct field DeleteOptions.preconditions")
    wanted_uid, wanted_version = preconditions.get("uid") or "", preconditions.get("resourceVersion") or ""
    return DeleteOptions(None if grace is None else max(grace, 0), policy, str(wanted_uid), str(wanted_version))


def _check_preconditions(call: Call, obj: Object, options: DeleteOptions) -> None:
    metadata = obj["metadata"]
    checks = (("UID", options.uid, metadata["uid"]), ("ResourceVersion", options.version, metadata["resourceVersion"]))
    for word, wanted, found in checks:
        if wanted and wanted != found:
            why = (
                f"the {word} in the precondition ({wanted}) does not match the {word} in record ({found}). "
                "The object might have been deleted and then recreated"
            )
            raise conflict(call.resource, metadata["name"], why)
