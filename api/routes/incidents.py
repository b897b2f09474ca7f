"""Incidents: alerts that are one trouble, listed on the server, merged and split by hand."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime

from alerts.incidents.incident import member_json
from alerts.incidents.records import Filter
from api.deps import Limit, Offset, TheCaller, TheHouse, TheOperator
from api.errors import ok
from api.schemas.incidents import Entitle, Merge, Split, Undo

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
    told = {
        "members": [member_json(member) for member in members],
        "service_map": house.desk.incidents.around.to_json(),
    }
    return ok(request, {**found.to_json(), **told})


@router.post("/{incident}/merge")
async def merge(
    request: Request, house: TheHouse, caller: TheOperator, incident: IncidentId, body: Merge
) -> dict[str, Any]:
    """The named incidents flow into this one."""
    merged = await house.desk.incidents.merge(incident, body.incidents, caller.name, body.note)
    return ok(request, merged.to_json())


@router.post("/{incident}/split")
async def split(
    request: Request, house: TheHouse, caller: TheOperator, incident: IncidentId, body: Split
) -> dict[str, Any]:
    """The named alerts become an incident of their own, which is the answer."""
    return ok(request, (await house.desk.incidents.split(incident, body.alerts, caller.name, body.note)).to_json())


@router.post("/{incident}/undo")
async def undo(
    request: Request, house: TheHouse, caller: TheOperator, incident: IncidentId, body: Undo
) -> dict[str, Any]:
    """A merge or a split by hand is taken back; the answer is its row."""
    return ok(request, (await house.desk.incidents.undo(incident, body.arrangement, caller.name, body.note)).to_json())


@router.get("/{incident}/arrangements")
async def arrangements(
    request: Request, house: TheHouse, _caller: TheCaller, incident: IncidentId, limit: Limit = 50, offset: Offset = 0
) -> dict[str, Any]:
    """Every merge and split of this incident by hand: who, when, why, and whether it was taken back."""
    found, total = await house.desk.incidents.arrangements(incident, limit, offset)
    return ok(request, {"total": total, "arrangements": [each.to_json() for each in found]})


@router.post("/{incident}/title")
async def entitle(
    request: Request, house: TheHouse, caller: TheOperator, incident: IncidentId, body: Entitle
) -> dict[str, Any]:
    return ok(request, (await house.desk.incidents.entitle(incident, body.title, caller.name)).to_json())
