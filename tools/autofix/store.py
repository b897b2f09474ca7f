"""Plans, approvals and the ledger in the database; every move of a plan is one transaction that only one of two rivals can win.

A move reads the state, asks the pure table for the next one, and updates the row only where the state is still the one that was read. The
ledger row, the approval and its use are written in the same transaction, so an approval is used exactly when its plan starts; the changes
of the last hour are counted there too, so that plans started side by side cannot exceed the bound together. What systems said is redacted
before it is written.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import Clock
from core.database import Database
from core.errors import Conflict, Forbidden, NotFound, near_misses
from core.metrics import Metrics
from core.redact import Redactor
from tools.autofix.plan import OPEN, RUNNING, Approval, LedgerEntry, Move, Plan, State, deed, next_state
from tools.autofix.tables import ApprovalRow, LedgerRow, PlanRow

MAX_PAGE = 200
MAX_LEDGER = 1000
HOUR = timedelta(hours=1)
ONE_START_AT_A_TIME = 0x6669_7273_746D


class PlanStore:
    def __init__(self, database: Database, clock: Clock, metrics: Metrics, redactor: Redactor) -> None:
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._redactor = redactor

    async def add(self, plan: Plan) -> Plan:
        now = self._clock.now()
        async with self._database.write() as session:
            session.add(
                PlanRow(
                    id=plan.id,
                    state=plan.state,
                    target=target_key(plan),
                    deed=deed(plan.steps),
                    created_at=plan.created_at,
                    expires_at=plan.expires_at,
                    body=plan.model_dump(mode="json", exclude={"state", "state_reason", "approval"}),
                )
            )
            await session.flush()
            await _write(session, plan.id, now, "transition", "proposed", "", plan.title, plan.proposed_by, {})
        self._metrics.plan_states.labels("proposed").inc()
        return plan

    async def get(self, plan_id: str) -> Plan:
        async with self._database.read() as session:
            row = await session.get(PlanRow, plan_id)
            if row is None:
                known = await session.scalars(select(PlanRow.id).order_by(PlanRow.created_at.desc()).limit(MAX_PAGE))
                raise NotFound(f"There is no plan {plan_id}.", near=near_misses(plan_id, known.all()))
            return _plan(row, await session.get(ApprovalRow, plan_id))

    async def page(self, state: State | None, limit: int, offset: int) -> tuple[list[Plan], int]:
        wanted = select(PlanRow, ApprovalRow).outerjoin(ApprovalRow, ApprovalRow.plan_id == PlanRow.id)
        counted = select(func.count()).select_from(PlanRow)
        if state:
            wanted, counted = wanted.where(PlanRow.state == state), counted.where(PlanRow.state == state)
        page = wanted.order_by(PlanRow.created_at.desc(), PlanRow.id).limit(min(limit, MAX_PAGE)).offset(offset)
        async with self._database.read() as session:
            found = [_plan(row, approval) for row, approval in (await session.execute(page)).all()]
            return found, await session.scalar(counted) or 0

    async def open_for(self, plan: Plan) -> list[tuple[Plan, bool]]:
        """Plans for the same target that are not finished, each with whether it would do the very same."""
        wanted = select(PlanRow).where(PlanRow.target == target_key(plan), PlanRow.state.in_(OPEN))
        async with self._database.read() as session:
            rows = (await session.scalars(wanted)).all()
            return [(_plan(row, await session.get(ApprovalRow, row.id)), row.deed == deed(plan.steps)) for row in rows]

    async def unfinished(self) -> list[Plan]:
        async with self._database.read() as session:
            rows = (await session.scalars(select(PlanRow).where(PlanRow.state.in_(RUNNING)))).all()
            return [_plan(row, await session.get(ApprovalRow, row.id)) for row in rows]

    async def last_sign(self, plan_id: str) -> datetime | None:
        """When the plan's ledger was last written to."""
        async with self._database.read() as session:
            return await session.scalar(select(func.max(LedgerRow.at)).where(LedgerRow.plan_id == plan_id))

    async def changes_lately(self) -> int:
        async with self._database.read() as session:
            return await _changes(session, self._clock.now() - HOUR)

    async def move(
        self,
        plan_id: str,
        move: Move,
        *,
        by: str,
        reason: str,
        approval: Approval | None = None,
        weigh: Callable[[int], None] | None = None,
    ) -> Plan:
        """`weigh` is told of the last hour's changes within the transaction, and raises where they are too many."""
        now, reason = self._clock.now(), self._redactor.text(reason)
        async with self._database.write() as session:
            if weigh:
                await _one_at_a_time(session)
                weigh(await _changes(session, now - HOUR))
            row = await session.get(PlanRow, plan_id)
            if row is None:
                raise NotFound(f"There is no plan {plan_id}.")
            before = cast("State", row.state)
            after = next_state(before, move)
            changed = update(PlanRow).where(PlanRow.id == plan_id, PlanRow.state == before)
            result = await session.execute(changed.values(state=after, state_reason=reason))
            if cast("CursorResult[Any]", result).rowcount != 1:
                raise Conflict(f"The plan {plan_id} was moved on by somebody else meanwhile.", expected=before)
            if approval:
                session.add(_approval_row(plan_id, approval))
            if move == "start":
                await _use_approval(session, plan_id, now)
            await _write(session, plan_id, now, "transition", after, before, reason, by, {"move": move})
        self._metrics.plan_states.labels(after).inc()
        return await self.get(plan_id)

    async def note(
        self, plan_id: str, kind: str, subject: str, phase: str, sentence: str, by: str = "", **detail: Any
    ) -> None:
        sentence = self._redactor.text(sentence)
        async with self._database.write() as session:
            await _write(session, plan_id, self._clock.now(), kind, subject, phase, sentence, by, detail)

    async def ledger(self, plan_id: str) -> list[LedgerEntry]:
        wanted = select(LedgerRow).where(LedgerRow.plan_id == plan_id).order_by(LedgerRow.seq).limit(MAX_LEDGER)
        async with self._database.read() as session:
            rows = (await session.scalars(wanted)).all()
        return [
            LedgerEntry.model_validate({name: getattr(row, name) for name in LedgerEntry.model_fields}) for row in rows
        ]

    async def last_phase(self, plan_id: str, step_key: str) -> str | None:
        wanted = (
            select(LedgerRow.phase)
            .where(LedgerRow.plan_id == plan_id, LedgerRow.kind == "step", LedgerRow.subject == step_key)
            .order_by(LedgerRow.seq.desc())
            .limit(1)
        )
        async with self._database.read() as session:
            return await session.scalar(wanted)


def target_key(plan: Plan) -> str:
    target = plan.steps[0].target
    return f"{target.context}|{target.kind}|{target.namespace}|{target.name}"


async def _changes(session: AsyncSession, since: datetime) -> int:
    """Steps done since then, and those that plans just started are about to do."""
    steps = select(LedgerRow.subject).where(LedgerRow.kind == "step", LedgerRow.phase == "done")
    done = (await session.scalars(steps.where(LedgerRow.at >= since))).all()
    starting = (await session.scalars(select(PlanRow.body).where(PlanRow.state == "applying"))).all()
    ahead = {step["idempotency_key"] for body in starting for step in body["steps"]}
    return len(done) + len(ahead.difference(done))


async def _one_at_a_time(session: AsyncSession) -> None:
    """SQLite has one writer at a time anyway; on PostgreSQL two starts would not see each other."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(select(func.pg_advisory_xact_lock(ONE_START_AT_A_TIME)))


async def _use_approval(session: AsyncSession, plan_id: str, now: datetime) -> None:
    used = update(ApprovalRow).where(ApprovalRow.plan_id == plan_id, ApprovalRow.used_at.is_(None))
    result = await session.execute(used.values(used_at=now))
    if cast("CursorResult[Any]", result).rowcount != 1:
        raise Forbidden(f"The plan {plan_id} has no unused approval.", rule="approval")


async def _write(
    session: AsyncSession,
    plan_id: str,
    at: datetime,
    kind: str,
    subject: str,
    phase: str,
    sentence: str,
    by: str,
    detail: dict[str, Any],
) -> None:
    last = await session.scalar(select(func.max(LedgerRow.seq)).where(LedgerRow.plan_id == plan_id))
    session.add(
        LedgerRow(
            plan_id=plan_id,
            seq=(last or 0) + 1,
            at=at,
            kind=kind,
            subject=subject,
            phase=phase,
            sentence=sentence,
            by=by,
            detail=detail,
        )
    )
    await session.flush()


def _approval_row(plan_id: str, approval: Approval) -> ApprovalRow:
    return ApprovalRow(plan_id=plan_id, **{name: getattr(approval, name) for name in Approval.model_fields})


def _plan(row: PlanRow, approval: ApprovalRow | None) -> Plan:
    given = (
        Approval.model_validate({name: getattr(approval, name) for name in Approval.model_fields}) if approval else None
    )
    return Plan.model_validate({**row.body, "state": row.state, "state_reason": row.state_reason, "approval": given})
