"""Volumes and claims."""

from __future__ import annotations

from simulator.kubernetes_api.status import forbidden, required
from simulator.kubernetes_api.validation.common import Errors, Object


def volume(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    if not spec.get("accessModes"):
        yield required("spec.accessModes")
    if not spec.get("capacity"):
        yield required("spec.capacity")


def claim(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    if not spec.get("accessModes"):
        yield required("spec.accessModes", "at least 1 access mode is required")
    if "storage" not in ((spec.get("resources") or {}).get("requests") or {}):
        yield required("spec.resources[storage]")


def claim_change(old: Object, new: Object) -> Errors:
    before, after = dict(old.get("spec") or {}), dict(new.get("spec") or {})
    for spec in (before, after):
        spec.pop("resources", None)
    if before.pop("volumeName", None) is None:
        after.pop("volumeName", None)
    else:
        before["volumeName"] = (old.get("spec") or {})["volumeName"]
    if before != after:
        why = (
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
        )
        yield forbidden("spec", why)
