"""A certificate that is in use runs out: customers, or clients inside, stop at it until there is a new one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from simulator.apps import App
from simulator.certificates import issue
from simulator.clock import rfc3339
from simulator.faults.base import Component, Fault, Injection, Parameter, Parameters, Place, Refused, existing
from simulator.faults.edits import Edit, change
from simulator.faults.reach import calls_to
from simulator.faults.runtime.database_servers import restarted
from simulator.identities import (
    PUBLIC,
    edge_secret,
    encoded,
    host,
    own_authority,
    server_paper,
    server_secret,
)
from simulator.network import Why
from simulator.objects import Object, name_of, namespace_of
from simulator.world import World

TERM = timedelta(days=90)


class TlsCertificateExpired(Fault):
    id = "tls_certificate_expired"
    title = "A certificate has run out"
    category = "routing"
    repairs = ("patch_config", "escalate")
    parameters = (
        Parameter("expired_minutes", "number", "for how long it has not been valid any more", "30"),
        Parameter("valid_minutes", "number", "for how long it is still valid, instead", "none"),
    )

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        end = world.clock.now() - timedelta(minutes=float(parameters.get("expired_minutes", 30.0)))
        if parameters.get("valid_minutes"):
            end = world.clock.now() + timedelta(minutes=float(parameters["valid_minutes"]))
        server = _server(world, place)
        edits = self._of_server(world, server, end) if server else self._of_edge(world, end)
        return Injection(f"certificate of {place.name} runs out at {rfc3339(end)}", tuple(edits))

    def _of_server(self, world: World, server: App, end: datetime) -> Iterator[Edit]:
        paper = server_paper(own_authority(world.shop), server, end - TERM, end)
        yield _written(world, Place(server.namespace, server_secret(server)), paper)
        deployment = existing(world, "Deployment", Place(server.namespace, server.name))
        yield change(world.store, "Deployment", deployment, restarted(deployment, rfc3339(world.clock.now())))

    def _of_edge(self, world: World, end: datetime) -> Iterator[Edit]:
        ingress = _ingress(world)
        paper = issue(PUBLIC, host(world.shop), end - TERM, end, (host(world.shop),))
        yield _written(world, Place(namespace_of(ingress), edge_secret(world.shop)), paper)

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        now, server = world.clock.now(), _server(world, place)
        if server is not None:
            at = Place(server.namespace, server.name)
            return not any(made.meets(Why.EXPIRED) for made in calls_to(world, at))
        certificates = world.topology().edge.certificates.values()
        return bool(certificates) and all(each.is_valid_at(now) for each in certificates)

    def component(self, world: World, place: Place) -> Component:
        server = _server(world, place)
        if server is not None:
            return Component("Deployment", server.namespace, server.name)
        ingress = _ingress(world)
        return Component("Ingress", namespace_of(ingress), name_of(ingress))

    def suits(self, world: World, place: Place) -> bool:
        return _server(world, place) is not None or world.store.count("Ingress") > 0


def _server(world: World, place: Place) -> App | None:
    """The program itself when it has a certificate of its own; all others stand behind the edge's."""
    return next((app for app in world.shop.apps if app.speaks_tls and (app.namespace, app.name) == place), None)


def _ingress(world: World) -> Object:
    for ingress in world.store.list("Ingress"):
        if ingress["spec"].get("tls"):
            return ingress
    raise Refused("target: there is no Ingress with a certificate")


def _written(world: World, at: Place, paper: str) -> Edit:
    secret = existing(world, "Secret", at)
    data = {**(secret.get("data") or {}), "tls.crt": encoded(paper)}
    return change(world.store, "Secret", secret, {**secret, "data": data})
