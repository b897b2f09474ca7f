"""Images that cannot be pulled: one symptom, four causes, told apart by the sentence the runtime gave.

A waiting container says only ErrImagePull or ImagePullBackOff; the event beside it repeats what the registry answered. A registry that
hides whether a repository exists answers "denied" for a wrong name too: then a repository that changed with the last revision speaks for
a wrong reference, an unchanged one for a missing secret. Only pods that exist now are read, so a stale event accuses nobody.
"""

import re
from collections.abc import Iterable, Iterator

from core.language import Text
from tools.engines.changes import FieldChange, Rollout, last_rollout
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.objects import Object, component, dig, kind_of, name_of, namespace_of, statuses
from tools.engines.snapshot import Snapshot

WAITING = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
# Order matters: a refused lookup also says "failed to resolve", a rate limit also says "denied".
SENTENCES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("image_pull_rate_limited", re.compile(r"(?i)toomanyrequests|too many requests|pull rate limit|\b429\b")),
    ("image_registry_dns_failure", re.compile(r"(?i)no such host|server misbehaving|name resolution|lookup \S+( on \S+)?: ")),
    ("image_architecture_mismatch", re.compile(r"(?i)no match(ing manifest)? for (platform|linux)|exec format error")),
    ("ambiguous", re.compile(r"(?i)does not exist or may require|insufficient_scope|requested access to the resource is denied")),
    ("missing_image_pull_secret", re.compile(r"(?i)unauthorized|authentication required|no basic auth|\b401\b|\b403\b|forbidden|denied")),
    ("incorrect_image_reference", re.compile(r"(?i)not ?found|(manifest|name) unknown|invalid ?(ref|image)|couldn't parse|not exist")),
)  # fmt: skip
_WHY = {
    "incorrect_image_reference": Text("the registry has no such image", "镜像仓库中没有这个镜像"),
    "image_registry_dns_failure": Text("the registry's name cannot be resolved", "镜像仓库的域名无法解析"),
    "missing_image_pull_secret": Text("the registry wants credentials that were not given", "镜像仓库要求凭证，而拉取时没有提供"),
    "image_pull_rate_limited": Text("the registry limits the rate of pulls", "镜像仓库限制了拉取频率"),
    "image_architecture_mismatch": Text("the image is not built for this node's architecture", "镜像不支持该节点的架构"),
}  # fmt: skip
_REMEDIES = {"incorrect_image_reference": ("rollback_rollout",), "image_architecture_mismatch": ("rollback_rollout",)}


def images_that_cannot_be_pulled(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    seen: set[tuple[Component, str]] = set()
    for pod in snapshot.present_pods():
        for status in statuses(pod):
            waiting = dig(status, "state", "waiting", "reason")
            workload = graph.workload_of(pod)
            if waiting in WAITING and (workload, str(status.get("name"))) not in seen:
                seen.add((workload, str(status.get("name"))))
                yield _finding(snapshot, pod, status, workload)


def _finding(snapshot: Snapshot, pod: Object, status: Object, workload: Component) -> Finding:
    container, image = str(status.get("name")), _image(pod, str(status.get("name")))
    rollout = _rollout(snapshot, workload)
    said = list(_said(snapshot, pod, status))
    fault = _fault(said, image, rollout, container)
    touched = rollout.touching(f"[{container}].image") if rollout else []
    changed = [change for change in touched if change.after == image]
    proof = [*_state(pod, status), *_events(said), *_change(workload, rollout, changed)]
    why = _WHY[fault]
    fix = _what_to_do(rollout, changed) if fault in _REMEDIES else Text("", "")
    return Finding(
        fault=fault,
        category="startup",
        component=workload,
        words=Text(
            f"{workload} cannot start its pods: {why('en')} ({image}, container {container}).{fix('en')}",
            f"{workload} 的 Pod 无法启动：{why('zh')}（{image}，容器 {container}）。{fix('zh')}",
        ),
        evidence=tuple(proof),
        onset=min((item.at for item in proof if item.at), default=None),
        remedies=_REMEDIES.get(fault, ()),
        facts={"container": container, "image": image, "changed": bool(changed)},
    )


def _what_to_do(rollout: Rollout | None, changed: list[FieldChange]) -> Text:
    if not rollout or not changed:
        return Text(" Set an image that exists.", "请改为存在的镜像。")
    was, now, before = changed[0].before, rollout.current.number, rollout.previous.number
    return Text(
        f" Revision {now} changed the image from {was}; going back to revision {before} restores it.",
        f"第 {now} 版把镜像从 {was} 改掉了，回滚到第 {before} 版即可恢复。",
    )


def _fault(said: list[tuple[str, Evidence]], image: str, rollout: Rollout | None, container: str) -> str:
    for text, _ in said:
        known = next((fault for fault, pattern in SENTENCES if pattern.search(text)), None)
        if known == "ambiguous":
            before = rollout.previous.container(container).get("image") if rollout else None
            moved = before is not None and _repository(str(before)) != _repository(image)
            return "incorrect_image_reference" if moved else "missing_image_pull_secret"
        if known:
            return known
    return "incorrect_image_reference"


def _said(snapshot: Snapshot, pod: Object, status: Object) -> Iterator[tuple[str, Evidence]]:
    """What the runtime told, newest first: events of this very pod, then the status message."""
    for event in reversed(snapshot.events_of(pod)):
        failed = event.reason == "Failed" and "pull" in event.message.lower()
        if failed or event.reason == "InspectFailed":
            weight = 0.85 if any(pattern.search(event.message) for _, pattern in SENTENCES) else 0.3
            yield event.message, evidence("event", event.ref, event.message, event.at, weight=weight)
    message = str(dig(status, "state", "waiting", "message") or "")
    if message:
        weight = 0.5 if any(pattern.search(message) for _, pattern in SENTENCES) else 0.2
        yield message, evidence("kubernetes", f"{_where(pod, status)}.state.waiting.message", message, weight=weight)


def _events(said: list[tuple[str, Evidence]]) -> list[Evidence]:
    telling = [item for _, item in said if item.weight > 0.3] or [item for _, item in said]
    return telling[:2]


def _state(pod: Object, status: Object) -> Iterator[Evidence]:
    reason = str(dig(status, "state", "waiting", "reason"))
    image = _image(pod, str(status.get("name")))
    yield evidence("kubernetes", f"{_where(pod, status)}.state.waiting", f"{reason}: {image}", weight=0.5)


def _change(workload: Component, rollout: Rollout | None, changed: list[FieldChange]) -> Iterator[Evidence]:
    if not rollout:
        return
    for change in changed:
        ref = f"{workload} revision {rollout.current.number} (ReplicaSet {rollout.current.name})"
        yield evidence("change", ref, str(change), rollout.current.at, weight=0.5)
    if changed and rollout.previous.ready:
        quote = f"revision {rollout.previous.number} still has {rollout.previous.ready} ready pod(s) with {changed[0].before}"
        yield evidence("kubernetes", f"ReplicaSet {rollout.previous.name} status.readyReplicas", quote, weight=0.4)


def _rollout(snapshot: Snapshot, workload: Component) -> Rollout | None:
    obj = snapshot.get(workload.kind, workload.namespace, workload.name)
    return last_rollout(snapshot, obj) if obj and kind_of(obj) == "Deployment" else None


def _where(pod: Object, status: Object) -> str:
    return f"{component(pod)} status.containerStatuses[{status.get('name')}]"


def _image(pod: Object, container: str) -> str:
    from_spec = (
        row.get("image")
        for key in ("containers", "initContainers")
        for row in dig(pod, "spec", key) or ()
        if isinstance(row, dict) and row.get("name") == container
    )
    return str(next(from_spec, None) or f"image of {namespace_of(pod)}/{name_of(pod)}")


def _repository(image: str) -> str:
    name = image.split("@", maxsplit=1)[0]
    head, slash, tail = name.rpartition("/")
    return head + slash + tail.split(":", maxsplit=1)[0]
