"""Load that the system makes itself: retries that multiply, a cache that everybody passes by, a neighbour that takes the whole machine.

The overloaded one is the victim in all three. A client whose calls to one callee multiply while nobody asks the client for more repeats
itself if those calls fail, and passes its cache by if they succeed and it has one. A machine without idle processors, on which
others starve, has one pod that takes most of it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.language import Text
from tools.engines.analyzers.overload import is_short_of_cpu
from tools.engines.changes import last_rollout
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import heard
from tools.engines.metrics.load import service_shift
from tools.engines.metrics.roles_of import is_cache, is_store
from tools.engines.metrics.scene import Scene, moment, scene_of
from tools.engines.metrics.shift import Shift, level, shift
from tools.engines.metrics.slow import callees, latencies
from tools.engines.objects import kind_of
from tools.engines.snapshot import Series, Snapshot

MULTIPLIED = 2.0
LEAST_CALLS = 1.0
FOLLOWS = 1.4
FAILING = 0.25
FULL = 0.9
MOST = 0.4
HALF = 0.5
BRIMFUL = 0.9
_RETRY_WORDS = ("retry", "retries", "attempt", "backoff")
_CACHE_WORDS = ("ttl", "expire", "maxmemory", "cache", "evict")


@dataclass(frozen=True, slots=True)
class Multiplied:
    client: Component
    server: Component
    calls: Series
    moved: Shift
    failing: float


def clients_that_repeat_themselves(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    for one in _multiplied(scene):
        changed = list(_changed(snapshot, one.client, _RETRY_WORDS))
        if one.failing < FAILING and not changed:
            continue
        quote = (
            f"{one.client.name} calls {one.server.name} {one.moved.times:.1f} times as often, {one.failing:.0%} fail, "
            "and is asked no more than before"
        )
        yield Finding(
            "retry_storm",
            "performance",
            one.client,
            Text(
                f"{one.client} repeats its calls to {one.server.name} until it breaks: "
                f"{one.moved.before:.1f} -> {one.moved.after:.1f} a second, {one.failing:.0%} of them fail, "
                "with no more requests of its own. Limit its retries and wait between them.",
                f"{one.client} 对 {one.server.name} 的重试放大了负载：每秒 {one.moved.before:.1f} -> {one.moved.after:.1f} 次，"
                f"其中 {one.failing:.0%} 失败，而它自身收到的请求并未增加。请限制重试次数并加入退避。",
            ),
            (evidence("metric", one.calls.query, quote, moment(one.moved.onset), weight=0.75), *changed),
            onset=moment(one.moved.onset),
            harms=_downstream(scene, one.server),
            remedies=("rollback_rollout",) if changed else (),
        )


def programs_that_are_asked_more(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    """Slow under more requests: where their callers get more as well the surge came in there; where no caller does, one repeats itself."""
    scene = scene_of(snapshot, graph)
    for who in latencies(scene):
        found = service_shift(scene, who, "requests")
        if not found or not found[1].rose(MULTIPLIED, LEAST_CALLS):
            continue
        measured = {
            one: asked for one in scene.callers_of.get(who, ()) if (asked := service_shift(scene, one, "requests"))
        }
        rising = [one for one, asked in measured.items() if asked[1].times >= FOLLOWS]
        if measured and not rising:
            if len(measured) == 1:
                yield _repeats(scene, next(iter(measured)), who, *found)
        elif not rising and (
            _is_short(scene, who) or not any(_is_short(scene, one) for one in _downstream(scene, who))
        ):
            yield _surge(scene, who, *found)


def _is_short(scene: Scene, who: Component) -> bool:
    """Of all that a surge goes through, it hurts where the processors give way first."""
    program = scene.program(who)
    return program is not None and is_short_of_cpu(scene, program)


def _repeats(scene: Scene, client: Component, who: Component, series: Series, moved: Shift) -> Finding:
    quote = (
        f"{who.name} gets {moved.times:.1f} times the requests, and {client.name}, which calls it, no more than before"
    )
    return Finding(
        "retry_storm",
        "performance",
        client,
        Text(
            f"{client} asks {who} {moved.times:.1f} times as often as before without more requests of its own: it repeats its calls. "
            "Limit its retries and wait between them.",
            f"{client} 自身请求量未增，对 {who} 的调用却升至 {moved.times:.1f} 倍：它在重复调用。请限制重试次数并加入退避。",
        ),
        (evidence("metric", series.query, quote, moment(moved.onset), weight=0.65),),
        onset=moment(moved.onset),
        harms=_downstream(scene, who),
    )


def _surge(scene: Scene, who: Component, series: Series, moved: Shift) -> Finding:
    quote = f"requests rose {moved.times:.1f} times, to {moved.after:.1f} a second"
    slow = latencies(scene)[who][0]
    late = f"answers took {slow.moved.before * 1000:.0f} ms and take {slow.moved.after * 1000:.0f} ms now"
    return Finding(
        "traffic_surge",
        "performance",
        who,
        Text(
            f"{who} gets {moved.times:.1f} times the requests it had, and answers late. More replicas will share the work.",
            f"{who} 的请求量升至 {moved.times:.1f} 倍且响应变慢。增加副本即可分担。",
        ),
        (
            evidence("metric", series.query, quote, series.ended, weight=0.6),
            evidence("metric", slow.series.query, late, moment(slow.moved.onset), weight=0.4),
        ),
        onset=moment(moved.onset),
        explainable=bool(scene.callers_of.get(who)),
        harms=tuple(one for one in _downstream(scene, who) if one != who),
    )


def caches_that_are_passed_by(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    found: dict[Component, list[Evidence]] = {}
    harmed: dict[Component, set[Component]] = {}
    for one in _multiplied(scene):
        if one.failing >= FAILING:
            continue
        for cache in _caches_of(scene, one.client):
            quote = f"{one.client.name} asks {one.server.name} {one.moved.times:.1f} times as often, past {cache.name}"
            proof = evidence("metric", one.calls.query, quote, moment(one.moved.onset), weight=0.6)
            found.setdefault(cache, []).append(proof)
            harmed.setdefault(cache, set()).update((one.server, one.client, *_downstream(scene, one.server)))
    for cache in list(scene.of("cache_hits")) + list(scene.of("cache_misses")):
        misses = _misses(scene, cache)
        if misses and misses not in found.get(cache, []):
            found.setdefault(cache, []).append(misses)
            harmed.setdefault(cache, set()).update(_behind(scene, cache))
    for cache, proofs in found.items():
        changed = list(_changed(snapshot, cache, _CACHE_WORDS))
        yield _passed_by(cache, [*proofs, *changed], harmed.get(cache, set()), changed=bool(changed))


def _multiplied(scene: Scene) -> Iterator[Multiplied]:
    for server, many in scene.of("calls").items():
        for series in many:
            client = scene.client(series.labels)
            moved = shift(series.points, scene.onset)
            if client is None or client == server or moved is None or not moved.rose(MULTIPLIED, LEAST_CALLS):
                continue
            if not _was_asked_for(scene, client, moved):
                yield Multiplied(client, server, series, moved, _failing(scene, series))


def _was_asked_for(scene: Scene, who: Component, calls: Shift) -> bool:
    """Whether more requests came to the client, by as much or as many times as it calls more."""
    for signal in ("requests", "calls"):
        found = service_shift(scene, who, signal)
        asked = found[1] if found else None
        if asked and asked.times >= 0.5 * calls.times and asked.before > 0:
            return True
        if asked and asked.after - asked.before >= 0.5 * (calls.after - calls.before):
            return True
    return False


def _failing(scene: Scene, calls: Series) -> float:
    ends = {key: calls.labels[key] for key in ("client", "server") if key in calls.labels}
    failed = scene.snapshot.series("failed_calls", **ends)
    total = level(calls.points)
    return min(1.0, level(failed[0].points) / total) if failed and total > 0 else 0.0


def _downstream(scene: Scene, start: Component) -> tuple[Component, ...]:
    calls, seen, queue = callees(scene), {start: None}, [start]
    while queue:
        for one in sorted(calls.get(queue.pop(), ()), key=str):
            if one not in seen:
                seen[one] = None
                queue.append(one)
    return tuple(seen)


def _changed(snapshot: Snapshot, who: Component, words: Iterable[str]) -> Iterator[Evidence]:
    obj = snapshot.get(who.kind, who.namespace, who.name)
    rollout = last_rollout(snapshot, obj) if obj and kind_of(obj) == "Deployment" else None
    for change in rollout.fields if rollout else ():
        if rollout and any(word in str(change).lower() for word in words):
            ref = f"{who} revision {rollout.current.number} (ReplicaSet {rollout.current.name})"
            yield evidence("change", ref, str(change), rollout.current.at, weight=0.5)


def _caches_of(scene: Scene, client: Component) -> list[Component]:
    called = callees(scene).get(client, set())
    return sorted((who for who in called if (program := scene.program(who)) and is_cache(program)), key=str)


def _behind(scene: Scene, cache: Component) -> set[Component]:
    """Who asks the cache, by their addresses or by what they log, and whom they ask instead."""
    askers = set(scene.callers_of.get(cache, set()))
    askers |= {program.component for program in scene.snapshot.programs if heard(scene.snapshot, program, "cache_miss")}
    stores = {
        one
        for who in askers
        for one in callees(scene).get(who, ())
        if (program := scene.program(one)) and is_store(program)
    }
    return askers | stores


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
