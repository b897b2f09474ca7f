"""What a program's template refers to by name: the Secrets, ConfigMaps, keys, claims and accounts without which it cannot start.

Each reference carries the field path where it stands, so that "which reference names nothing" is answered with the place to edit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.engines.objects import Object, dig, mapping, rows
from tools.engines.program import Program


@dataclass(frozen=True, slots=True)
class Reference:
    kind: str
    name: str
    path: str
    """Below the pod spec: containers[web].env[PASSWORD].valueFrom.secretKeyRef."""
    key: str = ""
    optional: bool = False
    container: str = ""


def references(program: Program) -> Iterator[Reference]:
    spec = program.spec
    for key in ("containers", "initContainers"):
        for container in rows(spec, key):
            yield from _of_container(container, f"{key}[{container.get('name')}]")
    for volume in rows(spec, "volumes"):
        yield from _of_volume(volume, f"volumes[{volume.get('name')}]")
    for secret in rows(spec, "imagePullSecrets"):
        yield from _named("Secret", secret, "imagePullSecrets", optional=True)
    account = dig(spec, "serviceAccountName") or dig(spec, "serviceAccount")
    if isinstance(account, str) and account:
        yield Reference("ServiceAccount", account, "serviceAccountName")
    for field, kind in (("priorityClassName", "PriorityClass"), ("runtimeClassName", "RuntimeClass")):
        if isinstance(name := dig(spec, field), str) and name:
            yield Reference(kind, name, field)
    for template in rows(program.obj, "spec", "volumeClaimTemplates"):
        storage = dig(template, "spec", "storageClassName")
        if isinstance(storage, str) and storage:
            path = f"volumeClaimTemplates[{dig(template, 'metadata', 'name')}].spec.storageClassName"
            yield Reference("StorageClass", storage, path)


def claims_of(program: Program) -> list[str]:
    """The names of the claims that its pods mount, those made from its own templates for its present pods included."""
    mounted = [one.name for one in references(program) if one.kind == "PersistentVolumeClaim"]
    for pod in program.pods:
        mounted += [str(name) for row in rows(pod, "spec", "volumes") if (name := _claim(row))]
    return list(dict.fromkeys(mounted))


def _claim(volume: Object) -> Any:
    return dig(volume, "persistentVolumeClaim", "claimName")


def _of_container(container: Object, path: str) -> Iterator[Reference]:
    name = str(container.get("name") or "")
    for variable in rows(container, "env"):
        here = f"{path}.env[{variable.get('name')}].valueFrom"
        for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            source = mapping(variable, "valueFrom", field)
            yield from _named(kind, source, f"{here}.{field}", key=str(source.get("key") or ""), container=name)
    for place, source in enumerate(rows(container, "envFrom")):
        for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            yield from _named(kind, mapping(source, field), f"{path}.envFrom[{place}].{field}", container=name)


def _of_volume(volume: Object, path: str) -> Iterator[Reference]:
    if isinstance(claim := _claim(volume), str) and claim:
        yield Reference("PersistentVolumeClaim", claim, f"{path}.persistentVolumeClaim")
    yield from _files("Secret", mapping(volume, "secret"), f"{path}.secret", name="secretName")
    yield from _files("ConfigMap", mapping(volume, "configMap"), f"{path}.configMap")
    for place, source in enumerate(rows(volume, "projected", "sources")):
        here = f"{path}.projected.sources[{place}]"
        yield from _files("Secret", mapping(source, "secret"), f"{here}.secret")
        yield from _files("ConfigMap", mapping(source, "configMap"), f"{here}.configMap")


def _files(kind: str, source: Object, path: str, name: str = "name") -> Iterator[Reference]:
    if isinstance(called := source.get(name), str) and called:
        optional = source.get("optional") is True
        yield Reference(kind, called, path, optional=optional)
        for item in rows(source, "items"):
            yield Reference(kind, called, f"{path}.items", str(item.get("key") or ""), optional)


def _named(
    kind: str, source: Object, path: str, *, key: str = "", container: str = "", optional: bool = False
) -> Iterator[Reference]:
    if isinstance(name := source.get("name"), str) and name:
        yield Reference(kind, name, path, key, optional or source.get("optional") is True, container)
