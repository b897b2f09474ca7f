"""LimitRanger: defaults for containers that ask for nothing, and bounds for containers, pods and claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import chain

from simulator.kubernetes_api.admission.request import Object, Request, containers_of, with_pod_spec
from simulator.kubernetes_api.admission.usage import pod_amounts
from simulator.kubernetes_api.quantity import quantity

ANNOTATION = "kubernetes.io/limit-ranger"
Amounts = Mapping[str, str]


def fill(request: Request) -> Object:
    if not request.is_new_pod:
        return request.obj
    pod = request.obj
    for item in _items(request, "Container"):
        pod = _filled(pod, item.get("defaultRequest") or {}, item.get("default") or {})
    return pod


def check(request: Request) -> None:
    """All that is wrong at once; a pod that exists is left alone."""
    if request.is_new_pod:
        parts = (("Container", _container_amounts(request.obj)), ("Pod", [_pod_amounts(request.obj)]))
    elif request.kind == "PersistentVolumeClaim":
        resources = (request.obj.get("spec") or {}).get("resources") or {}
        parts = (
            ("PersistentVolumeClaim", [(resources.get("requests") or {}, resources.get("limits") or {})]),
            ("", []),
        )
    else:
        return
    faults = [
        fault
        for item_type, amounts in parts
        for item in _items(request, item_type)
        for requests, limits in amounts
        for fault in _faults(item, requests, limits)
    ]
    if faults:
        raise request.forbidden(faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]")


def _items(request: Request, item_type: str) -> list[Object]:
    ranges = request.store.list("LimitRange", request.namespace) if request.namespace else []
    items = chain.from_iterable((each.get("spec") or {}).get("limits") or [] for each in ranges)
    return [item for item in items if item.get("type") == item_type]


def _container_amounts(pod: Object) -> list[tuple[Amounts, Amounts]]:
    resources = [container.get("resources") or {} for container in containers_of(pod)]
    return [(each.get("requests") or {}, each.get("limits") or {}) for each in resources]


def _pod_amounts(pod: Object) -> tuple[Amounts, Amounts]:
    return pod_amounts(pod, "requests"), pod_amounts(pod, "limits")


def _filled(pod: Object, requests: Amounts, limits: Amounts) -> Object:
    spec, said = pod.get("spec") or {}, []
    changed: Object = {}
    for field in ("containers", "initContainers"):
        for container in spec.get(field) or []:
            full, told = _filled_container(container, requests, limits, "init " if field == "initContainers" else "")
            changed.setdefault(field, []).append(full)
            said += told
    if not said:
        return pod
    annotations = {
        **(pod["metadata"].get("annotations") or {}),
        ANNOTATION: f"LimitRanger plugin set: {'; '.join(said)}",
    }
    metadata = {**pod["metadata"], "annotations": annotations}
    return with_pod_spec({**pod, "metadata": metadata}, **changed)


def _filled_container(container: Object, requests: Amounts, limits: Amounts, word: str) -> tuple[Object, list[str]]:
    resources = dict(container.get("resources") or {})
    said = []
    for section, defaults in (("requests", requests), ("limits", limits)):
        present = resources.get(section) or {}
        added = sorted(name for name in defaults if name not in present)
        if added:
            resources[section] = {**present, **{name: defaults[name] for name in added}}
            said.append(f"{', '.join(added)} {section[:-1]} for {word}container {container.get('name', '')}")
    return {**container, "resources": resources}, said


def _faults(item: Object, requests: Amounts, limits: Amounts) -> Iterator[str]:
    kind = str(item["type"])
    for name, least in sorted((item.get("min") or {}).items()):
        yield from _too_little(kind, name, least, requests.get(name), limits.get(name))
    for name, most in sorted((item.get("max") or {}).items()):
        yield from _too_much(kind, name, most, requests.get(name), limits.get(name))
    for name, ratio in sorted((item.get("maxLimitRequestRatio") or {}).items()):
        yield from _too_far_apart(kind, name, ratio, requests.get(name), limits.get(name))


def _too_little(kind: str, name: str, least: str, request: str | None, limit: str | None) -> Iterator[str]:
    rule = f"minimum {name} usage per {kind} is {least}"
    if request is None:
        yield f"{rule}.  No request is specified"
    elif quantity(request) < quantity(least):
        yield f"{rule}, but request is {request}"
    elif limit is not None and quantity(limit) < quantity(least):
        yield f"{rule}, but limit is {limit}"


def _too_much(kind: str, name: str, most: str, request: str | None, limit: str | None) -> Iterator[str]:
    rule = f"maximum {name} usage per {kind} is {most}"
    if kind == "PersistentVolumeClaim":
        limit = limit or request
    if limit is None:
        yield f"{rule}.  No limit is specified"
    elif quantity(limit) > quantity(most):
        yield f"{rule}, but {'request' if kind == 'PersistentVolumeClaim' else 'limit'} is {limit}"
    elif request is not None and quantity(request) > quantity(most):
        yield f"{rule}, but request is {request}"


def _too_far_apart(kind: str, name: str, most: str, request: str | None, limit: str | None) -> Iterator[str]:
    rule = f"{name} max limit to request ratio per {kind} is {most}"
    if request is None or not quantity(request):
        yield f"{rule}, but no request is specified or request is 0"
    elif limit is None or not quantity(limit):
        yield f"{rule}, but no limit is specified or limit is 0"
    elif (ratio := quantity(limit) / quantity(request)) > quantity(most):
        yield f"{rule}, but provided ratio is {ratio.quantize(Decimal('0.000001'))}"
