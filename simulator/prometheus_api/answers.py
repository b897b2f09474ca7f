"""The envelope of every answer, and the one place where this room's errors become Prometheus's error shape."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from simulator.prometheus_api.parameters import Parameters, read_parameters
from simulator.promql.errors import PromqlError

TRUNCATED = "results truncated due to limit"


@dataclass(frozen=True, slots=True)
class Answer:
    data: Any
    warnings: Sequence[str] = ()


Handler = Callable[[Parameters], Awaitable[Answer]]
Endpoint = Callable[[Request], Awaitable[Response]]


def api_route(path: str, handler: Handler, *methods: str) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            parameters = await read_parameters(request)
            parameters.fields.extend(("path:" + name, value) for name, value in request.path_params.items())
            return success(await handler(parameters))
        except PromqlError as problem:
            return refusal(problem)

    return Route(path, endpoint, methods=list(methods))


def success(answer: Answer) -> Response:
    body: dict[str, Any] = {"status": "success", "data": answer.data}
    return _json(body | {"warnings": list(answer.warnings)} if answer.warnings else body)


def refusal(problem: PromqlError) -> Response:
    return _json({"status": "error", "errorType": problem.kind, "error": str(problem)}, problem.status)


def plain(text: str, status: int = 200) -> Endpoint:
    async def endpoint(_: Request) -> Response:
        return PlainTextResponse(text, status)

    return endpoint


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
