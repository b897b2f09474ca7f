"""Admission: what the API server fills into an object and what it refuses, in its own sentences.

`admit` is for everything that creates objects, the HTTP API and the controllers alike: the object comes back as it is to be stored, or a
Failure says why not. As in the real server the mutating plugins run first, over an object whose name may still be a prefix; then it gets
its name, and the validating plugins run, the quota last because it alone counts what has been let in. Nothing is written here.
"""

from __future__ import annotations

from typing import Any

from simulator.kubernetes_api.admission import (
    accounts,
    limit_ranges,
    namespaces,
    pod_security,
    priority,
    quota,
    storage,
    webhooks,
)
from simulator.kubernetes_api.admission.request import Mutator, Request, Validator
from simulator.kubernetes_api.admission.usage import usage
from simulator.kubernetes_api.defaults import defaulted
from simulator.store import Store

Object = dict[str, Any]

MUTATING: tuple[Mutator, ...] = (
    namespaces.check,
    limit_ranges.fill,
    accounts.fill,
    priority.resolve,
    priority.tolerate_node_trouble,
    storage.fill_class,
    webhooks.mutate,
)
VALIDATING: tuple[Validator, ...] = (limit_ranges.check, pod_security.check, webhooks.validate, quota.check)


def admit(store: Store, kind: str, obj: Object) -> Object:
    """The new object, defaulted, filled and named, ready for `Store.create`. Raises Failure."""
    admitted = named(store, mutated(Request(store, kind, defaulted(kind, obj))))
    validate(Request(store, kind, admitted))
    return admitted


def named(store: Store, obj: Object, *, dry_run: bool = False) -> Object:
    """With the name that the store generates where there is only a prefix of one."""
    return {**obj, "metadata": {**obj["metadata"], "name": store.name_of(obj["metadata"], dry_run=dry_run)}}


def mutated(request: Request) -> Object:
    for plugin in MUTATING:
        request = request.with_object(plugin(request))
    return request.obj


def validate(request: Request) -> None:
    for plugin in VALIDATING:
        plugin(request)


__all__ = ["Request", "admit", "mutated", "named", "usage", "validate"]
