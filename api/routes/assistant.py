"""Talking to the first mate: questions, sessions, runs and their events, and the word that lets a repair go ahead."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from api import approvals, conversations
from api.answers import answer_of
from api.deps import TheCaller, TheHouse, TheOperator
from api.errors import ok
from api.schemas import assistant as schemas
from api.wiring import House

router = APIRouter(prefix="/assistant", tags=["assistant"])
RunId = Annotated[str, Path(min_length=1, max_length=64)]
PING_SECONDS = 15


@router.post("/query", response_model=None)
async def query(request: Request, body: schemas.Query, house: TheHouse, caller: TheCaller) -> Response | dict[str, Any]:
    """Ask. With `stream: true` (or `Accept: text/event-stream`) the run's events come as SSE; otherwise its answer as JSON."""
    run = await conversations.start(house, body, caller)
    if body.stream or "text/event-stream" in request.headers.get("accept", ""):
        return _stream(house, run.id, 0)
    events = [event async for event in house.agent.events(run.id)]
    return ok(request, answer_of(events, run.session_id))


@router.post("/session", status_code=201)
async def new_session(
    request: Request, house: TheHouse, caller: TheCaller, body: schemas.NewSession | None = None
) -> dict[str, Any]:
    session_id = await conversations.begin(house, body.session_id if body else None, caller)
    return ok(request, {"session_id": session_id})


@router.get("/session/{session_id}")
async def session(
    request: Request, house: TheHouse, caller: TheCaller, session_id: schemas.SessionId
) -> dict[str, Any]:
    return ok(request, asdict(await conversations.session_of(house, session_id, caller)))


@router.get("/runs/{run_id}")
async def run(request: Request, house: TheHouse, caller: TheCaller, run_id: RunId) -> dict[str, Any]:
    record = await conversations.run_of(house, run_id, caller)
    return ok(request, {**asdict(record), "asks_about": await house.agent.asks_about(run_id)})


@router.get("/runs/{run_id}/events", response_model=None)
async def events(
    house: TheHouse,
    caller: TheCaller,
    run_id: RunId,
    after: Annotated[int, Query(ge=0, le=schemas.MAX_SEQ)] = 0,
    last_event_id: Annotated[int | None, Header(ge=0, le=schemas.MAX_SEQ)] = None,
) -> Response:
    """The run's events as SSE, from the beginning or from `Last-Event-ID`."""
    await conversations.run_of(house, run_id, caller)
    return _stream(house, run_id, last_event_id if last_event_id is not None else after)


@router.post("/runs/{run_id}/decision")
async def decision(
    request: Request, house: TheHouse, caller: TheOperator, run_id: RunId, body: schemas.Decision
) -> dict[str, Any]:
    """Approve or refuse the repair that this run waits for; the run then goes on and tells how it went."""
    plan = await approvals.decide_in_run(house, run_id, body.plan_id, body.hash, body.approved, caller, body.note)
    return ok(request, {"run_id": run_id, "plan": plan.model_dump(mode="json")})


@router.post("/runs/{run_id}/cancel")
async def cancel(request: Request, house: TheHouse, caller: TheCaller, run_id: RunId) -> dict[str, Any]:
    await conversations.run_of(house, run_id, caller)
    await house.agent.cancel(run_id)
    return ok(request, {"run_id": run_id})


@router.get("/config")
async def config(request: Request, house: TheHouse, _caller: TheCaller) -> dict[str, Any]:
    settings = house.settings
    model = settings.llm_model if settings.llm_base_url else "offline planner"
    return ok(
        request,
        {
            "modes": {"0": "auto", "1": "rag", "2": "mcp"},
            "model": model,
            "fallback_models": list(settings.llm_fallback_models),
            "max_question": schemas.MAX_QUESTION,
            "approval_minutes": settings.approval_minutes,
            "languages": ["en", "zh"],
        },
    )


@router.get("/info")
async def info(request: Request, house: TheHouse, _caller: TheCaller) -> dict[str, Any]:
    tools = [{"name": tool.name, "description": tool.description, "risk": tool.risk} for tool in house.toolbox.all()]
    return ok(
        request,
        {"name": "Firstmate", "version": house.version, "tools": tools, "pages": len(house.knowledge.pages())},
    )


def _stream(house: House, run_id: str, after: int) -> Response:
    return EventSourceResponse(
        _events(house, run_id, after),
        ping=PING_SECONDS,
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store", "X-Run-ID": run_id},
        sep="\n",
    )


async def _events(house: House, run_id: str, after: int) -> AsyncIterator[ServerSentEvent]:
    async for event in house.agent.events(run_id, after=after):
        body = orjson.dumps(event.to_json()).decode()
        yield ServerSentEvent(data=body, event=event.type, id=str(event.seq), sep="\n")
        await asyncio.sleep(0)  # a replay of many events must not keep the loop to itself
