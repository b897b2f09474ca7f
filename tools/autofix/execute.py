"""One step, done at most once, with what is known about it written down before and after.

Every patch carries the uid and the resourceVersion that were just read, so of two attempts of one step the API server can accept only
one. What can still go wrong is not knowing: a time-out or a 5xx may come after the change was stored. Then the object is read again, and
only what it shows decides. It shows the change: done. It shows the old wish: try again, under the same condition. It cannot be read:
unknown, said so, and nothing more is tried. A refusal (422, 403, 404) is final, a 429 is known not to have been applied and is tried
again later.
"""

from dataclasses import dataclass
from typing import Literal

from core.clock import Clock
from core.errors import Conflict, FirstmateError, Upstream
from core.language import pick
from tools.autofix.actions import action_of, conditional
from tools.autofix.plan import Plan, Step, wish
from tools.autofix.planner import operations_for
from tools.autofix.store import PlanStore
from tools.engines.objects import Object, dig
from tools.ports import Cluster, Clusters

ATTEMPTS = 4
BACKOFF = (1.0, 2.0, 5.0)
LOOKS = (0.5, 2.0, 5.0, 10.0, 15.0)
_REFUSED_UNSEEN = {401, 429}

Known = Literal["done", "not_applied", "changed", "unknown", "again"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of a step.

    `changed`: the object is no longer what the plan was made for, and was left alone. `again`: not applied, and safe to be tried once more.
    """

    known: Known
    sentence: str


class Executor:
    def __init__(self, clusters: Clusters, store: PlanStore, clock: Clock) -> None:
        self._clusters = clusters
        self._store = store
        self._clock = clock

    async def perform(self, plan: Plan, step: Step, *, undoing: Step | None = None) -> Outcome:
        """Do `step`; when it takes back `undoing`, only if that one's change is still what the object shows."""
        before = await self._store.last_phase(plan.id, step.idempotency_key)
        if before == "done":
            return Outcome("done", step.summary)
        outcome = await self._attempts(plan, step, undoing, resumed=before is not None)
        await self._note(plan, step, outcome.known, outcome.sentence)
        return outcome

    async def _attempts(self, plan: Plan, step: Step, undoing: Step | None, *, resumed: bool) -> Outcome:
        outcome = Outcome("again", "")
        for attempt in range(ATTEMPTS):
            if attempt:
                await self._clock.sleep(BACKOFF[min(attempt, len(BACKOFF)) - 1])
            tried = resumed or attempt > 0
            try:
                cluster = await self._clusters.get(plan.context)
                obj = await cluster.get(step.target.kind, step.target.name, step.target.namespace)
            except FirstmateError as error:
                # Nothing was sent by this turn; whether an earlier one arrived is what the caller needs to know.
                return Outcome("unknown" if tried else "not_applied", error.sentence)
            settled = self._settled(plan, step, obj, undoing, tried=tried)
            outcome = settled or await self._once(plan, cluster, step, obj)
            if outcome.known != "again":
                return outcome
        return Outcome("not_applied", outcome.sentence)

    def _settled(self, plan: Plan, step: Step, obj: Object, undoing: Step | None, *, tried: bool) -> Outcome | None:
        """What the object alone decides, before anything is sent."""
        if dig(obj, "metadata", "uid") == step.target.uid and action_of(step.action).done(obj, step.arguments):
            if tried or undoing:
                return Outcome("done", step.summary)
            return Outcome("changed", _left_alone(plan, step, obj))
        if undoing is None and not is_as_planned(step, obj):
            return Outcome("changed", _left_alone(plan, step, obj))
        if undoing is not None and not self._is_ours(undoing, obj):
            return Outcome("changed", _left_alone(plan, step, obj))
        return None

    def _is_ours(self, step: Step, obj: Object) -> bool:
        return dig(obj, "metadata", "uid") == step.target.uid and action_of(step.action).done(obj, step.arguments)

    async def _once(self, plan: Plan, cluster: Cluster, step: Step, obj: Object) -> Outcome:
        await self._note(plan, step, "sending", step.summary)
        try:
            operations = conditional(obj, await operations_for(cluster, step, obj))
            await cluster.patch(step.target.kind, step.target.name, step.target.namespace, operations, how="json")
        except Conflict as error:
            return Outcome("again", error.sentence)
        except Upstream as error:
            if error.status in _REFUSED_UNSEEN:
                return Outcome("again" if error.status == 429 else "not_applied", error.sentence)
            return await self._find_out(plan, cluster, step, error)
        except FirstmateError as error:
            return Outcome("not_applied", error.sentence)
        return Outcome("done", step.summary)

    async def _find_out(self, plan: Plan, cluster: Cluster, step: Step, error: Upstream) -> Outcome:
        await self._note(plan, step, "in_doubt", error.sentence)
        for pause in LOOKS:
            await self._clock.sleep(pause)
            try:
                obj = await cluster.get(step.target.kind, step.target.name, step.target.namespace)
            except FirstmateError:
                continue  # looked at again after a longer pause; after the last one it is reported as unknown
            done = dig(obj, "metadata", "uid") == step.target.uid and action_of(step.action).done(obj, step.arguments)
            return Outcome("done", step.summary) if done else Outcome("again", error.sentence)
        return Outcome("unknown", _in_doubt(plan, step, error))

    async def _note(self, plan: Plan, step: Step, phase: str, sentence: str) -> None:
        await self._store.note(
            plan.id, "step", step.idempotency_key, phase, sentence, action=step.action, target=str(step.target)
        )


def is_as_planned(step: Step, obj: Object) -> bool:
    same_object = dig(obj, "metadata", "uid") == step.target.uid
    same_version = dig(obj, "metadata", "resourceVersion") == step.target.resource_version
    return same_object and (same_version or wish(obj) == step.target.digest)


def _left_alone(plan: Plan, step: Step, obj: Object) -> str:
    was, now = step.target.resource_version, dig(obj, "metadata", "resourceVersion")
    return pick(
        plan.language,
        f"{step.target} was changed by somebody else since (version {was} then, {now} now). It was left as it is.",
        f"{step.target} 已被他人修改（当时版本 {was}，现在 {now}），没有再改动它。",
    )


def plan_is_void(plan: Plan, step: Step, obj: Object) -> str:
    was, now = step.target.resource_version, dig(obj, "metadata", "resourceVersion")
    return pick(
        plan.language,
        f"{step.target} was changed since the plan was made (version {was} then, {now} now), so the plan is void. "
        "Ask for a new proposal.",
        f"{step.target} 在方案生成后被修改（当时版本 {was}，现在 {now}），方案作废。请重新生成方案。",
    )


def _in_doubt(plan: Plan, step: Step, error: Upstream) -> str:
    return pick(
        plan.language,
        f"It is not known whether this was applied: {step.summary}. {error.sentence}, and {step.target} could not be read "
        "afterwards. Look at it before doing anything else; nothing was tried twice.",
        f"无法确认是否已生效：{step.summary}。{error.sentence}，之后也无法读取 {step.target}。请先查看它的现状，系统没有重复执行。",
    )
