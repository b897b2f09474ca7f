"""What an admission plugin is asked: may this object be created, or become this, and what is to be filled in first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.kubernetes_api.resources import RESOURCES_BY_KIND, Resource
from simulator.kubernetes_api.status import Failure, forbidden_request
from simulator.store import Store

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """`old` is None for a create. What a plugin only wants to have said goes into `warnings`."""

    store: Store
    kind: str
    obj: Object
    old: Object | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def resource(self) -> Resource:
        return RESOURCES_BY_KIND[self.kind]

    @property
    def operation(self) -> str:
        return "CREATE" if self.old is None else "UPDATE"

    @property
    def namespace(self) -> str:
        return str(self.obj["metadata"].get("namespace") or "")

    @property
    def name(self) -> str:
        """The prefix of a name that is still to be generated stands for it, as in the real sentences."""
        metadata = self.obj["metadata"]
        return str(metadata.get("name") or metadata.get("generateName") or "Unknown")

    @property
    def is_new_pod(self) -> bool:
        return self.kind == "Pod" and self.old is None

    def with_object(self, obj: Object) -> Request:
        return replace(self, obj=obj)

    def forbidden(self, why: str) -> Failure:
        return forbidden_request(self.resource, self.name, why)


Mutator = Callable[[Request], Object]
Validator = Callable[[Request], None]


def containers_of(pod: Object) -> list[Object]:
    """All containers of a pod in the order in which the plugins look at them."""
    spec = pod.get("spec") or {}
    return [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]


def with_pod_spec(pod: Object, **changes: Any) -> Object:
    return {**pod, "spec": {**(pod.get("spec") or {}), **changes}}
