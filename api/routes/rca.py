"""Root-cause analysis over HTTP, with the paths and fields that the users' own documents promise."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request

from api.deps import TheCaller, TheHouse
from api.errors import ok
from api.routes.tools import language_of
from api.schemas.rca import MAX_HOURS, Analyze

router = APIRouter(prefix="/rca", tags=["rca"])
Namespace = Annotated[str, Query(max_length=63, description="Empty: the default one; *: all")]
Hours = Annotated[float, Query(gt=0, le=MAX_HOURS)]
AcceptLanguage = Annotated[str, Header()]


@router.post("/analyze")
async def analyze(
    request: Request, house: TheHouse, caller: TheCaller, body: Analyze, accept_language: AcceptLanguage = "en"
) -> dict[str, Any]:
    """Ranked causes with evidence, and which of the named metrics moved together."""
    found = await house.root_causes.analyze(body, caller, language_of(accept_language))
    return ok(request, found, found["message"])


@router.get("/quick-diagnosis")
async def quick_diagnosis(
    request: Request,
    house: TheHouse,
    caller: TheCaller,
    namespace: Namespace = "",
    accept_language: AcceptLanguage = "en",
) -> dict[str, Any]:
    found = await house.root_causes.quick(namespace, caller, language_of(accept_language))
    return ok(request, found, found["diagnosis"])


@router.get("/event-patterns")
async def event_patterns(
    request: Request, house: TheHouse, _caller: TheCaller, namespace: Namespace = "", hours: Hours = 1.0
) -> dict[str, Any]:
    """Events counted by kind, reason and sentence, warnings first."""
    return ok(request, await house.root_causes.event_patterns(namespace, hours))


@router.get("/error-summary")
async def error_summary(
    request: Request, house: TheHouse, _caller: TheCaller, namespace: Namespace = "", hours: Hours = 1.0
) -> dict[str, Any]:
    """Errors in logs and events, counted by what they say."""
    return ok(request, await house.root_causes.error_summary(namespace, hours))


@router.get("/metrics")
async def metrics(request: Request, house: TheHouse, _caller: TheCaller) -> dict[str, Any]:
    """Every metric name that Prometheus has."""
    return ok(request, await house.root_causes.metrics())


@router.get("/health")
async def health(request: Request, house: TheHouse, _caller: TheCaller) -> dict[str, Any]:
    """How the systems are that an analysis reads, from the checks that run beside the requests."""
    return ok(request, house.health.report())
