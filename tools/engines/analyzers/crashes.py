"""Programs that exit by themselves: the exit code, and the last lines that the dead container wrote.

A kill for memory is not this fault, nor is a container that never started. A crash may be another component's doing (a dependency that
refuses), so the finding is explainable: ranking drops it where the dependency's own fault was found.
"""

from collections.abc import Iterable, Iterator

from core.language import Text
from tools.engines.changes import Rollout, last_rollout
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.objects import Object, component, dig, kind_of, name_of, namespace_of, rows, when
from tools.engines.snapshot import LogKey, Snapshot

LAST_LINES = 3
_NOT_A_CRASH = {"OOMKilled", "Completed", "ContainerCannotRun", "StartError"}


def programs_that_exit(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    seen: set[tuple[Component, str]] = set()
    for pod in snapshot.present_pods():
        for status in rows(pod, "status", "containerStatuses"):
            key = (graph.workload_of(pod), str(status.get("name")))
            if key not in seen and _is_crashing(snapshot, status):
                seen.add(key)
                yield _finding(snapshot, pod, status, key[0])


def _is_crashing(snapshot: Snapshot, status: Object) -> bool:
    ended = _ended(status)
    if not ended or ended.get("reason") in _NOT_A_CRASH or not ended.get("exitCode"):
        return False
    at = when(ended.get("finishedAt"))
    recent = at is None or at >= snapshot.window.start
    return recent and (dig(status, "state", "running") is None or not status.get("ready"))


def _ended(status: Object) -> Object:
    found = dig(status, "state", "terminated") or dig(status, "lastState", "terminated")
    return found if isinstance(found, dict) else {}


def _finding(snapshot: Snapshot, pod: Object, status: Object, workload: Component) -> Finding:
    ended, container = _ended(status), str(status.get("name"))
    code, restarts = ended.get("exitCode"), int(status.get("restartCount") or 0)
    obj = snapshot.get(workload.kind, workload.namespace, workload.name)
    rollout = last_rollout(snapshot, obj) if obj and kind_of(obj) == "Deployment" else None
    changed = bool(rollout and rollout.current.at and rollout.current.at >= snapshot.window.start and rollout.fields)
    ref = f"{component(pod)} status.containerStatuses[{container}].lastState.terminated"
    proof = [
        evidence("kubernetes", ref, f"exit code {code}, {restarts} restart(s)", when(ended.get("finishedAt")), weight=0.5),
        *_last_words(snapshot, pod, container),
        *_change(workload, rollout if changed else None),
    ]  # fmt: skip
    said = next((item.quote for item in proof if item.source == "log"), "")
    tail_en, tail_zh = (f" Its last lines: {said}", f"最后的日志：{said}") if said else ("", "")
    return Finding(
        fault="application_crash",
        category="runtime",
        component=workload,
        words=Text(
            f"Container {container} of {workload} exits with code {code} and is restarted ({restarts} time(s)).{tail_en}",
            f"{workload} 的容器 {container} 以退出码 {code} 退出并被反复重启（{restarts} 次）。{tail_zh}",
        ),
        evidence=tuple(proof),
        onset=min((item.at for item in proof if item.at), default=None),
        explainable=True,
        remedies=("rollback_rollout",) if changed else (),
        facts={"container": container, "exit_code": code},
    )


def _last_words(snapshot: Snapshot, pod: Object, container: str) -> Iterator[Evidence]:
    for previous in (True, False):
        log = snapshot.log(pod, container, previous=previous)
        if log.tail:
            key = LogKey(namespace_of(pod), name_of(pod), container, previous)
            yield evidence("log", str(key), log.last_words(LAST_LINES), weight=0.35)
            return


def _change(workload: Component, rollout: Rollout | None) -> Iterator[Evidence]:
    if rollout:
        ref = f"{workload} revision {rollout.current.number} (ReplicaSet {rollout.current.name})"
        quote = "; ".join(str(change) for change in rollout.fields[:3])
        yield evidence("change", ref, quote, rollout.current.at, weight=0.4)
