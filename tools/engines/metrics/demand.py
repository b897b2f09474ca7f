"""Who is asked more than before, and where the more comes in: of all that a surge runs through, the program that has it from outside.

A program that is asked more hands it on to those that it calls, so one whose rise a caller's rise accounts for has it from that caller.
What is left are entries. Several entries that rose together are one surge seen through an incomplete map: the one that an Ingress leads to,
or that rose most, or that reaches most of the others, is where it comes in.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from tools.engines.diagnosis import Component
from tools.engines.metrics.load import service_shift
from tools.engines.metrics.numbers import summed
from tools.engines.metrics.scene import Scene
from tools.engines.metrics.shift import Shift, shift
from tools.engines.metrics.slow import callees
from tools.engines.objects import dig
from tools.engines.snapshot import Series
from tools.engines.wayin import object_routes

RISE = 1.5
LEAST = 1.0
HANDED_ON = 0.5
"""A caller that rose by this share of a callee's rise accounts for it; retries multiply what nobody handed on."""
NEARLY = 0.95
ABOUT = 0.8
TOGETHER = 300.0
LEAST_CALLEES = 2
SIGNALS = ("requests", "edge_requests", "calls")


@dataclass(frozen=True, slots=True)
class Rise:
    series: Series
    moved: Shift


@dataclass(frozen=True, slots=True)
class Surge:
    entry: Component
    rise: Rise
    through: tuple[Component, ...]
    """Everyone that is asked more with it, the entry first."""


_RISES: "WeakKeyDictionary[Scene, dict[Component, Rise]]" = WeakKeyDictionary()
_EDGES: "WeakKeyDictionary[Scene, set[tuple[str, str]]]" = WeakKeyDictionary()
_SENT: "WeakKeyDictionary[Scene, dict[Component, list[Series]]]" = WeakKeyDictionary()
_SURGES: "WeakKeyDictionary[Scene, list[Surge]]" = WeakKeyDictionary()


def rises(scene: Scene) -> dict[Component, Rise]:
    if scene not in _RISES:
        _RISES[scene] = {
            program.component: rise for program in scene.snapshot.programs if (rise := _rise(scene, program.component))
        }
    return _RISES[scene]


def surges(scene: Scene) -> list[Surge]:
    if scene not in _SURGES:
        _SURGES[scene] = _surges(scene)
    return _SURGES[scene]


def surge_through(scene: Scene, who: Component) -> Surge | None:
    return next((surge for surge in surges(scene) if who in surge.through), None)


def is_exposed(scene: Scene, who: Component) -> bool:
    """Whether it is asked from outside the cluster."""
    led_to = _led_to(scene)
    for service in scene.services_of(who):
        obj = scene.snapshot.get("Service", service.namespace, service.name)
        if (service.namespace or "", service.name) in led_to or dig(obj, "spec", "type") in {
            "LoadBalancer",
            "NodePort",
        }:
            return True
    return False


def _led_to(scene: Scene) -> set[tuple[str, str]]:
    if scene not in _EDGES:
        _EDGES[scene] = {(route.namespace, route.service) for route in object_routes(scene.snapshot)}
    return _EDGES[scene]


def _rise(scene: Scene, who: Component) -> Rise | None:
    found = next((told for signal in SIGNALS if (told := service_shift(scene, who, signal))), None)
    if not found:
        return _sends_more(scene, who)
    return Rise(*found) if found[1].rose(RISE, LEAST) else None


def _sends_more(scene: Scene, who: Component) -> Rise | None:
    """Whom nobody counts what it gets, as the first of a mesh: it got more if it asks all of several callees more by as many times."""
    moved = [(series, shift(series.points, scene.onset)) for series in _sent(scene).get(who, ())]
    rose = [(series, found) for series, found in moved if found and found.rose(RISE)]
    callees_ = {series.labels.get("server") for series, _ in rose}
    if len(callees_) < LEAST_CALLEES or len(rose) < len(moved):
        return None
    least, most = min(found.times for _, found in rose), max(found.times for _, found in rose)
    total = shift(summed([series.points for series, _ in rose]), scene.onset)
    if total is None or not total.rose(RISE, LEAST) or least < HANDED_ON * most:
        return None
    return Rise(max(rose, key=lambda pair: pair[1].after)[0], total)


def _sent(scene: Scene) -> dict[Component, list[Series]]:
    if scene not in _SENT:
        found: dict[Component, list[Series]] = defaultdict(list)
        for series in (one for many in scene.of("calls").values() for one in many):
            if client := scene.client(series.labels):
                found[client].append(series)
        _SENT[scene] = found
    return _SENT[scene]


def _surges(scene: Scene) -> list[Surge]:
    rising = rises(scene)
    calls = callees(scene)
    fed = {one: {called for called in calls.get(one, ()) if _hands_on(rising, one, called)} for one in rising}
    has_it_from_another = {called for many in fed.values() for called in many}
    entries = [one for one in rising if one not in has_it_from_another] or list(rising)
    reach = {one: _reached(fed, one) for one in entries}
    found = []
    for group in _together(rising, entries):
        entry = _main(scene, rising, reach, group)
        others = dict.fromkeys(one for member in (entry, *group) for one in reach[member])
        found.append(Surge(entry, rising[entry], tuple(others)))
    return found


def _hands_on(rising: dict[Component, Rise], caller: Component, called: Component) -> bool:
    return (
        called in rising and called != caller and rising[caller].moved.times >= HANDED_ON * rising[called].moved.times
    )


def _reached(fed: dict[Component, set[Component]], start: Component) -> list[Component]:
    seen, queue = {start: None}, [start]
    while queue:
        for one in sorted(fed.get(queue.pop(), ()), key=str):
            if one not in seen:
                seen[one] = None
                queue.append(one)
    return list(seen)


def _together(rising: dict[Component, Rise], entries: Iterable[Component]) -> list[list[Component]]:
    """Entries by the time at which they began to rise."""
    groups: list[list[Component]] = []
    for one in sorted(entries, key=lambda one: (rising[one].moved.onset, str(one))):
        if groups and rising[one].moved.onset - rising[groups[-1][-1]].moved.onset <= TOGETHER:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _main(
    scene: Scene, rising: dict[Component, Rise], reach: dict[Component, list[Component]], group: Sequence[Component]
) -> Component:
    top = max(rising[one].moved.times for one in group)
    exposed = [one for one in group if rising[one].moved.times >= ABOUT * top and is_exposed(scene, one)]
    foremost = exposed or [one for one in group if rising[one].moved.times >= NEARLY * top]
    return max(foremost, key=lambda one: (len(reach[one]), rising[one].moved.times, str(one)))


def quietly_asked(scene: Scene, who: Component) -> list[Component]:
    """Its callers that were measured and get no more than before: whatever more they ask is their own doing."""
    told: dict[Component, Shift] = {}
    for caller in scene.callers_of.get(who, ()):
        found = service_shift(scene, caller, "requests")
        if found:
            told[caller] = found[1]
    rising = rises(scene)
    return [] if any(one in rising for one in told) else sorted(told, key=str)
