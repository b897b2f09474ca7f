"""What hangs below an object: its scale, its pod's log, its binding."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from starlette.responses import PlainTextResponse, Response, StreamingResponse

from simulator.kubernetes_api.call import Call, accepted_form, render
from simulator.kubernetes_api.decode import Malformed, decode, parse_json, parse_yaml
from simulator.kubernetes_api.follow import Follower
from simulator.kubernetes_api.printers import moment
from simulator.kubernetes_api.reads import existing
from simulator.kubernetes_api.resources import RESOURCES_BY_KIND
from simulator.kubernetes_api.selectors import selector_text
from simulator.kubernetes_api.status import (
    PATCH_TYPES,
    bad_request,
    conflict,
    invalid,
    invalid_value,
    not_acceptable,
    required,
    success,
    unsupported_media_type,
)
from simulator.kubernetes_api.writes import APPLY, apply_patch, commit

Object = dict[str, Any]


def read_scale(call: Call) -> Response:
    return render(scale_of(existing(call)), form=accepted_form(call.request))


def scale_of(obj: Object) -> Object:
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    named = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    selector = spec.get("selector") or {}
    if obj.get("kind") == "ReplicationController":
        selector = {"matchLabels": selector}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in named if name in metadata},
        "spec": {"replicas": spec.get("replicas", 0)},
        "status": {"replicas": (obj.get("status") or {}).get("replicas", 0), "selector": selector_text(selector)},
    }


async def write_scale(call: Call) -> Response:
    """PUT and PATCH: what is written is the Scale, what changes is the object's spec.replicas."""
    current = existing(call)
    scale = _typed_scale(await _proposed_scale(call, scale_of(current)))
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if replicas < 0:
        error = invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid(call.resource, call.wanted_name, [error])
    metadata = {**current["metadata"], "resourceVersion": (scale.get("metadata") or {}).get("resourceVersion", "")}
    proposed = {**current, "metadata": metadata, "spec": {**current["spec"], "replicas": replicas}}
    return render(scale_of(commit(call, current, proposed)))


async def _proposed_scale(call: Call, current: Object) -> Any:
    if call.request.method == "PUT":
        return await call.document()
    media_type = call.media_type()
    if media_type not in PATCH_TYPES:
        raise unsupported_media_type(PATCH_TYPES)
    body = await call.body()
    if media_type == APPLY:
        return apply_patch("Scale", current, "application/merge-patch+json", parse_yaml(body))
    return apply_patch("Scale", current, media_type, parse_json(body))


def _typed_scale(document: Any) -> Object:
    if not isinstance(document, dict):
        raise bad_request("json: cannot unmarshal into Go value of type v1.Scale")
    try:
        return decode("Scale", document)[0]
    except Malformed as error:
        raise bad_request(f'Scale in version "v1" cannot be handled as a Scale: {error}') from error


def read_log(call: Call) -> Response:
    pod = existing(call)
    container = _container(call, pod)
    previous = call.flag("previous")
    tail, limit = call.number("tailLines"), call.number("limitBytes")
    since = _since_seconds(call)
    _check_log_options(call, tail, limit)
    if not (pod.get("spec") or {}).get("nodeName"):
        return PlainTextResponse("")
    _check_container_ran(pod, container, previous)
    following = call.flag("follow") and not previous
    namespace, name = call.namespace or "", call.wanted_name
    timestamps = following or call.flag("timestamps")
    text = call.hooks.read_log(namespace, name, container, previous, tail, since, timestamps)
    if text is None:
        raise _unavailable(container, name, previous)
    if following:
        return StreamingResponse(_follower(call, container).chunks(text), media_type="text/plain")
    raw = text.encode()
    return Response(raw if limit is None else raw[:limit], media_type="text/plain")


def _follower(call: Call, container: str) -> Follower:
    """Ends with the pod: another one of the same name would be another log."""
    namespace, name, uid = call.namespace or "", call.wanted_name, existing(call)["metadata"]["uid"]

    def read(seconds: int) -> str | None:
        pod = call.store.get("Pod", namespace, name)
        if pod is None or pod["metadata"]["uid"] != uid:
            return None
        return call.hooks.read_log(namespace, name, container, False, None, seconds, True)

    return Follower(read, call.hooks.now, call.flag("timestamps"))


def _check_log_options(call: Call, tail: int | None, limit: int | None) -> None:
    errors = []
    if tail is not None and tail < 0:
        errors.append(invalid_value("tailLines", tail, "must be greater than or equal to 0"))
    if limit is not None and limit < 1:
        errors.append(invalid_value("limitBytes", limit, "must be greater than 0"))
    if errors:
        raise invalid(call.resource, call.wanted_name, errors)
    accept = call.request.headers.get("accept", "*/*")
    if not any(form in accept for form in ("*/*", "text/", "application/")):
        raise not_acceptable()


def _since_seconds(call: Call) -> int | None:
    seconds, text = call.number("sinceSeconds"), call.param("sinceTime")
    if seconds is not None and text:
        raise bad_request("at most one of `sinceTime` or `sinceSeconds` may be specified")
    if seconds is not None and seconds < 1:
        error = invalid_value("sinceSeconds", seconds, "must be greater than 0")
        raise invalid(call.resource, call.wanted_name, [error])
    if not text:
        return seconds
    then = moment(text)
    if then is None:
        raise bad_request(f'parsing time "{text[:50]}" as "2006-01-02T15:04:05Z07:00": cannot parse')
    return max(1, math.ceil((call.hooks.now() - then) / timedelta(seconds=1)))


def _container(call: Call, pod: Object) -> str:
    """The one the client names, or the only one there is."""
    spec, name = pod.get("spec") or {}, call.wanted_name
    names = [container["name"] for container in spec.get("containers") or []]
    first = [container["name"] for container in spec.get("initContainers") or []]
    wanted = call.param("container")
    if not wanted and len(names) == 1:
        return str(names[0])
    if not wanted:
        others = f" or one of the init containers: [{' '.join(first)}]" if first else ""
        choice = f"choose one of: [{' '.join(names)}]{others}"
        raise bad_request(f"a container name must be specified for pod {name}, {choice}")
    if wanted not in (*names, *first):
        raise bad_request(f"container {wanted[:100]} is not valid for pod {name}")
    return wanted


def _check_container_ran(pod: Object, container: str, previous: bool) -> None:
    """The kubelet's own look before it opens a log file."""
    status, name = pod.get("status") or {}, pod["metadata"]["name"]
    statuses = [*(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])]
    found = next((entry for entry in statuses if entry.get("name") == container), None)
    if found is None:
        raise bad_request(f'container "{container}" in pod "{name}" is not available')
    state, ended = found.get("state") or {}, (found.get("lastState") or {}).get("terminated")
    if previous and ended is None:
        raise _unavailable(container, name, previous)
    if previous or ended is not None or "running" in state or "terminated" in state:
        return
    reason = (state.get("waiting") or {}).get("reason") or "no logs yet"
    told = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}
    raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: {told.get(reason, reason)}')


def _unavailable(container: str, pod: str, previous: bool) -> Exception:
    if previous:
        return bad_request(f'previous terminated container "{container}" in pod "{pod}" not found')
    return bad_request(f'container "{container}" in pod "{pod}" is not available')


async def bind(call: Call) -> Response:
    """What a scheduler does: the pod gets its node."""
    sent, pod = await call.document(), existing(call)
    target = (sent.get("target") if isinstance(sent, dict) else None) or {}
    node = target.get("name") if isinstance(target, dict) else None
    if not isinstance(node, str) or not node:
        raise invalid(call.resource, call.wanted_name, [required("target.name")])
    if bound := (pod.get("spec") or {}).get("nodeName"):
        why = f'pod {call.wanted_name} is already assigned to node "{bound}"'
        raise conflict(RESOURCES_BY_KIND["Pod"], call.wanted_name, why)
    call.store.update("Pod", {**pod, "spec": {**pod["spec"], "nodeName": node}}, dry_run=call.dry_run)
    return render({**success({}), "code": 201}, 201)


async def finalize(call: Call) -> Response:
    """The namespace controller's door, and that of people who are tired of waiting: only the finalizers are taken over."""
    current, proposed = existing(call), call.typed(await call.document())
    finalizers = (proposed.get("spec") or {}).get("finalizers") or []
    spec = {**(current.get("spec") or {}), "finalizers": finalizers}
    return call.answer(call.store.update("Namespace", {**current, "spec": spec}, dry_run=call.dry_run))
