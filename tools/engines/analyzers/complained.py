"""Where only logs and active checks tell of a slow network: calls that time out, checks that took long, clocks that others doubt.

A call that times out accuses the one that was called, unless that one itself says that it waits for another. Only calls that reach a
Service with ready pods count, and only time-outs: what is refused or unknown has other causes. Several callees on one machine accuse the
machine. All of it is weak beside a measurement, and explained by whatever else is found on the way.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from core.language import Text
from tools.engines.addresses import Address, meant
from tools.engines.analyzers.distance import signs_of_distance
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import Heard, as_evidence, heard
from tools.engines.metrics.cover import Cover, Mark, best
from tools.engines.metrics.scene import Scene, scene_of
from tools.engines.metrics.slow import latencies, roots
from tools.engines.objects import dig, is_ready
from tools.engines.program import Program
from tools.engines.snapshot import Probe, Snapshot

OFTEN = 3
LONG = 0.15
TIMES = 4.0
_TOOK = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s*(ms|milliseconds?|us|µs|s|sec(?:onds?)?)\b", re.IGNORECASE)
_LOST = re.compile(r"(\d+(?:\.\d+)?)\s*%\s*(?:packet )?loss|丢包率?\s*[:：]?\s*(\d+(?:\.\d+)?)\s*%", re.IGNORECASE)
_AWAITED = re.compile(
    r"read ?timed? ?out|awaiting headers|reading response|socket ?timeout|deadline|responsetimeout|"
    r"httpclient\.timeout|timeout of \d+ ?ms exceeded|esockettimedout|operation was cancell?ed",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"\b(?:query|statement|command|sql|request)s? (?:to|on|against|at) [\"'`]?([\w.-]{1,200}(?::\d{1,5})?)", re.I
)
_CONNECTING = re.compile(r"\bdial\b|connect(?:ion)? ?timed? ?out|connecttimeout|handshake|etimedout", re.IGNORECASE)
_UNIT = {"ms": 1e-3, "mi": 1e-3, "us": 1e-6, "µs": 1e-6, "s": 1.0, "se": 1.0}


def callees_that_calls_time_out_on(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    votes: dict[Component, list[Heard]] = defaultdict(list)
    callers: dict[Component, set[Component]] = defaultdict(set)
    for program in snapshot.programs:
        for one in heard(snapshot, program, "timed_out"):
            for callee in called(scene, program, one.said.target):
                votes[callee].append(one)
                callers[callee].add(program.component)
    begun = [who for who in roots(scene, votes) if _is_often(votes[who], callers[who])]
    machine = _machine_under(scene, begun)
    if machine:
        told_by = tuple(sorted({one for who in begun for one in callers[who]}, key=str))
        lines = [one for who in begun for one in votes[who]]
        yield _late(machine, lines, "node_network_delay", tuple(begun), told_by)
    elif len(begun) == 1:
        is_near = _answers_are_awaited(votes[begun[0]]) and not signs_of_distance(scene, begun[0])
        fault = "slow_dependency" if is_near else "pod_network_delay"
        told_by = tuple(sorted(callers[begun[0]], key=str))
        yield _late(begun[0], votes[begun[0]], fault, told_by, told_by)


def is_awaited(scene: Scene, who: Component) -> bool:
    """Whether logs say that it takes calls and does not answer them, or that its statements take long."""
    program = scene.program(who)
    if program and heard(scene.snapshot, program, "slow_query"):
        return True
    lines = [
        one
        for caller in scene.callers_of.get(who, ())
        if (asking := scene.program(caller))
        for one in heard(scene.snapshot, asking, "timed_out")
        if _is_about(scene, asking, one, who)
    ]
    return bool(lines) and _answers_are_awaited(lines)


def _is_about(scene: Scene, asking: Program, one: Heard, who: Component) -> bool:
    """Whom a line names; where it names nobody, the only slow one of those that are asked."""
    if one.said.target:
        return who in called(scene, asking, one.said.target)
    slow = [callee for callee in scene.called_by.get(asking.component, ()) if callee in latencies(scene)]
    return slow == [who]


def stores_that_say_they_are_slow(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    told: dict[Component, list[Heard]] = defaultdict(list)
    for program in snapshot.programs:
        for one in heard(snapshot, program, "slow_query"):
            meant_ = _whose_query(scene, program, one)
            # Whoever is far away itself waits for every answer: that says nothing of who answers.
            if meant_ == program.component or not signs_of_distance(scene, program.component):
                told[meant_].append(one)
    for who, lines in told.items():
        if sum(one.said.count for one in lines) >= OFTEN:
            yield Finding(
                "slow_dependency",
                "performance",
                who,
                Text(
                    f"Statements of {who} are logged as slow: whoever asks it waits. Read its slow log, and add what index is missing.",
                    f"日志显示 {who} 存在慢查询，调用方都在等待它。请查看慢日志并补上缺失的索引。",
                ),
                as_evidence(lines, 0.65),
                explainable=True,
            )


def _whose_query(scene: Scene, program: Program, one: Heard) -> Component:
    """The store that a client names as the one it waited for; else whoever writes the line."""
    named = _ASKED.search(one.said.text)
    return next(called(scene, program, named[1]), program.component) if named else program.component


def _answers_are_awaited(lines: list[Heard]) -> bool:
    """Connected, and then nothing: it is the callee that is slow, and not the way to it."""
    awaited = sum(
        one.said.count for one in lines if _AWAITED.search(one.said.text) and not _CONNECTING.search(one.said.text)
    )
    return 2 * awaited > sum(one.said.count for one in lines)


def checks_that_took_long(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    lost = _by_probes(scene, {probe: share for probe in snapshot.probes if (share := _lost(probe)) is not None}, 0.01)
    late = _by_probes(scene, {probe: took for probe in snapshot.probes if (took := _took(probe)) is not None}, LONG)
    if lost:
        yield _checked(scene, lost, "node_network_packet_loss" if lost.thing.kind == "Node" else "pod_network_loss")
    elif late:
        yield _checked(scene, late, "node_network_delay" if late.thing.kind == "Node" else "pod_network_delay")


def clocks_that_others_doubt(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    found = {
        program.component: lines for program in snapshot.programs if (lines := heard(snapshot, program, "clock_skew"))
    }
    cover = best([Mark(frozenset(_machines(scene, [who])), is_marked=True) for who in found])
    if cover is None or cover.fit < 0.99:
        return
    node = cover.thing
    yield Finding(
        "node_clock_skew",
        "infrastructure",
        node,
        Text(
            f"Programs on node {node.name} find times that cannot be: its clock is likely wrong. "
            "Compare it with the others (chronyc tracking).",
            f"节点 {node.name} 上的程序发现时间异常：该节点时钟很可能不准。请与其他节点比对（chronyc tracking）。",
        ),
        tuple(item for lines in found.values() for item in as_evidence(lines, 0.5)),
        harms=tuple(scene.on_node(node.name)),
    )


def called(scene: Scene, caller: Program, target: str) -> Iterator[Component]:
    host = re.sub(r"^\w+://", "", target).partition("/")[0].partition(":")[0]
    service = meant(scene.snapshot, Address(host, None, ""), caller.namespace).service if host else None
    for program in scene.snapshot.programs_behind(service) if service else ():
        if program != caller and any(is_ready(pod) for pod in program.pods):
            yield program.component


def _is_often(lines: list[Heard], callers: set[Component]) -> bool:
    return len(callers) > 1 or sum(one.said.count for one in lines) >= OFTEN


def _machines(scene: Scene, programs: Iterable[Component]) -> set[Component]:
    found = (scene.program(who) for who in programs)
    names = (str(dig(pod, "spec", "nodeName") or "") for program in found if program for pod in program.pods)
    return {Component(kind="Node", name=name) for name in names if name}


def _machine_under(scene: Scene, begun: list[Component]) -> Component | None:
    if len(begun) < 2:
        return None
    cover = best([Mark(frozenset(_machines(scene, [who])), is_marked=True) for who in begun])
    return cover.thing if cover and cover.fit >= 0.99 else None


def _late(
    who: Component, lines: list[Heard], fault: str, harms: tuple[Component, ...], told_by: tuple[Component, ...]
) -> Finding:
    return Finding(
        fault,
        "infrastructure" if who.kind == "Node" else "performance",
        who,
        _answers_late(who) if fault == "slow_dependency" else _way_is_slow(who),
        as_evidence(sorted(lines, key=lambda one: -one.said.count), 0.4),
        onset=min((one.said.first for one in lines if one.said.first), default=None),
        explainable=True,
        harms=harms,
        told_by=told_by,
    )


def _answers_late(who: Component) -> Text:
    return Text(
        f"Calls reach {who} and wait for its answers until they time out, and nothing that it calls does: it is slow by itself. "
        "Look at what it waits for inside (locks, pools, a slow statement, a service outside the cluster).",
        f"对 {who} 的调用能连上，却等到超时也没有应答，而其下游并未超时：是它自身变慢。"
        "请排查其内部等待（锁、连接池、慢语句、集群外服务）。",
    )


def _way_is_slow(who: Component) -> Text:
    place_en, place_zh = (
        (f"node {who.name}", f"节点 {who.name}") if who.kind == "Node" else (f"the pods of {who}", f"{who} 的 Pod")
    )
    return Text(
        f"Calls to {place_en} time out though the pods are ready, and nothing that they call does: the way to them is slow. "
        "Measure round-trip times to it from another node.",
        f"对{place_zh}的调用超时，而 Pod 均已就绪、其下游也未超时：通往它们的网络很慢。请从其他节点测量往返时延。",
    )


def _took(probe: Probe) -> float | None:
    found = _TOOK.search(probe.detail)
    return float(found[1]) * _UNIT[found[2].lower()[:2]] if found else None


def _lost(probe: Probe) -> float | None:
    found = _LOST.search(probe.detail)
    return float(found[1] or found[2]) / 100 if found else None


def _by_probes(scene: Scene, measured: dict[Probe, float], floor: float) -> Cover[Component] | None:
    usual = sorted(measured.values())[len(measured) // 4] if len(measured) > 2 else 0.0
    marks = []
    for probe, value in measured.items():
        ends = {end for name in (probe.target, probe.origin) for end in _end(scene, name)}
        marks.append(Mark(frozenset(ends), value >= max(floor, TIMES * usual), probe.detail, probe.ref))
    return best(marks, [end for mark in marks for end in mark.ends if end.kind != "Node"])


def _end(scene: Scene, name: str) -> set[Component]:
    """What a check names: a node, a Service as namespace/service:port, a pod as namespace/pod."""
    node = scene.node({"node": name})
    if node:
        return {Component(kind="Node", name=node)}
    place, _, rest = name.rpartition("/")
    who = scene.named(rest.partition(":")[0], place.rpartition("/")[2])
    return {who, *_machines(scene, [who])} if who else set()


def _checked(scene: Scene, cover: Cover[Component], fault: str) -> Finding:
    who = cover.thing
    is_node = who.kind == "Node"
    said = ", ".join(mark.said for mark in cover.marks[:3])
    return Finding(
        fault,
        "infrastructure" if is_node else "performance",
        who,
        Text(
            f"Checks to and from {who} show a bad network ({said}), the others do not. Check its interface and qdisc (tc qdisc show).",
            f"进出 {who} 的探测显示网络异常（{said}），其余正常。请检查其网卡与 qdisc（tc qdisc show）。",
        ),
        tuple(_proof(cover)),
        harms=tuple(scene.on_node(who.name)) if is_node else (),
    )


def _proof(cover: Cover[Component]) -> Iterator[Evidence]:
    for place, mark in enumerate(cover.marks[:4]):
        yield evidence("probe", mark.ref, mark.said, weight=0.7 * cover.fit if place == 0 else 0.4)
