"""More requests from outside than ever: told where they come in, with everyone that they run through as its sufferers.

Somebody on the way must give way, by late answers or by too little processor; more customers that hurt nobody are no fault. Where the one
that gives way has an autoscaler at its end, that is the thing to change, and the surge only what showed it.
"""

from collections.abc import Iterable, Iterator

from core.language import Text
from tools.engines.analyzers.amplified import passed_by
from tools.engines.analyzers.overload import full_scaler, is_short_of_cpu
from tools.engines.analyzers.retries import repeaters
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.metrics.demand import Surge, surges
from tools.engines.metrics.scene import Scene, moment, scene_of
from tools.engines.metrics.slow import callees, latencies
from tools.engines.snapshot import Snapshot

MULTIPLIED = 2.0
MAX_NAMED = 4


def surges_that_come_in(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    for surge in surges(scene):
        if repeaters(scene, surge.entry) or any(surge.entry in one.origins for one in passed_by(scene).values()):
            continue  # its callers make it themselves, or a cache in front of it answers no more
        short = [who for who in surge.through if _is_short(scene, who)]
        late = [who for who in surge.through if who in latencies(scene)]
        if any(full_scaler(snapshot, who) for who in short):
            continue
        if short or (late and surge.rise.moved.rose(MULTIPLIED)):
            yield _finding(scene, surge, short, late)


def _is_short(scene: Scene, who: Component) -> bool:
    program = scene.program(who)
    return program is not None and is_short_of_cpu(scene, program)


def _finding(scene: Scene, surge: Surge, short: list[Component], late: list[Component]) -> Finding:
    who, moved = surge.entry, surge.rise.moved
    beyond = [one for one in surge.through if one != who]
    also_en = f", and so does what stands behind it ({_names(beyond)})" if beyond else ""
    also_zh = f"，其下游（{_names(beyond)}）也随之上升" if beyond else ""
    first = next((one for one in (*short, *late)), who)
    return Finding(
        "traffic_surge",
        "performance",
        who,
        Text(
            f"{who} gets {moved.times:.1f} times the requests it had{also_en}; {first.name} gives way first. "
            "More replicas will share the work; limit what comes in until they run.",
            f"{who} 的请求量升至 {moved.times:.1f} 倍{also_zh}；{first.name} 最先不堪重负。请增加副本分担，并在其就绪前对入口限流。",
        ),
        tuple(_proof(scene, surge, short, late)),
        onset=moment(moved.onset),
        harms=tuple(dict.fromkeys([*beyond, *_behind(scene, surge.through)])),
    )


def _names(many: list[Component]) -> str:
    more = f", +{len(many) - MAX_NAMED}" if len(many) > MAX_NAMED else ""
    return ", ".join(one.name for one in many[:MAX_NAMED]) + more


def _proof(scene: Scene, surge: Surge, short: list[Component], late: list[Component]) -> Iterator[Evidence]:
    moved = surge.rise.moved
    quote = f"requests rose {moved.times:.1f} times, to {moved.after:.1f} a second"
    yield evidence("metric", surge.rise.series.query, quote, surge.rise.series.ended, weight=0.7)
    if len(surge.through) > 1:
        names = _names([one for one in surge.through if one != surge.entry])
        yield evidence("metric", surge.rise.series.query, f"requests rose with it at {names}", weight=0.3)
    for who in late[:1]:
        slow = latencies(scene)[who][0]
        took = (
            f"{who.name}: answers took {slow.moved.before * 1000:.0f} ms and take {slow.moved.after * 1000:.0f} ms now"
        )
        yield evidence("metric", slow.series.query, took, moment(slow.moved.onset), weight=0.4)
    for who in short[:1]:
        yield evidence("metric", f"cpu of {who}", f"{who.name} is short of CPU", weight=0.3)


def _behind(scene: Scene, through: Iterable[Component]) -> list[Component]:
    """Whoever those call waits and works with them."""
    calls, seen, queue = callees(scene), dict.fromkeys(through), list(through)
    while queue:
        for one in sorted(calls.get(queue.pop(), ()), key=str):
            if one not in seen:
                seen[one] = None
                queue.append(one)
    return list(seen)
