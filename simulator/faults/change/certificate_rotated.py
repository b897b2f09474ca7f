"""A server gets a certificate of a new authority that its clients have not been told of."""

from __future__ import annotations

from datetime import datetime, timedelta

from simulator.apps import App
from simulator.clock import rfc3339
from simulator.faults.base import (
    Component,
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Refused,
    existing,
    is_fully_available,
)
from simulator.faults.edits import change
from simulator.faults.reach import calls_of, calls_to, none_meets
from simulator.faults.runtime.database_servers import restarted
from simulator.identities import encoded, own_authority, server_paper, server_secret
from simulator.network import Why
from simulator.world import World

TERM = timedelta(days=397)


class CertificateRotated(Fault):
    id = "certificate_rotated"
    title = "A server's new certificate is signed by an authority that its clients do not know"
    category = "change"
    repairs = ("rollback", "patch_config")
    parameters = (Parameter("authority", "text", "what tells the new authority from the old one", "second"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        server = _server(world, place)
        at = Place(server.namespace, server_secret(server))
        secret, now = existing(world, "Secret", at), world.clock.now().replace(microsecond=0)
        authority = own_authority(world.shop, str(parameters.get("authority") or "second"))
        data = {**secret["data"], "tls.crt": encoded(server_paper(authority, server, now, now + TERM))}
        deployment = existing(world, "Deployment", Place(server.namespace, server.name))
        edits = (
            change(world.store, "Secret", secret, {**secret, "data": data}),
            change(world.store, "Deployment", deployment, restarted(deployment, rfc3339(now))),
        )
        return Injection(f"Secret {at.name} has a certificate of another authority, {server.name} restarted", edits)

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        server = _server(world, place)
        at = Place(server.namespace, server.name)
        return is_fully_available(world, at) and none_meets(calls_to(world, at), Why.UNKNOWN_SIGNER)

    def component(self, world: World, place: Place) -> Component:
        server = _server(world, place)
        return Component("Secret", server.namespace, server_secret(server))

    def suits(self, world: World, place: Place) -> bool:
        return _find(world, place) is not None


def _find(world: World, place: Place) -> App | None:
    """The program itself, or the first server with a certificate that it calls."""
    servers = {app.name: app for app in world.shop.apps if app.speaks_tls}
    if place.name in servers:
        return servers[place.name]
    return next((servers[made.call.app] for made in calls_of(world, place) if made.call.app in servers), None)


def _server(world: World, place: Place) -> App:
    found = _find(world, place)
    if found is None:
        raise Refused(f"target: {place.name!r} neither has nor meets a certificate")
    return found
