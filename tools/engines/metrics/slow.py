"""Who answers late now, and where on the map of calls it begins.

A program is slow if its answers take markedly longer than before, by its own measure, by that of its callers, or by the mesh's. A caller of
a slow callee waits for it: of everything that is slow only those are roots whose callees are not. On a call that both ends time, what the
caller waits beyond what the callee works is the way between them, and a way that got long is nobody's own slowness.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from weakref import WeakKeyDictionary

from tools.engines.diagnosis import Component
from tools.engines.metrics.cover import Cover, Mark, best
from tools.engines.metrics.scene import Scene
from tools.engines.metrics.shift import NO_BEFORE, Shift, beside, level, shift
from tools.engines.snapshot import Series

SLOWER = 1.5
LEAST_SECONDS = 0.02
OWN = ("latency", "served_latency", "edge_latency")
ON_THE_WAY = 0.4
LEAST_PEERS = 4
FAR_SLOWER = 5.0
VERY_FAR_SLOWER = 10.0
LONG = 0.3
LEAST_CALLED = 2
VERY_LONG = 1.0
MOST = 0.75


@dataclass(frozen=True, slots=True)
class Slow:
    series: Series
    moved: Shift

    @property
    def took(self) -> str:
        return f"{self.moved.before * 1000:.0f} -> {self.moved.after * 1000:.0f} ms"


@dataclass(frozen=True, slots=True)
class Way:
    """One pair of caller and callee: how long the caller waits, and how long the callee works."""

    client: Component
    server: Component
    waited: Shift
    worked: Shift | None
    series: Series

    @property
    def is_slow(self) -> bool:
        return self.waited.rose(SLOWER, LEAST_SECONDS)

    @property
    def is_long(self) -> bool | None:
        """Whether the way itself took the time; None where the callee's own time hides it."""
        if not self.is_slow:
            return False
        if self.worked is None:
            return None
        more = self.waited.after - self.waited.before
        beyond = (self.waited.after - self.worked.after) - (self.waited.before - self.worked.before)
        if beyond >= ON_THE_WAY * more:
            return True
        return None


_LATENCIES: "WeakKeyDictionary[Scene, dict[Component, list[Slow]]]" = WeakKeyDictionary()
_ALONE: "WeakKeyDictionary[Scene, dict[Component, list[Way]]]" = WeakKeyDictionary()
_WAYS: "WeakKeyDictionary[Scene, list[Way]]" = WeakKeyDictionary()


def latencies(scene: Scene) -> dict[Component, list[Slow]]:
    """The slow programs, each with what says so, the largest rise first."""
    if scene not in _LATENCIES:
        _LATENCIES[scene] = _slow(scene)
    return _LATENCIES[scene]


def _slow(scene: Scene) -> dict[Component, list[Slow]]:
    found: dict[Component, list[Slow]] = defaultdict(list)
    for signal in OWN:
        for who, many in scene.of(signal).items():
            for series in many:
                moved = shift(series.points, scene.onset)
                if moved and moved.rose(SLOWER, LEAST_SECONDS):
                    found[who].append(Slow(series, moved))
    for who, many in scene.of("call_latency").items():
        # Only its callers time it: what they wait for is the best that is known of it.
        if who not in found and not any(scene.of(signal).get(who) for signal in OWN):
            for series in many:
                if scene.client(series.labels) in waits_alone(scene):
                    continue
                moved = shift(series.points, scene.onset)
                if moved and moved.rose(SLOWER, LEAST_SECONDS):
                    found[who].append(Slow(series, moved))
    if not found:
        _beside_peers(scene, found)
    for many_slow in found.values():
        many_slow.sort(key=lambda slow: slow.moved.after - slow.moved.before, reverse=True)
    return found


def _beside_peers(scene: Scene, found: dict[Component, list[Slow]]) -> None:
    """In a window that may lie wholly in the trouble, who is far slower than the quick ones is slow; the longer the window, the further,
    because some programs take their time all their lives. The quicker half stands for what is usual: the victims may be many."""
    told = scene.of("latency") or scene.of("call_latency")
    every = [
        (who, one, level(one.points))
        for who, many in told.items()
        for one in many
        if one.labels.get("quantile") != "0.5"
    ]
    if len(every) < LEAST_PEERS:
        return
    quick = sorted(value for _, _, value in every)[: (len(every) + 1) // 2]
    short = all(len(one.points) < NO_BEFORE for _, one, _ in every)
    least = max(LONG, FAR_SLOWER * median(quick)) if short else max(VERY_LONG, VERY_FAR_SLOWER * median(quick))
    far = [(who, one, value) for who, one, value in every if value >= least]
    if len({who for who, _, _ in far}) <= MOST * len(told):
        for who, one, value in far:
            found[who].append(Slow(one, beside(value, quick, one.points)))


def ways(scene: Scene) -> list[Way]:
    if scene not in _WAYS:
        _WAYS[scene] = list(_ways(scene))
    return _WAYS[scene]


def waits_alone(scene: Scene) -> dict[Component, list[Way]]:
    """Callers that wait for everybody whom they call, also for such as answer others as quickly as before: theirs is the long way."""
    if scene not in _ALONE:
        outward: dict[Component, list[Way]] = defaultdict(list)
        inward: dict[Component, list[Way]] = defaultdict(list)
        for way in ways(scene):
            outward[way.client].append(way)
            inward[way.server].append(way)
        found = {}
        for client, many in outward.items():
            if len({way.server for way in many}) >= LEAST_CALLED and all(way.is_slow for way in many):
                alone = [way for way in many if _is_quick_for_others(inward[way.server], client)]
                found.update({client: alone} if alone else {})
        _ALONE[scene] = found
    return _ALONE[scene]


def _is_quick_for_others(calls: Iterable[Way], client: Component) -> bool:
    others = [way for way in calls if way.client != client]
    return bool(others) and not any(way.is_slow for way in others)


def _ways(scene: Scene) -> Iterable[Way]:
    worked: dict[tuple[Component, Component], Shift] = {}
    for series in (one for many in scene.of("served_latency").values() for one in many):
        client, server = scene.client(series.labels), scene.owner(series.labels)
        moved = shift(series.points, scene.onset)
        if client and server and moved:
            worked[(client, server)] = moved
    own = {who: _own_time(scene, who) for who in scene.of("latency")}
    for server, many in scene.of("call_latency").items():
        for series in many:
            client = scene.client(series.labels)
            waited = shift(series.points, scene.onset)
            if client and waited and client != server:
                yield Way(client, server, waited, worked.get((client, server)) or own.get(server), series)


def _own_time(scene: Scene, who: Component) -> Shift | None:
    """Its own measure of a callee's answers, where nobody measured the call at its end."""
    moved = [found for one in scene.of("latency").get(who, ()) if (found := shift(one.points, scene.onset))]
    return max(moved, key=lambda one: one.after, default=None)


def callees(scene: Scene) -> dict[Component, set[Component]]:
    """Who calls whom: by addresses, by traffic, and by the calls that were timed."""
    found: dict[Component, set[Component]] = defaultdict(set)
    for caller, called in scene.called_by.items():
        found[caller] |= called
    for way in ways(scene):
        found[way.client].add(way.server)
    return found


def roots(scene: Scene, slow: Iterable[Component]) -> list[Component]:
    """The slow programs that wait for no other slow one, neither directly nor through programs that nobody times."""
    slow_ones = set(slow)
    calls = callees(scene)
    timed = {who for signal in OWN for who in scene.of(signal)}
    found = [who for who in slow_ones if not (_awaited(calls, who, slow_ones | timed) & slow_ones)]
    return sorted(found or slow_ones, key=str)


def _awaited(calls: Mapping[Component, set[Component]], start: Component, ends: set[Component]) -> set[Component]:
    """Whom a program waits for, as far as the first of each way that is known to be slow or quick."""
    seen: set[Component] = set()
    queue = [start]
    while queue:
        for one in calls.get(queue.pop(), set()) - seen - {start}:
            seen.add(one)
            if one not in ends:
                queue.append(one)
    return seen


def whom_all_wait_for(scene: Scene, waiting: Sequence[Component]) -> list[Component]:
    """Of several that are slow without a slow callee, the unmeasured callees that nearly all of them share, and hardly any quick program
    calls: nobody times a database by itself, and everybody times who asks it. Several, where nothing tells them apart."""
    if len(waiting) < 2:
        return []
    calls = callees(scene)
    measured = {who for signal in OWN for who in scene.of(signal)}
    slow = latencies(scene)
    quick = [who for who in measured if who not in slow]
    marks = [
        Mark(frozenset(calls.get(who, set()) - measured), is_marked)
        for group, is_marked in ((waiting, True), (quick, False))
        for who in group
    ]
    found: list[Cover[Component]] = []
    while (cover := best(marks)) and len(cover.marks) >= 2 and (not found or cover.fit >= found[0].fit):
        found.append(cover)
        marks = [Mark(mark.ends - {cover.thing}, mark.is_marked) for mark in marks]
    return [cover.thing for cover in found]
