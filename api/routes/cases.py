"""Cases: what past incidents taught, listed on the server, put right, confirmed, judged and rejected by people."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request

from api.deps import Offset, TheCaller, TheHouse, TheOperator
from api.errors import ok
from api.routes.incidents import IncidentId
from api.schemas.cases import Change, Rate
from core.language import Language
from knowledge_base.cases.book import MAX_SIMILAR
from knowledge_base.cases.records import Filter
from knowledge_base.cases.tools import shown

router = APIRouter(prefix="/cases", tags=["cases"])
of_incident = APIRouter(prefix="/incidents", tags=["cases"])
CaseId = Annotated[str, Path(min_length=1, max_length=16, pattern=r"^[0-9a-f]+$")]
Spoken = Annotated[Language | None, Query(description="Without it: the product's own")]
Short = Annotated[str, Query(max_length=253)]


@router.get("")
async def cases(
    request: Request,
    house: TheHouse,
    _caller: TheCaller,
    state: Literal["draft", "confirmed"] | None = None,
    tag: Short = "",
    alert: Short = "",
    namespace: Short = "",
    q: Annotated[str, Query(max_length=500, description="Words that a case holds")] = "",
    language: Spoken = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Offset = 0,
) -> dict[str, Any]:
    found, total = await house.cases.page(Filter(state, tag, alert, namespace, q), limit, offset)
    spoken = language or house.settings.language
    return ok(request, {"total": total, "cases": [case.to_json(spoken) for case in found]})


@router.get("/{case}")
async def one(
    request: Request, house: TheHouse, caller: TheCaller, case: CaseId, language: Spoken = None
) -> dict[str, Any]:
    found = await house.cases.get(case)
    mine = await house.cases.rating(case, caller.name)
    return ok(request, {**found.to_json(language or house.settings.language), "my_rating": mine})


@router.get("/{case}/versions")
async def versions(
    request: Request,
    house: TheHouse,
    _caller: TheCaller,
    case: CaseId,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Offset = 0,
) -> dict[str, Any]:
    """What it said before, the latest first: who changed it, and when."""
    found, total = await house.cases.versions(case, limit, offset)
    return ok(request, {"total": total, "versions": [each.model_dump(mode="json") for each in found]})


@router.put("/{case}")
async def change(
    request: Request, house: TheHouse, caller: TheOperator, case: CaseId, body: Change, language: Spoken = None
) -> dict[str, Any]:
    changed = await house.cases.edit(case, body.edit(), caller.name, version=body.version)
    return ok(request, changed.to_json(language or house.settings.language))


@router.post("/{case}/rate")
async def rate(
    request: Request, house: TheHouse, caller: TheOperator, case: CaseId, body: Rate, language: Spoken = None
) -> dict[str, Any]:
    """One rating a person, changeable; it moves where the case stands among those that are alike."""
    rated = await house.cases.rate(case, body.given, caller.name)
    return ok(request, {**rated.to_json(language or house.settings.language), "my_rating": body.given})


@router.post("/{case}/confirm")
async def confirm(
    request: Request, house: TheHouse, caller: TheOperator, case: CaseId, language: Spoken = None
) -> dict[str, Any]:
    confirmed = await house.cases.confirm(case, caller.name)
    return ok(request, confirmed.to_json(language or house.settings.language))


@router.delete("/{case}")
async def reject(request: Request, house: TheHouse, caller: TheOperator, case: CaseId) -> dict[str, Any]:
    """Gone with all its versions and ratings; the same incident does not make it again."""
    await house.cases.reject(case, caller.name)
    return ok(request, {"id": case, "deleted": True})


@of_incident.get("/{incident}/similar")
async def similar(
    request: Request,
    house: TheHouse,
    _caller: TheCaller,
    incident: IncidentId,
    language: Spoken = None,
    limit: Annotated[int, Query(ge=1, le=MAX_SIMILAR)] = 5,
) -> dict[str, Any]:
    """Past cases like this incident, the likest first, each with why."""
    found = await house.lessons.similar(incident, limit)
    spoken = language or house.settings.language
    return ok(request, {"similar": [shown(each, spoken).model_dump(mode="json") for each in found]})
