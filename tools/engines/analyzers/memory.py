"""Containers that the kernel killed for memory, against the limit that they were given.

The kill is read from the container's own last state, the size from the working set before it, and the limit from the container; the last
revision says whether somebody lowered the limit. A container that has long run well below its limit since has recovered: it is not a cause.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from core.language import Text
from tools.engines.changes import FieldChange, Revision, Rollout, last_rollout, revisions
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.objects import (
    Object,
    component,
    containers,
    dig,
    kind_of,
    name_of,
    namespace_of,
    rows,
    statuses,
    when,
)
from tools.engines.objects import (
    restarts as restarts_of,
)
from tools.engines.quantity import MEBI, parse
from tools.engines.snapshot import Series, Snapshot

KILLED = "OOMKilled"
NEAR_LIMIT = 0.9
RECOVERED = timedelta(minutes=15)


def containers_killed_for_memory(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    killed: dict[tuple[Component, str], list[tuple[Object, Object]]] = {}
    for pod in snapshot.judged_pods:
        for status in statuses(pod):
            if _kill(status) and not _recovered(snapshot, status):
                killed.setdefault((graph.workload_of(pod), str(status.get("name"))), []).append((pod, status))
    for (workload, container), hits in killed.items():
        yield _finding(snapshot, workload, container, hits)


def _finding(snapshot: Snapshot, workload: Component, container: str, hits: list[tuple[Object, Object]]) -> Finding:
    pod, _ = max(hits, key=lambda hit: restarts_of(hit[1]))
    limit_text = _limit(pod, container)
    limit = parse(limit_text)
    rollout = _rollout(snapshot, workload)
    lowered = _lowered(rollout, container)
    undone = _undone(snapshot, workload, container, hits, limit)
    began_with = rollout if rollout and not lowered and _began_with(snapshot, rollout, hits) else None
    peak = _peak(snapshot, workload, container)
    restarts = sum(restarts_of(hit[1]) for hit in hits)
    proof = [*_states(hits), *_size(peak, limit), *_change(workload, rollout, lowered)]
    proof += [*_since(workload, began_with), *_events(snapshot, pod)]
    limit_en, limit_zh = (
        (f"its limit of {limit_text}", f"内存限制 {limit_text}") if limit_text else ("its node's memory", "节点内存")
    )
    fix = _already_undone(*undone) if undone else _advice(rollout, lowered, began_with)
    remedies = ("rollback_rollout", "raise_memory_limit") if lowered or began_with else ("raise_memory_limit",)
    return Finding(
        fault="oom_killed",
        category="runtime",
        component=workload,
        words=Text(
            f"Container {container} of {workload} is killed for memory: it needs more than {limit_en} "
            f"({restarts} restart(s) in {len(hits)} pod(s)). {fix('en')}",
            f"{workload} 的容器 {container} 因内存被杀（OOMKilled）：它需要的内存超过{limit_zh}"
            f"（{len(hits)} 个 Pod 共重启 {restarts} 次）。{fix('zh')}",
        ),
        evidence=tuple(proof),
        onset=min((item.at for item in proof if item.at), default=None),
        remedies=() if undone else remedies,
        facts={
            "container": container,
            "limit": limit,
            "limit_text": limit_text,
            "pods": len(hits),
            "restarts": restarts,
            "peak": peak.peak[1] if peak else None,
            "previous_limit": parse(lowered.before) if lowered else None,
            "life_seconds": max((_life(hit[1]) or 0.0 for hit in hits), default=0.0),
            "began_with_rollout": began_with is not None,
            "undone_by": f"revision {undone[0].number}: {undone[1]}" if undone else None,
        },
    )  # fmt: skip


def _kill(status: Object) -> Object | None:
    for state in ("state", "lastState"):
        ended = dig(status, state, "terminated")
        if isinstance(ended, dict) and ended.get("reason") == KILLED:
            return ended
    return None


def _recovered(snapshot: Snapshot, status: Object) -> bool:
    ended = when(dig(_kill(status), "finishedAt"))
    if ended and ended < snapshot.window.start:
        return True
    started = when(dig(status, "state", "running", "startedAt"))
    return bool(status.get("ready") and started and snapshot.taken_at - started > RECOVERED)


def _states(hits: list[tuple[Object, Object]]) -> Iterator[Evidence]:
    for pod, status in hits[:2]:
        ended = _kill(status) or {}
        quote = f"{ended.get('reason')}, exit code {ended.get('exitCode')}, restarts {status.get('restartCount', 0)}"
        ref = f"{component(pod)} status.containerStatuses[{status.get('name')}].lastState.terminated"
        yield evidence("kubernetes", ref, quote, when(ended.get("finishedAt")), weight=0.75)


def _size(peak: Series | None, limit: float | None) -> Iterator[Evidence]:
    if not peak:
        return
    at, value = peak.peak
    share = f" of {limit / MEBI:.0f} MiB" if limit else ""
    weight = 0.5 if limit and value >= NEAR_LIMIT * limit else 0.2
    from_time = datetime.fromtimestamp(at, peak.ended.tzinfo)
    yield evidence("metric", peak.query, f"working set reached {value / MEBI:.0f} MiB{share}", from_time, weight=weight)


def _change(workload: Component, rollout: Rollout | None, lowered: FieldChange | None) -> Iterator[Evidence]:
    if rollout and lowered:
        ref = f"{workload} revision {rollout.current.number} (ReplicaSet {rollout.current.name})"
        yield evidence("change", ref, str(lowered), rollout.current.at, weight=0.6)


def _began_with(snapshot: Snapshot, rollout: Rollout, hits: list[tuple[Object, Object]]) -> bool:
    """Whether only pods of a revision that is new in this window are killed."""
    at = rollout.current.at
    if at is None or at < snapshot.window.start or not rollout.fields:
        return False
    return all(_is_made_by(pod, rollout.current.name) for pod, _ in hits)


def _since(workload: Component, rollout: Rollout | None) -> Iterator[Evidence]:
    if rollout:
        ref = f"{workload} revision {rollout.current.number} (ReplicaSet {rollout.current.name})"
        quote = "; ".join(str(change) for change in rollout.fields[:3])
        yield evidence("change", ref, quote, rollout.current.at, weight=0.4)


def _events(snapshot: Snapshot, pod: Object) -> Iterator[Evidence]:
    for event in reversed(snapshot.events_of(pod)):
        if event.reason in {"BackOff", "OOMKilling"}:
            yield evidence("event", event.ref, event.message, event.at, weight=0.2)
            return


def _advice(rollout: Rollout | None, lowered: FieldChange | None, began_with: Rollout | None) -> Text:
    if rollout and lowered:
        now, before = rollout.current.number, rollout.previous.number
        return Text(
            f"Revision {now} lowered the limit from {lowered.before} to {lowered.after}; go back to revision {before}.",
            f"第 {now} 版把内存限制从 {lowered.before} 降到 {lowered.after}，请回滚到第 {before} 版。",
        )
    if began_with:
        now, before = began_with.current.number, began_with.previous.number
        what = "; ".join(str(change) for change in began_with.fields[:2])
        return Text(
            f"It began with revision {now} ({what}); go back to revision {before}, or raise the limit.",
            f"问题始于第 {now} 版（{what}），请回滚到第 {before} 版，或提高内存限制。",
        )
    return Text(
        "Raise the limit, and look for a leak if it keeps growing.", "请提高内存限制；若持续增长，请排查内存泄漏。"
    )


def _undone(
    snapshot: Snapshot, workload: Component, container: str, hits: list[tuple[Object, Object]], limit: float | None
) -> tuple[Revision, str] | None:
    """The revision that already gives more, where only pods of the ones before it were killed."""
    obj = snapshot.get(workload.kind, workload.namespace, workload.name)
    history = revisions(snapshot, obj) if obj and workload.kind == "Deployment" else []
    if len(history) < 2 or any(_is_made_by(pod, history[0].name) for pod, _ in hits):
        return None
    gives = str(dig(history[0].container(container), "resources", "limits", "memory") or "")
    more = parse(gives)
    return (history[0], gives) if more and limit and more > limit else None


def _is_made_by(pod: Object, replica_set: str) -> bool:
    return any(row.get("name") == replica_set for row in rows(pod, "metadata", "ownerReferences"))


def _already_undone(now: Revision, gives: str) -> Text:
    return Text(
        f"Revision {now.number} already allows {gives}, and none of its pods was killed: wait until it has replaced the others.",
        f"第 {now.number} 版已把限制放宽到 {gives}，其 Pod 均未被杀：等待它替换完其余 Pod 即可。",
    )


def _lowered(rollout: Rollout | None, container: str) -> FieldChange | None:
    for change in rollout.touching(f"[{container}].resources.limits.memory") if rollout else ():
        before, after = parse(change.before), parse(change.after)
        if after is not None and (before is None or after < before):
            return change
    return None


def _peak(snapshot: Snapshot, workload: Component, container: str) -> Series | None:
    pods = {
        name_of(pod) for pod in snapshot.pods_of(snapshot.get(workload.kind, workload.namespace, workload.name) or {})
    }
    found = [
        series
        for series in snapshot.series("memory", namespace=workload.namespace or "", container=container)
        if series.labels.get("pod") in pods
    ]
    return max(found, key=lambda series: series.peak[1], default=None)


def _limit(pod: Object, container: str) -> str:
    row = next((row for row in containers(pod) if row.get("name") == container), {})
    return str(dig(row, "resources", "limits", "memory") or "")


def _life(status: Object) -> float | None:
    """How long the container lived before it was killed: a repair is not proven before it outlived that."""
    ended = _kill(status)
    start, end = when(dig(ended, "startedAt")), when(dig(ended, "finishedAt"))
    return (end - start).total_seconds() if start and end else None


def _rollout(snapshot: Snapshot, workload: Component) -> Rollout | None:
    obj = snapshot.get(workload.kind, workload.namespace, workload.name)
    return last_rollout(snapshot, obj) if obj and kind_of(obj) == "Deployment" and namespace_of(obj) else None
