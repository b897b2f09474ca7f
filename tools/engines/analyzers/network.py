"""A slow or lossy network of one pod's workload, or of one node, told apart by who else suffers.

Where both ends of a call are timed, the way between them is what the caller waits beyond what the callee works. Round trips, retransmits,
lost and dropped packets say it directly. All such measurements are laid over the map: if those of one program are marked, to whomever it
speaks, it is that program's network; if those of all programs with a pod on one machine are, it is the machine's. With nothing but
latencies, the machine is meant whose link all slow calls pass and the quick ones do not, or on which alone unrelated programs became slow.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from core.language import Text
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.metrics.cores import usage_shift
from tools.engines.metrics.cover import Cover, Mark, best, heaviest
from tools.engines.metrics.crossing import OFTEN, Crossings, Foretold, Measured, machines_between
from tools.engines.metrics.demand import rises
from tools.engines.metrics.scene import Scene, moment, scene_of
from tools.engines.metrics.shift import level, outliers, shift
from tools.engines.metrics.slow import ON_THE_WAY, callees, latencies, roots, ways, whom_all_wait_for
from tools.engines.objects import dig, name_of, namespace_of
from tools.engines.snapshot import Series, Signal, Snapshot

Thing = Component
Marks = list[Mark[Thing]]
RTT_FLOOR = 0.005
LOSS_FLOOR = 0.005
DROPS_FLOOR = 0.2
HALF = 0.45
CLOCK_FLOOR = 0.5
MAX_SHOWN = 4
BUSY = 0.93
MANY_TIMES = 5.0
LEAST_MACHINES = 3
LEAST_WAYS = 5
ENOUGH = 8
GRAVE = 10
LONG_WAY = 0.05
VERY = 30.0
SELDOM = frozenset({"rtt", "node_rtt", "packet_loss", "node_packet_loss"})
"""What is measured alike wherever it is small: busy programs send more segments again than idle ones, without any trouble."""
FORETOLD = 0.7


def networks_that_delay_or_lose(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    lossy = [*_by_drops(scene), *_covers(scene, ("packet_loss", "node_packet_loss"), LOSS_FLOOR, 0.75)]
    lossy += _covers(scene, ("retransmits",), DROPS_FLOOR, 0.6)
    late = [*_by_ways(scene), *_covers(scene, ("rtt", "node_rtt"), RTT_FLOOR, 0.75), *_between(scene)]
    machines = _by_latency_alone(scene) if not late and not lossy else []
    thing = _strongest(lossy)
    if thing is not None:
        also = [(cover, min(weight, 0.4)) for cover, weight in late if cover.thing == thing]
        yield _finding(scene, thing, "loss", [*(pair for pair in lossy if pair[0].thing == thing), *also])
    else:
        thing = _strongest([*late, *machines])
        if thing is not None:
            yield _finding(scene, thing, "delay", [pair for pair in [*late, *machines] if pair[0].thing == thing])


def clocks_that_are_wrong(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    offsets = {
        node: max((level(one.points) for one in many), key=abs)
        for node, many in scene.at_nodes("node_clock_offset").items()
    }
    wrong = {node: offset for node, offset in offsets.items() if abs(offset) >= CLOCK_FLOOR}
    for node, offset in wrong.items() if 2 * len(wrong) <= max(2, len(offsets)) else ():
        series = scene.at_nodes("node_clock_offset")[node][0]
        moved = shift(series.points)
        quote = f"offset {offset:.3f} s; the others are within {CLOCK_FLOOR:g} s"
        yield Finding(
            "node_clock_skew",
            "infrastructure",
            Component(kind="Node", name=node),
            Text(
                f"The clock of node {node} is {abs(offset):.1f} s {'ahead' if offset > 0 else 'behind'}, the other nodes agree. "
                "Check its time service (chronyd, ntpd) and drain it until the clock is right.",
                f"节点 {node} 的时钟{'快' if offset > 0 else '慢'}了 {abs(offset):.1f} 秒，其他节点一致。"
                "请检查其时间同步服务（chronyd、ntpd），修复前可将其排空。",
            ),
            (evidence("metric", series.query, quote, series.ended, weight=0.85),),
            onset=moment(moved.onset) if moved else None,
            harms=tuple(scene.on_node(node)),
        )


def _strongest(found: Sequence[tuple[Cover[Thing], float]]) -> Thing | None:
    totals: dict[Thing, float] = {}
    for cover, weight in found:
        totals[cover.thing] = totals.get(cover.thing, 0.0) + cover.fit * weight
    return max(totals, key=lambda thing: (totals[thing], thing.kind != "Node", str(thing)), default=None)


def _by_ways(scene: Scene) -> Iterator[tuple[Cover[Thing], float]]:
    marks: Marks = []
    for way in ways(scene):
        is_long = way.is_long
        if is_long is None:
            continue
        moved = way.waited
        worked = f", of which the callee works {way.worked.after * 1000:.0f} ms" if way.worked else ""
        said = f"{way.client.name} waits {moved.before * 1000:.0f} -> {moved.after * 1000:.0f} ms for {way.server.name}{worked}"
        marks.append(Mark(_ends(scene, way.client, way.server), is_long, said, way.series.query, moved.onset))
    if not any(mark.is_marked for mark in marks):
        marks = list(_always_long(scene))
    found = best(marks, [mark_end for mark in marks for mark_end in mark.ends if mark_end.kind != "Node"])
    if found:
        yield found, 0.8


def _always_long(scene: Scene) -> Iterator[Mark[Thing]]:
    """In a window that lies wholly in the trouble no way gets longer, but some take far more time than the others."""
    crossings = Crossings(scene)
    timed = [(way, way.waited.after - way.worked.after) for way in ways(scene) if way.worked and not way.is_slow]
    if len(timed) < LEAST_WAYS:
        return
    usual = max(sorted(beyond for _, beyond in timed)[len(timed) // 4], 0.0)
    for way, beyond in timed:
        is_long = beyond >= max(LONG_WAY, MANY_TIMES * usual, ON_THE_WAY * way.waited.after)
        passed = crossings.passing(way.client, way.server)
        machines = {_machine(name) for name, part in passed.items() if is_long or part >= OFTEN}
        said = f"{way.client.name} waits {way.waited.after * 1000:.0f} ms for {way.server.name}, {beyond * 1000:.0f} ms of it on the way"
        yield Mark(frozenset({way.client, way.server, *machines}), is_long, said, way.series.query)


def _between(scene: Scene) -> Iterator[tuple[Cover[Thing], float]]:
    found = machines_between(scene)
    for one in found:
        # What two machines explain alike speaks for each of them less.
        yield Cover(_machine(one.machine), one.fit, tuple(_victims(scene, one))), FORETOLD / len(found)


def _victims(scene: Scene, found: Foretold) -> Iterator[Mark[Thing]]:
    for one in found.victims:
        slow = latencies(scene).get(one if isinstance(one, Component) else one[1])
        ref, at = (slow[0].series.query, slow[0].moved.onset) if slow else ("", 0.0)
        said = f"{_told(one)} became slow, and what is asked on the way passes {found.machine}"
        yield Mark(frozenset({_machine(found.machine)}), is_marked=True, said=said, ref=ref, at=at)


def _told(one: Measured) -> str:
    return one.name if isinstance(one, Component) else f"{one[0].name} -> {one[1].name}"


def _ends(scene: Scene, *programs: Component) -> frozenset[Thing]:
    found: set[Thing] = set(programs)
    for who in programs:
        program = scene.program(who)
        found |= {
            _machine(str(dig(pod, "spec", "nodeName")))
            for pod in (program.pods if program else ())
            if dig(pod, "spec", "nodeName")
        }
    return frozenset(found)


def _machine(name: str) -> Component:
    return Component(kind="Node", name=name)


def _by_drops(scene: Scene) -> Iterator[tuple[Cover[Thing], float]]:
    marks = list(_marks(scene, "drops", DROPS_FLOOR))
    programs = {end for mark in marks for end in mark.ends if end.kind not in {"Node", "Pod"}}
    machines = {end for mark in marks for end in mark.ends if end.kind == "Node"}
    found = heaviest(marks, programs, HALF) or heaviest(marks, machines, HALF)
    if found:
        yield found, 0.8
    at_nodes = list(_marks(scene, "node_drops", DROPS_FLOOR))
    if cover := best(at_nodes):
        yield cover, 0.6
    resent = list(_resent(scene))
    if cover := heaviest(resent, [end for mark in resent for end in mark.ends], HALF):
        yield cover, 0.4 if marks else 0.7


def _resent(scene: Scene) -> Iterator[Mark[Thing]]:
    """Machines that send segments again; on all of them some are sent again where one of them loses packets."""
    shares = [(node, one) for node, many in scene.at_nodes("node_retransmit_share").items() for one in many]
    levels = [(str(number), level(one.points)) for number, (_, one) in enumerate(shares)]
    # In a window that lies wholly in the trouble nothing rises, but one stands far above the others.
    far = {int(name) for name in outliers(levels, MANY_TIMES)} if len(levels) >= LEAST_MACHINES else set()
    for number, (node, series) in enumerate(shares):
        moved = shift(series.points)
        now = level(series.points)
        stands_out = number in far and now >= 2 * LOSS_FLOOR
        is_marked = stands_out or (moved is not None and moved.rose(3.0, LOSS_FLOOR))
        said = f"{node} sends {now:.1%} of its segments again"
        yield Mark(frozenset({_machine(node)}), is_marked, said, series.query, 0.0, now)


def _covers(
    scene: Scene, signals: Sequence[Signal], floor: float, weight: float
) -> Iterator[tuple[Cover[Thing], float]]:
    for signal in signals:
        marks = list(_marks(scene, signal, floor))
        found = best(marks, [end for mark in marks for end in mark.ends if end.kind not in {"Node", "Pod"}])
        if found:
            yield _of_its_program(scene, found), weight


def _of_its_program(scene: Scene, cover: Cover[Thing]) -> Cover[Thing]:
    """One pod among well siblings is told as its program: that is what can be changed."""
    if cover.thing.kind != "Pod":
        return cover
    pod = scene.snapshot.get("Pod", cover.thing.namespace, cover.thing.name)
    return replace(cover, thing=scene.snapshot.maker_of(pod) if pod else cover.thing)


def _marks(scene: Scene, signal: Signal, floor: float) -> Iterator[Mark[Thing]]:
    """One a series: its pod's program and machine, the two ends of a pair, or the machine alone."""
    present = [one for one in _measuring(scene, signal) if one.labels.get("quantile") not in ("0.5", "mean")]
    high = _high(present, floor)
    very_high = {
        int(name) for name in outliers([(str(place), level(one.points)) for place, one in enumerate(present)], VERY)
    }
    for number, series in enumerate(present):
        ends = _subjects(scene, series)
        if not ends:
            continue
        moved = shift(series.points, scene.onset)
        rose = moved is not None and moved.rose(1.5, floor)
        now = level(series.points)
        always = moved is not None and moved.samples >= ENOUGH and abs(moved.score) < 2
        # What was always a little worse is how it is built; no cluster is built to wait or to lose as much as this.
        is_grave = now >= GRAVE * floor and (signal in SELDOM or number in very_high)
        is_marked = rose or (number in high and (is_grave or not always))
        before = f"{_amount(signal, moved.before)} -> " if rose and moved else ""
        who = " -> ".join(series.labels[key] for key in ("client", "server") if series.labels.get(key))
        who = who or series.labels.get("pod") or series.labels.get("node") or series.labels.get("service") or ""
        said = f"{signal.removeprefix('node_').replace('_', ' ')} of {who}: {before}{_amount(signal, now)}"
        yield Mark(ends, is_marked, said, series.query, moved.onset if moved and rose else 0.0, max(now, 0.0))


def _measuring(scene: Scene, signal: Signal) -> list[Series]:
    """Its series; what one machine waits for another's answer to nothing is a round trip, whatever it is called."""
    found = list(scene.snapshot.series(signal))
    if signal != "node_rtt":
        return found
    return [*found, *(one for one in scene.snapshot.series("call_latency") if _is_between_machines(scene, one))]


def _is_between_machines(scene: Scene, series: Series) -> bool:
    ends = (series.labels.get("client"), series.labels.get("server"))
    return all(end and scene.node({"node": end}) for end in ends)


def _amount(signal: Signal, value: float) -> str:
    if signal.endswith("rtt"):
        return f"{value * 1000:.0f} ms"
    return f"{value:.1%}" if signal.endswith("loss") else f"{value:.1f}/s"


def _high(present: Sequence[Series], floor: float) -> set[int]:
    levels = [(str(number), level(one.points)) for number, one in enumerate(present)]
    if not levels:
        return set()
    if len(levels) == 1:
        # With nobody to compare it with: a round trip of fifty milliseconds is long within a cluster, a twentieth lost is much.
        return {0} if levels[0][1] >= GRAVE * floor else set()
    # Of pairs one end is at a large part of all; the lower ones are still those that it is at neither end of.
    place = (len(levels) - 1) // (4 if present[0].labels.get("client") else 2)
    middle = sorted(value for _, value in levels)[place]
    return {int(name) for name in outliers(levels, 3.0) if levels[int(name)][1] >= 3 * floor} | {
        int(name) for name, value in levels if value >= 3 * max(middle, floor) and len(levels) > 2
    }


def _subjects(scene: Scene, series: Series) -> frozenset[Thing]:
    labels = series.labels
    other = labels.get("client") or (scene.node(labels) if scene.node({"node": labels.get("server", "")}) else "")
    if other and labels.get("server"):
        pair = [_named(scene, other), _named(scene, labels["server"])]
        known = [one for one in pair if one]
        if known:
            return frozenset(end for one in known for end in ({one} if one.kind == "Node" else _ends(scene, one)))
    if not labels.get("pod") and (asked := scene.pod_called(labels.get("server", ""))):
        labels = {"namespace": namespace_of(asked), "pod": name_of(asked)}
    if labels.get("pod"):
        who = scene.owner(labels)
        pod = Component(kind="Pod", namespace=who.namespace, name=labels["pod"]) if who else None
        return frozenset({who, pod, *_machine_of(scene, labels)}) if who and pod else frozenset()
    told = {key: labels[key] for key in ("namespace", "workload", "service", "server") if labels.get(key)}
    who = scene.owner(told)
    if who:
        return frozenset({who})
    node = scene.node(labels)
    return frozenset({_machine(node)}) if node else frozenset()


def _named(scene: Scene, name: str) -> Thing | None:
    node = scene.node({"node": name})
    return _machine(node) if node else scene.named(name)


def _machine_of(scene: Scene, labels: Mapping[str, str]) -> list[Thing]:
    pod = scene.snapshot.get("Pod", labels.get("namespace"), labels.get("pod", ""))
    node = str(dig(pod, "spec", "nodeName") or labels.get("node") or "")
    return [_machine(node)] if node else []


def _by_latency_alone(scene: Scene) -> list[tuple[Cover[Thing], float]]:
    """Several roots of slowness that share nothing but one machine, on which hardly anything else is quick."""
    slow = set(latencies(scene))
    if len(slow) < 2 or any(level(many[0].points) >= BUSY for many in scene.at_nodes("node_cpu").values()):
        return []
    calls = callees(scene)
    begun = [who for who in roots(scene, slow) if who not in rises(scene)]  # what is asked more has its own reason
    if len(begun) < 2 or whom_all_wait_for(scene, begun) or 2 * len(_off_the_map(scene, begun)) > len(begun):
        return []
    quick = {who for who in scene.of("latency") if who not in slow and not calls.get(who, set()) & slow}
    marks = [_on_machines(scene, who, is_slow=who in begun) for who in (*begun, *sorted(quick, key=str))]
    found = best(marks)
    if found is None or len(found.marks) < 2 or _is_one_of_many(found, marks):
        return []
    return [(found, 0.6)]


def _off_the_map(scene: Scene, many: Sequence[Component]) -> list[Component]:
    """Of whom neither a caller nor a callee is known: what they wait for may be anything."""
    return [who for who in many if not callees(scene).get(who) and not scene.callers_of.get(who)]


def _on_machines(scene: Scene, who: Component, *, is_slow: bool) -> Mark[Thing]:
    program = scene.program(who)
    names = (str(dig(pod, "spec", "nodeName") or "") for pod in (program.pods if program else ()))
    ref = latencies(scene)[who][0].series.query if is_slow else ""
    ends = frozenset(_machine(name) for name in names if name)
    return Mark(ends, is_slow, f"{who.name} became slow, and nothing that it calls is", ref)


def _is_one_of_many(found: Cover[Thing], marks: Marks) -> bool:
    """Whether another machine has as many of the slow ones and as few of the quick ones."""
    rest = [Mark(mark.ends - {found.thing}, mark.is_marked) for mark in marks]
    rival = best(rest)
    return rival is not None and rival.fit >= found.fit


def _finding(scene: Scene, thing: Thing, what: str, found: Sequence[tuple[Cover[Thing], float]]) -> Finding:
    proof = [item for cover, weight in found for item in _proof(cover, weight)]
    times = [mark.at for cover, _ in found for mark in cover.marks if mark.at]
    is_node = thing.kind == "Node"
    fault = {
        (True, "loss"): "node_network_packet_loss",
        (True, "delay"): "node_network_delay",
        (False, "loss"): "pod_network_loss",
        (False, "delay"): "pod_network_delay",
    }[(is_node, what)]
    many = len({mark.said for cover, _ in found for mark in cover.marks})
    return Finding(
        fault,
        "infrastructure" if is_node else "performance",
        thing,
        _words(thing, what, many),
        (*proof, *_quiet_cpu(scene, thing)),
        onset=moment(min(times)) if times else None,
        harms=tuple(scene.on_node(thing.name)) if is_node else _partners(scene, thing),
        facts={"measurements": many},
    )


def _proof(cover: Cover[Thing], weight: float) -> Iterator[Evidence]:
    for place, mark in enumerate(cover.marks[:MAX_SHOWN]):
        at = moment(mark.at) if mark.at else None
        yield evidence("metric", mark.ref or "metrics", mark.said, at, weight=weight * cover.fit if place == 0 else 0.4)


def _partners(scene: Scene, who: Component) -> tuple[Component, ...]:
    """Whoever speaks to it waits too, in both directions."""
    return tuple(sorted(scene.callers_of.get(who, set()) | callees(scene).get(who, set()), key=str))


def _quiet_cpu(scene: Scene, thing: Thing) -> Iterator[Evidence]:
    moved = usage_shift(scene, thing) if thing.kind != "Node" else None
    if moved is not None and moved.times < 1.2:
        quote = f"CPU did not rise ({moved.before:.2f} -> {moved.after:.2f} cores)"
        yield evidence("metric", f"cpu_usage of {thing}", quote, weight=0.1)


def _words(thing: Thing, what: str, many: int) -> Text:
    if thing.kind == "Node":
        en = "loses packets" if what == "loss" else "is slow"
        zh = "丢包" if what == "loss" else "延迟升高"
        return Text(
            f"The network of node {thing.name} {en}: {many} measurement(s) of what runs on it say so, the other nodes are well. "
            "Check its network card, link and qdisc (tc qdisc show), and drain the node until it is mended.",
            f"节点 {thing.name} 的网络{zh}：该节点上有 {many} 项测量异常，其他节点正常。"
            "请检查其网卡、链路与 qdisc（tc qdisc show），修复前先排空该节点。",
        )
    en = "loses packets" if what == "loss" else "is slow"
    zh = "丢包" if what == "loss" else "延迟升高"
    return Text(
        f"The network of {thing}'s pods {en}: {many} of its measurement(s) say so, in and out, while its CPU is not the reason. "
        "Check the pod's interface and qdisc (tc qdisc show), or replace the pods.",
        f"{thing} 的 Pod 网络{zh}：其出入方向共 {many} 项测量异常，且并非 CPU 所致。"
        "请检查 Pod 网卡与 qdisc（tc qdisc show），或重建这些 Pod。",
    )
