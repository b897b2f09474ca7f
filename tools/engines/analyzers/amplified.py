"""A cache that everybody passes by: its hits fall, or its clients ask the origin behind it many times as often, and the origin gives way.

The overloaded one is the victim. A client whose calls to one callee multiply while nobody asks the client for more repeats itself if those
calls fail (see `retries`), and passes its cache by if they succeed and it has one.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from core.language import Text
from tools.engines.analyzers.retries import changes_of, downstream, multiplied
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import heard
from tools.engines.metrics.roles_of import is_cache, is_store
from tools.engines.metrics.scene import Scene, moment, scene_of
from tools.engines.metrics.shift import shift
from tools.engines.metrics.slow import callees
from tools.engines.snapshot import Snapshot

FAILING = 0.25
_CACHE_WORDS = ("ttl", "expire", "maxmemory", "cache", "evict")


@dataclass(slots=True)
class Passed:
    """A cache that is passed by: what says so, whom its clients ask instead, and everybody who suffers."""

    proof: list[Evidence] = field(default_factory=list)
    origins: set[Component] = field(default_factory=set)
    harmed: set[Component] = field(default_factory=set)


_PASSED: "WeakKeyDictionary[Scene, dict[Component, Passed]]" = WeakKeyDictionary()


def caches_that_are_passed_by(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    for cache, found in passed_by(scene_of(snapshot, graph)).items():
        changed = list(changes_of(snapshot, cache, _CACHE_WORDS))
        yield _passed_by(cache, [*found.proof, *changed], found.harmed, changed=bool(changed))


def passed_by(scene: Scene) -> dict[Component, Passed]:
    if scene not in _PASSED:
        _PASSED[scene] = _found(scene)
    return _PASSED[scene]


def _found(scene: Scene) -> dict[Component, Passed]:
    found: dict[Component, Passed] = defaultdict(Passed)
    for one in multiplied(scene):
        for cache in _caches_of(scene, one.client) if one.failing < FAILING else ():
            quote = f"{one.client.name} asks {one.server.name} {one.moved.times:.1f} times as often, past {cache.name}"
            proof = evidence("metric", one.calls.query, quote, moment(one.moved.onset), weight=0.6)
            found[cache].proof.append(proof)
            found[cache].origins.add(one.server)
            found[cache].harmed |= {one.server, one.client, *downstream(scene, one.server)}
    for cache in dict.fromkeys([*scene.of("cache_hits"), *scene.of("cache_misses")]):
        if misses := _misses(scene, cache):
            found[cache].proof.append(misses)
            askers, stores = _behind(scene, cache)
            found[cache].origins |= stores
            found[cache].harmed |= askers | stores
    return found


def _caches_of(scene: Scene, client: Component) -> list[Component]:
    called = callees(scene).get(client, set())
    return sorted((who for who in called if (program := scene.program(who)) and is_cache(program)), key=str)


def _behind(scene: Scene, cache: Component) -> tuple[set[Component], set[Component]]:
    """Who asks the cache, by their addresses or by what they log, and whom they ask instead."""
    askers = set(scene.callers_of.get(cache, set()))
    askers |= {program.component for program in scene.snapshot.programs if heard(scene.snapshot, program, "cache_miss")}
    stores = {
        one
        for who in askers
        for one in callees(scene).get(who, ())
        if (program := scene.program(one)) and is_store(program)
    }
    return askers, stores


def _misses(scene: Scene, cache: Component) -> Evidence | None:
    hits, misses = scene.together("cache_hits", cache), scene.together("cache_misses", cache)
    other = dict(misses)
    ratio = [(at, hit / (hit + other[at])) for at, hit in hits if at in other and hit + other[at] > 0]
    moved = shift(ratio, scene.onset)
    if moved is None or not moved.fell(1.3):
        return None
    series = next(iter(scene.of("cache_hits").get(cache, ())), None)
    quote = f"its hits fell from {moved.before:.0%} to {moved.after:.0%} of what it is asked"
    return evidence("metric", series.query if series else f"hits of {cache}", quote, moment(moved.onset), weight=0.7)


def _passed_by(cache: Component, proof: list[Evidence], harmed: set[Component], *, changed: bool) -> Finding:
    return Finding(
        "cache_stampede",
        "performance",
        cache,
        Text(
            f"{cache} answers too little from what it keeps, so its clients all ask the origin behind it. "
            "Check its expiry times, its memory and what evicts its entries; warm it up before the origin gives way.",
            f"{cache} 命中率骤降，客户端全部回源。请检查过期时间、内存与淘汰策略，并在源站被压垮前预热缓存。",
        ),
        tuple(proof),
        onset=min((item.at for item in proof if item.at and item.source == "metric"), default=None),
        harms=tuple(sorted(harmed - {cache}, key=str)),
        explainable=not changed,
        remedies=("rollback_rollout",) if changed else (),
    )
