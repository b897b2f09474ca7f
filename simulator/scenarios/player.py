"""A scenario on its way through a world: which step is next, and what each one did.

The player moves nothing by itself. Whoever moves the clock stops at `next_at` and lets it `perform`; `advance` is that loop for a world
that nobody else moves. What a fault's target is called in this world is settled in the moment of the injection, and the answer with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulator.clock import rfc3339
from simulator.conditions import Kind, Level, Pressure
from simulator.faults.base import Component, Refused
from simulator.faults.ledger import Entry, Ledger
from simulator.scenarios.acts import ACTS
from simulator.scenarios.herrings import HERRINGS, LEFT_BEHIND
from simulator.scenarios.scenario import Act, Answer, Deed, Herring, Inject, Scenario, Step, Traffic, Undo
from simulator.scenarios.scene import NODE_OF, Scene
from simulator.shop import SHOP
from simulator.store import StoreError
from simulator.variants import Names, variant
from simulator.world import World

Pressed = list[tuple[Pressure, Level]]


@dataclass(frozen=True)
class Happening:
    at: datetime
    kind: str
    said: str

    def to_json(self) -> dict[str, str]:
        return {"at": rfc3339(self.at), "kind": self.kind, "said": self.said}


class Player:
    def __init__(
        self, scenario: Scenario, world: World, names: Names, ledger: Ledger, *, goes_on: bool = False
    ) -> None:
        """With `goes_on` a step that is refused is told and the next one done: in a world that others change too, a target may be gone."""
        self.scenario = scenario
        self.began = world.clock.now()
        self.happened: list[Happening] = []
        self._scene = Scene(world, names)
        self._ledger = ledger
        self._goes_on = goes_on
        self._left = list(scenario.steps)
        self._entries: dict[str, Entry] = {}
        self._pressed: dict[str, Pressed] = {}
        self._nodes: dict[str, str] = {}  # node-of:... as it was when it was injected

    @property
    def world(self) -> World:
        return self._scene.world

    @property
    def names(self) -> Names:
        return self._scene.names

    @property
    def ledger(self) -> Ledger:
        return self._ledger

    @property
    def ends(self) -> datetime:
        return self.began + timedelta(seconds=self.scenario.lasts)

    @property
    def next_at(self) -> datetime | None:
        return self._moment(self._left[0]) if self._left else None

    def perform(self) -> list[Happening]:
        """Do everything whose time has come."""
        done = []
        while self._left and self._moment(self._left[0]) <= self._scene.world.clock.now():
            step = self._left.pop(0)
            done.append(self._perform(step.deed))
        self.happened += done
        return done

    def advance(self, to: datetime) -> list[Happening]:
        """Move the world, stopping at every step on the way."""
        done = self.perform()
        while (due := self.next_at) is not None and due <= to:
            self._scene.world.advance(due)
            done += self.perform()
        self._scene.world.advance(to)
        return done

    def answers(self) -> list[tuple[Answer, Component]]:
        """The right answers with the names of this world."""
        return [(answer, self._component(answer)) for answer in self.scenario.answers]

    def never_components(self) -> list[str]:
        """Names that no cause may have; what herrings leave behind is always among them."""
        return [*(self._name(role) for role in self.scenario.never_components), *LEFT_BEHIND]

    def entries(self) -> list[Entry]:
        return list(self._entries.values())

    def unhealed(self) -> list[Entry]:
        """The faults of this scenario that still stand and are not mended."""
        standing = {entry.id for entry in self._ledger.entries()}
        return [each for each in self.entries() if each.id in standing and not self._ledger.describe(each)["healed"]]

    def is_healed(self) -> bool:
        return not self.unhealed()

    def describe(self) -> dict[str, Any]:
        return {
            "id": self.scenario.id,
            "began": rfc3339(self.began),
            "ends": rfc3339(self.ends),
            "happened": [each.to_json() for each in self.happened],
            "steps_left": len(self._left),
        }

    def _moment(self, step: Step) -> datetime:
        return self.began + timedelta(seconds=step.at)

    def _perform(self, deed: Deed) -> Happening:
        now = self._scene.world.clock.now()
        try:
            kind, said = self._do(deed)
        except (Refused, StoreError) as refusal:
            if not self._goes_on:
                raise
            kind, said = "refused", str(refusal)
        self._scene.world.kick()
        self._scene.world.disturb()
        return Happening(now, kind, said)

    def _do(self, deed: Deed) -> tuple[str, str]:
        if isinstance(deed, Inject):
            return f"fault {deed.fault}", self._inject(deed)
        if isinstance(deed, Undo):
            return "undo", self._undo(deed.label)
        if isinstance(deed, Herring):
            return "herring", HERRINGS[deed.kind].do(self._scene, deed.options)
        if isinstance(deed, Act):
            return "change", ACTS[deed.verb].do(self._scene, deed.options)
        return "traffic", self._press(deed)

    def _inject(self, deed: Inject) -> str:
        place = self._scene.place(deed.target)
        if deed.target.startswith(NODE_OF):
            self._nodes[deed.target] = place.name
        entry = self._ledger.inject(deed.fault, place, self._scene.names.anywhere(dict(deed.parameters)))
        self._entries[deed.label] = entry
        return entry.injection.change

    def _undo(self, label: str) -> str:
        if label in self._pressed:
            for pressure, level in self._pressed.pop(label):
                self._scene.world.conditions.lift(pressure, level)
            return "the customers are as many as usual again"
        entry = self._entries.get(label)
        if entry is None:
            raise Refused(f"undo: {label!r} has not been injected")
        self._ledger.remove(entry.id)
        return f"{entry.fault.id} of {entry.place.name} is over"

    def _press(self, deed: Traffic) -> str:
        world = self._scene.world
        routes = [self._scene.names.text(route) for route in deed.routes] or [each.route for each in world.shop.entries]
        level = Level(deed.factor, world.clock.now().timestamp(), deed.rise_seconds, 1.0)
        pressed = [(Pressure(Kind.SURGE, route), level) for route in routes]
        for pressure, _ in pressed:
            world.conditions.press(pressure, level)
        self._pressed[deed.label] = pressed
        return f"{deed.factor:g} times the usual customers on {', '.join(routes)}"

    def _component(self, answer: Answer) -> Component:
        return Component(answer.kind, self._scene.names.text(answer.namespace), self._name(answer.name))

    def _name(self, role: str) -> str:
        if role.startswith(NODE_OF):
            return self._nodes.get(role) or self._scene.place(role).name
        return self._scene.names.text(role)


def stage(scenario: Scenario, *, seed: int = 0, history_days: float = 0.0, speed: float = 0.0, **clock: Any) -> Player:
    """The scenario at the door of its own world; a seed other than zero plays it under other names and with other dice."""
    setting = scenario.setting
    shop, names = variant(setting.furnished(SHOP), seed or setting.variant)
    world = World(
        setting.seed + seed,
        setting.start,
        history_days=history_days,
        shop=shop,
        speed=speed,
        life=setting.life,
        **clock,
    )
    return Player(scenario, world, names, Ledger(world))


__all__ = ["Happening", "Player", "Refused", "stage"]
