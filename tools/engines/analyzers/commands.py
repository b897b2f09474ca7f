"""Containers whose command cannot be run.

A runtime that cannot start a program says so (StartError, exit code 127 or 126, "executable file not found in $PATH"); a shell or an
interpreter that is given a name that is not there says it in its log and exits.
"""

import re
from collections.abc import Iterable, Iterator

from core.language import Text
from tools.engines.changes import Rollout, last_rollout
from tools.engines.complaints import Complaint, complaints, programs_with_pods_unread
from tools.engines.diagnosis import Evidence
from tools.engines.finding import Finding, beginning, evidence
from tools.engines.graph import Graph
from tools.engines.objects import Object, dig
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot

_CANNOT_RUN = re.compile(
    r"(?i)executable file not found|exec: \\?\"[^\"]*\\?\": (stat|permission denied|is a directory|no such file)|"
    r"exec[: ][^\n]{0,200}(no such file or directory|permission denied)|cannot execute|"
    r"(start|starting|create|run) (the )?container process[^\n]{0,200}(no such file or directory|permission denied|not found)|"
    r"stat [^\s:]+: no such file or directory|chdir to cwd[^\n]{0,200}no such file"
)
_NOT_OURS = re.compile(
    r"(?i)exec format error|error mounting|to rootfs|subpath|cgroup|seccomp|apparmor|(secret|configmap) \\?\""
)
_SCRIPT_GONE = re.compile(
    r"(?i)can't open file|cannot find module|unable to access jarfile|could not find or load main class|"
    r"(sh|bash): (?:line )?\d*:? ?[^\n]{0,120}(not found|no such file)|no such file or directory|no module named|command not found|"
    r"unknown (command|flag|shorthand flag)|unrecognized (option|arguments)|flag provided but not defined"
)  # fmt: skip
_REASONS = {"StartError", "ContainerCannotRun"}
_CODES = {127: 0.75, 126: 0.65}


def commands_that_cannot_run(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for program in programs_with_pods_unread(snapshot):
        said = [one for one in complaints(snapshot, program) if not _NOT_OURS.search(one.text)]
        rollout = last_rollout(snapshot, program.obj) if program.obj else None
        touched = [one for one in rollout.fields if ".command" in one.path or ".args" in one.path] if rollout else []
        proof = list(_told(said))
        if not proof and any(one.code for one in said):
            proof = list(_in_log(snapshot, program, said))
        if not proof and (touched or _has_command(program, said)):
            proof = list(_ended_at_once(said))
        if proof and rollout and touched:
            ref = f"{program.component} revision {rollout.current.number} ({rollout.current.name})"
            proof.append(evidence("change", ref, str(touched[0]), rollout.current.at, weight=0.5))
        if proof:
            yield _finding(program, said, proof, rollout if touched else None)


def _told(said: list[Complaint]) -> Iterator[Evidence]:
    seen: set[str] = set()
    for one in said:
        weight = 0.0
        if _CANNOT_RUN.search(one.text) and one.reason not in {"FailedMount", "Unhealthy", "FailedCreatePodSandBox"}:
            weight = 0.85
        elif one.reason in _REASONS:
            weight = 0.7
        elif one.reason == "FailedPostStartHook":
            weight = 0.5
        elif one.code in _CODES and one.reason != "Completed":
            weight = _CODES[one.code]
        if weight and one.source + one.reason not in seen:
            seen.add(one.source + one.reason)
            yield one.proof(weight if one.code is None or one.text else min(weight, 0.75))


def _in_log(snapshot: Snapshot, program: Program, said: list[Complaint]) -> Iterator[Evidence]:
    """An interpreter that was started well and was given a script, a module or an option that is not there."""
    words = {
        word.rsplit("/", maxsplit=1)[-1].lstrip("-").split("=", maxsplit=1)[0]
        for container in program.all_containers
        for key in ("command", "args")
        for text in _words(container, key)
        for word in str(text)[:2000].split()
        if len(word) > 2
    } - {""}
    for key, log in snapshot.logs_of(program) if words else ():
        line = next((one for one in log.tail if _SCRIPT_GONE.search(one) and any(word in one for word in words)), "")
        if line and len(log.tail) < 20 and any(one.container == key.container for one in said if one.code):
            yield evidence("log", str(key), line, weight=0.65)
            return


def _has_command(program: Program, said: list[Complaint]) -> bool:
    ended = {one.container for one in said if one.code == 0}
    return any(one.get("command") for one in program.containers if str(one.get("name")) in ended)


def _ended_at_once(said: list[Complaint]) -> Iterator[Evidence]:
    """A service's container that ends well, again and again, was told to do something else than to serve."""
    loops = {one.container for one in said if one.reason == "CrashLoopBackOff" and not one.init}
    done = [one for one in said if one.code == 0 and one.container in loops]
    if done:
        yield done[0].proof(0.55)


def _finding(program: Program, said: list[Complaint], proof: list[Evidence], rollout: Rollout | None) -> Finding:
    names = [one.container for one in said if one.container and (one.code or one.reason in _REASONS)]
    container = next((one for one in names if one), str(dig(program.containers, 0, "name") or ""))
    row = next((one for one in program.all_containers if one.get("name") == container), {})
    command = beginning(" ".join(str(word) for key in ("command", "args") for word in _words(row, key)), 120)
    shown_en, shown_zh = (f" ({command})", f"（{command}）") if command else ("", "")
    back_en, back_zh = (
        (f" Go back to revision {rollout.previous.number}.", f"请回滚到第 {rollout.previous.number} 版。")
        if rollout
        else (
            " Correct command and args, or the image that should hold that file.",
            "请更正 command、args，或换用包含该文件的镜像。",
        )
    )
    return Finding(
        fault="bad_command",
        category="startup",
        component=program.component,
        words=Text(
            f"The command of container {container} of {program.component} cannot be run{shown_en}.{back_en}",
            f"{program.component} 的容器 {container} 的启动命令无法执行{shown_zh}。{back_zh}",
        ),
        evidence=tuple(proof[:3]),
        onset=min((item.at for item in proof if item.at), default=None),
        remedies=("rollback_rollout",) if rollout else (),
        facts={"container": container, "command": command, "back_to": rollout.previous.number if rollout else None},
    )


def _words(container: Object, key: str) -> list[str]:
    found = container.get(key)
    return [str(word) for word in found] if isinstance(found, list) else []
