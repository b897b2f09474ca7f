"""From "something is wrong here" to a stored-to-be Plan: choose the cause, draft, weigh, rehearse on the server, write down.

The rehearsal is a server-side dry run of the exact patch, so admission, quotas and permissions have their say before a person is asked, and
the diff that is shown is what the API server itself would store. The guard speaks before the rehearsal. Nothing is changed here.
"""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import timedelta

from core.clock import Clock
from core.errors import Conflict, Forbidden, Invalid, NotFound, Upstream, near_misses
from core.language import Language, pick
from core.redact import Redactor
from tools.autofix import remedies
from tools.autofix.actions import action_of, conditional
from tools.autofix.diff import unified
from tools.autofix.guard import Policy, Refusal, enforce, refusals
from tools.autofix.plan import AlertFacts, Check, Plan, Reason, Step, Target, plan_hash, target_of
from tools.collect import Collector
from tools.engines.calibration import calibrated
from tools.engines.changes import digest
from tools.engines.explain import investigate, touches
from tools.engines.graph import Graph
from tools.engines.objects import Object
from tools.engines.rank import Ranked, Verdict
from tools.engines.snapshot import Snapshot
from tools.ports import Cluster, Clusters

LOOKS = 4
_NAMING_LABELS = ("deployment", "statefulset", "daemonset", "workload", "pod", "service")


@dataclass(frozen=True, slots=True)
class Ask:
    """What a repair is wanted for."""

    namespace: str
    name: str | None
    fault: str | None
    alert: AlertFacts | None
    context: str
    caller: str
    language: Language


class Planner:
    def __init__(
        self, clusters: Clusters, collector: Collector, clock: Clock, policy: Policy, redactor: Redactor
    ) -> None:
        self._clusters = clusters
        self._collector = collector
        self._clock = clock
        self._policy = policy
        self._redactor = redactor

    async def plan(self, ask: Ask, changes_last_hour: int) -> Plan:
        snapshot = await self._collector.collect(ask.namespace, ask.context)
        verdict, graph = await asyncio.to_thread(investigate, snapshot)
        case = remedies.Case(snapshot, graph, _chosen(ask, verdict, graph, snapshot), self._policy)
        if calibrated(case.cause.confidence) < self._policy.least_confidence:
            enforce([_unsure(case, ask.language)])
        # The very cluster that was looked at, though the kubeconfig's current context may point elsewhere by now.
        cluster = await self._clusters.get(snapshot.context)
        drafts = _fitting(case, ask.language)
        refused: list[Refusal] = []
        for draft in drafts:
            made = await self._made(ask, case, draft, cluster, changes_last_hour)
            if isinstance(made, Plan):
                return made
            refused += made
        enforce(refused)
        raise NotFound(f"No repair is known for {case.cause.finding.fault}.")

    async def _made(
        self, ask: Ask, case: remedies.Case, draft: remedies.Draft, cluster: Cluster, changes_last_hour: int
    ) -> Plan | list[Refusal]:
        """In an incident a status moves many times a minute: one that moved between the look and the rehearsal asks for another look."""
        for left in reversed(range(LOOKS)):
            obj = await cluster.get(draft.target.kind, draft.target.name, draft.target.namespace)
            plan = self._written(ask, case, draft, cluster.context, obj)
            found = refusals(self._policy, [(plan.steps[0], obj)], changes_last_hour, ask.language)
            if found:
                return found
            try:
                return await self._rehearsed(cluster, plan, obj)
            except Conflict:
                if not left:
                    raise
        return []

    def _written(self, ask: Ask, case: remedies.Case, draft: remedies.Draft, context: str, obj: Object) -> Plan:
        now, language, finding = self._clock.now(), ask.language, case.cause.finding
        clean = self._redactor.text  # what systems said goes to the disk and to a person's eyes from here
        plan_id = f"plan-{secrets.token_hex(6)}"
        target = target_of(context, obj)
        back = action_of(draft.action).inverse(obj, draft.arguments)
        return Plan(
            id=plan_id,
            title=clean(action_of(draft.action).summary(str(target), draft.arguments, language)),
            reason=Reason(
                fault=finding.fault,
                component=finding.component,
                statement=clean(finding.said(language)),
                confidence=calibrated(case.cause.confidence),
                alert=ask.alert.fingerprint if ask.alert else None,
            ),
            context=context,
            namespace=target.namespace,
            remedy=draft.remedy,
            steps=[_step(plan_id, "do", draft.action, draft.arguments, target, language)],
            undo=[_step(plan_id, "undo", back.action, back.arguments, target, language)],
            verify=_checks(ask, case, draft, language),
            hold_seconds=draft.hold_seconds,
            risk=draft.risk,
            blast_radius=clean(remedies.blast_radius(case, draft)(language)),
            expected_effect=clean(draft.effect(language)),
            evidence=[item.model_copy(update={"quote": clean(item.quote)}) for item in finding.evidence],
            diff="",
            hash="",
            language=language,
            proposed_by=ask.caller,
            created_at=now,
            expires_at=now + timedelta(seconds=self._policy.approval_seconds),
        )

    async def _rehearsed(self, cluster: Cluster, plan: Plan, obj: Object) -> Plan:
        step = plan.steps[0]
        operations = conditional(obj, await operations_for(cluster, step, obj))
        after = await cluster.patch(
            step.target.kind, step.target.name, step.target.namespace, operations, how="json", dry_run=True
        )
        diffs = {"diff": unified(obj, after, self._redactor), "undo_diff": unified(after, obj, self._redactor)}
        shown = plan.model_copy(update=diffs)
        return shown.model_copy(update={"hash": plan_hash(shown)})


async def operations_for(cluster: Cluster, step: Step, obj: Object) -> list[dict[str, object]]:
    action = action_of(step.action)
    copied_from = action.source(step.arguments)
    source = await cluster.get(*copied_from, step.target.namespace) if copied_from else None
    return action.operations(obj, step.arguments, source)


def _chosen(ask: Ask, verdict: Verdict, graph: Graph, snapshot: Snapshot) -> Ranked:
    focus = ask.name or _focus(ask.alert)
    causes = [cause for cause in verdict.causes if touches(cause, graph, focus)]
    if ask.fault:
        causes = [cause for cause in causes if cause.finding.fault == ask.fault]
    if causes:
        return causes[0]
    unread = [gap for gap in snapshot.gaps if "objects" in gap.what and not gap.neighbour]
    if unread:
        raise Upstream("The Kubernetes API server", f"could not be read ({unread[0].why})", retryable=True)
    about = f"{ask.namespace}/{focus}" if focus else ask.namespace
    found = [f"{cause.finding.fault} on {cause.finding.component}" for cause in verdict.causes]
    known = near_misses(ask.fault or focus or "", [cause.finding.fault for cause in verdict.causes]) or found[:3]
    unknown = pick(ask.language, f"No cause to repair was found for {about}.", f"没有为 {about} 找到可修复的原因。")
    missing = "; ".join(f"{gap.what}: {gap.why}" for gap in snapshot.gaps[:3])
    raise NotFound(unknown + (f" ({missing})" if missing else ""), near=known)


def _focus(alert: AlertFacts | None) -> str | None:
    if alert is None:
        return None
    return next((alert.labels[label] for label in _NAMING_LABELS if alert.labels.get(label)), None)


def _fitting(case: remedies.Case, language: Language) -> list[remedies.Draft]:
    drafts, reasons = remedies.draft(case)
    if drafts:
        return drafts
    why = "; ".join(reason(language) for reason in reasons)
    what = case.cause.finding.said(language)
    sentence = pick(
        language,
        f"No repair can be proposed from here{': ' + why if why else ''}. A person has to act: {what}",
        f"这里无法自动给出修复方案{'：' + why if why else ''}。需要人工处理：{what}",
    )
    raise NotFound(sentence)


def _unsure(case: remedies.Case, language: Language) -> Refusal:
    least, have = case.policy.least_confidence, calibrated(case.cause.confidence)
    text = pick(
        language,
        f"The cause ({case.cause.finding.fault}) is only {have:.0%} sure; a repair needs {least:.0%}.",
        f"原因（{case.cause.finding.fault}）的把握只有 {have:.0%}，修复至少需要 {least:.0%}。",
    )
    return Refusal("least_confidence", text)


def _step(
    plan_id: str, part: str, action: str, arguments: dict[str, object], target: Target, language: Language
) -> Step:
    return Step(
        action=action,
        target=target,
        arguments=arguments,
        idempotency_key=f"{plan_id}/{part}/1/{digest([action, arguments])[:12]}",
        summary=action_of(action).summary(str(target), arguments, language),
    )


def _checks(ask: Ask, case: remedies.Case, draft: remedies.Draft, language: Language) -> list[Check]:
    ready = pick(language, f"{draft.target} is ready", f"{draft.target} 就绪")
    checks = [Check(kind="objects_ready", sentence=ready)]
    if ask.alert:
        gone = pick(language, f"The alert {ask.alert.name} no longer holds", f"告警 {ask.alert.name} 不再成立")
        arguments = {"expr": ask.alert.expr, "labels": ask.alert.labels, "workload": case.component.name}
        return [*checks, Check(kind="alert_cleared", sentence=gone, arguments=arguments)]
    fault, place = case.cause.finding.fault, case.component
    gone = pick(language, f"{fault} is no longer found on {place}", f"{place} 上不再发现 {fault}")
    return [*checks, Check(kind="cause_gone", sentence=gone, arguments={"fault": fault, "component": str(place)})]


def need_place(namespace: str, alert: AlertFacts | None) -> str:
    place = namespace or (alert.labels.get("namespace", "") if alert else "")
    if not place:
        raise Invalid("Name the namespace that needs a repair.", field="namespace")
    return place


def may_propose(role_is_enough: bool, name: str) -> None:
    if not role_is_enough:
        raise Forbidden(f"{name} may not propose repairs.", permission="operator")
