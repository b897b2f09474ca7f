"""What alerts say where nothing better says it: sometimes they are the only trace of a fault that only numbers show.

One alert may name the wrong place, several that agree on one component are strong, and what measurements contradict is dropped. Alerts
about late answers and errors accuse nobody: they are symptoms, and only where nothing else was measured does the one stand out that others
wait for. Alerts about the network of several programs that share a machine are about the machine.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from core.language import Text
from tools.engines.alarms import Alarm, about, alarms
from tools.engines.analyzers.complained import is_awaited
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.metrics.cover import Mark, best
from tools.engines.metrics.load import loads
from tools.engines.metrics.scene import Scene, scene_of
from tools.engines.metrics.slow import callees, roots
from tools.engines.objects import dig
from tools.engines.snapshot import Snapshot

AGREE = 0.08
OLD_COUNTS = 0.3
CALM_SHARE = 0.5
FAR_MORE = 4.0
MAX_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Says:
    """What a meaning says of a program and of a node: the fault, and how far one alert is believed."""

    program: str
    node: str
    weight: float
    words: Text


_SAYS = {
    "cpu": Says("pod_cpu_overload", "", 0.6, Text("is overloaded", "CPU 过载")),
    "throttled": Says("cpu_throttled", "", 0.4, Text("is throttled at its CPU limit", "CPU 被限流")),
    "memory_leak": Says("memory_leak", "", 0.55, Text("uses more and more memory", "内存持续增长")),
    "threads": Says("thread_exhaustion", "", 0.55, Text("has too many threads", "线程过多")),
    "open_files": Says("file_descriptor_exhaustion", "", 0.55, Text("has too many files open", "打开的文件过多")),
    "deadlock": Says("deadlock", "", 0.55, Text("is deadlocked", "死锁")),
    "disk_io": Says("disk_io_saturated", "", 0.5, Text("waits for its disk", "磁盘 IO 饱和")),
    "traffic": Says("traffic_surge", "", 0.4, Text("gets more requests than usual", "请求量激增")),
    "scaler": Says("hpa_maxed", "", 0.4, Text("has its autoscaler at its end", "自动扩缩容已到上限")),
    "cache": Says("cache_stampede", "", 0.55, Text("answers too little from what it keeps", "缓存命中率骤降")),
    "clock": Says("", "node_clock_skew", 0.7, Text("has a wrong clock", "时钟偏差")),
    "network_delay": Says("pod_network_delay", "node_network_delay", 0.65, Text("has a slow network", "网络延迟")),
    "packet_loss": Says("pod_network_loss", "node_network_packet_loss", 0.65, Text("loses packets", "网络丢包")),
}
_OF_THE_NETWORK = ("network_delay", "packet_loss")
_LATE = ("latency",)


def faults_that_alerts_name(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    if not snapshot.alerts:
        return
    scene = scene_of(snapshot, graph)
    every = alarms(scene)
    taker = _taker(scene, every)
    if taker:
        yield taker
    for meaning, says in _SAYS.items():
        found = about(every, meaning)
        machine = _shared_machine(scene, found) if meaning in _OF_THE_NETWORK else None
        if machine:
            found = {machine: [alarm for many in found.values() for alarm in many]}
        for who, many in found.items():
            fault = says.node if who.kind == "Node" else says.program
            if fault and not _is_contradicted(scene, who, meaning):
                yield _finding(scene, fault, who, says, many)
    yield from _late_roots(scene, every)


def alerts_as_symptoms(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    if not snapshot.alerts:
        return
    for alarm in alarms(scene_of(snapshot, graph)):
        for who in alarm.about if not alarm.is_old else ():
            said = _said(alarm)
            yield Finding(
                "alert",
                "symptom",
                who,
                Text(f"Alert {alarm.alert.name} about {who}.", f"告警 {alarm.alert.name}，涉及 {who}。"),
                (evidence("alert", alarm.alert.ref, said, alarm.alert.starts_at),),
                onset=alarm.alert.starts_at,
                symptom=True,
            )


def _taker(scene: Scene, every: Sequence[Alarm]) -> Finding | None:
    """A machine without processor time, and one program on it that is told to burn it while others answer late."""
    burning = about(every, "cpu")
    machines = {who.name for who in burning if who.kind == "Node"}
    suffering = {who for alarm in every if alarm.meaning in {"latency", "errors"} for who in alarm.about}
    takers = [
        who
        for who, many in burning.items()
        if who.kind != "Node" and who not in suffering and any(alarm.node in machines for alarm in many)
    ]
    if len(takers) != 1 or not suffering:
        return None
    who, (node, *_) = takers[0], sorted(machines)
    says = Says("noisy_neighbour", "", 0.65, Text("takes the processors of its node", "占满了所在节点的 CPU"))
    told = [*burning[who], *burning.get(Component(kind="Node", name=node), [])]
    return replace(_finding(scene, "noisy_neighbour", who, says, told), harms=tuple(sorted(suffering, key=str)))


def _said(alarm: Alarm) -> str:
    told = [
        str(alarm.alert.annotations[key])
        for key in ("summary", "description", "message")
        if alarm.alert.annotations.get(key)
    ]
    return told[0] if told else alarm.alert.text


def _shared_machine(scene: Scene, found: dict[Component, list[Alarm]]) -> Component | None:
    """The one machine under all programs that are named; one that is named itself is meant anyway."""
    named = [who for who in found if who.kind == "Node"]
    programs = [who for who in found if who.kind != "Node"]
    if named or len(programs) < 2:
        return named[0] if len(named) == 1 else None
    cover = best([Mark(frozenset(_machines(scene, who, found[who])), is_marked=True) for who in programs])
    return cover.thing if cover and cover.fit >= 0.99 else None


def _machines(scene: Scene, who: Component, many: Sequence[Alarm]) -> set[Component]:
    told = {alarm.node for alarm in many if alarm.node}
    program = scene.program(who)
    names = told or {
        str(dig(pod, "spec", "nodeName")) for pod in (program.pods if program else ()) if dig(pod, "spec", "nodeName")
    }
    return {Component(kind="Node", name=name) for name in names}


def _is_contradicted(scene: Scene, who: Component, meaning: str) -> bool:
    """Whether it was measured, and is not so."""
    program = scene.program(who)
    if meaning not in {"cpu", "throttled"} or program is None:
        return False
    measured = [load for load in loads(scene, program) if load.share is not None]
    rose = any(load.moved is not None and load.moved.rose(1.3) for load in measured)
    if meaning == "throttled" and any(
        load.is_at_its_limit and load.moved and load.moved.rose(FAR_MORE) for load in measured
    ):
        return True  # whoever began to want many times as much is held back for that
    return (
        bool(measured)
        and not rose
        and all((load.share or 0.0) < CALM_SHARE and (load.held_back or 0.0) < 0.2 for load in measured)
    )


def _finding(scene: Scene, fault: str, who: Component, says: Says, many: Sequence[Alarm]) -> Finding:
    is_node = who.kind == "Node"
    fresh = [alarm for alarm in many if not alarm.is_old]
    names = ", ".join(dict.fromkeys(alarm.alert.name for alarm in many))
    starts = [alarm.alert.starts_at for alarm in fresh if alarm.alert.starts_at]
    return Finding(
        fault,
        "infrastructure" if is_node else _category(fault),
        who,
        Text(
            f"{who} {says.words.en}, say {len(many)} alert(s) ({names}). Measure it there before changing anything.",
            f"{len(many)} 条告警（{names}）指出 {who} {says.words.zh}。请先在该处测量确认，再做变更。",
        ),
        tuple(_proof(many, says.weight)),
        onset=min(starts, default=None),
        facts={"alerts": len(many)},
        explainable="network" in fault or fault == "slow_dependency",
        harms=tuple(scene.on_node(who.name)) if is_node else (),
    )


def _category(fault: str) -> str:
    return (
        "runtime"
        if fault in {"memory_leak", "thread_exhaustion", "file_descriptor_exhaustion", "deadlock"}
        else "performance"
    )


def _proof(many: Sequence[Alarm], weight: float) -> Iterator[Evidence]:
    """The first is believed the more, the more others agree with it."""
    ordered = sorted(many, key=lambda alarm: alarm.is_old)
    agreeing = len({(alarm.alert.name, alarm.alert.ref) for alarm in ordered if not alarm.is_old}) - 1
    for place, alarm in enumerate(ordered[:MAX_SHOWN]):
        believed = min(weight + AGREE * max(0, agreeing), 0.85) if place == 0 else 0.2
        yield evidence(
            "alert",
            alarm.alert.ref,
            _said(alarm),
            alarm.alert.starts_at,
            weight=believed * (OLD_COUNTS if alarm.is_old else 1.0),
        )


def _late_roots(scene: Scene, every: Sequence[Alarm]) -> Iterator[Finding]:
    """Alerts about late answers are all there is: nobody measured answers or processors."""
    measured = any(scene.snapshot.series(signal) for signal in ("latency", "call_latency", "served_latency"))
    late = {
        who: many
        for who, many in about(every, *_LATE).items()
        if who.kind != "Node" and not all(alarm.is_old for alarm in many)
    }
    if measured or not late or any(alarm.meaning in _SAYS and alarm.about and not alarm.is_old for alarm in every):
        return
    begun = roots(scene, late)
    words = Text("answers late, and nothing that it calls does", "响应变慢，而其下游并不慢")
    calls = callees(scene)
    if len(begun) > 1 and set.intersection(*(calls.get(who, set()) for who in begun)):
        return  # they share somebody whom they all wait for
    machine = _shared_machine(scene, {who: late[who] for who in begun})
    if machine:
        says = Says("", "node_network_delay", 0.45, words)
        yield _finding(scene, "node_network_delay", machine, says, [alarm for who in begun for alarm in late[who]])
    elif len(begun) == 1:
        fault = "slow_dependency" if is_awaited(scene, begun[0]) else "pod_network_delay"
        yield _finding(scene, fault, begun[0], Says(fault, "", 0.4, words), late[begun[0]])
