"""What policy forbids, decided before a human is asked and once more before anything is done.

Pure: a policy, the steps with the objects they would change, and how many changes there were lately go in; refusals come out, each with the
rule's name, so that a person knows what to change if the refusal is wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import Forbidden
from core.language import Language, pick
from tools.autofix.actions import Demand, action_of
from tools.autofix.plan import Step
from tools.engines.objects import Object
from tools.engines.quantity import MEBI


@dataclass(frozen=True, slots=True)
class Policy:
    protected_namespaces: tuple[str, ...] = ("kube-system", "kube-public", "kube-node-lease")
    protected_label: str = "firstmate.io/protected"
    max_replicas: int = 20
    max_memory: float = 16 * 1024 * MEBI
    max_cpu: float = 16.0
    max_growth: float = 4.0
    changes_per_hour: int = 20
    least_confidence: float = 0.6
    approval_seconds: float = 1800.0
    verify_seconds: float = 180.0
    poll_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Refusal:
    rule: str
    sentence: str


def refusals(
    policy: Policy, steps: Sequence[tuple[Step, Object]], changes_last_hour: int, language: Language
) -> list[Refusal]:
    found = [refusal for step, obj in steps for refusal in _of_step(policy, step, obj, language)]
    if changes_last_hour + len(steps) > policy.changes_per_hour:
        text = pick(
            language,
            f"{changes_last_hour} changes were made in the last hour; the policy allows {policy.changes_per_hour}.",
            f"过去一小时已有 {changes_last_hour} 次变更，策略上限为 {policy.changes_per_hour} 次。",
        )
        found.append(Refusal("changes_per_hour", text))
    return found


def enforce(found: Sequence[Refusal]) -> None:
    if found:
        raise Forbidden(f"{found[0].sentence} (policy rule {found[0].rule})", rule=found[0].rule)


def _of_step(policy: Policy, step: Step, obj: Object, language: Language) -> list[Refusal]:
    found = []
    if step.target.namespace in policy.protected_namespaces:
        text = pick(
            language,
            f"The namespace {step.target.namespace} is protected.",
            f"命名空间 {step.target.namespace} 受保护。",
        )
        found.append(Refusal("protected_namespaces", text))
    labels = (obj.get("metadata") or {}).get("labels") or {}
    if labels.get(policy.protected_label) == "true":
        text = pick(
            language,
            f"{step.target} carries the label {policy.protected_label}=true.",
            f"{step.target} 带有标签 {policy.protected_label}=true。",
        )
        found.append(Refusal("protected_label", text))
    demands = action_of(step.action).demands(obj, step.arguments)
    return found + [refusal for demand in demands for refusal in _of_demand(policy, step, demand, language)]


def _of_demand(policy: Policy, step: Step, demand: Demand, language: Language) -> list[Refusal]:
    bound = {"replicas": float(policy.max_replicas), "memory": policy.max_memory, "cpu": policy.max_cpu}[demand.what]
    found = []
    if demand.amount > bound:
        text = pick(
            language,
            f"{step.target} would get {demand.text} ({demand.what}), more than the policy allows.",
            f"{step.target} 的 {demand.what} 将变为 {demand.text}，超过策略上限。",
        )
        found.append(Refusal(f"max_{demand.what}", text))
    grows = demand.before > 0 and demand.amount > policy.max_growth * demand.before
    if demand.what != "replicas" and grows:
        text = pick(
            language,
            f"{step.target} would get more than {policy.max_growth:g} times its present {demand.what} limit.",
            f"{step.target} 的 {demand.what} 限制将超过现有值的 {policy.max_growth:g} 倍。",
        )
        found.append(Refusal("max_growth", text))
    return found
