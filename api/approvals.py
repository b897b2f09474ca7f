"""Where a human's word is taken down.

The agent asks for an approval and waits; it cannot give one. A decision comes in through a door that knows who speaks (HTTP, WebSocket,
console, command line), is recorded against the exact plan, and only then is the waiting conversation told. When the plan can no longer
be approved (it expired, or its object changed meanwhile) the conversation is told that too, so that it ends by saying why nothing was done.
"""

from api.wiring import House
from core.errors import Conflict, FirstmateError
from tools.autofix.plan import Plan
from tools.spec import Caller

DEAD = frozenset({"expired", "superseded", "rejected"})


async def decide(house: House, plan_id: str, plan_hash: str, approved: bool, approver: Caller, note: str = "") -> Plan:
    """Record the verdict, then wake the conversation that waits for it, if one does."""
    run_id = await house.agent.waiting_for(plan_id)
    try:
        plan = await _record(house, plan_id, plan_hash, approved, approver, note)
    except FirstmateError as refusal:
        await _tell_if_dead(house, run_id, plan_id, refusal, approver)
        raise
    if run_id:
        await house.agent.decide(run_id, approved, by=approver.name, role=approver.role, note=note)
    return plan


async def decide_in_run(
    house: House, run_id: str, plan_id: str, plan_hash: str, approved: bool, approver: Caller, note: str
) -> Plan:
    if await house.agent.asks_about(run_id) != plan_id:
        raise Conflict(
            f"The run {run_id} is not waiting for a word on plan {plan_id}; it was answered already or never asked."
        )
    return await decide(house, plan_id, plan_hash, approved, approver, note)


async def _record(house: House, plan_id: str, plan_hash: str, approved: bool, approver: Caller, note: str) -> Plan:
    if approved:
        return await house.repairs.approve(plan_id, plan_hash, approver, note)
    return await house.repairs.reject(plan_id, plan_hash, approver, note)


async def _tell_if_dead(
    house: House, run_id: str | None, plan_id: str, refusal: FirstmateError, approver: Caller
) -> None:
    if run_id is None:
        return
    plan = await house.repairs.get(plan_id)
    if plan.state in DEAD:
        await house.agent.decide(run_id, False, by=approver.name, role=approver.role, note=refusal.sentence)
