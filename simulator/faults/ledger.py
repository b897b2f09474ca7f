"""Which faults have been injected, whether each is healed, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar

from simulator.clock import rfc3339
from simulator.faults import FAULTS, Component, Fault, Injection, Place, Refused
from simulator.noise import uniform
from simulator.objects import name_of, namespace_of
from simulator.store import StoreError
from simulator.world import World

MOST_ACTIVE = 50
T = TypeVar("T")


@dataclass
class Entry:
    id: str
    fault: Fault
    place: Place
    parameters: dict[str, Any]
    injection: Injection
    injected_at: datetime
    component: Component


class Ledger:
    def __init__(self, world: World) -> None:
        self._world = world
        self._entries: dict[str, Entry] = {}
        self._count = 0

    def choose(self, fault_id: str = "") -> tuple[str, Place]:
        """A fault, unless one is named, and a program it suits, drawn by seed and count."""
        if fault_id:
            candidates = [known(fault_id)]
        else:
            ids = sorted(FAULTS)
            first = ids.index(self._drawn(ids, "fault"))
            candidates = [FAULTS[each] for each in (*ids[first:], *ids[:first])]
        for fault in candidates:
            free = self._free_places(fault)
            if free:
                return fault.id, self._drawn(free, fault.id)
        raise Refused("target: every program that could be chosen has a fault already; name one")

    def _free_places(self, fault: Fault) -> list[Place]:
        """The programs inside the shop that it suits and that have none yet; anything, where it suits none of those."""
        hurt = {entry.place for entry in self._entries.values()}
        suited = self.places(fault)
        inside = {
            Place(app.namespace, app.name)
            for app in self._world.shop.apps
            if app.protocol == "http" and not app.is_edge and not app.consumes
        }
        preferred = [place for place in suited if place in inside]
        return [place for place in preferred or suited if place not in hurt]

    def places(self, fault: Fault) -> list[Place]:
        """Everywhere that the fault suits: a program of the shop, or a thing of the kind that it breaks."""
        apps = [Place(app.namespace, app.name) for app in self._world.shop.apps]
        things = [Place(namespace_of(each), name_of(each)) for each in self._world.store.list(fault.target_kind)]
        shop = {"", *self._world.shop.namespaces}
        named = [place for place in things if place.namespace in shop and place not in apps]
        return [place for place in [*apps, *named] if self._suits(fault, place)]

    def _suits(self, fault: Fault, place: Place) -> bool:
        try:
            return fault.suits(self._world, place)
        except (KeyError, Refused):  # it asks the shop for a program of that name, and there is none
            return False

    def _drawn(self, choices: list[T], what: str) -> T:
        return choices[int(uniform(self._world.seed, f"{what}/{self._count}") * len(choices))]

    def inject(self, fault_id: str, place: Place, parameters: Mapping[str, Any]) -> Entry:
        fault = known(fault_id)
        if len(self._entries) >= MOST_ACTIVE:
            raise Refused(f"fault: {MOST_ACTIVE} faults are injected already; remove one first")
        read = read_parameters(fault, parameters)
        try:
            injection = fault.inject(self._world, place, read)
        except StoreError as problem:  # what it would create is there already
            raise Refused(f"target: {problem}") from problem
        self._follow()
        self._count += 1
        component = fault.component(self._world, place)
        entry = Entry(f"f{self._count}", fault, place, read, injection, self._world.clock.now(), component)
        self._entries[entry.id] = entry
        return entry

    def remove(self, entry_id: str) -> Entry | None:
        entry = self._entries.pop(entry_id, None)
        if entry is not None:
            entry.fault.undo(self._world, entry.place, entry.injection)
            self._follow()
        return entry

    def _follow(self) -> None:
        self._world.kick()
        self._world.disturb()

    def entries(self) -> list[Entry]:
        return list(self._entries.values())

    def describe(self, entry: Entry) -> dict[str, Any]:
        try:
            healed = entry.fault.is_healed(self._world, entry.place, entry.injection, entry.injected_at)
        except Refused:  # the target is gone: nothing to heal, nothing healed
            healed = False
        return {
            "id": entry.id,
            "fault": entry.fault.id,
            "title": entry.fault.title,
            "target": {"kind": entry.fault.target_kind, **entry.place._asdict()},
            "component": asdict(entry.component),
            "params": entry.parameters,
            "change": entry.injection.change,
            "injected_at": rfc3339(entry.injected_at),
            "healed": healed,
        }


def known(fault_id: str) -> Fault:
    if fault_id not in FAULTS:
        raise Refused(f"fault: {fault_id[:50]!r} is not known; known are {', '.join(sorted(FAULTS))}")
    return FAULTS[fault_id]


def read_parameters(fault: Fault, given: Mapping[str, Any]) -> dict[str, Any]:
    listed = {parameter.name: parameter for parameter in fault.parameters}
    read: dict[str, Any] = {}
    for name, value in given.items():
        if name not in listed:
            raise Refused(f"params: {fault.id} has no parameter {name[:50]!r}; it has {', '.join(listed) or 'none'}")
        read[name] = _typed(name, listed[name].kind, value)
    return read


def _typed(name: str, kind: str, value: Any) -> Any:
    if kind == "text":
        if not isinstance(value, str) or not 0 < len(value) <= 500:
            raise Refused(f"params: {name} must be a text of 1 to 500 characters")
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1_000_000:
        raise Refused(f"params: {name} must be a number from 0 to 1000000")
    if kind == "whole" and value != int(value):
        raise Refused(f"params: {name} must be a whole number")
    return int(value) if kind == "whole" else float(value)
