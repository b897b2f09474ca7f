"""A client's variable gets an address that no Service has: a name nobody answers to, or a port nobody opens."""

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
from simulator.faults.reach import calls_of, none_meets
from simulator.network import Why
from simulator.network.address import read
from simulator.objects import Object
from simulator.world import World

# What an address leads to that is not the right one; nobody at the door is another matter.
LOST = (Why.NO_ADDRESS, Why.NO_SUCH_HOST, Why.NO_SUCH_PORT, Why.NOT_FOUND, Why.WRONG_PROTOCOL, Why.PLAIN_SERVER)


class ServiceEnvVarAddressMismatch(Fault):
    id = "service_env_var_address_mismatch"
    title = "A client looks for a dependency at an address that no Service has"
    category = "routing"
    repairs = ("rollback", "patch_workload")
    parameters = (
        Parameter("variable", "text", "the variable to change", "that of the first call it cannot do without"),
        Parameter("address", "text", "the address to set", "the present one with the name misspelt"),
    )

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        deployment = existing(world, "Deployment", place)
        container = first_container(deployment)
        name = str(parameters.get("variable") or _first_variable(world, place, container))
        before = variable(container, name)
        if before is None:
            raise Refused(f"params: {place.name!r} has no variable {name!r} with an address")
        after = str(parameters.get("address") or misspelt(before))
        changed = with_container(deployment, with_variable(container, name, after))
        edit = change(world.store, "Deployment", deployment, changed)
        return Injection(f"{name} set from {before} to {after}", (edit,), notes={"variable": name})

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        made = [each for each in calls_of(world, place) if each.call.env == injection.notes["variable"]]
        found = all(each.target.backend is not None and each.target.backend.key[1] == each.call.app for each in made)
        return is_fully_available(world, place) and found and none_meets(made, *LOST)

    def suits(self, world: World, place: Place) -> bool:
        deployment = world.store.get("Deployment", *place)
        return deployment is not None and bool(_addresses(world, place, first_container(deployment)))


def _addresses(world: World, place: Place, container: Object) -> list[str]:
    """Variables of the definition that hold an address in use, those first without which nothing works."""
    made = sorted(calls_of(world, place), key=lambda each: not each.call.required)
    return [each.call.env for each in made if variable(container, each.call.env)]


def _first_variable(world: World, place: Place, container: Object) -> str:
    return next(iter(_addresses(world, place, container)), "")


def variable(container: Object, name: str) -> str | None:
    """A value that stands in the definition itself; None when there is none, or it is taken from elsewhere."""
    return next((each.get("value") for each in container.get("env") or [] if each["name"] == name), None)


def with_variable(container: Object, name: str, value: str) -> Object:
    env = [each for each in container.get("env") or [] if each["name"] != name]
    place = next((index for index, each in enumerate(container.get("env") or []) if each["name"] == name), len(env))
    return {**container, "env": [*env[:place], {"name": name, "value": value}, *env[place:]]}


def misspelt(address: str) -> str:
    """Two letters of the host change places."""
    found = read(address)
    if found is None:
        raise Refused(f"params: {address!r} is no address")
    label, dot, rest = found.host.partition(".")
    for index in range(len(label) // 2, len(label) - 1):
        if label[index].isalpha() and label[index + 1].isalpha() and label[index] != label[index + 1]:
            wrong = f"{label[:index]}{label[index + 1]}{label[index]}{label[index + 2 :]}"
            return address.replace(found.host, f"{wrong}{dot}{rest}", 1)
    return address.replace(found.host, f"{label}x{dot}{rest}", 1)
