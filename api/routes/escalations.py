"""Escalations: who is on duty."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime

from alerts.escalation.duty import MAX_TURNS, duty, moment
from api.deps import TheCaller, TheHouse
from api.errors import ok

router = APIRouter(prefix="/escalations", tags=["escalations"])


@router.get("/duty")
async def on_duty(
    request: Request,
    house: TheHouse,
    _caller: TheCaller,
    at: AwareDatetime | None = None,
    turns: Annotated[int, Query(ge=1, le=MAX_TURNS, description="How many turns of each rota, this one included")] = 2,
) -> dict[str, Any]:
    """Of every rota who is on duty at that moment (now, if none is given) and who comes next."""
    asked, alerts = moment(at, house.clock.now()), house.alerts
    found = duty(alerts.escalator.escalations.rotas, asked, alerts.routing.config.time_intervals, turns)
    return ok(request, {"at": asked.isoformat(), "rotas": found})
