"""Faults that sit on the pods, or the processes, that run now: whoever replaces those is rid of them.

A rule in a pod's network namespace goes with its sandbox, a process that has tied itself in knots goes with its next start, and a disk
that somebody else wears out is left with the pod that used it. New pods of the same definition are sound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from simulator.conditions import Kind, Level, Pressure
from simulator.faults.base import RISE, Injection, Parameters, Place, Refused, is_fully_available
from simulator.network import Group, Member
from simulator.world import World

Pressing = dict[Kind, float]


def running(world: World, place: Place) -> list[tuple[Group, Member]]:
    """The running programs of a Deployment; one without any is refused."""
    found = [
        (group, member)
        for group in world.topology().groups
        for member in group.members
        if (group.namespace, group.app.name) == tuple(place)
    ]
    if not found:
        raise Refused(f"target: no program {place.name!r} runs in namespace {place.namespace!r}")
    return found


def press_each(
    world: World, place: Place, pressing: Pressing, where: Callable[[Member], str], parameters: Parameters
) -> Injection:
    """Press on each of the pods that run now."""
    rise, now = float(parameters.get(RISE.name, 0.0)), world.clock.now().timestamp()
    pressures = []
    for _, member in running(world, place):
        for kind, peak in pressing.items():
            pressure, level = Pressure(kind, where(member)), Level(peak, now, rise)
            world.conditions.press(pressure, level)
            pressures.append((pressure, level))
    said = ", ".join(f"{kind.name.lower()} {peak:g}" for kind, peak in pressing.items())
    return Injection(f"{said} on the present pods of {place.name}", pressures=tuple(pressures))


def is_rid_of(world: World, place: Place, injection: Injection) -> bool:
    """None of the present pods has it, and those that are wanted are there."""
    held = {pressure.place for pressure, _ in injection.pressures if world.conditions.holds(*pressure)}
    return not held & _places(world, place) and is_fully_available(world, place)


def _places(world: World, place: Place) -> set[str]:
    groups: Iterable[Group] = world.topology().groups
    return {each for group in groups if (group.namespace, group.app.name) == tuple(place) for each in group.places}
