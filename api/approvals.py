"""Where a human's word is taken down.

The agent asks for an approval and waits; it cannot give one. A decision comes in through a door that knows who speaks (HTTP, WebSocket,
console, command line), is recorded against the exact plan, and only then are the conversations told that wait for it. Both halves can be
repeated: if the process stops in between, the same word said again finds its record and wakes the conversation. When the plan can no
longer be approved (it expired, or its object changed meanwhile), they are told that too, and end by saying why nothing was done.
"""

from api.wiring import House
from core.errors import Conflict, FirstmateError
from core.secrets import same
from tools.autofix.plan import Plan
from tools.spec import Caller

DEAD = frozenset({"expired", "superseded", "rejected"})
ELSEWHERE = "decided in another conversation"


async def decide(
    house: House,
    plan_id: str,
    plan_hash: str,
    approved: bool,
    approver: Caller,
    note: str = "",
    *,
    first: str | None = None,
) -> Plan:
    """Record the verdict, then tell the conversations that wait for it; `first` is the one in which it was given."""
    waiting = await house.agent.waiting_for(plan_id)
    ordered = sorted(waiting, key=lambda run_id: run_id != first)
    try:
        plan = await _record(house, plan_id, plan_hash, approved, approver, note, awaited=bool(waiting))
    except FirstmateError as refusal:
        if (await house.repairs.get(plan_id)).state in DEAD:
            await _tell(house, ordered, False, approver, refusal.sentence)
        raise
    await _tell(house, ordered[:1], approved, approver, note)
    # One of them carries it out; the others must not try the same approval again.
    await _tell(house, ordered[1:], False, approver, ELSEWHERE)
    return plan


async def decide_in_run(
    house: House, run_id: str, plan_id: str, plan_hash: str, approved: bool, approver: Caller, note: str
) -> Plan:
    if await house.agent.asks_about(run_id) != plan_id:
        raise Conflict(
            f"The run {run_id} is not waiting for a word on plan {plan_id}; it was answered already or never asked."
        )
    return await decide(house, plan_id, plan_hash, approved, approver, note, first=run_id)


async def _record(
    house: House, plan_id: str, plan_hash: str, approved: bool, approver: Caller, note: str, *, awaited: bool
) -> Plan:
    plan = await house.repairs.get(plan_id)
    if awaited and approved and plan.state == "approved" and same(plan.hash, plan_hash):
        return plan  # taken down before, and not yet heard
    if approved:
        return await house.repairs.approve(plan_id, plan_hash, approver, note)
    return await house.repairs.reject(plan_id, plan_hash, approver, note)


async def _tell(house: House, runs: list[str], approved: bool, approver: Caller, note: str) -> None:
    for run_id in runs:
        await house.agent.decide(run_id, approved, by=approver.name, role=approver.role, note=note)
