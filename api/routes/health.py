"""Is it alive, is it ready, and how is each part.

`live` touches nothing: it answers while every other system hangs. `ready` asks the database alone, because without it nothing can be
promised. `components` tells how each part is from checks that run beside the requests, so that asking never waits for a system that hangs.
"""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.deps import TheHouse
from api.errors import failure, ok
from core.errors import FirstmateError

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live")
async def live(request: Request) -> dict[str, Any]:
    return ok(request, {"status": "alive"})


@router.get("/ready", response_model=None)
async def ready(request: Request, house: TheHouse) -> JSONResponse | dict[str, Any]:
    try:
        await house.database.ping()
    except FirstmateError as error:
        return failure(request, 503, error.code, error.sentence)
    return ok(request, {"status": "ready"})


@router.get("/components")
async def components(request: Request, house: TheHouse) -> dict[str, Any]:
    return ok(request, house.health.report())


@router.get("")
async def health(request: Request, house: TheHouse) -> dict[str, Any]:
    return ok(request, house.health.report())
