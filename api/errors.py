"""One shape for every answer: ``{"code", "message", "data", "request_id"}``.

An error of the tree keeps its sentence and gets the HTTP status of its kind here, and only here. A request that does not fit its schema
names the field. Anything else is a bug: it is logged with its traceback under the request's id, and the caller is told that id and
nothing of our insides.
"""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from core.errors import (
    Conflict,
    FirstmateError,
    Forbidden,
    Invalid,
    NotConfigured,
    NotFound,
    Unauthenticated,
    Unready,
    Upstream,
)
from core.logs import get

STATUS: dict[type[FirstmateError], int] = {
    Invalid: 422,
    NotFound: 404,
    Unauthenticated: 401,
    Forbidden: 403,
    Conflict: 409,
    NotConfigured: 503,
    Unready: 503,
    Upstream: 502,
}
INTERNAL = 1500
FOREIGN = "/api/v2/"
"""Alertmanager's API: an error there is a JSON text, and its statuses are that API's."""
FOREIGN_STATUS: dict[type[FirstmateError], int] = {Invalid: 400, Conflict: 500}
_log = get(__name__)


def ok(request: Request, data: Any, message: str = "ok") -> dict[str, Any]:
    return {"code": 0, "message": message, "data": data, "request_id": request_id(request)}


def request_id(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))


def status_of(error: FirstmateError) -> int:
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def failure(
    request: Request, status: int, code: int, message: str, details: dict[str, Any] | None = None
) -> JSONResponse:
    headers = {"WWW-Authenticate": "Bearer"} if status == STATUS[Unauthenticated] else None
    if _is_foreign(request):
        return JSONResponse(message, status, headers)
    body: dict[str, Any] = {"code": code, "message": message, "data": None, "request_id": request_id(request)}
    if details:
        body["details"] = details
    return JSONResponse(body, status, headers)


def install(app: FastAPI) -> None:
    app.add_exception_handler(FirstmateError, _known)
    app.add_exception_handler(RequestValidationError, _unfit)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)


async def _known(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, FirstmateError):
        raise TypeError(f"registered for the error tree, got {type(error).__name__}")
    status = FOREIGN_STATUS.get(type(error), status_of(error)) if _is_foreign(request) else status_of(error)
    return failure(request, status, error.code, error.sentence, error.details)


def _is_foreign(request: Request) -> bool:
    return request.url.path.startswith(FOREIGN)


async def _unfit(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise TypeError(f"registered for validation, got {type(error).__name__}")
    fields = [{"field": _field(one["loc"]), "message": str(one["msg"])} for one in error.errors()[:20]]
    first = fields[0]
    return failure(
        request, 422, Invalid.code, f"The field {first['field']} is wrong: {first['message']}.", {"fields": fields}
    )


def _field(location: tuple[int | str, ...]) -> str:
    # The first part says where FastAPI looked (body, query, path); a person wants the field's own name.
    return ".".join(str(part) for part in location[1:]) or str(location[0])


async def _http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise TypeError(f"registered for HTTP errors, got {type(error).__name__}")
    sentence = f"There is nothing at {request.url.path}." if error.status_code == 404 else str(error.detail)
    return failure(request, error.status_code, 1000 + error.status_code, sentence)


async def _bug(request: Request, error: Exception) -> JSONResponse:
    _log.error("unexpected error", path=request.url.path, exc_info=error)
    return failure(
        request, 500, INTERNAL, f"Something went wrong on our side; the log has it under request {request_id(request)}."
    )
