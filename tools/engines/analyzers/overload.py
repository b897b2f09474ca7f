"""Programs that want more processor than they have, and why: too low a limit, too many requests, or work of their own.

Usage close to the limit and periods in which the kernel held the container back must agree, where both are known; where there is no limit,
usage must have risen far and somebody must feel it. Then the reasons are told apart, the outer ones first: a revision that lowered the
limit, an autoscaler that may not add any more pods, requests that rose by as much as the usage did and no later, a limit below the usual
work; what is left burns processor time of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median

from core.language import Text
from tools.engines.changes import FieldChange, Rollout, last_rollout
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.metrics.cores import allowed, usage
from tools.engines.metrics.demand import surge_through
from tools.engines.metrics.load import HELD_BACK, NEAR_LIMIT, Load, loads, service_shift
from tools.engines.metrics.scene import Scene, moment, scene_of
from tools.engines.metrics.shift import NO_BEFORE, Shift, beside, level
from tools.engines.metrics.slow import latencies
from tools.engines.objects import Object, component, dig, kind_of, mapping, namespace_of, rows, whole
from tools.engines.program import Program
from tools.engines.quantity import parse
from tools.engines.snapshot import Series, Snapshot

SURGE = 1.5
BURNS = 1.5
LEAST_CORES = 0.1
FULL = 0.9
ABOVE = 1.1
FAR_ABOVE = 4.0
LONG = 0.3
MODEST = 3.0
DOUBLED = 2.5
LEAST_PEERS = 4
PINNED = 0.95
MAX_EVIDENCE = 3


@dataclass(frozen=True, slots=True)
class Hot:
    """A program in want of processor: its busy containers, the worst first."""

    program: Program
    loads: tuple[Load, ...]
    pods: int
    onset: float | None
    rose: Shift | None

    @property
    def worst(self) -> Load:
        return self.loads[0]

    @property
    def who(self) -> Component:
        return self.program.component


@dataclass(frozen=True, slots=True)
class Why:
    fault: str
    words: Text
    proof: tuple[Evidence, ...] = ()
    remedies: tuple[str, ...] = ("scale_out", "raise_cpu_limit")
    explainable: bool = False


def programs_short_of_cpu(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    scene = scene_of(snapshot, graph)
    for program in snapshot.programs:
        hot = _hot(scene, program)
        why = _why(scene, hot) if hot else None
        # What comes in elsewhere is told of there.
        if hot and why and not (why.fault == "traffic_surge" and _comes_in_elsewhere(scene, hot.who)):
            yield _finding(scene, hot, why)


def autoscalers_at_their_end(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    """Where the autoscaler itself says that it wants more pods than it may have, and what it steers by is above its target."""
    for scaler in snapshot.of("HorizontalPodAutoscaler"):
        target = mapping(scaler, "spec", "scaleTargetRef")
        who = Component(
            kind=str(target.get("kind")), namespace=namespace_of(scaler) or None, name=str(target.get("name"))
        )
        full, above = full_scaler(snapshot, who), _above_target(scaler)
        if full and above and snapshot.program(who):
            yield Finding(
                "hpa_maxed",
                "performance",
                who,
                Text(
                    f"The autoscaler of {who} runs the most pods that it may ({full[1]}) and is still above its target ({above}). "
                    "Raise maxReplicas, or give each pod more.",
                    f"{who} 的自动扩缩容已到上限（{full[1]} 个副本），指标仍高于目标（{above}）。"
                    "请提高 maxReplicas，或给每个 Pod 更多资源。",
                ),
                (
                    evidence("kubernetes", full[0], full[2], weight=0.6),
                    evidence("kubernetes", f"{component(scaler)} status.currentMetrics", above, weight=0.5),
                ),
                remedies=(),
            )


def _above_target(scaler: Object) -> str:
    """The first metric that is more than a tenth above what is wanted of it."""
    wanted = {str(dig(row, "resource", "name")): _utilisation(row, "target") for row in rows(scaler, "spec", "metrics")}
    for row in rows(scaler, "status", "currentMetrics"):
        name, now = str(dig(row, "resource", "name")), _utilisation(row, "current")
        if now is not None and wanted.get(name) and now > ABOVE * (wanted[name] or 0):
            return f"{name} {now}% of {wanted[name]}%"
    now, most = (
        whole(dig(scaler, "status", "currentCPUUtilizationPercentage")),
        whole(dig(scaler, "spec", "targetCPUUtilizationPercentage")),
    )
    return f"cpu {now}% of {most}%" if now is not None and most and now > ABOVE * most else ""


def _utilisation(row: Object, side: str) -> int | None:
    return whole(dig(row, "resource", side, "averageUtilization"))


def _hot(scene: Scene, program: Program) -> Hot | None:
    if program.component.kind in {"Job", "CronJob"}:
        return None  # a task takes what it gets until it is done
    found = loads(scene, program)
    slow = bool(latencies(scene).get(program.component))
    busy = [load for load in found if _is_busy(load, slow=slow)] or _far_above_siblings(found)
    if not busy and (slow or _takes_long(scene, program.component)):
        busy = _far_above(scene, program, found)
    if not busy:
        return None
    busy.sort(key=lambda load: (load.share or 0.0, load.held_back or 0.0, load.used or 0.0), reverse=True)
    worst = busy[0]
    name = worst.container
    same = tuple(load for load in busy if load.container == name)
    onset = _onset(worst)
    pods = len({load.pod for load in found}) or 1
    return Hot(program, same, pods, onset, worst.moved)


def is_short_of_cpu(scene: Scene, program: Program) -> bool:
    return _hot(scene, program) is not None


def _takes_long(scene: Scene, who: Component) -> bool:
    """Measured only now, its answers are slow by any measure."""
    told = [one for signal in ("latency", "served_latency", "call_latency") for one in scene.of(signal).get(who, ())]
    return any(len(one.points) < NO_BEFORE and level(one.points) >= LONG for one in told)


def _far_above_siblings(found: list[Load]) -> list[Load]:
    """Pods near their limit of which others of the same program, that do the same work, use next to nothing."""
    far = []
    for load in found:
        others = [
            one.used for one in found if one.container == load.container and one is not load and one.used is not None
        ]
        near = load.share is not None and load.share >= NEAR_LIMIT
        if near and load.used and load.usage and others and load.used >= FAR_ABOVE * median(others):
            far.append(replace(load, moved=beside(load.used, others, load.usage.points)))
    return far if 2 * len(far) <= len(found) else []


def _far_above(scene: Scene, program: Program, found: list[Load]) -> list[Load]:
    """Of a slow program without a limit that was measured only now: pods that use many times what all others do."""
    own = [load for load in found if load.usage and len(load.usage.points) < NO_BEFORE]
    others = _of_others(scene, program.component)
    if not own or len(others) < LEAST_PEERS:
        return []
    return [
        replace(load, moved=beside(level(load.usage.points), others, load.usage.points))
        for load in own
        if load.usage and level(load.usage.points) >= FAR_ABOVE * max(others)
    ]


def _is_busy(load: Load, *, slow: bool) -> bool:
    rose = load.moved is not None and load.moved.rose(BURNS, LEAST_CORES if load.used is not None else 0.0)
    if slow and load.is_held_back_now:
        return True
    if load.is_at_its_limit and (load.share is None or load.share >= NEAR_LIMIT or slow or rose):
        # Many samples that all say the same, without a throttled period told, are how it always is.
        return rose or slow or (load.usage is not None and load.held_back is not None) or (load.share or 0.0) >= FULL
    if not rose or load.moved is None:
        return False
    if load.share is not None:
        return load.share >= 0.7 and slow
    return slow or (
        load.held_back is None and load.moved.times >= 2 * BURNS and (load.used is None or load.used >= 0.5)
    )


def _onset(load: Load) -> float | None:
    if load.usage is None:
        return load.moved.onset if load.moved else None
    if not load.limit:
        return load.moved.onset if load.moved else load.usage.points[0][0]
    threshold = 0.9 * NEAR_LIMIT * load.limit
    begin, below = load.usage.points[-1][0], 0
    for at, value in reversed(load.usage.points):
        below = below + 1 if value < threshold else 0
        if below > 1:
            break
        begin = at if value >= threshold else begin
    return begin


def _why(scene: Scene, hot: Hot) -> Why:
    rollout = _rollout(scene.snapshot, hot.who)
    lowered = _lowered(rollout, hot.worst.container)
    if rollout and lowered:
        return _by_change(hot, rollout, lowered)
    surge = _surge(scene, hot)
    scaler = full_scaler(scene.snapshot, hot.who)
    if scaler:
        return _no_more_pods(scaler, surge)
    if surge:
        return _more_requests(surge)
    if _is_tight(hot) or _is_modest(scene, hot):
        return Why(
            "cpu_throttled",
            Text(
                "Its usage did not rise: the limit is too low for its usual work in bursts. Raise the limit.",
                "其用量并未上升：CPU 限制对正常的突发负载来说过低，请提高限制。",
            ),
            remedies=("raise_cpu_limit", "scale_out"),
        )
    return Why(
        "pod_cpu_overload",
        Text(
            "Requests did not rise to explain it. More replicas or a higher limit give it room; then find what burns the CPU.",
            "请求量并没有相应上升。可增加副本或提高限制以缓解，随后排查是什么在消耗 CPU。",
        ),
    )


def _is_tight(hot: Hot) -> bool:
    """Held back in many periods, while it used no more than before and, on the average, has room."""
    load = hot.worst
    if load.held_back is None or load.held_back < HELD_BACK:
        return False
    if load.moved is not None and load.moved.samples >= 8 and load.moved.rose(1.25):
        return False
    # What uses all that it may, all the time, would use more: that is an overload.
    return load.share is not None and load.share < PINNED


def _is_modest(scene: Scene, hot: Hot) -> bool:
    """At its limit with no more than what others use as well: the limit is what is unusual. What rose to it, though not many times, did so
    below a limit that is low beside those of others."""
    load = hot.worst
    if load.used is None or not load.held_back:
        return False
    if load.moved is not None and load.moved.rose(1.25) and not (load.moved.times <= DOUBLED and _is_low(scene, hot)):
        return False
    if any(load.used > BURNS * usual for usual in _other_pods(scene, hot)):
        return False
    others = _of_others(scene, hot.who)
    return len(others) >= LEAST_PEERS and load.used <= MODEST * median(others)


def _is_low(scene: Scene, hot: Hot) -> bool:
    """Whether its limit is less than half of what other programs beside it may use."""
    others = [
        limit
        for program in scene.snapshot.programs
        if program.namespace == hot.program.namespace
        and program != hot.program
        and (limit := allowed(program.containers, ""))
    ]
    return bool(others and hot.worst.limit) and 2 * (hot.worst.limit or 0.0) <= median(others)


def _of_others(scene: Scene, who: Component) -> list[float]:
    return [level(one.points) for other, many in usage(scene).items() if other != who for one in many]


def _other_pods(scene: Scene, hot: Hot) -> list[float]:
    """What the same container used in pods that are not at their limit, those that were replaced a moment ago too."""
    short = {load.pod for load in hot.loads}
    return [
        median(value for _, value in one.points)
        for one in usage(scene).get(hot.who, ())
        if one.labels.get("pod") not in short and one.labels.get("container", "") in ("", hot.worst.container)
    ]


def _by_change(hot: Hot, rollout: Rollout, lowered: FieldChange) -> Why:
    number = rollout.current.number
    ref = f"{hot.who} revision {number} (ReplicaSet {rollout.current.name})"
    return Why(
        "cpu_throttled",
        Text(
            f"Revision {number} lowered the limit from {lowered.before} to {lowered.after}; go back to the one before.",
            f"第 {number} 版把 CPU 限制从 {lowered.before} 降到 {lowered.after}，请回滚到上一版。",
        ),
        (evidence("change", ref, str(lowered), rollout.current.at, weight=0.6),),
        ("rollback_rollout", "raise_cpu_limit"),
    )


def _more_requests(surge: tuple[Series, Shift]) -> Why:
    series, moved = surge
    quote = f"requests rose {moved.times:.1f} times, to {moved.after:.1f} a second"
    return Why(
        "traffic_surge",
        Text(
            f"Requests rose {moved.times:.1f} times, so more replicas will share the work.",
            f"请求量上升到 {moved.times:.1f} 倍，增加副本即可分担。",
        ),
        (evidence("metric", series.query, quote, series.ended, weight=0.4),),
        explainable=True,
    )


def _no_more_pods(scaler: tuple[str, int, str], surge: tuple[Series, Shift] | None) -> Why:
    ref, most, said = scaler
    proof = [evidence("kubernetes", ref, said, weight=0.7)]
    if surge:
        quote = f"requests rose {surge[1].times:.1f} times"
        proof.append(evidence("metric", surge[0].query, quote, surge[0].ended, weight=0.2))
    return Why(
        "hpa_maxed",
        Text(
            f"Its autoscaler already runs the most pods that it may ({most}). Raise maxReplicas, or give each pod more.",
            f"其自动扩缩容已到上限（{most} 个副本）。请提高 maxReplicas，或给每个 Pod 更多资源。",
        ),
        tuple(proof),
        ("scale_out", "raise_cpu_limit"),
    )


def _finding(scene: Scene, hot: Hot, why: Why) -> Finding:
    worst, who = hot.worst, hot.who
    onset = moment(hot.onset) if hot.onset is not None else None
    since_en = f" since {onset:%H:%M} UTC" if onset else ""
    since_zh = f"自 {onset:%H:%M} UTC 起" if onset else ""
    said = _numbers(worst)
    place = f"Container {worst.container} of {who}" if worst.container else f"{who}"
    place_zh = f"{who} 的容器 {worst.container} " if worst.container else f"{who} "
    proof = [item for load in hot.loads[:MAX_EVIDENCE] for item in _usage(hot, load)]
    return Finding(
        fault=why.fault,
        category="performance",
        component=who,
        words=Text(
            f"{place} is short of CPU{since_en}: {said('en')}, in {len(hot.loads)}/{hot.pods} pod(s). {why.words('en')}",
            f"{place_zh}{since_zh}CPU 不足：{said('zh')}，涉及 {len(hot.loads)}/{hot.pods} 个 Pod。{why.words('zh')}",
        ),
        evidence=(*proof, *why.proof, *_slower(scene, who, onset)),
        onset=onset,
        explainable=why.explainable or _is_asked_more(scene, who),
        remedies=why.remedies if worst.limit and worst.used is not None else (),
        facts=_facts(hot),
    )


def _facts(hot: Hot) -> dict[str, object]:
    return {
        "container": hot.worst.container,
        "used": sum(load.used or 0.0 for load in hot.loads),
        "limit": hot.worst.limit,
        "held_back": hot.worst.held_back or 0.0,
        "hot": len(hot.loads),
        "pods": hot.pods,
    }


def _numbers(load: Load) -> Text:
    en, zh = [], []
    if load.used is not None and load.limit:
        en.append(f"it uses {load.used:.2f} / {load.limit:.2f} cores")
        zh.append(f"使用 {load.used:.2f} / {load.limit:.2f} 核")
    elif load.used is not None:
        en.append(f"it uses {load.used:.2f} cores without a limit")
        zh.append(f"使用 {load.used:.2f} 核（无上限）")
    elif load.share is not None:
        en.append(f"it uses {load.share:.0%} of what it may")
        zh.append(f"已用可用 CPU 的 {load.share:.0%}")
    if load.held_back is not None:
        en.append(f"it is held back in {load.held_back:.0%} of periods")
        zh.append(f"{load.held_back:.0%} 的调度周期被限流")
    if load.moved is not None and load.moved.rose(BURNS) and load.moved.before > 0:
        en.append(f"{load.moved.times:.1f} times as much as before")
        zh.append(f"是之前的 {load.moved.times:.1f} 倍")
    return Text(" and ".join(en) or "usage has risen", "，".join(zh) or "用量上升")


def _usage(hot: Hot, load: Load) -> Iterator[Evidence]:
    rose = load.moved is not None and load.moved.rose(BURNS)
    said = _numbers(load)("en")
    if load.usage is not None:
        weight = 0.75 if load.held_back is not None or rose else 0.6
        yield evidence("metric", load.usage.query, f"{load.pod}: {said}", load.usage.ended, weight=weight)
    elif load.source:
        yield evidence("metric", load.source, f"{load.pod}: {said}", weight=0.65)
    if load.throttling is not None:
        held = f"{load.pod}: {load.held_back or 0:.0%} of periods throttled"
        yield evidence("metric", load.throttling.query, held, load.throttling.ended, weight=0.65)
    if load.limit and load is hot.worst:
        ref = f"Pod {hot.who.namespace}/{load.pod} spec.containers[{load.container}].resources.limits.cpu"
        yield evidence("kubernetes", ref, f"{load.limit:g} cores", weight=0.3)


def _slower(scene: Scene, who: Component, onset: datetime | None) -> Iterator[Evidence]:
    for slow in latencies(scene).get(who, ())[:1]:
        quote = f"answers took {slow.moved.before * 1000:.0f} ms and take {slow.moved.after * 1000:.0f} ms now"
        yield evidence("metric", slow.series.query, quote, onset, weight=0.4)


def _surge(scene: Scene, hot: Hot) -> tuple[Series, Shift] | None:
    """Requests that rose about as much as the usage did, and no later."""
    found = service_shift(scene, hot.who, "requests") or service_shift(scene, hot.who, "calls")
    if found is None or not found[1].rose(SURGE):
        return None
    used = hot.rose
    return found if used is None or found[1].times >= 0.6 * used.times or used.before <= 0 else None


def _comes_in_elsewhere(scene: Scene, who: Component) -> bool:
    surge = surge_through(scene, who)
    return surge is not None and surge.entry != who


def _is_asked_more(scene: Scene, who: Component) -> bool:
    """Then whoever asks may be to blame."""
    found = (service_shift(scene, who, signal) for signal in ("requests", "calls"))
    return any(moved[1].rose(SURGE) for moved in found if moved)


def full_scaler(snapshot: Snapshot, who: Component) -> tuple[str, int, str] | None:
    """The autoscaler of a workload that would want more pods than it may have."""
    for scaler in snapshot.of("HorizontalPodAutoscaler", who.namespace or ""):
        target = mapping(scaler, "spec", "scaleTargetRef")
        most, now = dig(scaler, "spec", "maxReplicas"), dig(scaler, "status", "currentReplicas")
        if (target.get("kind"), target.get("name")) != (who.kind, who.name):
            continue
        if isinstance(most, int) and isinstance(now, int) and now >= most:
            ref = f"HorizontalPodAutoscaler {who.namespace}/{dig(scaler, 'metadata', 'name')} status.currentReplicas"
            return ref, most, f"{now} of at most {most} replicas{_wants_more(scaler)}"
    return None


def _wants_more(scaler: dict[str, object]) -> str:
    said = [
        str(row.get("message")) for row in rows(scaler, "status", "conditions") if row.get("type") == "ScalingLimited"
    ]
    return f"; {said[0]}" if said else ""


def _lowered(rollout: Rollout | None, container: str) -> FieldChange | None:
    for change in rollout.touching(f"[{container}].resources.limits.cpu") if rollout else ():
        before, after = parse(change.before), parse(change.after)
        if after is not None and (before is None or after < before):
            return change
    return None


def _rollout(snapshot: Snapshot, workload: Component) -> Rollout | None:
    obj = snapshot.get(workload.kind, workload.namespace, workload.name)
    return last_rollout(snapshot, obj) if obj and kind_of(obj) == "Deployment" else None
