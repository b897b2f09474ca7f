"""Which calls pass the network of one machine, and what would be slow if that network, or one program, were.

A call passes a machine's network where one of its ends is on the machine and the other is not: neighbours on one machine do not feel its
link. From that follows for each machine which programs would answer late (those whose calls pass it, and whoever waits for them), also for
stores that nobody measures. The machine whose foretold victims are the ones that became slow, and only they, is meant; not if one program
foretells them as well, because one fault in a program is likelier than one in a machine.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from tools.engines.diagnosis import Component
from tools.engines.metrics.scene import Scene
from tools.engines.metrics.shift import level
from tools.engines.metrics.slow import callees, latencies, ways
from tools.engines.objects import dig

OFTEN = 0.3
LEAST_VICTIMS = 3
FITS = 0.7
BETTER = 0.08
ALIKE = 0.02
MOST_MACHINES = 40
BUSY = 0.93
Calls = Mapping[Component, set[Component]]
Measured = Component | tuple[Component, Component]
"""A program by its own measure of its answers, or a call as its caller waits for it."""


@dataclass(frozen=True, slots=True)
class Foretold:
    machine: str
    fit: float
    victims: tuple[Measured, ...]


class Crossings:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._shares: dict[Component, dict[str, float]] = {}

    def shares(self, who: Component) -> dict[str, float]:
        """What part of a program's pods is on each machine."""
        if who not in self._shares:
            program = self._scene.program(who)
            found = Counter(str(dig(pod, "spec", "nodeName") or "") for pod in (program.pods if program else ()))
            found.pop("", None)
            self._shares[who] = {name: many / sum(found.values()) for name, many in found.items()}
        return self._shares[who]

    def passing(self, client: Component, server: Component) -> dict[str, float]:
        """How much of what one asks another passes each machine's network."""
        out, into = self.shares(client), self.shares(server)
        if not out or not into:
            return {}
        found = {}
        for name in {*out, *into}:
            here, there = out.get(name, 0.0), into.get(name, 0.0)
            if part := here * (1 - there) + there * (1 - here):
                found[name] = part
        return found

    @cached_property
    def calls(self) -> Calls:
        return callees(self._scene)

    @cached_property
    def callers(self) -> Calls:
        found: dict[Component, set[Component]] = defaultdict(set)
        for client, servers in self.calls.items():
            for server in servers - {client}:
                found[server].add(client)
        return found


def machines_between(scene: Scene) -> list[Foretold]:
    """The machine whose network explains who became slow better than any one program does; several where they explain it alike."""
    slow, quick = _measured(scene)
    if len(slow) < LEAST_VICTIMS:
        return []
    crossings = Crossings(scene)
    ends: Counter[str] = Counter()
    for one in slow:
        for client, server in _calls_of(one, crossings.calls):
            ends.update(crossings.passing(client, server).keys())
    found = [
        _foretold(name, slow, quick, crossings)
        for name, _ in ends.most_common(MOST_MACHINES)
        if not _is_busy(scene, name)
    ]
    fitting = [one for one in found if one.fit >= FITS and len(one.victims) >= LEAST_VICTIMS]
    most = max((one.fit for one in fitting), default=0.0)
    if not fitting or most < _best_program(slow, quick, crossings) + BETTER:
        return []
    return sorted((one for one in fitting if one.fit >= most - ALIKE), key=lambda one: one.machine)


def _measured(scene: Scene) -> tuple[set[Measured], set[Measured]]:
    slow: set[Measured] = {*latencies(scene)}
    quick: set[Measured] = {*(who for signal in ("latency", "served_latency") for who in scene.of(signal))}
    timed = {(way.client, way.server): way for way in ways(scene)}
    for pair, way in timed.items():
        (slow if way.is_slow else quick).add(pair)
    return slow, quick - slow


def _calls_of(one: Measured, calls: Calls) -> Iterable[tuple[Component, Component]]:
    return [one] if isinstance(one, tuple) else [(one, other) for other in calls.get(one, ())]


def _foretold(machine: str, slow: set[Measured], quick: set[Measured], crossings: Crossings) -> Foretold:
    late = _late(machine, crossings)
    told = {one: _part_of(one, machine, late, crossings) for one in slow | quick}
    return Foretold(machine, _fit(told, slow), tuple(sorted((one for one in slow if told[one] >= OFTEN), key=str)))


def _part_of(one: Measured, machine: str, late: Mapping[Component, float], crossings: Crossings) -> float:
    if isinstance(one, tuple):
        return max(crossings.passing(*one).get(machine, 0.0), late.get(one[1], 0.0))
    return late.get(one, 0.0)


def _late(machine: str, crossings: Crossings) -> dict[Component, float]:
    """How much of each program's answers is late: what its own calls pass the machine, and what it waits for others that are late."""
    found = {
        client: max((crossings.passing(client, server).get(machine, 0.0) for server in servers), default=0.0)
        for client, servers in crossings.calls.items()
    }
    open_ones = [who for who, part in found.items() if part]
    while open_ones:
        who = open_ones.pop()
        for caller in crossings.callers.get(who, ()):
            if found.get(caller, 0.0) < found[who]:
                found[caller] = found[who]
                open_ones.append(caller)
    return found


def _fit(told: Mapping[Measured, float], slow: set[Measured]) -> float:
    """Foretold and seen, of all that is either; what is foretold of few answers only has no say unless it is seen."""
    hit = sum(one in slow and part > 0 for one, part in told.items())
    missed = sum(one in slow and part == 0 for one, part in told.items())
    wrong = sum(one not in slow and part >= OFTEN for one, part in told.items())
    return hit / max(1, hit + missed + wrong)


def _best_program(slow: set[Measured], quick: set[Measured], crossings: Crossings) -> float:
    everybody = {
        who for one in slow for who in (one if isinstance(one, tuple) else (one, *crossings.calls.get(one, ())))
    }
    return max((_fit_of_program(who, slow, quick, crossings.callers) for who in everybody), default=0.0)


def _fit_of_program(
    who: Component, slow: set[Measured], quick: set[Measured], callers: Mapping[Component, set[Component]]
) -> float:
    """Its callers and theirs wait; its own calls and answers may be late."""
    upward, open_ones = {who}, [who]
    while open_ones:
        new = callers.get(open_ones.pop(), set()) - upward
        upward |= new
        open_ones += new
    told: dict[Measured, float] = {}
    for one in slow | quick:
        if one == who or (isinstance(one, tuple) and one[0] == who):
            told[one] = OFTEN / 2
        else:
            told[one] = float((one[1] if isinstance(one, tuple) else one) in upward)
    return _fit(told, slow)


def _is_busy(scene: Scene, machine: str) -> bool:
    return any(level(one.points) >= BUSY for one in scene.at_nodes("node_cpu").get(machine, ()))
