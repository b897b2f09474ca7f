"""Repair plans: read, approved, refused, applied, undone. A plan is proposed by the tool `propose_fix` or in a conversation."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from api import approvals
from api.deps import Limit, Offset, TheCaller, TheHouse, TheOperator
from api.errors import ok
from api.schemas.plans import Apply, Verdict
from tools.autofix.plan import State

router = APIRouter(prefix="/autofix", tags=["autofix"])
PlanId = Annotated[str, Path(min_length=1, max_length=64)]


@router.get("/plans")
async def plans(
    request: Request,
    house: TheHouse,
    _caller: TheCaller,
    state: State | None = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> dict[str, Any]:
    found, total = await house.repairs.list(state=state, limit=limit, offset=offset)
    return ok(request, {"total": total, "plans": [plan.model_dump(mode="json") for plan in found]})


@router.get("/plans/{plan_id}")
async def plan(request: Request, house: TheHouse, _caller: TheCaller, plan_id: PlanId) -> dict[str, Any]:
    found = await house.repairs.get(plan_id)
    ledger = await house.repairs.ledger(plan_id)
    return ok(
        request, {"plan": found.model_dump(mode="json"), "ledger": [entry.model_dump(mode="json") for entry in ledger]}
    )


@router.post("/plans/{plan_id}/approve")
async def approve(
    request: Request, house: TheHouse, caller: TheOperator, plan_id: PlanId, body: Verdict
) -> dict[str, Any]:
    """Approve exactly the plan that was shown. A conversation that waits for this word goes on by itself."""
    decided = await approvals.decide(house, plan_id, body.hash, True, caller, body.note)
    return ok(request, decided.model_dump(mode="json"))


@router.post("/plans/{plan_id}/reject")
async def reject(
    request: Request, house: TheHouse, caller: TheOperator, plan_id: PlanId, body: Verdict
) -> dict[str, Any]:
    decided = await approvals.decide(house, plan_id, body.hash, False, caller, body.note)
    return ok(request, decided.model_dump(mode="json"))


@router.post("/plans/{plan_id}/apply")
async def apply(request: Request, house: TheHouse, caller: TheOperator, plan_id: PlanId, body: Apply) -> dict[str, Any]:
    """Carry out an approved plan and verify it; answers when it is known whether it helped."""
    result = await house.toolbox.call("apply_plan", {"plan_id": plan_id, "plan_hash": body.hash}, caller)
    return ok(request, result, result["summary"])


@router.post("/plans/{plan_id}/undo")
async def undo(request: Request, house: TheHouse, caller: TheOperator, plan_id: PlanId) -> dict[str, Any]:
    result = await house.toolbox.call("undo_plan", {"plan_id": plan_id}, caller)
    return ok(request, result, result["summary"])
