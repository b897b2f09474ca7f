"""Alerts: listed and filtered on the server, with their history and why each was or was not sent."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request

from api.deps import Limit, Offset, TheCaller, TheHouse, TheOperator
from api.errors import ok
from api.schemas.plans import Acknowledge

router = APIRouter(prefix="/alerts", tags=["alerts"])
Fingerprint = Annotated[str, Path(min_length=4, max_length=64, pattern=r"^[0-9a-f]+$")]


@router.get("")
async def alerts(
    request: Request,
    house: TheHouse,
    _caller: TheCaller,
    state: Literal["pending", "firing", "resolved"] | None = None,
    severity: Annotated[str | None, Query(max_length=40)] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    rows, total = await house.desk.list(state=state, severity=severity, limit=limit, offset=offset)
    return ok(request, {"total": total, "alerts": [row.to_json() for row in rows]})


@router.get("/statistics")
async def statistics(request: Request, house: TheHouse, _caller: TheCaller) -> dict[str, Any]:
    return ok(request, await house.desk.statistics())


@router.get("/{fingerprint}")
async def alert(request: Request, house: TheHouse, _caller: TheCaller, fingerprint: Fingerprint) -> dict[str, Any]:
    return ok(request, (await house.desk.get(fingerprint)).to_json())


@router.get("/{fingerprint}/history")
async def history(request: Request, house: TheHouse, _caller: TheCaller, fingerprint: Fingerprint) -> dict[str, Any]:
    """Every move of the alert, every decision to tell or to stay quiet with its reason, and every delivery."""
    desk = house.desk
    found = await desk.get(fingerprint)
    moves, decisions, deliveries = await asyncio.gather(
        desk.transitions(found.fingerprint), desk.decisions(found.fingerprint), desk.deliveries(found.fingerprint)
    )
    return ok(
        request,
        {
            "transitions": [one.to_json() for one in moves],
            "decisions": [one.to_json() for one in decisions],
            "deliveries": [one.to_json() for one in deliveries],
        },
    )


@router.post("/{fingerprint}/acknowledge")
@router.post("/{fingerprint}/confirm", include_in_schema=False)
async def acknowledge(
    request: Request, house: TheHouse, caller: TheOperator, fingerprint: Fingerprint, body: Acknowledge | None = None
) -> dict[str, Any]:
    """Stops repeats, not resolution: the alert still resolves by itself when its condition is gone."""
    found = await house.desk.acknowledge(fingerprint, by=caller.name, note=body.note if body else "")
    return ok(request, found.to_json())
