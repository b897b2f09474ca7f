"""A client of a MySQL database that logs in with a wrong password, or looks for it at a wrong port."""

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
    first_container,
    is_fully_available,
    with_container,
)
from simulator.faults.edits import change
from simulator.faults.reach import Made, calls_of, none_meets
from simulator.faults.routing.service_env_var_address_mismatch import variable, with_variable
from simulator.network import Why
from simulator.network.address import read
from simulator.world import World

ENGINE = "mysql"


class _OfClient(Fault):
    category = "runtime"
    repairs = ("rollback", "patch_workload")

    def suits(self, world: World, place: Place) -> bool:
        return world.store.get("Deployment", *place) is not None and bool(_variable(world, place))

    def _change(self, world: World, place: Place, name: str, value: str) -> Injection:
        deployment = existing(world, "Deployment", place)
        changed = with_container(deployment, with_variable(first_container(deployment), name, value))
        edit = change(world.store, "Deployment", deployment, changed)
        return Injection(f"{name} of {place.name} set to {value}", (edit,))


class MysqlInvalidCredentials(_OfClient):
    id = "mysql_invalid_credentials"
    title = "A client logs in to MySQL with a password that is not the right one"
    parameters = (
        Parameter("password", "text", "the password to use", "an old one"),
        Parameter("user", "text", "a user to log in as, with the right password", "the present one"),
    )

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        prefix = _needed(world, place).rpartition("_")[0]
        user = parameters.get("user")
        if user and not parameters.get("password"):
            return self._change(world, place, f"{prefix}_USER", str(user))
        return self._change(world, place, f"{prefix}_PASSWORD", str(parameters.get("password") or "changeme-2023"))

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_fully_available(world, place) and none_meets(to_databases(world, place), Why.BAD_LOGIN)


class MysqlInvalidPort(_OfClient):
    id = "mysql_invalid_port"
    title = "A client looks for MySQL at a port that its Service does not have"
    parameters = (Parameter("port", "whole", "the port to look at", "the right one and one"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        name = _needed(world, place)
        before = variable(first_container(existing(world, "Deployment", place)), name) or ""
        address = read(before)
        if address is None:
            raise Refused(f"target: {name} of {place.name!r} is no address")
        port = int(parameters.get("port") or address.port + 1)
        if port == address.port:
            raise Refused(f"params: {port} is the right port")
        return self._change(world, place, name, before.replace(f":{address.port}", f":{port}", 1))

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        made = to_databases(world, place)
        return is_fully_available(world, place) and none_meets(made, Why.NO_SUCH_PORT, Why.NO_ADDRESS)


def to_databases(world: World, place: Place) -> list[Made]:
    """Its calls to what is a MySQL server, whether or not they get there."""
    servers = {app.name for app in world.shop.apps if app.engine == ENGINE}
    return [made for made in calls_of(world, place) if made.call.app in servers]


def _variable(world: World, place: Place) -> str:
    return next((made.call.env for made in to_databases(world, place)), "")


def _needed(world: World, place: Place) -> str:
    found = _variable(world, place)
    if not found:
        raise Refused(f"target: {place.name!r} is no client of a MySQL server that runs")
    return found
