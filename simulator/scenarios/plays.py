"""The scenarios that are being played in a world that is served: they are begun while it runs, and several may run at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from simulator.faults.base import Refused
from simulator.faults.ledger import Ledger
from simulator.scenarios import shipped
from simulator.scenarios.player import Happening, Player
from simulator.variants import Names
from simulator.world import World


class Plays:
    def __init__(self, world: World, names: Names, tell: Callable[[Happening], object] = lambda _: None) -> None:
        self._world = world
        self._names = names
        self._tell = tell
        self._players: dict[str, Player] = {}
        self.ledger = Ledger(world)

    def take(self, player: Player) -> None:
        """A player that has come with this world."""
        self.ledger = player.ledger
        self._players[player.scenario.id] = player

    def begin(self, scenario_id: str) -> Player:
        scenario = shipped().get(scenario_id)
        if scenario is None:
            raise Refused(f"scenario: {scenario_id[:60]!r} is not known; GET /-/scenarios lists them")
        running = self._players.get(scenario_id)
        if running is not None and self._world.clock.now() < running.ends:
            raise Refused(f"scenario: {scenario_id!r} is being played")
        player = self._players[scenario_id] = Player(scenario, self._world, self._names, self.ledger, goes_on=True)
        self._perform(player)
        return player

    def advance(self, to: datetime) -> None:
        """Move the world, stopping wherever somebody has a step to do."""
        while due := [player for player in self._players.values() if (at := player.next_at) is not None and at <= to]:
            player = min(due, key=lambda each: (each.next_at, each.scenario.id))
            at = player.next_at
            if at is not None and at > self._world.clock.now():
                self._world.advance(at)
            self._perform(player)
        self._world.advance(to)

    def _perform(self, player: Player) -> None:
        for happening in player.perform():
            self._tell(happening)

    def listed(self) -> list[dict[str, Any]]:
        return [
            {"id": one.id, "title": dict(one.title), "category": one.category, "lasts": one.lasts}
            for one in shipped().values()
        ]

    def playing(self) -> list[dict[str, Any]]:
        return [player.describe() for player in self._players.values()]

    def told(self, scenario_id: str) -> dict[str, Any] | None:
        player = self._players.get(scenario_id)
        if player is None:
            return None
        answers = [{"fault": answer.fault, "component": asdict(component)} for answer, component in player.answers()]
        return {
            **player.describe(),
            "answer": answers or "healthy",
            "acceptable_repairs": list(player.scenario.acceptable_repairs),
            "healed": player.is_healed(),
        }
