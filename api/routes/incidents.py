"""Incidents: alerts that are one trouble, listed on the server, merged and split by hand."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime

from alerts.incidents.incident import member_json
from alerts.incidents.records import Filter
from api.deps import Limit, Offset, TheCaller, TheHouse, TheOperator
from api.errors import ok
from api.schemas.incidents import Entitle, Merge, Split

router = APIRouter(prefix="/incidents", tags=["incidents"])
IncidentId = Annotated[str, Path(min_length=1, max_length=16, pattern=r"^[0-9a-f]+$")]


@router.get("")
async def incidents(
    request: Request,
    house: TheHouse,
    _caller: TheCaller,
    state: Literal["open", "resolved", "merged"] | None = None,
    severity: Annotated[str | None, Query(max_length=40)] = None,
    namespace: Annotated[str | None, Query(max_length=253)] = None,
    start_time: AwareDatetime | None = None,
    end_time: AwareDatetime | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    wanted = Filter(state, severity, namespace, start_time, end_time)
    found, total = await house.desk.incidents.list(wanted, limit, offset)
    return ok(request, {"total": total, "incidents": [each.to_json() for each in found]})


@router.get("/{incident}")
async def one(request: Request, house: TheHouse, _caller: TheCaller, incident: IncidentId) -> dict[str, Any]:
    found, members = await house.desk.incidents.get(incident)
    return ok(request, {**found.to_json(), "members": [member_json(member) for member in members]})


@router.post("/{incident}/merge")
async def merge(
    request: Request, house: TheHouse, caller: TheOperator, incident: IncidentId, body: Merge
) -> dict[str, Any]:
    """The named incidents flow into this one."""
    return ok(request, (await house.desk.incidents.merge(incident, body.incidents, caller.name)).to_json())


@router.post("/{incident}/split")
async def split(
    request: Request, house: TheHouse, caller: TheOperator, incident: IncidentId, body: Split
) -> dict[str, Any]:
    """The named alerts become an incident of their own, which is the answer."""
    return ok(request, (await house.desk.incidents.split(incident, body.alerts, caller.name)).to_json())


@router.post("/{incident}/title")
async def entitle(
    request: Request, house: TheHouse, caller: TheOperator, incident: IncidentId, body: Entitle
) -> dict[str, Any]:
    return ok(request, (await house.desk.incidents.entitle(incident, body.title, caller.name)).to_json())
