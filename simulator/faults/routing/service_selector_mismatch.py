"""A Service's selector is changed to labels that no pod carries: nobody stands behind the name any more."""

from __future__ import annotations

from datetime import datetime

from simulator.faults.base import Component, Fault, Injection, Parameter, Parameters, Place, Refused, existing
from simulator.faults.edits import change
from simulator.objects import labels_of, matches, with_spec
from simulator.world import World


class ServiceSelectorMismatch(Fault):
    id = "service_selector_mismatch"
    title = "The selector of a Service matches no pod"
    category = "routing"
    repairs = ("patch_service",)
    target_kind = "Service"
    parameters = (
        Parameter("key", "text", "the label key to change", "the selector's first key"),
        Parameter("value", "text", "the value to set; no pod may carry it", "the present value with -v2"),
    )

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        service = existing(world, "Service", place)
        selector: dict[str, str] = dict(service["spec"].get("selector") or {})
        if not selector:
            raise Refused(f"target: Service {place.name!r} has no selector")
        key = str(parameters.get("key") or next(iter(selector)))
        changed = {**selector, key: str(parameters.get("value") or f"{selector.get(key, place.name)}-v2")}
        if any(matches(changed, labels_of(pod)) for pod in world.store.list("Pod", place.namespace)):
            raise Refused(f"params: a pod carries {key}={changed[key]}, so the Service would keep its endpoints")
        said = f"selector {key} set from {selector.get(key)} to {changed[key]}"
        return Injection(said, (change(world.store, "Service", service, with_spec(service, selector=changed)),))

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        backend = world.topology().backends.get((place.namespace, place.name))
        return backend is not None and sum(backend.shares.values()) > 0

    def component(self, world: World, place: Place) -> Component:
        return behind_service(world, place)


def behind_service(world: World, place: Place) -> Component:
    """The workload of that name, which a Service counts as part of; the Service itself where there is none."""
    for kind in ("Deployment", "StatefulSet", "DaemonSet"):
        if world.store.get(kind, *place) is not None:
            return Component(kind, *place)
    return Component("Service", *place)
