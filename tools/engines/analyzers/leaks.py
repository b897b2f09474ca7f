"""What only grows until nothing is left (memory, threads, open files), and what stands still with work waiting before it.

A leak is told by its slope: steady in all its parts, through restarts, in step with no growth of requests. A level alone accuses nobody,
and neither does a program that warms up. Standing still is a processor time that fell to nothing in pods that run on, while work waits
for them: a queue that grows, callers that time out, workers that are all busy, a worker to whose broker others bring work as before. A
runtime that counts its deadlocked threads says it outright.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.language import Text
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.metrics.growth import Growth, growth
from tools.engines.metrics.roles_of import is_cache
from tools.engines.metrics.scene import Scene, moment, scene_of
from tools.engines.metrics.shift import level, shift
from tools.engines.objects import Object, containers, dig, statuses
from tools.engines.program import Program
from tools.engines.quantity import MEBI, parse
from tools.engines.snapshot import Series, Signal, Snapshot

HOUR = 3600.0
NOTHING = 0.15
MANY_FAIL = 0.5
NEARLY = 0.8
MORE_WORK = 1.5


@dataclass(frozen=True, slots=True)
class Kind:
    fault: str
    signals: tuple[Signal, ...]
    most: tuple[Signal, ...]
    floor: float
    times: float
    name: Text


KINDS = (
    Kind("memory_leak", ("memory", "heap", "memory_share"), ("memory_limit",), 32 * MEBI, 1.3, Text("memory", "内存")),
    Kind("thread_exhaustion", ("threads",), ("threads_most",), 100, 1.5, Text("threads", "线程数")),
    Kind("file_descriptor_exhaustion", ("open_files",), ("open_files_most",), 200, 1.5, Text("open files", "打开的文件描述符")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Leak:
    series: Series
    grown: Growth
    most: float | None


def resources_that_only_grow(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    for kind in KINDS:
        taken: set[Component] = set()
        for signal in kind.signals:
            for who, many in scene.of(signal).items():
                if kind.fault == "memory_leak" and _keeps_what_it_is_given(scene, who):
                    continue
                leaks = [leak for one in many if (leak := _leak(scene, who, kind, signal, one))]
                if (
                    leaks
                    and who not in taken
                    and 2 * len(leaks) >= len(_grown_up(scene, many))
                    and not _is_explained(scene, who, leaks)
                ):
                    taken.add(who)
                    yield _leaking(scene, who, kind, leaks)


def _keeps_what_it_is_given(scene: Scene, who: Component) -> bool:
    """A cache that fills is doing its work."""
    program = scene.program(who)
    return program is not None and is_cache(program)


def _leak(scene: Scene, who: Component, kind: Kind, signal: Signal, one: Series) -> Leak | None:
    found = growth(one.points)
    floor = 0.1 if signal == "memory_share" else kind.floor
    if found is None or found.end - found.start < floor or found.times < kind.times:
        return None
    return Leak(one, found, 1.0 if signal == "memory_share" else _most(scene, who, kind, one))


def _grown_up(scene: Scene, many: Iterable[Series]) -> list[Series]:
    """Of pods that are still there; those of the revision before have their series for a while."""
    return [one for one in many if not one.labels.get("pod") or _is_present(scene, one)]


def _is_present(scene: Scene, one: Series) -> bool:
    pod = scene.snapshot.get("Pod", one.labels.get("namespace"), one.labels["pod"])
    return pod is not None or not scene.snapshot.of("Pod")


def _is_explained(scene: Scene, who: Component, leaks: list[Leak]) -> bool:
    """Whether the work grew with it."""
    moved = scene.shifted("requests", who)
    if moved is None or moved.score < 2:
        return False
    worst = max(leaks, key=lambda leak: leak.grown.times)
    is_nearly_full = worst.most is not None and worst.grown.end >= NEARLY * worst.most
    return moved.times >= 0.6 * worst.grown.times or (moved.times >= MORE_WORK and not is_nearly_full)


def _most(scene: Scene, who: Component, kind: Kind, one: Series) -> float | None:
    if kind.fault == "memory_leak":
        pod = scene.snapshot.get("Pod", one.labels.get("namespace"), one.labels.get("pod", ""))
        program = scene.program(who)
        rows = containers(pod) if pod else program.containers if program else []
        wanted = one.labels.get("container")
        limits = [parse(dig(row, "resources", "limits", "memory")) for row in rows if wanted in {None, row.get("name")}]
        return next((limit for limit in limits if limit), None)
    told = [level(other.points) for signal in kind.most for other in scene.of(signal).get(who, ())]
    return max(told, default=None) or None


def _leaking(scene: Scene, who: Component, kind: Kind, leaks: list[Leak]) -> Finding:
    worst = max(leaks, key=lambda leak: leak.grown.times)
    hour = worst.grown.per_second * HOUR
    said = f"{_shown(kind, worst.grown.start)} -> {_shown(kind, worst.grown.end)}, {_shown(kind, hour)} more an hour"
    again = f", and again after {worst.grown.pieces - 1} restart(s)" if worst.grown.pieces > 1 else ""
    proof = [
        evidence(
            "metric",
            leak.series.query,
            f"{leak.series.labels.get('pod', who.name)}: {said}{again}",
            leak.series.ended,
            weight=0.75,
        )
        for leak in leaks[:1]
    ]
    proof += [_alike(leak, kind) for leak in leaks[1:3]]
    proof += _near_the_end(kind, worst)
    return Finding(
        kind.fault,
        "runtime",
        who,
        Text(
            f"{who} uses more and more {kind.name.en}: {said}{again}, in {len(leaks)} pod(s), while its requests did not grow. "
            "A restart helps for a while; find what is never given back.",
            f"{who} 的{kind.name.zh}持续增长：{_shown(kind, worst.grown.start)} -> {_shown(kind, worst.grown.end)}，"
            f"每小时约 {_shown(kind, hour)}，涉及 {len(leaks)} 个 Pod，而请求量并未增长。重启只能缓解，请查找未释放的资源。",
        ),
        tuple(proof),
        onset=moment(worst.grown.since),
        facts={
            "container": worst.series.labels.get("container", ""),
            "per_hour": hour,
            "limit": worst.most,
            "pods": len(leaks),
        },
        harms=tuple(sorted(scene.callers_of.get(who, set()), key=str)),
    )


def _alike(leak: Leak, kind: Kind) -> Evidence:
    quote = f"{leak.series.labels.get('pod', '')}: {_shown(kind, leak.grown.start)} -> {_shown(kind, leak.grown.end)}"
    return evidence("metric", leak.series.query, quote, leak.series.ended, weight=0.3)


def _near_the_end(kind: Kind, leak: Leak) -> Iterator[Evidence]:
    if leak.most:
        left = (leak.most - leak.grown.end) / leak.grown.per_second
        quote = f"{leak.grown.end / leak.most:.0%} of {_shown(kind, leak.most)}" + (
            f", full in {left / 60:.0f} min" if left > 0 else ""
        )
        yield evidence("metric", leak.series.query, quote, weight=0.3)


def _shown(kind: Kind, value: float) -> str:
    return f"{value / MEBI:.0f} MiB" if kind.fault == "memory_leak" and value > 1000 else f"{value:.0f}"


def programs_that_stand_still(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    for who, many in scene.of("threads_deadlocked").items():
        locked = [one for one in many if level(one.points) > 0]
        if locked:
            quote = f"{level(locked[0].points):.0f} threads wait for each other"
            yield _stuck(who, (evidence("metric", locked[0].query, quote, locked[0].ended, weight=0.85),))
    for program in snapshot.programs:
        if program.component.kind not in {"Job", "CronJob"} and program.pods:
            yield from _still(scene, program)


def _still(scene: Scene, program: Program) -> Iterator[Finding]:
    who = program.component
    own = scene.together("cpu_usage", who) or scene.together("cpu_share", who) or scene.together("cpu_level", who)
    moved = shift(own, scene.onset)
    if moved is None or not moved.fell(1 / NOTHING) or not all(_runs_on(pod) for pod in program.pods):
        return
    if _is_cut_off(scene.snapshot, program):
        return  # nothing comes to it any more, so it has nothing to do
    waits = list(_work_waits(scene, who))
    if waits:
        quote = f"its CPU fell from {moved.before:.3f} to {moved.after:.3f} cores, and its pods run on"
        series = next(iter(scene.of("cpu_usage").get(who, ())), None)
        ref = series.query if series else f"cpu_usage of {who}"
        yield _stuck(who, (evidence("metric", ref, quote, moment(moved.onset), weight=0.5), *waits), moved.onset)


def _runs_on(pod: Object) -> bool:
    states = statuses(pod)
    return bool(states) and all(dig(state, "state", "running") for state in states)


def _is_cut_off(snapshot: Snapshot, program: Program) -> bool:
    """Whether it has Services, by its labels or by its name, and none of them leads to a pod of it."""
    leading = snapshot.services_of(program.obj) if program.obj else []
    named = snapshot.get("Service", program.namespace, program.name)
    return bool(leading or named) and all(snapshot.ready_addresses(service) == 0 for service in leading)


def _gets_calls(scene: Scene, who: Component) -> bool:
    """Unless calls to it are measured and there are none now."""
    called = scene.snapshot.series("calls", server=who.name)
    return not called or any(level(one.points) > 0 for one in called)


def _is_served(scene: Scene, who: Component) -> bool:
    """Whether somebody calls it, or the Service of its name that does not lead to it: it is no worker that fetches its work."""
    named = Component(kind="Service", namespace=who.namespace, name=who.name)
    called = scene.callers_of.get(who) or scene.graph.callers_of(named)
    return bool(called or scene.snapshot.series("calls", server=who.name))


def _work_waits(scene: Scene, who: Component) -> Iterator[Evidence]:
    for called in scene.called_by.get(who, ()):
        for series in scene.of("queue").get(called, ()):
            moved = shift(series.points, scene.onset)
            if moved and moved.rose(1.5, 5):
                quote = (
                    f"queue {series.labels.get('queue', '')} grew from {moved.before:.0f} to {moved.after:.0f} messages"
                )
                yield evidence("metric", series.query, quote, moment(moved.onset), weight=0.6)
    failed = [one for one in scene.of("failed_calls").get(who, ()) if level(one.points) > 0 and one.points[-1][1] > 0]
    for series in failed[:2]:
        every = scene.snapshot.series(
            "calls", **{key: series.labels[key] for key in ("client", "server") if key in series.labels}
        )
        total = level(every[0].points) if every else 0.0
        if total > 0 and level(series.points) >= MANY_FAIL * total:
            quote = f"{level(series.points) / total:.0%} of the calls of {series.labels.get('client', '')} to it fail"
            yield evidence("metric", series.query, quote, series.ended, weight=0.5)
    if _gets_calls(scene, who):
        yield from _work_undone(scene, who)
    if not _is_served(scene, who):
        yield from _others_go_on(scene, who)


def _work_undone(scene: Scene, who: Component) -> Iterator[Evidence]:
    """It does not do any more what it did all the time, and those who asked for it go on asking."""
    for series in scene.of("done").get(who, ()):
        moved = shift(series.points, scene.onset)
        if moved and moved.fell(1 / NOTHING):
            yield evidence(
                "metric", series.query, f"{moved.before:.2f} -> {moved.after:.2f} pieces of work a second", weight=0.4
            )
    busy, most = scene.of("workers_busy").get(who, []), scene.of("workers_most").get(who, [])
    if busy and most and level(busy[0].points) >= 0.95 * level(most[0].points) > 0:
        yield evidence("metric", busy[0].query, "all its workers are busy", busy[0].ended, weight=0.5)


def _others_go_on(scene: Scene, who: Component) -> Iterator[Evidence]:
    """A worker gets its work from what it calls; if others go on to put work there, it has some."""
    for called in sorted(scene.called_by.get(who, ()), key=str):
        for series in scene.of("calls").get(called, ()):
            moved = shift(series.points, scene.onset)
            if scene.client(series.labels) not in {who, None} and moved and moved.after > 0 and not moved.fell(1.5):
                quote = (
                    f"{series.labels.get('client', '')} calls {called.name} as before, {moved.after:.2f} times a second"
                )
                yield evidence("metric", series.query, quote, series.ended, weight=0.4)
                return


def _stuck(who: Component, proof: tuple[Evidence, ...], onset: float | None = None) -> Finding:
    return Finding(
        "deadlock",
        "runtime",
        who,
        Text(
            f"{who} stands still: its pods run, use hardly any CPU, and work waits for them. Take a thread dump, then restart it.",
            f"{who} 停滞不前：Pod 在运行却几乎不用 CPU，而任务在等待处理。请先导出线程栈，再重启。",
        ),
        proof,
        onset=moment(onset) if onset else None,
    )
