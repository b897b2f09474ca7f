"""Images that cannot be pulled or run: one symptom, five causes, told apart by the sentence the runtime gave.

A waiting container says only ErrImagePull or ImagePullBackOff; the event or the message beside it repeats what the registry answered.
Where that has two meanings, or is not there, the objects decide (`pulls`). Only pods that exist and are not ready are read, so a stale
event accuses nobody; an image for another processor is pulled well and fails when its program is started.
"""

import re
from collections.abc import Iterable, Iterator

from core.language import Text
from tools.engines.changes import FieldChange, Rollout, last_rollout
from tools.engines.complaints import Complaint, complaints, programs_with_pods_unread
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.objects import statuses
from tools.engines.program import Program
from tools.engines.pulls import Hints, hints, image_of, meaning, registry
from tools.engines.snapshot import Snapshot

WAITING = {
    "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable", "ImageInspectError",
}  # fmt: skip
_ABOUT_PULLS = re.compile(r"(?i)pull|image|manifest|InspectFailed|InvalidImageName")
_QUOTED = re.compile(r"image \\?[\"']([^\"'\\]+)")
_FORMAT = re.compile(r"(?i)exec format error")
_WHY = {
    "incorrect_image_reference": Text("the registry has no such image", "镜像仓库中没有这个镜像"),
    "image_registry_dns_failure": Text("the registry's name cannot be resolved", "镜像仓库的域名无法解析"),
    "missing_image_pull_secret": Text("the registry wants credentials that were not given", "镜像仓库要求凭证，而拉取时没有提供"),
    "image_pull_rate_limited": Text("the registry limits the rate of pulls", "镜像仓库限制了拉取频率"),
    "image_architecture_mismatch": Text("the image is not built for this node's architecture", "镜像不支持该节点的架构"),
    "unreachable": Text("the registry cannot be reached", "无法连接镜像仓库"),
}  # fmt: skip
_REMEDIES = {"incorrect_image_reference": ("rollback_rollout",), "image_architecture_mismatch": ("rollback_rollout",)}


def images_that_cannot_be_pulled(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for program in programs_with_pods_unread(snapshot):
        said = complaints(snapshot, program)
        for container in _stuck(program, said):
            yield _finding(snapshot, program, container, said)


def images_for_other_processors(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for program in programs_with_pods_unread(snapshot):
        proof = [one.proof(0.8) for one in complaints(snapshot, program) if _FORMAT.search(one.text)][:2]
        for key, log in snapshot.logs_of(program):
            said = log.said("exec_format")
            if said and (proof or any(not status.get("ready") for pod in program.pods for status in statuses(pod))):
                proof.append(evidence("log", str(key), said[-1].text, said[-1].last, weight=0.75))
        if proof:
            images = ", ".join(str(row.get("image")) for row in program.containers) or "?"
            yield _worded(program.component, "image_architecture_mismatch", images, "", Text("", ""), proof)


def _stuck(program: Program, said: list[Complaint]) -> list[str]:
    """The containers whose image is not there; an empty name where only an event tells of it."""
    named = [one.container for one in said if one.reason in WAITING and one.source == "kubernetes"]
    if named or any(statuses(pod) for pod in program.pods):
        return list(dict.fromkeys(named))[:1]
    told = any(one.reason in {"Failed", "BackOff", "InspectFailed"} and _is_about_pulling(one) for one in said)
    return [""] if told else []


def _is_about_pulling(one: Complaint) -> bool:
    return one.reason == "InspectFailed" or "pull" in one.text.lower() or one.text.startswith("Error: ErrImage")


def _finding(snapshot: Snapshot, program: Program, container: str, all_said: list[Complaint]) -> Finding:
    said = [one for one in all_said if one.container in {"", container} and _ABOUT_PULLS.search(one.reason + one.text)]
    image = image_of(program, container) or _told_image(said) or "?"
    rollout = last_rollout(snapshot, program.obj) if program.obj else None
    known = hints(snapshot, program, container, image, rollout, (one.text for one in said))
    fault, why, telling = _judge(said, known)
    touched = rollout.touching(f"[{container}].image") if rollout else []
    changed = [change for change in touched if change.after == image]
    proof = [*telling, *_states(said), *_change(program.component, rollout, changed)]
    proof += known.reference if fault == "incorrect_image_reference" else ()
    proof += known.secret if fault == "missing_image_pull_secret" else ()
    fix = _what_to_do(fault, image, known, rollout, changed)
    return _worded(program.component, fault, image, container, fix, proof, _WHY[why], changed=bool(changed))


def _worded(
    who: Component,
    fault: str,
    image: str,
    container: str,
    fix: Text,
    proof: list[Evidence],
    why: Text | None = None,
    *,
    changed: bool = False,
) -> Finding:
    why = why or _WHY[fault]
    return Finding(
        fault=fault,
        category="startup",
        component=who,
        words=Text(
            f"{who} cannot start its pods: {why('en')} ({image}, container {container}).{fix('en')}",
            f"{who} 的 Pod 无法启动：{why('zh')}（{image}，容器 {container}）。{fix('zh')}",
        ),
        evidence=tuple(proof),
        onset=min((item.at for item in proof if item.at), default=None),
        remedies=_REMEDIES.get(fault, ()),
        facts={"container": container, "image": image, "changed": changed},
    )


def _judge(said: list[Complaint], known: Hints) -> tuple[str, str, list[Evidence]]:
    """The fault, the reason in words, and the sentences that tell it."""
    for one in said:
        told = meaning(one.text) or meaning(one.reason)
        if not told:
            continue
        weight = 0.85 if one.source == "event" else 0.8
        if told == "unreachable":
            return "image_registry_dns_failure", told, [one.proof(0.6)]
        if told == "ambiguous" or (told == "missing_image_pull_secret" and known.lean > 1):
            told = "incorrect_image_reference" if known.lean > 0 else "missing_image_pull_secret"
            weight = 0.6
        return told, told, [one.proof(weight)]
    told = "missing_image_pull_secret" if known.lean < -0.5 else "incorrect_image_reference"
    return told, told, []


def _states(said: list[Complaint]) -> list[Evidence]:
    return [one.proof(0.5) for one in said if one.reason in WAITING and one.source == "kubernetes"][:1]


def _told_image(said: list[Complaint]) -> str:
    return next((found.group(1) for one in said if (found := _QUOTED.search(one.text))), "")


def _what_to_do(fault: str, image: str, known: Hints, rollout: Rollout | None, changed: list[FieldChange]) -> Text:
    if fault == "missing_image_pull_secret":
        return Text(
            " Create the pull secret in this namespace and name it in imagePullSecrets.",
            "请在该命名空间创建拉取凭证，并在 imagePullSecrets 中引用。",
        )
    if fault == "image_registry_dns_failure":
        host = registry(image) or "the registry"
        return Text(f" Check {host} from the node.", f"请在节点上检查 {host} 的解析与连通。")
    if fault != "incorrect_image_reference":
        return Text("", "")
    if rollout and changed:
        was, now, before = changed[0].before, rollout.current.number, rollout.previous.number
        return Text(
            f" Revision {now} changed the image from {was}; going back to revision {before} restores it.",
            f"第 {now} 版把镜像从 {was} 改掉了，回滚到第 {before} 版即可恢复。",
        )
    if known.nearest:
        return Text(f" Probably {known.nearest} was meant.", f"很可能应为 {known.nearest}。")
    return Text(" Set an image that exists.", "请改为存在的镜像。")


def _change(workload: Component, rollout: Rollout | None, changed: list[FieldChange]) -> Iterator[Evidence]:
    if not rollout:
        return
    for change in changed:
        ref = f"{workload} revision {rollout.current.number} (ReplicaSet {rollout.current.name})"
        yield evidence("change", ref, str(change), rollout.current.at, weight=0.5)
    if changed and rollout.previous.ready:
        quote = f"revision {rollout.previous.number} still has {rollout.previous.ready} ready pod(s) with {changed[0].before}"
        yield evidence("kubernetes", f"ReplicaSet {rollout.previous.name} status.readyReplicas", quote, weight=0.4)
