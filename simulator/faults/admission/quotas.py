"""A namespace has used up its quota, and what comes next is refused.

A quota is set that leaves no room for one more; then somebody asks for more: the Deployment is scaled up, or the delivery tool is handed a
Service or a claim. Everything after that is admission's doing.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from simulator.controllers.delivery import inventory
from simulator.faults.base import (
    Component,
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Repair,
    existing,
    first_container,
    is_fully_available,
    with_container,
    with_pod_spec,
)
from simulator.faults.edits import Edit, add, change, remove
from simulator.kubernetes_api import usage
from simulator.kubernetes_api.admission.usage import cost
from simulator.kubernetes_api.quantity import amount_text, quantity
from simulator.objects import Object, with_spec
from simulator.world import World

EXTRA = Parameter("extra", "whole", "how many replicas more are asked for", "2")
SHARE = Parameter("room", "number", "how much room is left, as a share of what one more pod needs", "0.5")


class QuotaExceeded(Fault):
    category = "admission"
    repairs: ClassVar[tuple[Repair, ...]] = ("raise_quota", "delete_object", "scale")
    resource: ClassVar[str]

    def component(self, world: World, place: Place) -> Component:  # noqa: ARG002  # whose quota it is, whoever suffers
        return Component("Namespace", "", place.namespace)

    @property
    def quota_name(self) -> str:
        return f"{self.id.split('_')[1]}-quota"

    def _limited(self, world: World, place: Place, room: Decimal, like: str) -> Edit:
        """A quota at what is used now and a little more."""
        probe = quota(self.quota_name, place.namespace, **{self.resource: "0"})
        used = usage(world.store, probe)[self.resource]
        hard = amount_text(quantity(used) + room, used if quantity(used) else like)
        return add(world.store, "ResourceQuota", quota(self.quota_name, place.namespace, **{self.resource: hard}))


def quota(name: str, namespace: str, **hard: str) -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": dict(hard)}}


class PodsRefused(QuotaExceeded):
    parameters: ClassVar[tuple[Parameter, ...]] = (EXTRA, SHARE)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        deployment = existing(world, "Deployment", place)
        one = cost("Pod", deployment["spec"]["template"]).get(self.resource, "0")
        room = quantity(one) * Decimal(str(parameters.get("room", 0.5)))
        limited = self._limited(world, place, Decimal(int(room)) if self.resource != "requests.cpu" else room, one)
        wanted = int(deployment["spec"].get("replicas", 1)) + int(parameters.get("extra", 2))
        scaled = change(world.store, "Deployment", deployment, with_spec(deployment, replicas=wanted))
        hard = (limited.after or {})["spec"]["hard"][self.resource]
        return Injection(f"{self.resource} limited to {hard}, then {place.name} scaled to {wanted}", (limited, scaled))

    def suits(self, world: World, place: Place) -> bool:
        found = world.store.get("Deployment", *place)
        return found is not None and quantity(cost("Pod", found["spec"]["template"]).get(self.resource, "0")) > 0

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_fully_available(world, place)


class NamespaceCpuQuotaExceeded(PodsRefused):
    id = "namespace_cpu_quota_exceeded"
    title = "The CPU requests of a namespace have reached its quota"
    resource = "requests.cpu"


class NamespaceMemoryQuotaExceeded(PodsRefused):
    id = "namespace_memory_quota_exceeded"
    title = "The memory requests of a namespace have reached its quota"
    resource = "requests.memory"


class NamespacePodQuotaExceeded(PodsRefused):
    id = "namespace_pod_quota_exceeded"
    title = "A namespace has as many pods as its quota allows"
    resource = "pods"
    parameters = (EXTRA,)


class Delivered(QuotaExceeded):
    """What is refused is no pod but something that pods need."""

    repairs = ("raise_quota", "delete_object", "create_object")

    @abstractmethod
    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection: ...

    def _handed(self, world: World, place: Place, manifest: Object) -> Edit:
        return add(world.store, "ConfigMap", inventory(f"{place.name}-release", place.namespace, manifest))


class NamespaceServiceQuotaExceeded(Delivered):
    id = "namespace_service_quota_exceeded"
    title = "A Service was to be replaced, and the namespace's quota does not let the new one in"
    resource = "services"

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:  # noqa: ARG002
        service = existing(world, "Service", place)
        gone = remove(world.store, "Service", service)
        limited = self._limited(world, place, Decimal(0), "")
        handed = self._handed(world, place, _manifest(service))
        hard = (limited.after or {})["spec"]["hard"][self.resource]
        return Injection(
            f"services limited to {hard}, and Service {place.name} deleted to be created anew", (limited, gone, handed)
        )

    def suits(self, world: World, place: Place) -> bool:
        return all(world.store.get(kind, *place) is not None for kind in ("Service", "Deployment"))

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        backend = world.topology().backends.get((place.namespace, place.name))
        return backend is not None and sum(backend.shares.values()) > 0


class NamespaceStorageQuotaExceeded(Delivered):
    id = "namespace_storage_quota_exceeded"
    title = "A workload was given a volume whose claim is above the namespace's storage quota"
    resource = "requests.storage"
    parameters = (Parameter("size", "text", "how much the claim asks for", "20Gi"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        deployment = existing(world, "Deployment", place)
        size = str(parameters.get("size", "20Gi"))
        limited = self._limited(world, place, Decimal(int(quantity(size) / 2)), size)
        handed = self._handed(world, place, claim(f"{place.name}-cache", place.namespace, size))
        mounted = change(world.store, "Deployment", deployment, _mounting(deployment, f"{place.name}-cache"))
        hard = (limited.after or {})["spec"]["hard"][self.resource]
        return Injection(
            f"requests.storage limited to {hard}, and {place.name} given a claim of {size}", (limited, handed, mounted)
        )

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        deployment = world.store.get("Deployment", *place) or {"spec": {"template": {"spec": {}}}}
        volumes = deployment["spec"]["template"]["spec"].get("volumes") or []
        claims = [each["persistentVolumeClaim"]["claimName"] for each in volumes if "persistentVolumeClaim" in each]
        there = all(world.store.get("PersistentVolumeClaim", place.namespace, name) for name in claims)
        return there and is_fully_available(world, place)


def _manifest(obj: Object) -> Object:
    metadata = {key: obj["metadata"][key] for key in ("name", "namespace", "labels") if key in obj["metadata"]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": obj["spec"]}


def claim(name: str, namespace: str, size: str) -> Object:
    spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": size}}}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def _mounting(deployment: Object, claim_name: str) -> Object:
    container = first_container(deployment)
    mounts: list[Any] = [*(container.get("volumeMounts") or []), {"name": "cache", "mountPath": "/var/cache/app"}]
    mounted = with_container(deployment, {**container, "volumeMounts": mounts})
    volume = {"name": "cache", "persistentVolumeClaim": {"claimName": claim_name}}
    return with_pod_spec(mounted, volumes=[*(mounted["spec"]["template"]["spec"].get("volumes") or []), volume])
