"""ResourceQuota: no object that would bring a namespace above what it may have."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.kubernetes_api.admission.request import Object, Request
from simulator.kubernetes_api.admission.usage import cost, is_in_scope, kind_of, total, usage
from simulator.kubernetes_api.quantity import amount_text, quantity

_MUST_BE_SET = frozenset({"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})


def check(request: Request) -> None:
    if not request.namespace or (request.kind == "Pod" and request.old is not None):
        return
    for quota in request.store.list("ResourceQuota", request.namespace):
        hard = (quota.get("spec") or {}).get("hard") or {}
        if is_in_scope(quota, request.kind, request.obj) and any(kind_of(name) == request.kind for name in hard):
            _check_one(request, quota, hard)


def _check_one(request: Request, quota: Object, hard: Mapping[str, str]) -> None:
    name = quota["metadata"]["name"]
    if request.kind == "Pod" and (missing := _unset(request.obj, hard)):
        raise request.forbidden(f"failed quota: {name}: must specify {missing}")
    wanted = _more(request, hard)
    if not wanted:
        return
    used = usage(request.store, quota)
    exceeded = [each for each in wanted if quantity(used[each]) + quantity(wanted[each]) > quantity(hard[each])]
    if exceeded:
        sides = ", ".join(
            f"{word}: {_listed({each: side[each] for each in exceeded})}"
            for word, side in (("requested", wanted), ("used", used), ("limited", hard))
        )
        raise request.forbidden(f"exceeded quota: {name}, {sides}")


def _more(request: Request, hard: Mapping[str, str]) -> dict[str, str]:
    """What the object would use more than it does, of what the quota limits."""
    after = cost(request.kind, request.obj)
    before = {} if request.old is None else cost(request.kind, request.old)
    wanted = {}
    for name in sorted(hard.keys() & after.keys()):
        more = quantity(after[name]) - quantity(before.get(name, "0"))
        if more > 0:
            wanted[name] = amount_text(more, after[name])
    return wanted


def _unset(pod: Object, hard: Mapping[str, str]) -> str:
    """The resources that a quota limits and a container of the pod leaves open, with the containers' names."""
    told = []
    for name in sorted(_MUST_BE_SET & hard.keys()):
        section, _, resource = name.rpartition(".")
        lacking = [
            str(container["name"])
            for container in (pod.get("spec") or {}).get("containers") or []
            if resource not in ((container.get("resources") or {}).get(section or "requests") or {})
        ]
        if lacking:
            told.append(f"{name} for: {','.join(sorted(lacking))}")
    return "; ".join(told)


def _listed(amounts: Mapping[str, str]) -> str:
    return ",".join(f"{name}={total([amounts[name]])}" for name in sorted(amounts))
