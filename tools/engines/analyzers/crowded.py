"""A machine whose processors are all taken, and the one program that took them: the others on it starve beside it.

How busy a machine is says its exporter, else what all its pods use together against what it has. A program's pods on one machine count
together. It must use most of the machine and far more than anybody else there, and somebody must be seen to wait.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.language import Text
from tools.engines.diagnosis import Component
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.metrics.cores import usage
from tools.engines.metrics.numbers import summed
from tools.engines.metrics.scene import Scene, moment, scene_of
from tools.engines.metrics.shift import NO_BEFORE, level, shift
from tools.engines.metrics.slow import latencies
from tools.engines.objects import Object, dig, name_of, namespace_of
from tools.engines.quantity import parse
from tools.engines.snapshot import Series, Snapshot

FULL = 0.9
MOST = 0.4
HALF = 0.5
BRIMFUL = 0.9


@dataclass(frozen=True, slots=True)
class Taker:
    who: Component
    series: Series
    used: float


def neighbours_that_take_a_node(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    for node, busy in _busy(scene):
        moved = shift(busy.points)
        if moved is not None and moved.samples >= 8 and not moved.rose(1.2):
            continue
        taker = _taker(scene, node)
        starved = list(_starved(scene, node, taker.who)) if taker else []
        if taker and (starved or _fills_it_unseen(scene, node, taker, level(busy.points))):
            yield _neighbour(scene, node, busy, taker, starved)


def _busy(scene: Scene) -> Iterator[tuple[str, Series]]:
    """Machines without idle processors, by their exporters; where there are none, by the pods on them."""
    measured = scene.at_nodes("node_cpu")
    for node, many in measured.items():
        if level(many[0].points) >= FULL:
            yield node, many[0]
    for node in scene.node_names if not measured else ():
        cores = _cores(scene, node)
        used = summed([one.points for many in _by_program(scene, node).values() for one in many])
        if cores and used and level(used) >= FULL * cores:
            yield (
                node,
                Series({"node": node}, [(at, value / cores) for at, value in used], f"cpu_usage of all on {node}"),
            )


def _by_program(scene: Scene, node: str) -> dict[Component, list[Series]]:
    here = {(namespace_of(pod), name_of(pod)) for pod in scene.snapshot.pods_on(node)}
    found = {}
    for who in scene.on_node(node):
        own = [one for one in usage(scene).get(who, ()) if (who.namespace or "", one.labels.get("pod", "")) in here]
        if own:
            found[who] = own
    return found


def _taker(scene: Scene, node: str) -> Taker | None:
    """Who uses most of a machine's processors, and more than anybody else there."""
    found = {**_told_as_busiest(scene, node), **_by_program(scene, node)}
    takers = [Taker(who, many[0], sum(level(one.points) for one in many)) for who, many in found.items()]
    ranked = sorted(takers, key=lambda one: (-one.used, str(one.who)))
    if not ranked:
        return None
    cores = _cores(scene, node) or sum(one.used for one in ranked)
    second = ranked[1].used if len(ranked) > 1 else 0.0
    return ranked[0] if ranked[0].used >= MOST * cores and ranked[0].used >= 2 * second else None


def _told_as_busiest(scene: Scene, node: str) -> dict[Component, list[Series]]:
    """Asked about one namespace, a live cluster still tells the busiest pods of all."""
    found: dict[Component, list[Series]] = {}
    for pod in scene.snapshot.pods_on(node):
        own = scene.snapshot.series("busiest", namespace=namespace_of(pod), pod=name_of(pod))
        if own:
            found.setdefault(scene.snapshot.maker_of(pod), []).extend(own)
    return found


def _cores(scene: Scene, node: str) -> float | None:
    obj = scene.snapshot.get("Node", None, node)
    return (
        parse(dig(obj, "status", "capacity", "cpu")) or parse(dig(obj, "status", "allocatable", "cpu")) if obj else None
    )


def _fills_it_unseen(scene: Scene, node: str, taker: Taker, busy: float) -> bool:
    """Asked about one namespace, or shown a few minutes, nobody sees who starves: then only who has no limit and takes nearly all."""
    if any(who in latencies(scene) for who in _waiting_for(scene, taker.who)):
        return False  # its answers are late: it is overloaded itself
    is_young = len(taker.series.points) < NO_BEFORE
    program = scene.program(taker.who)
    is_free = program is not None and any(_is_free(row) for row in program.containers)
    cores = _cores(scene, node)
    return bool(
        (scene.snapshot.namespace or is_young) and is_free and cores and busy >= BRIMFUL and taker.used >= HALF * cores
    )


def _is_free(container: Object) -> bool:
    return not dig(container, "resources", "limits", "cpu")


def _starved(scene: Scene, node: str, taker: Component) -> Iterator[Component]:
    """Who waits for processors there; who calls the taker waits for its answers."""
    waits_for_it = _waiting_for(scene, taker)
    yield from (who for who in scene.on_node(node) if who not in waits_for_it and _starves(scene, who, node))


def _waiting_for(scene: Scene, taker: Component) -> set[Component]:
    found, queue = {taker}, [taker]
    while queue:
        callers = scene.callers_of.get(queue.pop(), set()) - found
        found |= callers
        queue += sorted(callers, key=str)
    return found


def _starves(scene: Scene, who: Component, node: str) -> bool:
    if latencies(scene).get(who):
        return True
    waiting = [one for one in scene.of("cpu_waiting").get(who, ()) if _is_on(scene, one, node)]
    return any(moved.rose(3.0, 0.05) for one in waiting if (moved := shift(one.points)))


def _is_on(scene: Scene, series: Series, node: str) -> bool:
    pod = scene.snapshot.get("Pod", series.labels.get("namespace"), series.labels.get("pod", ""))
    return pod is not None and dig(pod, "spec", "nodeName") == node


def _neighbour(scene: Scene, node: str, busy: Series, taker: Taker, starved: list[Component]) -> Finding:
    who, series, used = taker.who, taker.series, taker.used
    program = scene.program(who)
    unlimited = [str(row.get("name")) for row in (program.containers if program else ()) if _is_free(row)]
    moved = shift(series.points)
    onset = shift(busy.points) or moved
    proof = [
        evidence("metric", busy.query, f"{node} is {level(busy.points):.0%} busy", busy.ended, weight=0.5),
        evidence("metric", series.query, f"{who.name} uses {used:.2f} cores of it", series.ended, weight=0.6),
        evidence(
            "metric",
            f"cpu_waiting on {node}",
            f"{', '.join(one.name for one in starved[:4])} wait(s) for CPU",
            weight=0.4,
        ),
    ]
    if unlimited:
        ref = f"{program.ref if program else who}.containers[{unlimited[0]}].resources.limits.cpu"
        proof.append(evidence("kubernetes", ref, "no CPU limit", weight=0.4))
    beside = ", ".join(one.name for one in starved[:4])
    without_en, without_zh = (" without a limit", "且没有上限") if unlimited else ("", "")
    return Finding(
        "noisy_neighbour",
        "performance",
        who,
        Text(
            f"{who} takes {used:.2f} cores of node {node}{without_en}, which is {level(busy.points):.0%} busy; "
            f"{beside or 'whatever else runs there'} starve(s) beside it. Limit it, move it or scale it down.",
            f"{who} 占用节点 {node} 的 {used:.2f} 核{without_zh}，节点 CPU 已达 {level(busy.points):.0%}，"
            f"同节点的 {beside or '其他 Pod'} 得不到 CPU。请限制、迁移或缩容它。",
        ),
        tuple(proof),
        onset=moment(onset.onset) if onset else None,
        harms=tuple(starved),
    )
