"""Containers that want more CPU than their limit lets them have.

Two counters must agree: usage close to the limit, and periods in which the kernel held the container back. The onset is where the final
stretch of high usage began. Then the reasons are told apart: a limit that the last revision lowered, requests that rose by as much as
the usage did, or neither, and then the program itself burns more for the same work.
"""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from core.language import Text
from tools.engines.changes import FieldChange, Rollout, last_rollout
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.objects import Object, containers, dig, kind_of, name_of, namespace_of
from tools.engines.quantity import parse
from tools.engines.snapshot import Series, Snapshot

NEAR_LIMIT = 0.8
HELD_BACK = 0.2
SURGE = 1.5
LATEST = 3


@dataclass(frozen=True, slots=True)
class Load:
    """One container now: cores used, cores allowed, share of periods held back, and since when."""

    pod: str
    container: str
    used: float
    limit: float
    held_back: float
    onset: float
    usage: Series
    throttling: Series

    @property
    def ratio(self) -> float:
        return self.used / self.limit


def containers_at_their_cpu_limit(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    loads: dict[tuple[Component, str], list[Load]] = defaultdict(list)
    total: dict[tuple[Component, str], int] = defaultdict(int)
    for pod in snapshot.present_pods():
        for container in containers(pod):
            key = (graph.workload_of(pod), str(container.get("name")))
            total[key] += 1
            load = _load(snapshot, pod, container)
            if load:
                loads[key].append(load)
    for (workload, name), hot in loads.items():
        yield _finding(snapshot, workload, name, hot, total[(workload, name)])


def _load(snapshot: Snapshot, pod: Object, container: Object) -> Load | None:
    limit = parse(dig(container, "resources", "limits", "cpu"))
    who = {"namespace": namespace_of(pod), "pod": name_of(pod), "container": str(container.get("name"))}
    usage, throttling = snapshot.series("cpu_usage", **who), snapshot.series("cpu_throttled", **who)
    if not limit or not usage or not throttling or not snapshot.is_current(usage[0]):
        return None
    used, held_back = _level(usage[0].points), _level(throttling[0].points)
    if used < NEAR_LIMIT * limit or held_back < HELD_BACK:
        return None
    onset = _onset(usage[0].points, 0.9 * NEAR_LIMIT * limit)
    return Load(who["pod"], who["container"], used, limit, held_back, onset, usage[0], throttling[0])


def _finding(snapshot: Snapshot, workload: Component, container: str, hot: list[Load], pods: int) -> Finding:
    worst = max(hot, key=lambda load: load.ratio)
    onset = datetime.fromtimestamp(worst.onset, UTC)
    rollout = _rollout(snapshot, workload)
    lowered = _lowered(rollout, container)
    surge = _surge(snapshot, workload, worst)
    fault = "cpu_throttled" if lowered else "traffic_surge" if surge else "pod_cpu_overload"
    proof = [
        *_usage(worst),
        *_requests(surge),
        *_change(workload, rollout, lowered),
        *_slower(snapshot, workload, onset),
    ]
    why = _why(rollout, lowered, surge)
    used, held, where = f"{worst.used:.2f} / {worst.limit:.2f}", f"{worst.held_back:.0%}", f"{len(hot)}/{pods}"
    return Finding(
        fault=fault,
        category="performance",
        component=workload,
        words=Text(
            f"Container {container} of {workload} is at its CPU limit since {onset:%H:%M} UTC: it uses {used} cores and is "
            f"held back in {held} of periods, in {where} pod(s). {why('en')}",
            f"{workload} 的容器 {container} 自 {onset:%H:%M} UTC 起达到 CPU 上限：使用 {used} 核，"
            f"{held} 的调度周期被限流，涉及 {where} 个 Pod。{why('zh')}",
        ),
        evidence=tuple(proof),
        onset=onset,
        remedies=("rollback_rollout", "raise_cpu_limit") if lowered else ("scale_out", "raise_cpu_limit"),
        facts={
            "container": container,
            "used": sum(load.used for load in hot),
            "limit": worst.limit,
            "held_back": worst.held_back,
            "hot": len(hot),
            "pods": pods,
        },
    )


def _why(rollout: Rollout | None, lowered: FieldChange | None, surge: tuple[Series, float] | None) -> Text:
    if rollout and lowered:
        number = rollout.current.number
        return Text(
            f"Revision {number} lowered the limit from {lowered.before} to {lowered.after}; go back to the one before.",
            f"第 {number} 版把 CPU 限制从 {lowered.before} 降到 {lowered.after}，请回滚到上一版。",
        )
    if surge:
        return Text(
            f"Requests rose {surge[1]:.1f} times, so more replicas will share the work.",
            f"请求量上升到 {surge[1]:.1f} 倍，增加副本即可分担。",
        )
    return Text(
        "Requests did not rise to explain it. More replicas or a higher limit give it room; then find what burns the CPU.",
        "请求量并没有相应上升。可增加副本或提高限制以缓解，随后排查是什么在消耗 CPU。",
    )


def _usage(load: Load) -> Iterator[Evidence]:
    onset = datetime.fromtimestamp(load.onset, UTC)
    used = f"{load.pod}: {load.used:.2f} of {load.limit:.2f} cores ({load.ratio:.0%}), high since {onset:%H:%M:%S} UTC"
    yield evidence("metric", load.usage.query, used, load.usage.ended, weight=0.7)
    held = f"{load.pod}: {load.held_back:.0%} of periods throttled"
    yield evidence("metric", load.throttling.query, held, load.throttling.ended, weight=0.65)
    ref = f"Pod {load.usage.labels.get('namespace')}/{load.pod} spec.containers[{load.container}].resources.limits.cpu"
    yield evidence("kubernetes", ref, f"{load.limit:g} cores", weight=0.3)


def _requests(surge: tuple[Series, float] | None) -> Iterator[Evidence]:
    if surge:
        quote = f"requests rose {surge[1]:.1f} times, to {surge[0].last:.1f} a second"
        yield evidence("metric", surge[0].query, quote, surge[0].ended, weight=0.4)


def _change(workload: Component, rollout: Rollout | None, lowered: FieldChange | None) -> Iterator[Evidence]:
    if rollout and lowered:
        ref = f"{workload} revision {rollout.current.number} (ReplicaSet {rollout.current.name})"
        yield evidence("change", ref, str(lowered), rollout.current.at, weight=0.6)


def _slower(snapshot: Snapshot, workload: Component, onset: datetime) -> Iterator[Evidence]:
    for series in _of_services(snapshot, workload, "latency"):
        before, now = _around(series.points, onset.timestamp())
        if before and now and now > 1.5 * before:
            quote = f"95th percentile of {series.labels.get('service')} rose from {before * 1000:.0f} to {now * 1000:.0f} ms"
            yield evidence("metric", series.query, quote, series.ended, weight=0.5)


def _surge(snapshot: Snapshot, workload: Component, load: Load) -> tuple[Series, float] | None:
    """Requests that rose about as much as the usage did, and when it did."""
    used_before, used_now = _around(load.usage.points, load.onset)
    for series in _of_services(snapshot, workload, "requests"):
        before, now = _around(series.points, load.onset)
        if before and now and now >= SURGE * before and used_before and now / before >= 0.6 * used_now / used_before:
            return series, now / before
    return None


def _of_services(snapshot: Snapshot, workload: Component, signal: str) -> list[Series]:
    obj = snapshot.get(workload.kind, workload.namespace, workload.name)
    names = {name_of(service) for service in snapshot.services_of(obj)} if obj else set()
    found = snapshot.series("latency" if signal == "latency" else "requests", namespace=workload.namespace or "")
    return [series for series in found if series.labels.get("service") in names]


def _around(points: Sequence[tuple[float, float]], onset: float) -> tuple[float, float]:
    before = [value for at, value in points if at < onset]
    return (statistics.median(before) if before else 0.0), _level(points)


def _level(points: Sequence[tuple[float, float]]) -> float:
    latest = [value for _, value in points[-LATEST:]]
    return statistics.median(latest) if latest else 0.0


def _onset(points: Sequence[tuple[float, float]], threshold: float) -> float:
    """The start of the last stretch above the threshold; single points below it are forgiven."""
    begin, below = points[-1][0], 0
    for at, value in reversed(points):
        below = below + 1 if value < threshold else 0
        if below > 1:
            break
        begin = at if value >= threshold else begin
    return begin


def _lowered(rollout: Rollout | None, container: str) -> FieldChange | None:
    for change in rollout.touching(f"[{container}].resources.limits.cpu") if rollout else ():
        before, after = parse(change.before), parse(change.after)
        if after is not None and (before is None or after < before):
            return change
    return None


def _rollout(snapshot: Snapshot, workload: Component) -> Rollout | None:
    obj = snapshot.get(workload.kind, workload.namespace, workload.name)
    return last_rollout(snapshot, obj) if obj and kind_of(obj) == "Deployment" else None
