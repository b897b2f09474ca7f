"""ConfigMaps, Secrets, quotas, bindings of roles, Events: small objects with few rules."""

from __future__ import annotations

import base64
import binascii
import re

from simulator.kubernetes_api.quantity import quantity
from simulator.kubernetes_api.status import forbidden, invalid_value, required
from simulator.kubernetes_api.validation.common import NOT_NEGATIVE, Bare, Errors, Object


def config_map(obj: Object) -> Errors:
    for key in {**(obj.get("data") or {}), **(obj.get("binaryData") or {})}:
        if not re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", key):
            why = (
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
                "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
            )
            yield invalid_value(f"data[{key}]", key, why)


def secret(obj: Object) -> Errors:
    yield from config_map(obj)
    for key, value in (obj.get("data") or {}).items():
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            yield invalid_value(f"data[{key}]", "<secret contents redacted>", "must be base64")


def immutable_data(old: Object, new: Object) -> Errors:
    if not old.get("immutable"):
        return
    if any(old.get(name) != new.get(name) for name in ("data", "binaryData")):
        yield forbidden("data", "field is immutable when `immutable` is set")
    if not new.get("immutable"):
        yield forbidden("immutable", "field is immutable when `immutable` is set")


def quota(obj: Object) -> Errors:
    for name, amount in ((obj.get("spec") or {}).get("hard") or {}).items():
        if quantity(amount) < 0:
            yield invalid_value(f"spec.hard[{name}]", amount, NOT_NEGATIVE)


def binding(obj: Object) -> Errors:
    for name in ("kind", "name"):
        if not (obj.get("roleRef") or {}).get(name):
            yield required(f"roleRef.{name}")


def event(obj: Object) -> Errors:
    involved = (obj.get("involvedObject") or {}).get("namespace") or "default"
    namespace = obj["metadata"].get("namespace")
    if involved != namespace:
        yield invalid_value("involvedObject.namespace", involved, "does not match event.namespace")


def role_change(old: Object, new: Object) -> Errors:
    if old.get("roleRef") != new.get("roleRef"):
        yield invalid_value("roleRef", Bare(str(new.get("roleRef"))), "cannot change roleRef")
