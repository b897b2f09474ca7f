"""The HTTP application: routes, middleware, MCP's door and the console over one house.

Order of the middleware, outermost first: request id, measurement, body bound, rate. MCP is one exact path that hands the whole request on
(its application has its own authentication); the console comes last, because a mount takes every path below it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.routing import Route

from api import docs, errors
from api.middleware import BoundedBody, Measured, RateLimited, RequestId
from api.routes import (
    alerts,
    assistant,
    autofix,
    cache,
    cases,
    escalations,
    health,
    incidents,
    knowledge,
    rca,
    rules,
    stream,
    tools,
    v2,
)
from api.wiring import House, running
from mcp_server.server import http_app

API = "/api/v1"
API_V2 = "/api/v2"


def create_app(house: House, *, background: bool = True, console: bool = True) -> FastAPI:
    """`background=False` leaves the loops to the caller, who then moves time and turns them by hand."""
    mcp = http_app(house.mcp, house.guard, public_url=public_url(house), hosts=_hosts(house))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with house.mcp.session_manager.run():
            if not background:
                yield
                return
            async with running(house):
                yield

    app = FastAPI(
        title="Firstmate",
        version=house.version,
        summary="A first mate for on-call engineers",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.house = house
    errors.install(app)
    docs.install(app)
    _routes(app)
    app.router.routes.append(Route("/mcp", endpoint=mcp))
    if console:
        # Imported here: it costs half a second, and what has no console (a command's own server) should not pay for it.
        from api.console.page import install

        install(app, house)
    app.add_middleware(RateLimited, per_minute=house.settings.api_rate_limit, clock=house.clock)
    app.add_middleware(BoundedBody)
    app.add_middleware(Measured, metrics=house.metrics, clock=house.clock)
    app.add_middleware(RequestId)
    return app


def public_url(house: House) -> str:
    settings = house.settings
    if settings.public_url:
        return settings.public_url.rstrip("/")
    # Listening on every address is no address that a person can open.
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared, not bound
    return f"http://{host}:{settings.port}"


def _hosts(house: House) -> list[str]:
    """By which names MCP may be asked for besides loopback ones: a page of another name that was pointed at us is turned away."""
    netloc = urlsplit(house.settings.public_url).netloc
    return [netloc, f"{netloc}:*"] if netloc else []


def _routes(app: FastAPI) -> None:
    v1 = APIRouter(prefix=API)
    # Before the alerts: `rules` would be taken for a fingerprint's place.
    v1.include_router(rules.router, prefix="/alerts/rules")
    v1.include_router(rules.router, prefix="/rules", include_in_schema=False)
    for room in (
        assistant,
        stream,
        knowledge,
        incidents,
        cases,
        escalations,
        alerts,
        autofix,
        rca,
        cache,
        tools,
        health,
    ):
        v1.include_router(room.router)
    v1.include_router(knowledge.assistant)
    v1.include_router(cases.of_incident)
    app.include_router(v1)
    app.include_router(v2.router, prefix=API_V2)
    app.include_router(v2.silences, prefix=API_V2)
    app.include_router(v2.management)

    @app.get("/metrics", tags=["health"], response_class=Response)
    async def metrics(request: Request) -> Response:
        exposition = request.app.state.house.metrics.exposition()
        return Response(exposition, media_type="text/plain; version=0.0.4; charset=utf-8")
