"""A Service's selector is changed to labels that no pod carries: nobody stands behind the name any more."""

from __future__ import annotations

from datetime import datetime

from simulator.faults.base import Injection, Parameter, Parameters, Refused, existing
from simulator.objects import labels_of, matches
from simulator.world import World


class ServiceSelectorMismatch:
    id = "service_selector_mismatch"
    title = "The selector of a Service matches no pod"
    target_kind = "Service"
    parameters: tuple[Parameter, ...] = (
        Parameter("key", "text", "the label key to change", "the selector's first key"),
        Parameter("value", "text", "the value to set; no pod may carry it", "the present value with -v2"),
    )

    def inject(self, world: World, namespace: str, name: str, parameters: Parameters) -> Injection:
        service = existing(world, "Service", namespace, name)
        selector: dict[str, str] = dict(service["spec"].get("selector") or {})
        if not selector:
            raise Refused(f"target: Service {name!r} has no selector")
        key = str(parameters.get("key") or next(iter(selector)))
        changed = {**selector, key: str(parameters.get("value") or f"{selector.get(key, name)}-v2")}
        if any(matches(changed, labels_of(pod)) for pod in world.store.list("Pod", namespace)):
            raise Refused(f"params: a pod carries {key}={changed[key]}, so the Service would keep its endpoints")
        world.store.update("Service", {**service, "spec": {**service["spec"], "selector": changed}})
        return Injection(
            f"selector {key} set from {selector.get(key)} to {changed[key]}", {"selector": selector, "set": changed}
        )

    def undo(self, world: World, namespace: str, name: str, injection: Injection) -> None:
        service = world.store.get("Service", namespace, name)
        if service is not None and service["spec"].get("selector") == injection.before["set"]:
            spec = {**service["spec"], "selector": injection.before["selector"]}
            world.store.update("Service", {**service, "spec": spec})

    def is_healed(self, world: World, namespace: str, name: str, since: datetime) -> bool:  # noqa: ARG002
        backend = world.topology().backends.get((namespace, name))
        return backend is not None and sum(backend.shares.values()) > 0
