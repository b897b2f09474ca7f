"""Repairs: the one door to proposing, deciding, applying and undoing.

A repair runs in a task of its own: who asked for it may go away, the repair goes on and its ledger tells. After a crash `resume` picks
up every plan that was under way and continues where its ledger ends; what an error interrupts is taken up in the same way, by `run`,
after the approval was looked at once more. An approval is bound to the plan's hash, the approver and an expiry, signed with the process's
key, and used in the same transaction that starts the plan. No tool reaches `approve`: approving takes a person's request through the
API, the console or the command line.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any

from core.clock import Clock
from core.database import Database
from core.errors import Conflict, FirstmateError, Forbidden, NotFound, Upstream
from core.language import Language, pick
from core.logs import get as logger
from core.metrics import Metrics
from core.redact import Redactor
from core.secrets import same
from tools.autofix.execute import Executor, Outcome, is_as_planned, plan_is_void
from tools.autofix.guard import Policy, enforce, refusals
from tools.autofix.plan import (
    RUNNING,
    UNDOABLE,
    AlertFacts,
    Approval,
    LedgerEntry,
    Move,
    Plan,
    State,
    plan_hash,
)
from tools.autofix.planner import Ask, Planner, may_propose, need_place
from tools.autofix.seal import Seal
from tools.autofix.store import PlanStore
from tools.autofix.verify import Verdict, Verifier
from tools.collect import Collector
from tools.engines.objects import Object
from tools.ports import Clusters, Prometheus
from tools.spec import Caller, Progress

Plans = list[Plan]
Ledger = list[LedgerEntry]
Names = list[str]
Objects = list[Object]
AlertLookup = Callable[[str], Awaitable[AlertFacts | None]]
RESUME_SECONDS = 15.0
TRIES = 8
UNHEARD_SECONDS = 120.0  # longer than one step keeps silent, its waits and time-outs included
SYSTEM = "firstmate"
_log = logger(__name__)


async def _nobody(_message: str) -> None:
    return None


class Repairs:
    def __init__(
        self,
        *,
        database: Database,
        clusters: Clusters,
        prometheus: Prometheus,
        collector: Collector,
        clock: Clock,
        policy: Policy,
        key: str,
        metrics: Metrics,
        lookup: AlertLookup,
    ) -> None:
        self._clusters = clusters
        self._clock = clock
        self._policy = policy
        self._seal = Seal(key)
        self._lookup = lookup
        redactor = Redactor(key)
        self._store = PlanStore(database, clock, metrics, redactor)
        self._planner = Planner(clusters, collector, clock, policy, redactor)
        self._executor = Executor(clusters, self._store, clock)
        self._verifier = Verifier(clusters, prometheus, collector, clock, policy)
        self._running: dict[asyncio.Task[Plan], str] = {}
        self._interrupted: dict[str, list[str]] = {}

    @property
    def policy(self) -> Policy:
        return self._policy

    async def propose(
        self,
        *,
        namespace: str = "",
        name: str | None = None,
        alert: str | None = None,
        fault: str | None = None,
        context: str = "",
        caller: Caller,
        language: Language = "en",
    ) -> Plan:
        """A stored plan, or the open one that would do the very same; older open proposals for its target are superseded."""
        may_propose(caller.may("write"), caller.name)
        facts = await self._lookup(alert) if alert else None
        if alert and facts is None:
            raise NotFound(f"There is no alert {alert}.")
        ask = Ask(need_place(namespace, facts), name, fault, facts, context, caller.name, language)
        plan = await self._planner.plan(ask, await self._store.changes_lately())
        for other, same_deed in await self._store.open_for(plan):
            current = await self._fresh(other)
            if current.state in {"applying", "verifying", "undoing"}:
                raise Conflict(f"{current.id} is already at work on {plan.steps[0].target}.", found=current.state)
            if current.state in {"proposed", "approved"}:
                if same_deed and current.verify == plan.verify:
                    return current
                await self._move(current, "supersede", SYSTEM, f"replaced by {plan.id}")
        return await self._store.add(plan)

    async def get(self, plan_id: str) -> Plan:
        return await self._fresh(await self._store.get(plan_id))

    async def list(self, state: State | None = None, limit: int = 50, offset: int = 0) -> tuple[Plans, int]:
        found, total = await self._store.page(state, limit, offset)
        return [await self._fresh(plan) for plan in found], total

    async def ledger(self, plan_id: str) -> Ledger:
        await self._store.get(plan_id)
        return await self._store.ledger(plan_id)

    async def approve(self, plan_id: str, plan_hash: str, approver: Caller, note: str = "") -> Plan:
        _must_decide(approver)
        plan = await self.get(plan_id)
        _must_match(plan, plan_hash)
        _must_be(plan, "proposed")
        await self._must_be_unchanged(plan)
        now = self._clock.now()
        approval = Approval(
            plan_hash=plan.hash,
            approver=approver.name,
            via=approver.via,
            note=note[:2000],
            at=now,
            expires_at=plan.expires_at,
        )
        approval = self._seal.put(plan.id, approval)
        reason = pick(plan.language, f"approved by {approver.name}", f"由 {approver.name} 批准")
        return await self._store.move(plan_id, "approve", by=approver.name, reason=reason, approval=approval)

    async def reject(self, plan_id: str, plan_hash: str, approver: Caller, note: str = "") -> Plan:
        _must_decide(approver)
        plan = await self.get(plan_id)
        _must_match(plan, plan_hash)
        _must_be(plan, "proposed", "approved")
        reason = pick(plan.language, f"refused by {approver.name}", f"被 {approver.name} 拒绝")
        return await self._move(plan, "reject", approver.name, f"{reason}: {note[:2000]}" if note else reason)

    async def apply(self, plan_id: str, plan_hash: str, caller: Caller, progress: Progress = _nobody) -> Plan:
        """Start an approved plan and wait for its end. The repair outlives the one who waits."""
        _must_decide(caller)
        plan = await self.get(plan_id)
        _must_match(plan, plan_hash)
        self._must_be_approved(plan)
        objects = await self._must_be_unchanged(plan)
        steps = list(zip(plan.steps, objects, strict=True))

        def weigh(changes: int) -> None:
            enforce(refusals(self._policy, steps, changes, plan.language))

        reason = pick(plan.language, "started", "开始执行")
        started = self._store.move(plan.id, "start", by=caller.name, reason=reason, weigh=weigh)
        return await asyncio.shield(self._begin(plan.id, started, progress))

    async def undo(self, plan_id: str, caller: Caller, progress: Progress = _nobody) -> Plan:
        _must_decide(caller)
        plan = await self.get(plan_id)
        _must_be(plan, *sorted(UNDOABLE))
        if not await self._steps_to_undo(plan):
            raise Conflict(f"The plan {plan.id} changed nothing, so there is nothing to undo.", found=plan.state)
        asked = pick(plan.language, f"{caller.name} asked to undo", f"{caller.name} 要求撤销")
        moved_on = self._move(plan, "undo", caller.name, asked)
        return await asyncio.shield(self._begin(plan.id, moved_on, progress))

    async def resume(self, *, only_orphans: bool = False) -> Names:
        """Take up every plan left under way; they run on in the background.

        Another process on the same database may be at work on one: `only_orphans` leaves alone what was heard of lately.
        """
        unfinished = await self._store.unfinished()
        for ended in self._interrupted.keys() - {plan.id for plan in unfinished}:
            del self._interrupted[ended]
        left = [plan for plan in unfinished if not only_orphans or await self._is_orphan(plan)]
        # Asked last: what began while the database was read is not left behind.
        busy = set(self._running.values())
        taken = [plan for plan in left if plan.id not in busy]
        for plan in taken:
            _log.warning("resuming a repair from its ledger", plan=plan.id, state=plan.state)
            self._begin(plan.id, self._store.get(plan.id), _nobody)
        return [plan.id for plan in taken]

    async def run(self) -> None:
        """Take up again what an error interrupted, or what another process left."""
        while True:
            await self._clock.sleep(RESUME_SECONDS)
            await self._resume_orphans()

    async def settle(self) -> None:
        """Wait for every repair under way to end, what was interrupted taken up again; for a process that is about to go."""
        await asyncio.gather(*self._running, return_exceptions=True)
        for _ in range(TRIES):
            if not self._interrupted:
                return
            await self._clock.sleep(RESUME_SECONDS)
            await self._resume_orphans()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def close(self) -> None:
        """Stop the tasks; what was under way stays so in the ledger and is resumed at the next start."""
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, plan_id: str, first: Coroutine[Any, Any, Plan], progress: Progress) -> asyncio.Task[Plan]:
        # The move that starts it runs inside the task too: a caller who goes away between the two would leave it hanging.
        task = asyncio.create_task(self._carry_on(first, _careful(progress)), name=f"repair {plan_id}")
        self._running[task] = plan_id
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Plan]) -> None:
        plan_id = self._running.pop(task)
        if not task.cancelled() and task.exception():
            _log.error(
                "a repair stopped on an error; its ledger tells how far it came",
                plan=plan_id,
                error=str(task.exception()),
            )

    async def _resume_orphans(self) -> None:
        try:
            await self.resume(only_orphans=True)
        except FirstmateError as error:
            _log.warning("could not look for repairs to take up", error=error.sentence)
        except Exception:  # noqa: BLE001  (the edge of a loop that must go on)
            _log.exception("could not look for repairs to take up")

    async def _is_orphan(self, plan: Plan) -> bool:
        heard = await self._store.last_sign(plan.id)
        patience = timedelta(seconds=self._policy.verify_seconds + plan.hold_seconds + UNHEARD_SECONDS)
        return plan.id in self._interrupted or heard is None or self._clock.now() - heard >= patience

    async def _carry_on(self, first: Coroutine[Any, Any, Plan], progress: Progress) -> Plan:
        """To an end, or up to an error; then the plan is left as it stands, to be taken up again."""
        plan = await first
        if plan.state in RUNNING:
            try:
                plan = await self._to_its_end(plan, progress)
            except Exception as error:  # noqa: BLE001  (a boundary: whatever happened, the ledger has the rest)
                self._note_interruption(plan, error)
                return await self._store.get(plan.id)
        self._interrupted.pop(plan.id, None)
        await progress(f"{plan.state}: {plan.state_reason}")
        return plan

    def _note_interruption(self, plan: Plan, error: Exception) -> None:
        before = self._interrupted.setdefault(plan.id, [])
        if isinstance(error, FirstmateError):
            _log.warning("a repair was interrupted; it is taken up again", plan=plan.id, error=error.sentence)
        else:
            _log.error("a repair was interrupted; it is taken up again", plan=plan.id, exc_info=error)
        if not (isinstance(error, Upstream) and error.retryable):
            before.append(f"{type(error).__name__}: {error}")

    async def _objection(self, plan: Plan) -> str:
        """Why nothing more may be done for a plan under way."""
        approval = plan.approval
        if approval is None or approval.used_at is None or not self._seal.holds(plan):
            return pick(
                plan.language,
                "Nothing more is done: there is no valid approval of this very plan.",
                "不再继续执行：该方案没有与之相符的有效批准。",
            )
        if len(errors := self._interrupted.get(plan.id, [])) >= TRIES:
            return pick(
                plan.language,
                f"It was interrupted {len(errors)} times, so a person has to look ({errors[-1]}).",
                f"已被中断 {len(errors)} 次，需要人工查看（{errors[-1]}）。",
            )
        phases = [await self._store.last_phase(plan.id, step.idempotency_key) for step in plan.steps]
        if plan.state == "applying" and not any(phases) and self._clock.now() >= approval.expires_at:
            return pick(
                plan.language,
                "The approval expired before anything was done. Nothing was changed.",
                "批准在执行任何操作之前已过期。没有做任何改动。",
            )
        return ""

    async def _to_its_end(self, plan: Plan, progress: Progress) -> Plan:
        """From whatever running state the plan is in."""
        if objection := await self._objection(plan):
            return await self._move(plan, "stop", SYSTEM, objection)
        if plan.state == "applying":
            plan = await self._do(plan, progress)
        if plan.state == "verifying":
            plan = await self._verify(plan, progress)
        if plan.state == "undoing":
            plan = await self._undo(plan, progress)
        return plan

    async def _do(self, plan: Plan, progress: Progress) -> Plan:
        for place, step in enumerate(plan.steps):
            await progress(step.summary)
            outcome = await self._executor.perform(plan, step)
            if outcome.known != "done":
                return await self._after_failed_step(plan, outcome, first=place == 0)
        applied = pick(plan.language, "applied; checking that it helped", "已应用，正在验证效果")
        return await self._move(plan, "applied", SYSTEM, applied)

    async def _after_failed_step(self, plan: Plan, outcome: Outcome, *, first: bool) -> Plan:
        if outcome.known == "changed" and first:
            return await self._move(plan, "supersede", SYSTEM, outcome.sentence)
        if outcome.known == "unknown" or first:
            prefix = (
                "" if outcome.known == "unknown" else pick(plan.language, "Nothing was changed. ", "没有做任何改动。")
            )
            return await self._move(plan, "stop", SYSTEM, prefix + outcome.sentence)
        return await self._move(plan, "undo", SYSTEM, outcome.sentence)

    async def _verify(self, plan: Plan, progress: Progress) -> Plan:
        verdict = await self._verifier.verify(plan, progress)
        await self._store.note(plan.id, "check", "verification", verdict.answer, verdict.sentence)
        return await self._move(plan, _MOVE_AFTER[verdict.answer], SYSTEM, _told(plan, verdict))

    async def _undo(self, plan: Plan, progress: Progress) -> Plan:
        why = plan.state_reason
        done = await self._steps_to_undo(plan)
        for step, back in reversed(list(zip(plan.steps, plan.undo, strict=True))):
            if step.idempotency_key not in done:
                continue
            await progress(back.summary)
            outcome = await self._executor.perform(plan, back, undoing=step)
            if outcome.known != "done":
                failed = pick(plan.language, "The undo did not succeed", "撤销未成功")
                return await self._move(plan, "stop", SYSTEM, f"{failed}: {outcome.sentence} ({why})")
        undone = pick(plan.language, "The change was taken back", "已撤销改动")
        return await self._move(plan, "undone", SYSTEM, f"{undone}: {why}")

    async def _steps_to_undo(self, plan: Plan) -> set[str]:
        keys = [step.idempotency_key for step in plan.steps]
        return {key for key in keys if await self._store.last_phase(plan.id, key) in {"done", "unknown"}}

    async def _move(self, plan: Plan, move: Move, by: str, reason: str) -> Plan:
        return await self._store.move(plan.id, move, by=by, reason=reason)

    async def _fresh(self, plan: Plan) -> Plan:
        """Expiry is noticed whenever a plan is looked at."""
        if plan.state in {"proposed", "approved"} and self._clock.now() >= plan.expires_at:
            text = f"{plan.expires_at:%Y-%m-%d %H:%M:%S} UTC"
            reason = pick(plan.language, f"expired at {text}", f"已于 {text} 过期")
            try:
                return await self._move(plan, "expire", SYSTEM, reason)
            except Conflict:
                # Somebody looked at the same moment and was first: what they made of it is the answer.
                return await self._store.get(plan.id)
        return plan

    async def _must_be_unchanged(self, plan: Plan) -> Objects:
        cluster = await self._clusters.get(plan.context)
        objects: Objects = []
        for step in plan.steps:
            try:
                obj = await cluster.get(step.target.kind, step.target.name, step.target.namespace)
            except NotFound as error:
                await self._move(plan, "supersede", SYSTEM, error.sentence)
                raise
            if not is_as_planned(step, obj):
                sentence = plan_is_void(plan, step, obj)
                await self._move(plan, "supersede", SYSTEM, sentence)
                found = str((obj.get("metadata") or {}).get("resourceVersion"))
                raise Conflict(sentence, expected=step.target.resource_version, found=found)
            objects.append(obj)
        return objects

    def _must_be_approved(self, plan: Plan) -> None:
        if plan.state == "proposed":
            raise Forbidden(_how_to_approve(plan), rule="approval")
        _must_be(plan, "approved")
        if not self._seal.holds(plan):
            raise Forbidden(f"The approval of {plan.id} is not for this very plan.", rule="approval")


_MOVE_AFTER: dict[str, Move] = {"held": "hold", "not_held": "undo", "unknown": "stop"}


def _told(plan: Plan, verdict: Verdict) -> str:
    texts = {
        "held": pick(plan.language, "It helped", "修复有效"),
        "not_held": pick(plan.language, "It did not help, so it is undone", "未见效果，正在撤销"),
        "unknown": pick(
            plan.language,
            "The change was applied, but whether it helped could not be verified; it was left in place and can be undone",
            "改动已应用，但无法验证是否有效；改动已保留，可以撤销",
        ),
    }
    return f"{texts[verdict.answer]}: {verdict.sentence}"


def _how_to_approve(plan: Plan) -> str:
    return pick(
        plan.language,
        f"The plan {plan.id} is not approved yet. A person approves it in the console, with the command line, or by "
        f"POST /api/v1/autofix/plans/{plan.id}/approve with its hash.",
        f"方案 {plan.id} 尚未批准。请在控制台、命令行或通过 POST /api/v1/autofix/plans/{plan.id}/approve（附带哈希）由人批准。",
    )


def _must_decide(caller: Caller) -> None:
    if not caller.may("destructive"):
        raise Forbidden(f"{caller.name} is a {caller.role}; this needs the role operator.", permission="operator")


def _must_match(plan: Plan, named: str) -> None:
    if not same(plan.hash, named) or plan_hash(plan) != plan.hash:
        sentence = pick(
            plan.language,
            f"The hash named is not that of plan {plan.id}; read the plan again.",
            f"所给哈希与方案 {plan.id} 不符，请重新查看方案。",
        )
        raise Conflict(sentence, expected=plan.hash, found=named[:80])


def _must_be(plan: Plan, *states: str) -> None:
    if plan.state not in states:
        why = f": {plan.state_reason}" if plan.state_reason else ""
        sentence = pick(
            plan.language,
            f"The plan {plan.id} is {plan.state} already{why}.",
            f"方案 {plan.id} 当前状态为 {plan.state}{why}。",
        )
        raise Conflict(sentence, expected=" or ".join(states), found=plan.state)


def _careful(progress: Progress) -> Progress:
    """A listener that fails must not stop a repair: it is told about once and then left alone."""
    gone = False

    async def tell(message: str) -> None:
        nonlocal gone
        if gone:
            return
        try:
            await progress(message)
        except Exception as error:  # noqa: BLE001  (a boundary: the listener is foreign code)
            gone = True
            _log.warning("nobody listens to the repair any more", error=str(error))

    return tell
