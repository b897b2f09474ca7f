"""The names of Services that are there are not found: the client's pods ask a resolver that knows none of them."""

from __future__ import annotations

from datetime import datetime

from simulator.faults.base import (
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Refused,
    existing,
    is_fully_available,
    with_pod_spec,
)
from simulator.faults.edits import change
from simulator.faults.reach import LOOKUPS, calls_of, none_meets
from simulator.network import Why
from simulator.objects import Object
from simulator.world import World

PUBLIC_RESOLVER = "8.8.8.8"
# What somebody writes who wants another resolver, and what that does to the names of Services.
SETTINGS: dict[str, Object] = {
    "Default": {"dnsPolicy": "Default"},
    "None": {"dnsPolicy": "None", "dnsConfig": {"nameservers": [PUBLIC_RESOLVER], "searches": ["example.com"]}},
    "wrong-server": {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.96.0.53"]}},
    "no-suffix": {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.96.0.10"]}},
}


class ServiceDnsResolutionFailure(Fault):
    id = "service_dns_resolution_failure"
    title = "A client's pods ask a resolver that knows no Service"
    category = "routing"
    repairs = ("rollback", "patch_workload")
    parameters = (Parameter("setting", "text", f"one of {', '.join(SETTINGS)}", "Default"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        deployment = existing(world, "Deployment", place)
        setting = str(parameters.get("setting") or "Default")
        if setting not in SETTINGS:
            raise Refused(f"params: setting must be one of {', '.join(SETTINGS)}")
        edit = change(world.store, "Deployment", deployment, with_pod_spec(deployment, **SETTINGS[setting]))
        return Injection(f"DNS settings of {place.name} set to {setting}", (edit,))

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_fully_available(world, place) and none_meets(calls_of(world, place), Why.NO_SUCH_HOST, *LOOKUPS)

    def suits(self, world: World, place: Place) -> bool:
        return world.store.get("Deployment", *place) is not None and bool(calls_of(world, place))
