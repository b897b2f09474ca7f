"""Programs that answer late: who only waits for another, and who is the one that others wait for.

Everyone who became slow is told as a symptom. Of the slow ones, those whose callees are quick are the roots; a root is a slow dependency,
unless something closer is found on it: its processors or its disk have no time left, its network is long (where nobody times calls at both
ends, an ordinary program that is slow without work of its own is more often badly connected than asleep).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from core.language import Text
from tools.engines.analyzers.complained import is_awaited
from tools.engines.analyzers.disks import busy_machines
from tools.engines.analyzers.distance import signs_of_distance
from tools.engines.analyzers.overload import is_short_of_cpu
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import heard
from tools.engines.metrics.cores import usage, usage_shift
from tools.engines.metrics.crossing import machines_between
from tools.engines.metrics.demand import rises
from tools.engines.metrics.load import service_shift
from tools.engines.metrics.roles_of import is_cache, is_queue, is_store
from tools.engines.metrics.scene import Scene, moment, scene_of
from tools.engines.metrics.shift import level, outliers
from tools.engines.metrics.slow import Slow, Way, callees, latencies, roots, ways, whom_all_wait_for
from tools.engines.objects import dig
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot
from tools.engines.unwell import is_warming_up

BUSY_NODE = 0.93
MAX_ROOTS = 3
MORE = 1.25
LEAST_WORK = 0.02
STANDSTILL = 0.1
MAX_NAMED = 4
_OWN_CLOCK = re.compile(r"(?:http|rpc|grpc)_server_(?:requests?|handling|duration)")
_COMPLAINTS = ("timed_out", "reset", "communications_link_failure", "unavailable", "pool_exhausted", "lock_wait")


def programs_that_became_slow(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    for who, found in latencies(scene).items():
        slow = found[0]
        yield Finding(
            "slow",
            "symptom",
            who,
            Text(f"{who} answers late: {slow.took}.", f"{who} 响应变慢：{slow.took}。"),
            (evidence("metric", slow.series.query, slow.took, moment(slow.moved.onset)),),
            onset=moment(slow.moved.onset),
            symptom=True,
        )


def programs_that_others_wait_for(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    if machines_between(scene):
        return  # the link of one machine explains who is slow better than any program does
    slow = latencies(scene)
    found = [who for who in roots(scene, slow) if not (_is_badly_connected(scene, who) or _is_cold(scene, who))]
    waiting = [who for who in found if who not in rises(scene)]
    several = whom_all_wait_for(scene, waiting)
    shared = _likeliest(scene, several, waiting)
    if shared:
        yield _awaited_by(scene, shared, [who for who in waiting if shared in callees(scene).get(who, set())])
    # Many at once have something in common that is none of them.
    for who in found if not shared and len(found) <= MAX_ROOTS else ():
        if not (_is_busy(scene, who) or _is_asked_more(scene, who) or _is_on_a_busy_machine(scene, who)):
            yield _dependency(scene, who, slow[who][0])


def _likeliest(scene: Scene, several: list[Component], waiting: list[Component]) -> Component | None:
    """The one that is complained of, by itself or by who waits; else the only one that keeps data, and is no cache."""
    if len(several) > 1:
        blamed = [one for one in several if _is_complained_of(scene, one, waiting)]
        several = blamed or [one for one in several if (program := scene.program(one)) and _keeps_data(program)]
    return several[0] if len(several) == 1 else None


def _keeps_data(program: Program) -> bool:
    return is_store(program) and not is_cache(program) and not is_queue(program)


def _is_complained_of(scene: Scene, who: Component, waiting: list[Component]) -> bool:
    program = scene.program(who)
    if program and heard(scene.snapshot, program, "slow_query"):
        return True
    names = re.compile("|".join(rf"(?<![\w-]){re.escape(one.name)}(?![\w-])" for one in (who, *scene.services_of(who))))
    asking = [asks for one in waiting if (asks := scene.program(one))]
    return any(names.search(one.said.text) for asks in asking for one in heard(scene.snapshot, asks, *_COMPLAINTS))


def _awaited_by(scene: Scene, who: Component, waiting: list[Component]) -> Finding:
    slow = [latencies(scene)[one][0] for one in waiting]
    names = ", ".join(one.name for one in waiting[:MAX_NAMED])
    proof = [
        evidence("metric", late.series.query, f"{one.name}: {late.took}", moment(late.moved.onset), weight=0.55)
        for one, late in list(zip(waiting, slow, strict=True))[:MAX_NAMED]
    ]
    return Finding(
        "slow_dependency",
        "performance",
        who,
        Text(
            f"{names} became slow together, and {who}, which nobody times, is what they share: it is what they wait for. "
            "Look at its slow log, locks, disk and connections.",
            f"{names} 同时变慢，它们共同依赖的 {who}（无耗时指标）最可能是原因。请查看其慢日志、锁、磁盘与连接数。",
        ),
        tuple(proof),
        onset=moment(min(late.moved.onset for late in slow)),
        explainable=True,
        harms=tuple(waiting),
    )


def _is_badly_connected(scene: Scene, who: Component) -> bool:
    return any(way.is_long for way in ways(scene) if who in {way.client, way.server})


def _is_cold(scene: Scene, who: Component) -> bool:
    program = scene.program(who)
    return program is not None and is_warming_up(scene.snapshot, program)


def _is_busy(scene: Scene, who: Component) -> bool:
    program = scene.program(who)
    return program is not None and is_short_of_cpu(scene, program)


def _is_asked_more(scene: Scene, who: Component) -> bool:
    moved = [found for signal in ("requests", "calls") if (found := service_shift(scene, who, signal))]
    return any(shift_.times >= MORE and shift_.score >= 2 for _, shift_ in moved)


def _dependency(scene: Scene, who: Component, slow: Slow) -> Finding:
    timed = [way for way in ways(scene) if who in {way.client, way.server}]
    proof = [
        evidence("metric", slow.series.query, f"{who.name}: {slow.took}", moment(slow.moved.onset), weight=0.55),
        *_callees_are_quick(scene, who, timed),
        *_idle(scene, who),
    ]
    few = [*_few_pods(scene, who), *signs_of_distance(scene, who)]
    program = scene.program(who)
    kept = program is not None and (is_store(program) or is_cache(program))
    is_inside = kept or is_awaited(scene, who) or _works_longer_alone(scene, who, slow)
    if few or (not timed and not is_inside and _idle_known(scene, who)):
        return replace(_far_away(who, slow, [*proof, *few]), against=tuple(_at_a_standstill(scene, who)))
    return Finding(
        "slow_dependency",
        "performance",
        who,
        Text(
            f"{who} takes long to answer by itself ({slow.took}): nothing that it calls is slow and its CPU is not the reason. "
            "Look at what it waits for inside (locks, pools, a service outside the cluster), or restart it.",
            f"{who} 自身响应变慢（{slow.took}）：其下游均正常，CPU 也不是原因。请排查其内部等待（锁、连接池、集群外服务），或重启。",
        ),
        tuple(proof),
        onset=moment(slow.moved.onset),
        explainable=True,
    )


def _works_longer_alone(scene: Scene, who: Component, slow: Slow) -> bool:
    """Its own clock of its answers, started when a request has come in, ran longer though it asks nobody in the cluster."""
    return bool(_OWN_CLOCK.search(slow.series.query)) and not callees(scene).get(who)


def _far_away(who: Component, slow: Slow, proof: list[Evidence]) -> Finding:
    return Finding(
        "pod_network_delay",
        "performance",
        who,
        Text(
            f"{who} answers late ({slow.took}) without using more CPU and without a slow callee: "
            "its pods' network is the likeliest reason. "
            "Compare round-trip times to and from its pods (ping, tc qdisc show), or replace the pods.",
            f"{who} 响应变慢（{slow.took}），CPU 未升高、下游也不慢：最可能是其 Pod 网络延迟。"
            "请比较进出这些 Pod 的往返时延（ping、tc qdisc show），或重建 Pod。",
        ),
        tuple(proof),
        onset=moment(slow.moved.onset),
        explainable=True,
    )


def _few_pods(scene: Scene, who: Component) -> list[Evidence]:
    """Where some of its pods are slow and their siblings are not, it is no matter of the program."""
    levels, refs = [], {}
    for one in scene.of("latency").get(who, ()):
        if one.labels.get("pod") and one.labels.get("quantile") != "0.5":
            levels.append((one.labels["pod"], level(one.points)))
            refs[one.labels["pod"]] = one
    far = outliers(levels, 1.5) if len({pod for pod, _ in levels}) > 1 else []
    if not far:
        return []
    quote = f"of {len(refs)} pods only {', '.join(sorted(set(far))[:3])} answer(s) late"
    return [evidence("metric", refs[far[0]].query, quote, refs[far[0]].ended, weight=0.4)]


def _callees_are_quick(scene: Scene, who: Component, timed: list[Way]) -> Iterator[Evidence]:
    called = [way for way in timed if way.client == who and not way.is_slow]
    names = sorted({way.server.name for way in called})
    if names:
        yield evidence(
            "metric", called[0].series.query, f"what it calls is as quick as before: {', '.join(names[:4])}", weight=0.3
        )
    elif others := sorted(one.name for one in callees(scene).get(who, ()) if one in scene.of("latency")):
        yield evidence(
            "metric",
            f"latency of {others[0]}",
            f"what it calls is as quick as before: {', '.join(others[:4])}",
            weight=0.2,
        )
    waiting = sorted({way.client.name for way in timed if way.server == who and way.is_slow})
    if waiting:
        yield evidence(
            "metric",
            next(way for way in timed if way.server == who).series.query,
            f"{', '.join(waiting[:4])} wait(s) for it",
            weight=0.3,
        )


def _idle_known(scene: Scene, who: Component) -> bool:
    return bool(usage(scene).get(who)) or any(scene.of(signal).get(who) for signal in ("cpu_share", "cpu_level"))


def _idle(scene: Scene, who: Component) -> Iterator[Evidence]:
    moved = usage_shift(scene, who)
    if moved is not None and moved.times < 1.2:
        quote = f"its CPU did not rise ({moved.before:.3f} -> {moved.after:.3f} cores)"
        yield evidence("metric", f"cpu_usage of {who}", quote, weight=0.2)


def _at_a_standstill(scene: Scene, who: Component) -> Iterator[Evidence]:
    """Who only waits for the network goes on working between its waits."""
    moved = usage_shift(scene, who)
    if moved is not None and moved.before >= LEAST_WORK and moved.after < STANDSTILL * moved.before:
        quote = f"it does no work any more ({moved.before:.3f} -> {moved.after:.3f} cores)"
        yield evidence("metric", f"cpu_usage of {who}", quote, weight=0.4)


def _is_on_a_busy_machine(scene: Scene, who: Component) -> bool:
    """Its processors or its disk have no time left: what is slow there is slow for that."""
    program = scene.program(who)
    busy = {node for node, _ in busy_machines(scene)}
    busy |= {node for node, many in scene.at_nodes("node_cpu").items() if level(many[0].points) >= BUSY_NODE}
    return program is not None and any(dig(pod, "spec", "nodeName") in busy for pod in program.pods)
