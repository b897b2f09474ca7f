"""The environment of a container: its variables with every reference looked up at the moment of its start."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from simulator.objects import Object, annotations_of, labels_of, name_of, namespace_of, uid_of
from simulator.quantity import resource
from simulator.store import Store

_REFERENCE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_KEYED = re.compile(r"^metadata\.(labels|annotations)\['(.+)'\]$")


class ConfigError(Exception):
    """The container cannot be created: its specification refers to what is not there."""


@dataclass(frozen=True)
class Surroundings:
    """The pod and what it has got from its node."""

    store: Store
    pod: Object
    pod_ip: str
    host_ip: str

    @property
    def namespace(self) -> str:
        return namespace_of(self.pod)


def resolved(around: Surroundings, container: Object) -> dict[str, str]:
    env: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        env.update(_whole(around, source))
    for each in container.get("env") or []:
        value = _value(around, container, each)
        if value is not None:
            env[each["name"]] = _REFERENCE.sub(lambda match: env.get(match[1], match[0]), value)
    return env


def data_of(kind: str, obj: Object) -> dict[str, str]:
    """The entries of a ConfigMap or a Secret as text."""
    texts = dict(obj.get("stringData") or {}) if kind == "Secret" else {}
    for key, value in (obj.get("data") or {}).items():
        texts.setdefault(key, _decoded(value) if kind == "Secret" else str(value))
    return texts


def _decoded(value: str) -> str:
    return base64.b64decode(value).decode("utf-8", "replace")


def _whole(around: Surroundings, source: Object) -> dict[str, str]:
    kind = "ConfigMap" if "configMapRef" in source else "Secret"
    reference = source.get("configMapRef") or source.get("secretRef") or {}
    found = _look_up(around, kind, reference)
    prefix = source.get("prefix", "")
    return {f"{prefix}{key}": value for key, value in (data_of(kind, found) if found else {}).items()}


def _look_up(around: Surroundings, kind: str, reference: Object) -> Object | None:
    found = around.store.get(kind, around.namespace, reference.get("name", ""))
    if found is None and not reference.get("optional"):
        raise ConfigError(f'{kind.lower()} "{reference.get("name", "")}" not found')
    return found


def _value(around: Surroundings, container: Object, variable: Object) -> str | None:
    origin = variable.get("valueFrom")
    if not origin:
        return str(variable.get("value") or "")
    if "fieldRef" in origin:
        return _field(around, origin["fieldRef"].get("fieldPath", ""))
    if "resourceFieldRef" in origin:
        return _resource(container, origin["resourceFieldRef"])
    kind = "ConfigMap" if "configMapKeyRef" in origin else "Secret"
    return _key(around, kind, origin.get("configMapKeyRef") or origin.get("secretKeyRef") or {})


def _key(around: Surroundings, kind: str, reference: Object) -> str | None:
    found = _look_up(around, kind, reference)
    key = reference.get("key", "")
    data = data_of(kind, found) if found else {}
    if key not in data and not reference.get("optional"):
        raise ConfigError(f"couldn't find key {key} in {kind} {around.namespace}/{reference.get('name', '')}")
    return data.get(key)


def _field(around: Surroundings, path: str) -> str:
    keyed = _KEYED.match(path)
    if keyed:
        values = labels_of(around.pod) if keyed[1] == "labels" else annotations_of(around.pod)
        return values.get(keyed[2], "")
    read = _FIELDS.get(path)
    return read(around) if read else ""


_FIELDS: dict[str, Callable[[Surroundings], str]] = {
    "metadata.name": lambda around: name_of(around.pod),
    "metadata.namespace": lambda around: around.namespace,
    "metadata.uid": lambda around: uid_of(around.pod),
    "spec.nodeName": lambda around: str(around.pod["spec"].get("nodeName", "")),
    "spec.serviceAccountName": lambda around: str(around.pod["spec"].get("serviceAccountName", "default")),
    "status.podIP": lambda around: around.pod_ip,
    "status.podIPs": lambda around: around.pod_ip,
    "status.hostIP": lambda around: around.host_ip,
}


def _resource(container: Object, reference: Object) -> str:
    section, _, name = str(reference.get("resource", "")).partition(".")
    value = resource(container, section, name)
    return str(math.ceil(value)) if value is not None else "0"
