"""Did it help? The same questions that raised the trouble, asked again until they hold for a while or the window is over.

Each check says held, not held, or unknown with the reason. The verdict keeps the last two apart: what was seen not to hold is undone,
what could not be seen is not. If Prometheus is away but the objects are ready, or if the objects cannot be read at all, taking the
change back would restore a known fault on no evidence (and could not be verified either), so the run stops, says that it could not
verify, and leaves the undo to a person.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from core.clock import Clock
from core.errors import FirstmateError, NotFound
from core.language import pick
from tools.autofix.guard import Policy
from tools.autofix.plan import Check, Plan, Target
from tools.collect import Collector
from tools.engines.explain import investigate, is_pod_of
from tools.engines.objects import Object, dig, rows
from tools.ports import Cluster, Clusters, Prometheus
from tools.spec import Progress

Answer = Literal["held", "not_held", "unknown"]
_IGNORED = {"__name__"}


@dataclass(frozen=True, slots=True)
class Result:
    check: Check
    answer: Answer
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    answer: Answer
    sentence: str


class Verifier:
    def __init__(
        self, clusters: Clusters, prometheus: Prometheus, collector: Collector, clock: Clock, policy: Policy
    ) -> None:
        self._clusters = clusters
        self._prometheus = prometheus
        self._collector = collector
        self._clock = clock
        self._policy = policy

    async def verify(self, plan: Plan, progress: Progress) -> Verdict:
        deadline = self._clock.now() + timedelta(seconds=self._policy.verify_seconds)
        holds_since = None
        told = ""
        while True:
            results = await self._ask_all(plan)
            now = self._clock.now()
            if all(result.answer == "held" for result in results):
                holds_since = holds_since or now
                if (now - holds_since).total_seconds() >= plan.hold_seconds:
                    return Verdict("held", _sentence(results))
            else:
                holds_since = None
            if now >= deadline and holds_since is None:
                return Verdict(_worst(results), _sentence(results))
            if _sentence(results) != told:
                told = _sentence(results)
                await progress(told)
            await self._clock.sleep(self._policy.poll_seconds)

    async def _ask_all(self, plan: Plan) -> list[Result]:
        """In order, and no dearer question before the cheaper one holds."""
        results: list[Result] = []
        for check in plan.verify:
            if check.kind == "cause_gone" and any(result.answer != "held" for result in results):
                results.append(Result(check, "unknown", pick(plan.language, "not asked yet", "尚未检查")))
                continue
            try:
                results.append(await self._ask(plan, check))
            except FirstmateError as error:
                results.append(Result(check, "unknown", error.sentence))
        return results

    async def _ask(self, plan: Plan, check: Check) -> Result:
        if check.kind == "objects_ready":
            return await self._objects_ready(plan, check)
        if check.kind == "alert_cleared":
            return await self._alert_cleared(check)
        return await self._cause_gone(plan, check)

    async def _objects_ready(self, plan: Plan, check: Check) -> Result:
        cluster = await self._clusters.get(plan.context)
        for step in plan.steps:
            ok, why = await is_ready(cluster, step.target)
            if not ok:
                return Result(check, "not_held", why)
        return Result(check, "held", "")

    async def _alert_cleared(self, check: Check) -> Result:
        labels, workload = check.arguments["labels"], str(check.arguments["workload"])
        samples = await self._prometheus.query(check.arguments["expr"])
        still = [sample for sample in samples if speaks_of(sample.labels, labels, workload)]
        if still:
            return Result(check, "not_held", f"value {still[0].value:g}")
        return Result(check, "held", "")

    async def _cause_gone(self, plan: Plan, check: Check) -> Result:
        snapshot = await self._collector.collect(plan.namespace, plan.context)
        verdict, _ = await asyncio.to_thread(investigate, snapshot)
        for cause in verdict.causes:
            same_place = str(cause.finding.component) == check.arguments["component"]
            if same_place and cause.finding.fault == check.arguments["fault"]:
                return Result(check, "not_held", cause.finding.evidence[0].quote)
        unread = [gap for gap in snapshot.gaps if _deciding(plan) in gap.what and not gap.neighbour]
        if unread:
            return Result(check, "unknown", f"{unread[0].what}: {unread[0].why}")
        return Result(check, "held", "")


def _deciding(plan: Plan) -> str:
    """What kind of source has to be readable for the cause's absence to mean anything."""
    heaviest = max(plan.evidence, key=lambda item: item.weight)
    return "metrics" if heaviest.source == "metric" else "objects"


def speaks_of(sample: dict[str, str], alert: dict[str, str], workload: str) -> bool:
    """Whether a sample is the alert's, or is the same trouble in another pod of the same workload (rollouts rename pods)."""
    for label, value in sample.items():
        if label in _IGNORED or label not in alert or alert[label] == value:
            continue
        if label not in {"pod", "instance", "uid", "node", "replicaset", "id"}:
            return False
        if label == "pod" and not is_pod_of(value, workload):
            return False
    return True


async def is_ready(cluster: Cluster, target: Target) -> tuple[bool, str]:
    obj = await cluster.get(target.kind, target.name, target.namespace)
    if target.kind == "Service":
        return await _has_addresses(cluster, target)
    return rolled_out(obj)


def rolled_out(workload: Object) -> tuple[bool, str]:
    """Whether a workload runs what its spec asks for, all of it and nothing older."""
    seen, written = dig(workload, "status", "observedGeneration") or 0, dig(workload, "metadata", "generation") or 0
    if seen < written:
        return False, f"generation {written} not seen yet"
    replicas = dig(workload, "spec", "replicas")
    wanted = int(1 if replicas is None else replicas)
    status = {key: int(dig(workload, "status", key) or 0) for key in ("replicas", "updatedReplicas", "readyReplicas")}
    available = int(dig(workload, "status", "availableReplicas") or 0)
    ready = status["updatedReplicas"] == wanted == status["replicas"] and available >= wanted
    return ready, f"{available} of {wanted} available, {status['updatedReplicas']} updated, {status['replicas']} in all"


async def _has_addresses(cluster: Cluster, target: Target) -> tuple[bool, str]:
    labels = f"kubernetes.io/service-name={target.name}"
    try:
        slices = (await cluster.list("EndpointSlice", target.namespace, labels=labels)).items
        ready = sum(
            1 for piece in slices for row in rows(piece, "endpoints") if dig(row, "conditions", "ready") is not False
        )
    except NotFound:
        endpoints = await cluster.get("Endpoints", target.name, target.namespace)
        ready = sum(len(rows(subset, "addresses")) for subset in rows(endpoints, "subsets"))
    return ready > 0, f"{ready} ready address(es)"


def _worst(results: list[Result]) -> Answer:
    answers = {result.answer for result in results}
    if any(result.answer == "unknown" and result.check.kind == "objects_ready" for result in results):
        return "unknown"
    return "not_held" if "not_held" in answers else "unknown" if "unknown" in answers else "held"


def _sentence(results: list[Result]) -> str:
    mark = {"held": "✓", "not_held": "✗", "unknown": "?"}
    return "; ".join(
        f"{mark[result.answer]} {result.check.sentence}" + (f" ({result.why})" if result.why else "")
        for result in results
    )
