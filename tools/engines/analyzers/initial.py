"""Init containers that fail: the pod waits for them, and its program never starts.

The exit code is in the status, the reason in the container's log. One that waits for a dependency is the dependency's victim, so the
finding is explainable, and any fault that names the reason stands in its place.
"""

from collections.abc import Iterable, Iterator

from core.language import Text
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.objects import Object, component, dig, name_of, namespace_of, rows, when
from tools.engines.snapshot import LogKey, Snapshot

LAST_LINES = 3
PATIENCE = 300.0
# These have a fault of their own: the image, the configuration, the command, the memory.
_OTHERS = frozenset(
    {
        "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError",
        "CreateContainerError", "RunContainerError", "OOMKilled", "StartError", "ContainerCannotRun",
    }
)  # fmt: skip
_WAITS_FOR = ("refused", "no_such_host", "timed_out", "dns_unavailable", "retries", "unreachable")


def init_containers_that_fail(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    seen: set[tuple[Component, str]] = set()
    for pod in snapshot.present_pods():
        restartable = {str(one.get("name")) for one in rows(pod, "spec", "initContainers") if one.get("restartPolicy")}
        for status in rows(pod, "status", "initContainerStatuses"):
            key = (graph.workload_of(pod), str(status.get("name")))
            if key in seen or key[1] in restartable:
                continue
            if proof := list(_failure(snapshot, pod, status)):
                seen.add(key)
                yield _finding(snapshot, pod, key[1], key[0], proof)


def _failure(snapshot: Snapshot, pod: Object, status: Object) -> Iterator[Evidence]:
    ended = dig(status, "state", "terminated") or dig(status, "lastState", "terminated") or {}
    reasons = {dig(ended, "reason"), dig(status, "state", "waiting", "reason")}
    done = dig(status, "state", "terminated", "exitCode") == 0
    if done or reasons & _OTHERS:
        return
    ref = f"{component(pod)} status.initContainerStatuses[{status.get('name')}]"
    if code := dig(ended, "exitCode"):
        said = f"exit code {code}, {status.get('restartCount') or 0} restart(s)"
        yield evidence("kubernetes", ref, said, when(dig(ended, "finishedAt")), weight=0.75)
        return
    began = when(dig(status, "state", "running", "startedAt"))
    if began and (snapshot.taken_at - began).total_seconds() > PATIENCE:
        log = snapshot.log(pod, str(status.get("name")), previous=False)
        if waits := log.said(*_WAITS_FOR):
            yield evidence("kubernetes", ref, "runs and does not come to an end", began, weight=0.35)
            yield evidence(
                "log",
                str(_key(pod, str(status.get("name")), previous=False)),
                waits[-1].text,
                waits[-1].last,
                weight=0.3,
            )


def _finding(snapshot: Snapshot, pod: Object, container: str, workload: Component, proof: list[Evidence]) -> Finding:
    words = _last_words(snapshot, pod, container)
    said = words[0].quote if words else ""
    tail_en, tail_zh = (f" It says: {said}", f"日志：{said}") if said else ("", "")
    return Finding(
        fault="init_container_failed",
        category="startup",
        component=workload,
        words=Text(
            f"Init container {container} of {workload} fails ({proof[0].quote}), so its pods never start.{tail_en}",
            f"{workload} 的初始化容器 {container} 失败（{proof[0].quote}），Pod 无法启动。{tail_zh}",
        ),
        evidence=(*proof, *words),
        onset=min((item.at for item in proof if item.at), default=None),
        explainable=_waits(snapshot, pod, container),
        facts={"container": container},
    )


def _waits(snapshot: Snapshot, pod: Object, container: str) -> bool:
    """Whether it may be somebody else's victim: it names a dependency that does not answer, or nothing is known of what it says."""
    logs = [snapshot.log(pod, container, previous=previous) for previous in (False, True)]
    return not any(log.lines for log in logs) or any(log.said(*_WAITS_FOR) for log in logs)


def _last_words(snapshot: Snapshot, pod: Object, container: str) -> list[Evidence]:
    for previous in (False, True):
        log = snapshot.log(pod, container, previous=previous)
        if log.tail:
            return [
                evidence("log", str(_key(pod, container, previous=previous)), log.last_words(LAST_LINES), weight=0.4)
            ]
    return []


def _key(pod: Object, container: str, *, previous: bool) -> LogKey:
    return LogKey(namespace_of(pod), name_of(pod), container, previous)
