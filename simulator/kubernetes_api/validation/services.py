"""Services and their ports."""

from __future__ import annotations

import re

from simulator.kubernetes_api.status import duplicate, invalid_value, required, unsupported
from simulator.kubernetes_api.validation.common import (
    IMMUTABLE,
    PORT_RANGE,
    Errors,
    Object,
    check_label,
    check_protocol,
    is_port,
)


def service(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    types = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    if spec.get("type", "ClusterIP") not in types:
        yield unsupported("spec.type", spec["type"], types)
    if not spec.get("ports") and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    for key, value in (spec.get("selector") or {}).items():
        yield from check_label(key, value, "spec.selector")
    ports = spec.get("ports") or []
    names: set[str] = set()
    for i, port in enumerate(ports):
        yield from service_port(port, f"spec.ports[{i}]", len(ports) > 1)
        if port.get("name") and port["name"] in names:
            yield duplicate(f"spec.ports[{i}].name", port["name"])
        names.add(port.get("name") or "")


def service_port(port: Object, path: str, named: bool) -> Errors:
    if named and not port.get("name"):
        yield required(f"{path}.name")
    if not is_port(port.get("port")):
        yield invalid_value(f"{path}.port", port.get("port", 0), PORT_RANGE)
    target = port.get("targetPort")
    if isinstance(target, int) and not is_port(target):
        yield invalid_value(f"{path}.targetPort", target, PORT_RANGE)
    if isinstance(target, str) and not re.fullmatch(r"(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?", target):
        yield invalid_value(
            f"{path}.targetPort", target, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
        )
    yield from check_protocol(port, path)


def service_change(old: Object, new: Object) -> Errors:
    before, after = (old.get("spec") or {}).get("clusterIP"), (new.get("spec") or {}).get("clusterIP")
    if before and after != before and (new.get("spec") or {}).get("type") != "ExternalName":
        yield invalid_value("spec.clusterIP", after or "", IMMUTABLE)
