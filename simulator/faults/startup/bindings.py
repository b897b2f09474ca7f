"""A template that refers to what is not there: a ConfigMap, a Secret, or a key of one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from simulator.faults.base import (
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Refused,
    Repair,
    existing,
    first_container,
)
from simulator.faults.workloads import edit_container, edit_pod, is_steady
from simulator.objects import Object
from simulator.world import World

HOW = Parameter("how", "text", "'env' or 'volume': by which way the container refers to it", "env, where it has one")


class _Binding(Fault):
    category = "startup"
    repairs: ClassVar[tuple[Repair, ...]] = ("rollback", "patch_workload", "create_object")

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_steady(world, place)


def _elsewhere(name: str) -> str:
    """The name under which somebody meant to create it."""
    return f"{name}-v2"


class MissingConfigMap(_Binding):
    id = "missing_config_map"
    title = "The pods refer to a ConfigMap that does not exist"
    parameters = (HOW,)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        deployment = existing(world, "Deployment", place)
        container = first_container(deployment)
        sources = container.get("envFrom") or []
        how = str(parameters.get("how") or ("env" if any("configMapRef" in each for each in sources) else "volume"))
        if how == "env":
            return self._by_env(world, place, sources)
        return self._by_volume(world, place, deployment)

    def _by_env(self, world: World, place: Place, sources: list[Object]) -> Injection:
        known = next((each["configMapRef"]["name"] for each in sources if "configMapRef" in each), place.name)
        missing = _elsewhere(known)
        changed = [
            *(each for each in sources if each.get("configMapRef", {}).get("name") != known),
            _config_source(missing),
        ]
        return edit_container(world, place, f"envFrom set from ConfigMap {known} to {missing}", envFrom=changed)

    def _by_volume(self, world: World, place: Place, deployment: Object) -> Injection:
        volumes = deployment["spec"]["template"]["spec"].get("volumes") or []
        index = next((number for number, each in enumerate(volumes) if "configMap" in each), None)
        if index is None:
            raise Refused(f"params: how 'volume': {place.name} mounts no ConfigMap")
        missing = _elsewhere(volumes[index]["configMap"]["name"])
        changed = [*volumes]
        changed[index] = {**volumes[index], "configMap": {**volumes[index]["configMap"], "name": missing}}
        return edit_pod(world, place, f"volume {volumes[index]['name']} set to ConfigMap {missing}", volumes=changed)

    def suits(self, world: World, place: Place) -> bool:
        deployment = world.store.get("Deployment", *place)
        if deployment is None:
            return False
        spec = deployment["spec"]["template"]["spec"]
        return bool(spec["containers"][0].get("envFrom")) or any(
            "configMap" in each for each in spec.get("volumes") or []
        )


def _config_source(name: str) -> Object:
    return {"configMapRef": {"name": name}}


class MissingSecretBinding(_Binding):
    id = "missing_secret_binding"
    title = "The pods refer to a Secret that does not exist"
    parameters = (HOW,)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        container = first_container(existing(world, "Deployment", place))
        if parameters.get("how") == "volume":
            return self._by_volume(world, place, container)
        bound = [each for each in container.get("env") or [] if "secretKeyRef" in (each.get("valueFrom") or {})]
        missing = _elsewhere(bound[0]["valueFrom"]["secretKeyRef"]["name"]) if bound else f"{place.name}-credentials"
        said = f"secretKeyRef of container {container['name']} set to {missing}"
        if bound:
            env = [_rebound(each, "secretKeyRef", bound[0], missing) for each in container["env"]]
            return edit_container(world, place, said, env=env)
        variable = {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": missing, "key": "token"}}}
        return edit_container(world, place, said, env=[*(container.get("env") or []), variable])

    def _by_volume(self, world: World, place: Place, container: Object) -> Injection:
        deployment = existing(world, "Deployment", place)
        missing = f"{place.name}-tls"
        template = deployment["spec"]["template"]
        volumes = [*(template["spec"].get("volumes") or []), {"name": "tls", "secret": {"secretName": missing}}]
        mounts = [*(container.get("volumeMounts") or []), {"name": "tls", "mountPath": "/etc/tls", "readOnly": True}]
        first = {**container, "volumeMounts": mounts}
        containers = [first, *template["spec"]["containers"][1:]]
        return edit_pod(world, place, f"a volume of Secret {missing} added", volumes=volumes, containers=containers)


def _rebound(variable: Object, field: str, chosen: Object, name: str) -> Object:
    reference: dict[str, Any] = (variable.get("valueFrom") or {}).get(field) or {}
    if reference.get("name") != chosen["valueFrom"][field]["name"]:
        return variable
    return {**variable, "valueFrom": {field: {**reference, "name": name}}}


class MissingConfigKey(_Binding):
    id = "missing_config_key"
    title = "The pods refer to a key that their ConfigMap does not have"
    repairs = ("rollback", "patch_workload", "patch_config")
    parameters = (Parameter("key", "text", "the key that is referred to", "LOG_FORMAT"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        container = first_container(existing(world, "Deployment", place))
        known = _config_map_of(world, place)
        if known is None:
            raise Refused(f"target: {place.name} refers to no ConfigMap")
        key = str(parameters.get("key") or "LOG_FORMAT")
        if key in ((world.store.get("ConfigMap", place.namespace, known) or {}).get("data") or {}):
            raise Refused(f"params: ConfigMap {known} has the key {key}")
        variable = {"name": key, "valueFrom": {"configMapKeyRef": {"name": known, "key": key}}}
        said = f"variable {key} of container {container['name']} taken from ConfigMap {known}"
        return edit_container(world, place, said, env=[*(container.get("env") or []), variable])

    def suits(self, world: World, place: Place) -> bool:
        return super().suits(world, place) and _config_map_of(world, place) is not None


def _config_map_of(world: World, place: Place) -> str | None:
    """A ConfigMap that the workload refers to already."""
    spec = existing(world, "Deployment", place)["spec"]["template"]["spec"]
    sources = [
        each["configMapRef"]["name"] for each in spec["containers"][0].get("envFrom") or [] if "configMapRef" in each
    ]
    mounted = [each["configMap"]["name"] for each in spec.get("volumes") or [] if "configMap" in each]
    return next(iter([*sources, *mounted]), None)


FAULTS: tuple[Fault, ...] = (MissingSecretBinding(), MissingConfigMap(), MissingConfigKey())
