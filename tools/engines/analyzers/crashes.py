"""Programs that exit by themselves, and the reasons that their last lines give: a missing variable, a configuration that cannot be read.

A kill for memory is not a crash, nor is a container that never started. A crash may be another component's doing (a dependency that
refuses), so it is explainable: ranking drops it where the dependency's own fault was found. A sentence about a variable or a file counts
only while the program does not run; a warning that a default is used accuses nobody.
"""

from collections.abc import Iterable, Iterator

import orjson
import yaml

from core.language import Text
from tools.engines.analyzers.complaints import FAILED_CALLS
from tools.engines.changes import Rollout, last_rollout
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import Heard, as_evidence, heard
from tools.engines.objects import Object, component, dig, kind_of, mapping, name_of, namespace_of, rows, when, whole
from tools.engines.program import Program
from tools.engines.references import references
from tools.engines.snapshot import LogKey, Snapshot
from tools.engines.stores import names_of
from tools.engines.unwell import is_unwell

LAST_LINES = 3
SEVERAL = 3
LONG = 900.0
MAX_FILE = 100_000
# The parts of a control plane that have a fault of their own, on the node that runs them.
FAULTS_OF_THEIR_OWN = frozenset({"kube-scheduler", "kube-controller-manager"})
KILLED_FROM_OUTSIDE = frozenset({137, 143})
_NOT_A_CRASH = {"OOMKilled", "Completed", "ContainerCannotRun", "StartError"}


def programs_that_exit(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    seen: set[tuple[Component, str]] = set()
    for pod in snapshot.judged_pods:
        for status in rows(pod, "status", "containerStatuses"):
            key = (graph.workload_of(pod), str(status.get("name")))
            if key not in seen and key[1] not in FAULTS_OF_THEIR_OWN and _is_crashing(snapshot, status):
                seen.add(key)
                yield _finding(snapshot, pod, status, key[0])


def _is_crashing(snapshot: Snapshot, status: Object) -> bool:
    ended = _ended(status)
    if not ended or str(ended.get("reason")) in _NOT_A_CRASH or not ended.get("exitCode"):
        return False
    at = when(ended.get("finishedAt"))
    recent = at is None or at >= snapshot.window.start
    fallen = dig(status, "state", "running") is None or not status.get("ready")
    return recent and (fallen or _falls_again_and_again(snapshot, status, ended))


def _falls_again_and_again(snapshot: Snapshot, status: Object, ended: Object) -> bool:
    """It runs at this moment, but no longer than it ran the times before it fell."""
    began, at = when(ended.get("startedAt")), when(ended.get("finishedAt"))
    if (whole(status.get("restartCount")) or 0) < SEVERAL or not at:
        return False
    lived = (at - began).total_seconds() if began else 0.0
    return (snapshot.taken_at - at).total_seconds() < max(LONG, 1.5 * lived)


def _ended(status: Object) -> Object:
    found = dig(status, "state", "terminated") or dig(status, "lastState", "terminated")
    return found if isinstance(found, dict) else {}


def _finding(snapshot: Snapshot, pod: Object, status: Object, workload: Component) -> Finding:
    ended, container = _ended(status), str(status.get("name"))
    code, restarts = whole(ended.get("exitCode")), whole(status.get("restartCount")) or 0
    obj = snapshot.get(workload.kind, workload.namespace, workload.name)
    rollout = last_rollout(snapshot, obj) if obj and kind_of(obj) == "Deployment" else None
    changed = bool(rollout and rollout.current.at and rollout.current.at >= snapshot.window.start and rollout.fields)
    ref = f"{component(pod)} status.containerStatuses[{container}].lastState.terminated"
    weight = 0.25 if code in KILLED_FROM_OUTSIDE else 0.5
    proof = [
        evidence("kubernetes", ref, f"exit code {code}, {restarts} restart(s)", when(ended.get("finishedAt")), weight=weight),
        *_last_words(snapshot, pod, container),
        *_change(workload, rollout if changed else None),
    ]  # fmt: skip
    said = next((item.quote for item in proof if item.source == "log"), "")
    tail_en, tail_zh = (f" Its last lines: {said}", f"最后的日志：{said}") if said else ("", "")
    then_en, then_zh = (
        (", and its run failed", " 退出，本次运行失败")
        if workload.kind in {"Job", "CronJob"} and not restarts
        else (f" and is restarted ({restarts} time(s))", f" 退出并被反复重启（{restarts} 次）")
    )
    return Finding(
        fault="application_crash",
        category="runtime",
        component=workload,
        words=Text(
            f"Container {container} of {workload} exits with code {code}{then_en}.{tail_en}",
            f"{workload} 的容器 {container} 以退出码 {code}{then_zh}。{tail_zh}",
        ),
        evidence=tuple(proof),
        onset=min((item.at for item in proof if item.at), default=None),
        explainable=code in KILLED_FROM_OUTSIDE or _may_be_a_victim(snapshot, pod, container),
        remedies=("rollback_rollout",) if changed else (),
        facts={"container": container, "exit_code": code},
    )


def _may_be_a_victim(snapshot: Snapshot, pod: Object, container: str) -> bool:
    """It says that a call failed, or nothing is known of what it said."""
    logs = [snapshot.log(pod, container, previous=previous) for previous in (True, False)]
    return not logs[0].lines or any(log.said(*FAILED_CALLS) for log in logs)


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


def programs_without_a_variable(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for program in snapshot.speakers:
        lines = _by_the_program_itself(program, heard(snapshot, program, "missing_variable"))
        if lines and not _runs(snapshot, program):
            yield _without(snapshot, program, lines)


def _by_the_program_itself(program: Program, lines: list[Heard]) -> list[Heard]:
    """Not by an init container: what stops that one is its own fault."""
    first = {
        str(one.get("name")) for one in rows(program.spec, "initContainers") if one.get("restartPolicy") != "Always"
    }
    return [one for one in lines if one.key.container not in first]


def _without(snapshot: Snapshot, program: Program, lines: list[Heard]) -> Finding:
    name, who = next((one.said.target for one in lines if one.said.target), ""), program.component
    given = set(names_of(snapshot, program))
    ref = f"{program.ref}.containers[].env"
    absent = (
        [evidence("kubernetes", ref, f"{name} is not among its variables", weight=0.4)]
        if name and given and name not in given
        else []
    )
    present = [evidence("kubernetes", ref, f"{name} is among its variables", weight=0.4)] if name in given else []
    called, called_zh = (name, name) if name else ("that it needs", "某个必需的变量")
    return Finding(
        fault="missing_env_var",
        category="runtime",
        component=who,
        words=Text(
            f"{who} does not start because the variable {called} is missing. Add it to the env of its container.",
            f"{who} 无法启动：缺少环境变量 {called_zh}。请在容器的 env 中补上。",
        ),
        evidence=(*as_evidence(lines, 0.8), *absent),
        against=tuple(present),
        onset=min((one.said.first for one in lines if one.said.first), default=None),
        facts={"variable": name},
    )


def programs_that_cannot_read_their_configuration(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for program in [*snapshot.programs, *snapshot.unseen]:
        if _runs(snapshot, program):
            continue
        lines = _by_the_program_itself(program, heard(snapshot, program, "config_parse"))
        broken = list(_broken_files(snapshot, program))
        if lines or broken:
            yield _unreadable(program, lines, broken)


def _unreadable(program: Program, lines: list[Heard], broken: list[Evidence]) -> Finding:
    file, who = next((one.said.target for one in lines if one.said.target), ""), program.component
    place = broken[0].ref if broken else file
    where, where_zh = (f": {place}", f"：{place}") if place else ("", "")
    return Finding(
        fault="config_parse_error",
        category="runtime",
        component=who,
        words=Text(
            f"{who} does not start because it cannot read its configuration{where}. Correct the syntax there.",
            f"{who} 无法启动：配置无法解析{where_zh}。请修正其中的语法。",
        ),
        evidence=(*as_evidence(lines, 0.8), *broken),
        onset=min((one.said.first for one in lines if one.said.first), default=None),
        facts={"file": file},
    )


def _broken_files(snapshot: Snapshot, program: Program) -> Iterator[Evidence]:
    """Mounted files that are not what their ending says."""
    mounted = [one.name for one in references(program) if one.kind == "ConfigMap" and "volumes[" in one.path]
    for name in dict.fromkeys(mounted):
        data = mapping(snapshot.get("ConfigMap", program.namespace, name) or {}, "data")
        for key, text in data.items():
            if isinstance(text, str) and (why := _is_broken(key, text[:MAX_FILE], whole=len(text) <= MAX_FILE)):
                yield evidence("kubernetes", f"ConfigMap {program.namespace}/{name} data[{key}]", why, weight=0.6)


def _is_broken(key: str, text: str, *, whole: bool) -> str:
    # Text that a template is still to be filled into is none of these forms yet.
    if not whole or "{{" in text or "${" in text or "<%" in text:
        return ""
    try:
        if key.endswith(".json"):
            orjson.loads(text)
        elif key.endswith((".yaml", ".yml")):
            list(yaml.parse(text, Loader=yaml.SafeLoader))
    except orjson.JSONDecodeError as error:
        return f"not JSON: {error.msg} at line {error.lineno}"
    except yaml.YAMLError as error:
        return f"not YAML: {' '.join(str(error).split())[:160]}"
    return ""


def _runs(snapshot: Snapshot, program: Program) -> bool:
    """Whether its pods are known to be well, or a node runs them by itself, as it does the parts of the control plane."""
    if any(owner.get("kind") == "Node" for pod in program.pods for owner in rows(pod, "metadata", "ownerReferences")):
        return True
    return bool(program.pods) and not is_unwell(snapshot, program)
