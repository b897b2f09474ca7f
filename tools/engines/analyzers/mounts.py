"""Volumes that are attached elsewhere or may not be read, and pods whose network sandbox cannot be made.

These are sentences of FailedMount, FailedAttachVolume and FailedCreatePodSandBox about pods that have not started since; beside them stand
the VolumeAttachments, a claim that another pod on another node holds, and what a running program's log says of a path that is a mount.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from core.language import Text
from tools.engines.complaints import complaints, programs_with_pods_unread
from tools.engines.diagnosis import Evidence
from tools.engines.finding import Finding, beginning, evidence
from tools.engines.graph import Graph
from tools.engines.objects import Object, component, dig, is_ready, name_of, namespace_of, rows, statuses
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot

_ATTACHED = re.compile(
    r"(?i)multi-attach error|already (exclusively )?attached|is attached to (another|a different|node)|VolumeInUse|"
    r"in use by another|already used by|RESOURCE_IN_USE|volume is in use|attached to an?other (node|instance)|already in use by"
)
_DENIED = re.compile(
    r"(?i)permission denied|access denied|operation not permitted|read-only file ?system|EACCES|EROFS|applying fsgroup"
)
_BINDING = re.compile(r"(?i)(secret|configmap)s? \\?\"[\w./-]+\\?\" not found")
_RUNTIME_DOWN = re.compile(
    r"(?i)(containerd|crio|cri-dockerd|docker)\.sock|container runtime is down|runtime not ready|Unavailable desc"
)
# What the pod itself asks for, and no trouble of its node.
_ITS_OWN = re.compile(
    r"(?i)no runtime for|runtime ?class|runtime handler|network-attachment|requested (ip|address)|annotation"
)
_SANDBOX = {"FailedCreatePodSandBox", "FailedCreatePodSandbox", "NetworkFailed"}


def volumes_attached_elsewhere(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    held, attached = _holders(snapshot), _attachments(snapshot)
    for program in programs_with_pods_unread(snapshot):
        proof = [one.proof(0.85) for one in complaints(snapshot, program) if _ATTACHED.search(one.text)][:1]
        where = next(_held_elsewhere(snapshot, program, held, attached), None)
        if where and (proof or _has_not_started(program)):
            proof.append(where)
        if proof:
            yield _finding(
                program,
                "volume_attach_conflict",
                proof,
                Text(
                    f"{program.component} cannot start: its volume is still attached to another node. "
                    "Stop the pod that holds it, or let both run on one node.",
                    f"{program.component} 无法启动：其存储卷仍挂载在其他节点。请停止占用它的 Pod，或让两者运行在同一节点。",
                ),
            )


def volumes_that_may_not_be_used(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for program in programs_with_pods_unread(snapshot):
        said = complaints(snapshot, program)
        mounting = [one for one in said if one.reason == "FailedMount" and not _BINDING.search(one.text)]
        proof = [one.proof(0.85) for one in mounting if _DENIED.search(one.text)][:1]
        if _is_failing(program):
            proof += list(_denied_in_log(snapshot, program))[:2]
        if proof:
            proof += list(_setting(program))[:1]
            yield _finding(
                program,
                "volume_mount_permission_denied",
                proof,
                Text(
                    f"{program.component} may not read or write one of its volumes ({_short(proof)}). "
                    "Check fsGroup and runAsUser, readOnly of the mount, and the export's own rights.",
                    f"{program.component} 没有权限读写其存储卷（{_short(proof)}）。"
                    "请检查 fsGroup、runAsUser、挂载的 readOnly 以及存储端的权限。",
                ),
            )


def sandboxes_that_cannot_be_made(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for program in programs_with_pods_unread(snapshot):
        said = [one for one in complaints(snapshot, program) if one.reason in _SANDBOX]
        said = [one for one in said if not _RUNTIME_DOWN.search(one.text)]
        if said and (_has_not_started(program) or not program.pods):
            yield _finding(
                program,
                "sandbox_failed",
                [one.proof(weight) for one, weight in zip(said[:2], (0.85, 0.5), strict=False)],
                Text(
                    f"The network sandbox of {program.component}'s pods cannot be made: {beginning(said[0].text, 200)}. "
                    "Check the node's CNI plug-in, its addresses left, and the runtime class.",
                    f"{program.component} 的 Pod 沙箱无法创建：{beginning(said[0].text, 200)}。"
                    "请检查节点的 CNI 插件、剩余地址与 RuntimeClass。",
                ),
                explainable=not _ITS_OWN.search(said[0].text),
            )


def _finding(program: Program, fault: str, proof: list[Evidence], words: Text, *, explainable: bool = False) -> Finding:
    onset = min((item.at for item in proof if item.at), default=None)
    return Finding(
        fault, "startup", program.component, words, tuple(proof), onset=onset, explainable=explainable
    )  # fmt: skip


def _short(proof: list[Evidence]) -> str:
    return beginning(proof[0].quote, 160)


def _has_not_started(program: Program) -> bool:
    """A pod that has a node, and none of whose containers has ever run."""
    return any(
        not is_ready(pod) and dig(pod, "spec", "nodeName") is not None and not any(map(_has_run, statuses(pod)))
        for pod in program.pods
    ) or any(not statuses(pod) and not is_ready(pod) for pod in program.pods)


def _has_run(status: Object) -> bool:
    return any(
        dig(status, *path) for path in (("state", "running"), ("state", "terminated"), ("lastState", "terminated"))
    )


def _is_failing(program: Program) -> bool:
    return any(not is_ready(pod) for pod in program.pods) or not program.pods


def _denied_in_log(snapshot: Snapshot, program: Program) -> Iterator[Evidence]:
    paths = {
        str(mount.get("mountPath")).rstrip("/")
        for container in program.all_containers
        for mount in rows(container, "volumeMounts")
        if len(str(mount.get("mountPath") or "")) > 1
    }
    sealed = any(dig(one, "securityContext", "readOnlyRootFilesystem") is True for one in program.all_containers)
    for key, log in snapshot.logs_of(program):
        for said in log.still_said("permission_denied_file", "read_only_filesystem"):
            mounted = any(
                said.target == path or said.target.startswith(f"{path}/") or path in said.text for path in paths
            )
            if mounted or (sealed and said.meaning == "read_only_filesystem"):
                yield evidence("log", str(key), said.text, said.last, weight=0.8)


def _setting(program: Program) -> Iterator[Evidence]:
    for container in program.all_containers:
        here = f"{program.ref}.containers[{container.get('name')}]"
        if dig(container, "securityContext", "readOnlyRootFilesystem") is True:
            yield evidence("kubernetes", f"{here}.securityContext.readOnlyRootFilesystem", "true", weight=0.3)
        for mount in rows(container, "volumeMounts"):
            if mount.get("readOnly") is True and "serviceaccount" not in str(mount.get("mountPath")):
                yield evidence("kubernetes", f"{here}.volumeMounts[{mount.get('name')}].readOnly", "true", weight=0.3)
    context = dig(program.spec, "securityContext") or {}
    if dig(context, "runAsUser") and dig(context, "fsGroup") is None:
        quote = f"runAsUser {dig(context, 'runAsUser')}, no fsGroup"
        yield evidence("kubernetes", f"{program.ref}.securityContext", quote, weight=0.3)


def _holders(snapshot: Snapshot) -> dict[tuple[str, str], list[Object]]:
    found: dict[tuple[str, str], list[Object]] = defaultdict(list)
    for pod in snapshot.of("Pod"):
        for volume in rows(pod, "spec", "volumes"):
            claim = dig(volume, "persistentVolumeClaim", "claimName")
            if isinstance(claim, str) and dig(pod, "spec", "nodeName"):
                found[(namespace_of(pod), claim)].append(pod)
    return found


def _held_elsewhere(
    snapshot: Snapshot,
    program: Program,
    held: dict[tuple[str, str], list[Object]],
    attached: dict[str, list[Object]],
) -> Iterator[Evidence]:
    for pod in program.pods:
        node = dig(pod, "spec", "nodeName")
        for volume in rows(pod, "spec", "volumes") if node and not is_ready(pod) else ():
            claim = str(dig(volume, "persistentVolumeClaim", "claimName") or "")
            obj = snapshot.get("PersistentVolumeClaim", program.namespace, claim) if claim else None
            if obj is None or "ReadWriteMany" in (dig(obj, "spec", "accessModes") or ()):
                continue
            yield from _attached(attached, str(dig(obj, "spec", "volumeName") or ""), str(node))
            for other in held.get((program.namespace, claim), ()):
                if other is not pod and dig(other, "spec", "nodeName") != node and any(map(_has_run, statuses(other))):
                    quote = f"{claim} is held by {component(other)} on {dig(other, 'spec', 'nodeName')}, this pod is on {node}"
                    yield evidence("kubernetes", f"{component(pod)} spec.volumes", quote, weight=0.6)


def _attachments(snapshot: Snapshot) -> dict[str, list[Object]]:
    found: dict[str, list[Object]] = defaultdict(list)
    for one in snapshot.of("VolumeAttachment"):
        found[str(dig(one, "spec", "source", "persistentVolumeName") or "")].append(one)
    return found


def _attached(attached: dict[str, list[Object]], volume: str, node: str) -> Iterator[Evidence]:
    for one in attached.get(volume, ()) if volume else ():
        if dig(one, "spec", "nodeName") != node and dig(one, "status", "attached") is not False:
            quote = f"{volume} is attached to {dig(one, 'spec', 'nodeName')}, the pod is on {node}"
            yield evidence("kubernetes", f"VolumeAttachment {name_of(one)} spec.nodeName", quote, weight=0.7)
