"""From a ranked cause to the smallest change that removes it, computed from evidence and bounded by policy.

Each remedy is a pure function: snapshot, cause and policy in; a Draft out, or the sentence why it does not fit. Nothing here is a
constant of a repair: the revision is one that was seen to work, the labels are those the pods carry, the amount follows from what was
measured. A cause lists its remedies best first, and the first that fits is proposed.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core.language import Text
from tools.autofix.guard import Policy
from tools.autofix.plan import Risk
from tools.engines.capacity import Room, room
from tools.engines.changes import Revision, clean_template, digest, revisions, was_failing
from tools.engines.diagnosis import Component
from tools.engines.graph import Graph
from tools.engines.objects import Object, component, dig, name_of, namespace_of, rows
from tools.engines.quantity import cpu, memory, parse
from tools.engines.rank import Ranked
from tools.engines.snapshot import Snapshot

COMFORT = 0.6
FULL = 0.8
LEAST_RAISE = 1.5
HEADROOM = 1.3
GROWN = 2  # more than so many times the replicas is a change of another size
OUTLIVE = 1.5
BRIEFLY = 10.0
FILLED = 60.0  # memory fills slowly at first
MEASURED = 90.0  # new pods have no rate before they were scraped a few times


@dataclass(frozen=True, slots=True)
class Draft:
    """A change not yet tried: on what, which action with which arguments, and what it should bring."""

    remedy: str
    target: Component
    action: str
    arguments: dict[str, Any]
    effect: Text
    risk: Risk
    hold_seconds: float = BRIEFLY
    space: Room | None = None


@dataclass(frozen=True, slots=True)
class Case:
    snapshot: Snapshot
    graph: Graph
    cause: Ranked
    policy: Policy
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def component(self) -> Component:
        return self.cause.finding.component

    @property
    def workload(self) -> Object | None:
        place = self.component
        return self.snapshot.get(place.kind, place.namespace, place.name)


Remedy = Callable[[Case], Draft | Text]
_BOUND_ZH = {"policy": "策略", "nodes": "节点余量"}


def draft(case: Case) -> tuple[list[Draft], list[Text]]:
    """Every remedy that fits, best first, and why the others do not."""
    results = [REMEDIES[remedy](case) for remedy in case.cause.finding.remedies if remedy in REMEDIES]
    return [one for one in results if isinstance(one, Draft)], [one for one in results if isinstance(one, Text)]


def rollback_rollout(case: Case) -> Draft | Text:
    workload = case.workload
    if workload is None or case.component.kind != "Deployment":
        return Text("only a Deployment keeps earlier revisions to go back to", "只有 Deployment 保留了可回滚的历史版本")
    history = revisions(case.snapshot, workload)
    wanted = digest(clean_template(workload))
    now = next((revision for revision in history if digest(revision.template) == wanted), None)
    if now is None:
        return Text("its present template has no revision yet", "当前模板尚未生成版本")
    earlier = [revision for revision in history if revision.number < now.number and _differs(case, now, revision)]
    earlier = [revision for revision in earlier if not was_failing(case.snapshot, revision, now.at)]
    if not earlier:
        return Text(
            "no earlier revision is kept that differs in this and did not fail itself",
            "没有保留在这一点上不同且自身未出过故障的历史版本",
        )
    back = next((revision for revision in earlier if revision.ready), earlier[0])
    arguments = {
        "replica_set": back.name,
        "revision": back.number,
        "template_digest": digest(back.template),
        "back_to": now.name,
        "back_to_revision": now.number,
    }
    effect = Text(
        f"{case.component} runs what revision {back.number} ran; its pods are replaced step by step.",
        f"{case.component} 恢复为第 {back.number} 版的内容，Pod 逐步替换。",
    )
    return Draft(
        "rollback_rollout", case.component, "restore_template", arguments, effect, _risk(workload), _outlive(case)
    )


def raise_memory_limit(case: Case) -> Draft | Text:
    facts = case.cause.finding.facts
    limit, peak, before = facts.get("limit"), facts.get("peak") or 0.0, facts.get("previous_limit") or 0.0
    if not limit:
        return Text("the container has no memory limit to raise", "该容器没有可提高的内存限制")
    # A killed container never showed how much it wanted: at least twice the limit, or the observed peak with headroom.
    most = min(case.policy.max_memory, case.policy.max_growth * limit)
    amount = memory(min(max(2 * limit, HEADROOM * peak, before), most), most)
    if not limit < (parse(amount) or 0.0) <= most:
        return Text("the policy allows no higher memory limit", "策略不允许更高的内存限制")
    return _limit(case, "raise_memory_limit", "memory", amount)


def raise_cpu_limit(case: Case) -> Draft | Text:
    facts = case.cause.finding.facts
    limit = float(facts.get("limit") or 0.0)
    wanted = limit * max(LEAST_RAISE, _demand(facts) / FULL)
    most = min(case.policy.max_cpu, case.policy.max_growth * limit)
    amount = cpu(min(wanted, most), most)
    if not limit < (parse(amount) or 0.0) <= most:
        return Text("the policy allows no higher CPU limit", "策略不允许更高的 CPU 限制")
    return _limit(case, "raise_cpu_limit", "cpu", amount, _hidden(facts))


def scale_out(case: Case) -> Draft | Text:
    workload = case.workload
    if workload is None or case.component.kind != "Deployment":
        return Text("only a Deployment is scaled without asking its owner", "只有 Deployment 可以直接扩容")
    if _runs_alone(workload):
        return Text(
            "it must not run twice: it owns a volume or is recreated", "它独占存储卷或采用重建策略，不能多副本运行"
        )
    if _autoscaled(case.snapshot, workload):
        return Text("an autoscaler owns its replicas", "副本数由自动伸缩器管理")
    return _scaled(case, workload, room(case.snapshot, workload))


def _scaled(case: Case, workload: Object, space: Room | None) -> Draft | Text:
    facts = case.cause.finding.facts
    now = int(dig(workload, "spec", "replicas") or 1)
    wanted = max(now + 1, math.ceil(round(now * _demand(facts) / COMFORT, 6)))
    bounds = {"policy": case.policy.max_replicas, **({"nodes": now + space.pods} if space else {})}
    short = min(bounds, key=lambda name: bounds[name])
    count = min(wanted, bounds[short])
    if count <= now and short == "nodes":
        return Text("the nodes have no room for one more pod of it", "节点没有余量再容纳一个 Pod")
    if count <= now:
        return Text(f"the policy allows {count} replicas", f"策略最多允许 {count} 个副本")
    shared = Text(
        f"The work of {now} pods is shared by {count}; usage falls to {COMFORT:.0%} of the limit or less.",
        f"原由 {now} 个 Pod 承担的负载由 {count} 个分担，使用率降到上限的 {COMFORT:.0%} 以下。",
    )
    less = Text(
        f"The work of {now} pods is shared by {count}. {wanted} would be needed by estimate, and the {short} "
        f"allow{'s' if short == 'policy' else ''} no more.",
        f"原由 {now} 个 Pod 承担的负载由 {count} 个分担。估计需要 {wanted} 个，但{_BOUND_ZH[short]}不允许更多。",
    )
    effect = _and(less if count < wanted else shared, _hidden(facts))
    risk: Risk = "medium" if count > GROWN * now or count < wanted else "low"
    return Draft("scale_out", case.component, "scale", {"replicas": count}, effect, risk, _outlive(case), space)


def restore_replicas(case: Case) -> Draft | Text:
    count = int(case.cause.finding.facts.get("replicas") or 0)
    if not count:
        return Text("how many replicas it had is not known", "无法得知原来的副本数")
    effect = Text(f"{case.component} runs {count} pods again.", f"{case.component} 恢复为 {count} 个 Pod。")
    return Draft("restore_replicas", case.component, "scale", {"replicas": count}, effect, "low")


def set_service_selector(case: Case) -> Draft | Text:
    facts = case.cause.finding.facts
    service = Component(kind="Service", namespace=case.component.namespace, name=str(facts["service"]))
    effect = Text(
        f"{service} sends its traffic to the pods of {case.component} again; no pod is restarted.",
        f"{service} 重新把流量转发到 {case.component} 的 Pod，不会重启任何 Pod。",
    )
    arguments = {"selector": dict(facts["meant"])}
    return Draft("set_service_selector", service, "set_selector", arguments, effect, "low")


REMEDIES: dict[str, Remedy] = {
    "rollback_rollout": rollback_rollout,
    "raise_memory_limit": raise_memory_limit,
    "raise_cpu_limit": raise_cpu_limit,
    "scale_out": scale_out,
    "restore_replicas": restore_replicas,
    "set_service_selector": set_service_selector,
}


def _limit(case: Case, remedy: str, resource: str, amount: str, more: Text | None = None) -> Draft | Text:
    workload, container = case.workload, str(case.cause.finding.facts["container"])
    if workload is None or case.component.kind not in {"Deployment", "StatefulSet", "DaemonSet"}:
        return Text("its pods have no template to change", "其 Pod 没有可修改的模板")
    arguments = {"container": container, "resource": resource, "limit": amount}
    effect = Text(
        f"Container {container} of {case.component} may use up to {amount}; its pods are replaced step by step.",
        f"{case.component} 的容器 {container} 可使用至多 {amount}，Pod 逐步替换。",
    )
    return Draft(remedy, case.component, "set_limit", arguments, _and(effect, more), _risk(workload), _outlive(case))


def _differs(case: Case, now: Revision, earlier: Revision) -> bool:
    """Whether going back to it would change what is wrong: another image, a higher limit, or at least another template."""
    finding = case.cause.finding
    name = str(finding.facts.get("container") or "")
    mine, theirs = now.container(name), earlier.container(name)
    if "image" in finding.facts:
        return bool(theirs) and theirs.get("image") != mine.get("image")
    resource = {"oom_killed": "memory", "cpu_throttled": "cpu"}.get(finding.fault)
    if resource and not finding.facts.get("began_with_rollout"):
        before, present = (parse(dig(one, "resources", "limits", resource)) for one in (theirs, mine))
        return bool(theirs) and present is not None and (before is None or before > present)
    return digest(earlier.template) != digest(now.template)


def _outlive(case: Case) -> float:
    """A repair of something that dies after a while is proven by outliving that while."""
    life = float(case.cause.finding.facts.get("life_seconds") or 0.0)
    finding = case.cause.finding
    least = MEASURED if finding.category == "performance" else FILLED if finding.fault == "oom_killed" else BRIEFLY
    return min(max(least, OUTLIVE * life), case.policy.verify_seconds / 2)


def _demand(facts: dict[str, Any]) -> float:
    """What is wanted as a share of what is allowed; the share of periods held back is demand that usage cannot show."""
    used = float(facts["used"]) / (float(facts["limit"]) * max(1, int(facts["hot"])))
    return used * (1 + float(facts.get("held_back") or 0.0))


def _hidden(facts: dict[str, Any]) -> Text | None:
    """Why the number is an estimate, for who decides on it."""
    held = float(facts.get("held_back") or 0.0)
    if not held:
        return None
    return Text(
        f"The pods were held back in {held:.0%} of periods, and what they would have used otherwise cannot be measured, "
        "only estimated from that: it may turn out more than is needed. Take it down again once usage shows.",
        f"Pod 在 {held:.0%} 的周期内被限流，不受限时的真实需求无法测得，只能据此估算，因此可能偏多；待使用率稳定后可再调低。",
    )


def _and(first: Text, second: Text | None) -> Text:
    return Text(f"{first('en')} {second('en')}", f"{first('zh')}{second('zh')}") if second else first


def _runs_alone(workload: Object) -> bool:
    volumes = rows(workload, "spec", "template", "spec", "volumes")
    recreated = dig(workload, "spec", "strategy", "type") == "Recreate"
    return recreated or any("persistentVolumeClaim" in volume for volume in volumes)


def _risk(workload: Object) -> Risk:
    """A workload that is recreated is away while its pods are replaced: a risk as long as any of them still serves."""
    serves = int(dig(workload, "status", "availableReplicas") or 0) > 0
    return "high" if serves and dig(workload, "spec", "strategy", "type") == "Recreate" else "medium"


def _autoscaled(snapshot: Snapshot, workload: Object) -> bool:
    return any(
        dig(scaler, "spec", "scaleTargetRef", "name") == name_of(workload)
        for scaler in snapshot.of("HorizontalPodAutoscaler", namespace_of(workload))
    )


def blast_radius(case: Case, one: Draft) -> Text:
    """What the change touches, from the object graph."""
    workload = case.workload
    pods = len(case.snapshot.pods_of(workload)) if workload else 0
    harmed = dict.fromkeys([*case.cause.affected, *case.graph.suffering(case.component, *case.cause.finding.harms)])
    outwards = [str(part) for part in harmed if part != one.target][:6]
    near = ", ".join(outwards)
    near_en, near_zh = (f" Behind it: {near}.", f"受其影响：{near}。") if near else ("", "")
    if one.action in {"set_selector", "scale"}:
        space = _space(one.space)
        return Text(
            f"{one.target}; its {pods} pod(s) keep running.{space('en')}{near_en}",
            f"{one.target}；现有 {pods} 个 Pod 不重启。{space('zh')}{near_zh}",
        )
    return Text(
        f"{component(workload) if workload else one.target}: {pods} pod(s) are replaced.{near_en}",
        f"{one.target}：{pods} 个 Pod 将被替换。{near_zh}",
    )


def _space(space: Room | None) -> Text:
    if space is None:
        return Text("", "")
    if space.measured:
        return Text(
            f" By what is reserved, the nodes have room for {space.pods} more.",
            f"按已预留资源计算，节点还可容纳 {space.pods} 个。",
        )
    return Text(
        f" The nodes have room for at most {space.pods} more; pods of namespaces that were not read are not counted.",
        f"节点最多还可容纳 {space.pods} 个（未读取的命名空间中的 Pod 未计入）。",
    )
