"""NamespaceLifecycle: nothing new in a namespace that is not there or is on its way out."""

from __future__ import annotations

from simulator.kubernetes_api.admission.request import Object, Request
from simulator.kubernetes_api.resources import RESOURCES_BY_KIND
from simulator.kubernetes_api.status import Failure, forbidden_request, not_found

IMMORTAL = frozenset({"default", "kube-system", "kube-public"})


def check(request: Request) -> Object:
    if request.old is not None or not request.namespace:
        return request.obj
    namespace = request.store.get("Namespace", None, request.namespace)
    if namespace is None:
        raise not_found(RESOURCES_BY_KIND["Namespace"], request.namespace)
    if namespace["metadata"].get("deletionTimestamp"):
        raise _terminating(request)
    return request.obj


def _terminating(request: Request) -> Failure:
    name = request.namespace
    failure = request.forbidden(f"unable to create new content in namespace {name} because it is being terminated")
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {name} is being terminated",
        "field": "metadata.namespace",
    }
    return Failure(failure.code, failure.reason, failure.message, {**failure.details, "causes": [cause]})


def check_deletion(name: str) -> None:
    if name in IMMORTAL:
        raise forbidden_request(RESOURCES_BY_KIND["Namespace"], name, "this namespace may not be deleted")
