"""Claims that no volume is bound to: taken, not selected, of another class, too small, of another mode, or not made at all.

Of every volume it is said what keeps it from the claim; the volume that lacks one thing only is the one meant, a free one before one that
is taken, because volumes that a provisioner made are all taken and that is normal. A claim nobody mounts hurts nobody, and one that waits
for its first consumer is well unless something failed. The component is the workload that mounts the claim.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from core.language import Text
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, ending, evidence
from tools.engines.graph import Graph
from tools.engines.objects import Object, component, dig, mapping, name_of, namespace_of, rows
from tools.engines.references import claims_of
from tools.engines.shelves import Shelves, words_of
from tools.engines.shortage import is_forgotten
from tools.engines.snapshot import Event, Snapshot
from tools.engines.unscheduled import reasons
from tools.engines.volumes import Apart, class_of, is_default, selector_text, was_provisioned, what_keeps_apart

_FAULTS = {
    "occupied": "pv_binding_occupied",
    "selector": "pvc_selector_mismatch",
    "class": "pvc_storage_class_mismatch",
    "capacity": "pvc_capacity_mismatch",
    "modes": "pvc_access_mode_mismatch",
}
_NO_PROVISIONER = "kubernetes.io/no-provisioner"
_MODES = r"(?i)incompatible (access|volume)Mode|only supports? ReadWrite|(unsupported|invalid) access ?modes?|access ?modes? .*supported"
# Sentences of the volume controller and of provisioners that name the very thing; order matters.
_SENTENCES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("pv_binding_occupied", re.compile(r"(?i)already bound to a different claim|bound to the same volume|Two claims are bound")),
    ("pvc_capacity_mismatch", re.compile(r"(?i)requested PV is too small|exceeds? (the )?(available )?capacity|greater than .*limit")),
    ("pvc_storage_class_mismatch", re.compile(r"(?i)storageClass(Name)? does not match")),
    ("pvc_access_mode_mismatch", re.compile(_MODES)),
    ("pvc_selector_mismatch", re.compile(r"(?i)claim\.?(Spec\.)?Selector is not supported|selector is not supported")),
    ("storage_class_missing", re.compile(r"(?i)storageclass\S* \"?[^\" ]+\"? not found")),
)  # fmt: skip
_ORDER = ("class", "selector", "capacity", "modes", "occupied")


@dataclass(frozen=True, slots=True)
class Verdict:
    fault: str
    why: Text
    proof: tuple[Evidence, ...]


def claims_that_no_volume_fits(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    mounted, shelves = _mounted(snapshot), Shelves(snapshot)
    seen: set[tuple[Component, str]] = set()
    for claim in snapshot.of("PersistentVolumeClaim"):
        who = mounted.get((namespace_of(claim), name_of(claim)))
        if (
            who
            and dig(claim, "status", "phase") in ("Pending", "Lost", None)
            and not dig(claim, "metadata", "deletionTimestamp")
        ):
            verdict = _verdict(snapshot, shelves, claim)
            if verdict and (who, verdict.fault) not in seen:
                seen.add((who, verdict.fault))
                yield _finding(snapshot, who, claim, verdict)


def claims_that_do_not_exist(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    """No fault of the catalogue is a claim that was never made; nearest is that the pod has no volume bound to it."""
    known = bool(snapshot.of("PersistentVolumeClaim")) or snapshot.reads("PersistentVolumeClaim")
    for pod in snapshot.pods_on(""):
        for event in snapshot.events_of(pod)[-1:]:
            named = re.search(r"persistentvolumeclaim \"([^\"]+)\" not found", event.message)
            if named and not snapshot.get("PersistentVolumeClaim", namespace_of(pod), named[1]):
                why = Text(f"claim {named[1]} does not exist. Create it.", f"存储声明 {named[1]} 不存在，请创建。")
                proof = evidence("event", event.ref, event.message, event.at, weight=0.5 if known else 0.4)
                verdict = Verdict("pv_binding_occupied", why, (proof,))
                # A quota may be what keeps it from being made.
                yield replace(_finding(snapshot, snapshot.maker_of(pod), pod, verdict), explainable=True)


def unbound_claims_without_objects(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    """A pod that waits for a claim of which nothing was read: the sentence is shared by all, so it weighs little."""
    if snapshot.of("PersistentVolumeClaim") or snapshot.reads("PersistentVolumeClaim"):
        return
    for pod in snapshot.pods_on(""):
        event = next((one for one in reversed(snapshot.events_of(pod)) if one.reason == "FailedScheduling"), None)
        if event and any(reason.kind == "claim" and "unbound" in reason.text for reason in reasons(event.message)):
            why = Text("nothing was read of the claim.", "没有读取到该存储声明。")
            proof = evidence("event", event.ref, event.message, event.at, weight=0.3)
            yield _finding(snapshot, graph.workload_of(pod), pod, Verdict("pvc_storage_class_mismatch", why, (proof,)))


def _mounted(snapshot: Snapshot) -> dict[tuple[str, str], Component]:
    """Who mounts which claim, those that a StatefulSet makes for pods that are not there yet included."""
    found: dict[tuple[str, str], Component] = {}
    made: dict[tuple[str, str], Component] = {}
    for program in snapshot.programs:
        found.update({(program.namespace, name): program.component for name in claims_of(program)})
        for template in rows(program.obj, "spec", "volumeClaimTemplates"):
            name = f"{dig(template, 'metadata', 'name')}-{program.name}"
            made.setdefault((program.namespace, name), program.component)
    for claim in snapshot.of("PersistentVolumeClaim") if made else ():
        name, _, number = name_of(claim).rpartition("-")
        owner = made.get((namespace_of(claim), name)) if number.isdecimal() else None
        if owner:
            found.setdefault((namespace_of(claim), name_of(claim)), owner)
    return found


def _verdict(snapshot: Snapshot, shelves: Shelves, claim: Object) -> Verdict | None:
    events = [event for event in reversed(snapshot.events_of(claim)) if event.reason != "WaitForFirstConsumer"]
    storage = snapshot.get("StorageClass", None, class_of(claim))
    named = str(dig(claim, "spec", "volumeName") or "")
    provisioner = str(dig(storage, "provisioner") or "")
    if provisioner and provisioner != _NO_PROVISIONER and not named:
        return _not_made(snapshot, shelves, claim, storage or {}, events)
    told = _told(events)
    apart = _apart(shelves, claim, named)
    if apart:
        return _compared(snapshot, shelves, claim, apart, events, told)
    if not told and any(not found for _, found in shelves.near(claim)):
        return None  # a volume is there to be bound
    return told or _by_itself(snapshot, shelves, claim, named, events)


def _apart(shelves: Shelves, claim: Object, named: str) -> list[Apart]:
    """What keeps the volume that is meant from the claim; empty where a volume fits or none is near."""
    compared = [(one, what_keeps_apart(claim, one)) for one in shelves.named(named)] if named else shelves.near(claim)
    if not compared or any(not found for _, found in compared):
        return []
    best = min(compared, key=lambda pair: _distance(claim, *pair))
    return best[1] if named or len(best[1]) == 1 or len(shelves.volumes) == 1 or not was_provisioned(best[0]) else []


def _distance(claim: Object, volume: Object, found: list[Apart]) -> tuple[int, int, int, int]:
    """How far a volume is from being the one meant; a taken volume that the claim's selector picks is near."""
    kinds = {one.kind for one in found}
    selected = bool(dig(claim, "spec", "selector")) and "selector" not in kinds
    taken = "occupied" in kinds and not (selected and len(kinds) == 1)
    words = words_of(claim) & words_of(volume)
    made = int(was_provisioned(volume) and taken)
    return made, len(kinds), int(taken) - (2 if len(words) > 1 else 0), -len(words)


def _compared(
    snapshot: Snapshot,
    shelves: Shelves,
    claim: Object,
    apart: list[Apart],
    events: list[Event],
    told: Verdict | None,
) -> Verdict:
    one = min(apart, key=lambda each: _ORDER.index(each.kind))
    if one.kind == "class" and len(apart) > 1 and _class_is_missing(snapshot, shelves, claim):
        return _missing(snapshot, claim, events)
    fault = _FAULTS[one.kind]
    alone = 0.88 if len({each.kind for each in apart}) == 1 else 0.65
    field = {
        "occupied": "metadata",
        "class": "spec.storageClassName",
        "selector": "spec.selector",
        "capacity": "spec.resources.requests.storage",
    }
    path = field.get(one.kind, one.path)
    ref = f"{component(claim)} {path}"
    proof = [
        evidence(
            "kubernetes", ref, f"{one.wanted}; PersistentVolume {one.volume} {one.path}: {one.given}", weight=alone
        )
    ]
    agrees = told is not None and told.fault == fault
    proof += [
        evidence("event", event.ref, event.message, event.at, weight=0.6 if agrees else 0.3) for event in events[:1]
    ]
    return Verdict(fault, _why(one), tuple(proof))


def _why(one: Apart) -> Text:
    if one.kind == "occupied":
        return Text(
            f"volume {one.volume} is held by {one.given}. Release it (remove spec.claimRef), or give the claim another volume.",
            f"卷 {one.volume} 已被 {one.given} 占用。请释放该卷（移除 spec.claimRef），或为声明提供其他卷。",
        )
    return Text(
        f"it asks for {one.wanted}, and volume {one.volume}, which fits otherwise, has {one.given} ({one.path}). Make the two agree.",
        f"它要求 {one.wanted}，而其余条件都符合的卷 {one.volume} 是 {one.given}（{one.path}）。请使两者一致。",
    )


def _class_is_missing(snapshot: Snapshot, shelves: Shelves, claim: Object) -> bool:
    name = class_of(claim)
    known = bool(snapshot.of("StorageClass")) or snapshot.reads("StorageClass")
    return bool(name) and known and name not in shelves.classes and not snapshot.get("StorageClass", None, name)


def _missing(snapshot: Snapshot, claim: Object, events: list[Event]) -> Verdict:
    name = class_of(claim)
    have = (
        ", ".join(name_of(one) + (" (default)" if is_default(one) else "") for one in snapshot.of("StorageClass")[:6])
        or "none"
    )
    proof = [
        evidence(
            "kubernetes", f"{component(claim)} spec.storageClassName", f"{name}; StorageClasses: {have}", weight=0.85
        )
    ]
    proof += [evidence("event", event.ref, event.message, event.at, weight=0.6) for event in events[:1]]
    return Verdict(
        "storage_class_missing",
        Text(f"storage class {name} does not exist; there are: {have}.", f"存储类 {name} 不存在；现有：{have}。"),
        tuple(proof),
    )


def _not_made(
    snapshot: Snapshot, shelves: Shelves, claim: Object, storage: Object, events: list[Event]
) -> Verdict | None:
    """A claim whose volume a provisioner should make."""
    failed = next((event for event in events if event.reason == "ProvisioningFailed"), None)
    if failed:
        fault = next((name for name, pattern in _SENTENCES if pattern.search(failed.message)), "provisioner_failed")
        proof = [evidence("event", failed.ref, failed.message, failed.at, weight=0.85)]
        named = f"provisioner: {storage.get('provisioner')}"
        proof.append(evidence("kubernetes", str(component(storage)), named, weight=0.0))
        why = Text(
            f"provisioner {storage.get('provisioner')} says: {ending(failed.message, 240)}",
            f"供应器 {storage.get('provisioner')} 报告：{ending(failed.message, 240)}",
        )
        return Verdict(fault, why, tuple(proof))
    waits = dig(storage, "volumeBindingMode") == "WaitForFirstConsumer"
    chosen = "volume.kubernetes.io/selected-node" in mapping(claim, "metadata", "annotations")
    waiting = next((event for event in events if event.reason == "ExternalProvisioning"), None)
    if waits and not chosen and not waiting:
        return None
    apart = _apart(shelves, claim, "")
    if apart and len(apart) == 1 and apart[0].kind != "occupied":
        return _compared(snapshot, shelves, claim, apart, events, None)
    proof = [evidence("event", waiting.ref, waiting.message, waiting.at, weight=0.6)] if waiting else []
    proof.append(
        evidence(
            "kubernetes",
            f"{component(storage)} provisioner",
            f"{storage.get('provisioner')}: made no volume for {component(claim)}",
            weight=0.5,
        )
    )
    name = storage.get("provisioner")
    return Verdict(
        "provisioner_failed",
        Text(
            f"provisioner {name} makes no volume. See that it runs.", f"供应器 {name} 没有创建卷，请检查它是否在运行。"
        ),
        tuple(proof),
    )


def _told(events: list[Event]) -> Verdict | None:
    for event in events:
        fault = next((name for name, pattern in _SENTENCES if pattern.search(event.message)), "")
        if fault:
            why = Text(ending(event.message, 240), ending(event.message, 240))
            return Verdict(fault, why, (evidence("event", event.ref, event.message, event.at, weight=0.8),))
        if event.reason == "ProvisioningFailed":
            why = Text(
                f"its volume cannot be made: {ending(event.message, 240)}", f"卷创建失败：{ending(event.message, 240)}"
            )
            return Verdict(
                "provisioner_failed", why, (evidence("event", event.ref, event.message, event.at, weight=0.8),)
            )
    return None


def _by_itself(snapshot: Snapshot, shelves: Shelves, claim: Object, named: str, events: list[Event]) -> Verdict | None:
    """No volume is near, or none was read: what the claim itself asks for that is unusual."""
    if _class_is_missing(snapshot, shelves, claim):
        return _missing(snapshot, claim, events)
    known = bool(snapshot.of("PersistentVolume")) or snapshot.reads("PersistentVolume")
    told = [evidence("event", event.ref, event.message, event.at, weight=0.3) for event in events[:1]]
    selector = dig(claim, "spec", "selector")
    if named:
        shown = Text(
            f"it names volume {named}, which {'does not exist' if known else 'is not bound to it'}.",
            f"它指定的卷 {named} {'不存在' if known else '没有与它绑定'}。",
        )
        return Verdict("pv_binding_occupied", shown, (_field(claim, "spec.volumeName", named, 0.6), *told))
    if isinstance(selector, dict):
        text = selector_text(selector)
        shown = Text(f"its selector {text} matches no volume.", f"其选择器 {text} 不匹配任何卷。")
        return Verdict("pvc_selector_mismatch", shown, (_field(claim, "spec.selector", text, 0.6), *told))
    if not told and dig(claim, "status", "phase") is None:
        return None
    name = class_of(claim)
    fault = "storage_class_missing" if not name else "pvc_storage_class_mismatch"
    text = name or "no storage class"
    shown = Text(
        f"no volume fits it ({text}), and nothing makes one.",
        f"没有符合它的卷（{name or '未指定存储类'}），也没有供应器创建。",
    )
    return Verdict(fault, shown, (_field(claim, "spec.storageClassName", text, 0.4), *told))


def _field(claim: Object, path: str, quote: str, weight: float) -> Evidence:
    return evidence("kubernetes", f"{component(claim)} {path}", quote, weight=weight)


def _finding(snapshot: Snapshot, who: Component, claim: Object, verdict: Verdict) -> Finding:
    return Finding(
        fault=verdict.fault,
        category="scheduling",
        component=who,
        words=Text(
            f"{component(claim)}, which {who} mounts, is not bound: {verdict.why('en')}",
            f"{who} 挂载的 {component(claim)} 未绑定：{verdict.why('zh')}",
        ),
        evidence=verdict.proof,
        onset=min((item.at for item in verdict.proof if item.at), default=None),
        harms=(component(claim),) if claim.get("kind") == "PersistentVolumeClaim" else (),
        latent=is_forgotten(snapshot, who),
        facts={"claim": name_of(claim)},
    )
