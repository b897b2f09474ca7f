"""A Service's port leads astray: to a port on which nothing listens, or by a protocol that nobody speaks.

Both leave the endpoints as they are, so that whoever looks there alone finds nothing wrong.
"""

from __future__ import annotations

from datetime import datetime

from simulator.faults.base import Component, Fault, Injection, Parameter, Parameters, Place, Refused, existing
from simulator.faults.edits import change
from simulator.faults.reach import calls_to, customers_come, stands
from simulator.faults.routing.service_selector_mismatch import behind_service
from simulator.network import Why
from simulator.objects import Object, with_spec
from simulator.world import World


class _ServicePort(Fault):
    category = "routing"
    target_kind = "Service"
    repairs = ("patch_service",)

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        is_shut = any(made.meets(Why.REFUSED, Why.NO_SUCH_PORT) for made in calls_to(world, place))
        return stands(world, place) and not is_shut and customers_come(world, place)

    def component(self, world: World, place: Place) -> Component:
        return behind_service(world, place)


class ServicePortMappingMismatch(_ServicePort):
    id = "service_port_mapping_mismatch"
    title = "A Service's targetPort is one on which its pods do not listen"
    parameters = (Parameter("target_port", "whole", "the port to lead to", "the right one and a thousand"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        service = existing(world, "Service", place)
        port, right = first_port(service), _listening(world, place)
        wrong = int(parameters.get("target_port") or right + 1000)
        if wrong == right:
            raise Refused(f"params: target_port {wrong} is the right one")
        changed = with_first_port(service, {**port, "targetPort": wrong})
        said = f"targetPort of port {port['port']} set from {port.get('targetPort')} to {wrong}"
        return Injection(said, (change(world.store, "Service", service, changed),))


class ServiceProtocolMismatch(_ServicePort):
    id = "service_protocol_mismatch"
    title = "A Service forwards UDP to pods that speak TCP"

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:  # noqa: ARG002  # it has none
        service = existing(world, "Service", place)
        port = first_port(service)
        # A named port is looked up by name and protocol, so whoever writes UDP there has to write the number.
        changed = with_first_port(service, {**port, "protocol": "UDP", "targetPort": _listening(world, place)})
        said = f"protocol of port {port['port']} set from {port.get('protocol', 'TCP')} to UDP"
        return Injection(said, (change(world.store, "Service", service, changed),))


def first_port(service: Object) -> Object:
    ports = service["spec"].get("ports") or []
    if not ports:
        raise Refused(f"target: Service {service['metadata']['name']!r} has no ports")
    return dict(ports[0])


def with_first_port(service: Object, port: Object) -> Object:
    return with_spec(service, ports=[port, *service["spec"]["ports"][1:]])


def _listening(world: World, place: Place) -> int:
    for group in world.topology().groups:
        if place in group.services:
            return group.app.port
    raise Refused(f"target: nothing stands behind Service {place.name!r}")
