"""What every request passes, as plain ASGI so that streams are never buffered.

Outermost first: an id for the request (taken from ``X-Request-ID`` where it is sane), the count and time of the answer, a bound on the
body while it arrives, and a rate per caller. Health and metrics are not limited: they are asked most when things are worst.
"""

import re
import secrets
from collections import OrderedDict

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.clock import Clock
from core.logs import bind
from core.metrics import Metrics

MAX_BODY = 2 * 1024 * 1024
MAX_UPLOAD = 64 * 1024 * 1024
_UPLOAD = "/api/v1/assistant/upload-knowledge-file"
"""Read as it arrives, a file at a time, so that it may be larger than what is held at once."""
MAX_CALLERS = 10_000
_SANE_ID = re.compile(rb"^[A-Za-z0-9._-]{1,64}$")
_UNLIMITED = ("/api/v1/health", "/metrics")
_INTAKE = "/api/v2/alerts"
_INTAKE_SHARE = 0.02
"""Of a request. Those who send alerts come in crowds when things are worst, and the intake bounds by itself what waits."""


class RequestId:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        request_id = given.decode() if _SANE_ID.match(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        with bind(request_id=request_id):
            await self._app(scope, receive, tagged)


class Measured:
    def __init__(self, app: ASGIApp, metrics: Metrics, clock: Clock) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = self._clock.monotonic()
        status = 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            # The route's template, not the path: a path carries ids, and every id would be a new series.
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in {"GET", "POST", "PUT", "PATCH", "DELETE"} else "OTHER"
            self._metrics.http_requests.labels(method, route, str(status)).inc()
            self._metrics.http_seconds.labels(method, route).observe(self._clock.monotonic() - started)


class BoundedBody:
    def __init__(self, app: ASGIApp, limit: int = MAX_BODY) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = max(MAX_UPLOAD, self._limit) if scope["path"] == _UPLOAD else self._limit
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > limit:
            await reply(scope, send, 413, 1413, f"The body is larger than {limit} bytes.")
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                # A body that lied about its length is cut off; the parser then sees a client that went away.
                return {"type": "http.disconnect"}
            return message

        await self._app(scope, counted, send)


class RateLimited:
    """A bucket for each caller: as many requests a minute as the settings allow, refilled evenly."""

    def __init__(self, app: ASGIApp, per_minute: int, clock: Clock) -> None:
        self._app = app
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(_UNLIMITED) and not self._admit(scope):
            return await reply(
                scope, send, 429, 1429, f"More than {self._per_minute} requests a minute; try again shortly."
            )
        return await self._app(scope, receive, send)

    def _admit(self, scope: Scope) -> bool:
        caller, price = _caller(scope), _INTAKE_SHARE if scope["path"] == _INTAKE else 1.0
        now = self._clock.monotonic()
        left, seen = self._buckets.pop(caller, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + (now - seen) * self._per_minute / 60)
        admitted = left >= price
        self._buckets[caller] = (left - price if admitted else left, now)
        if len(self._buckets) > MAX_CALLERS:
            self._buckets.popitem(last=False)
        return admitted


def _caller(scope: Scope) -> str:
    # By address: a token is not yet verified here, and a made-up one must not buy a fresh bucket.
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


async def reply(scope: Scope, send: Send, status: int, code: int, message: str) -> None:
    request_id = scope.get("state", {}).get("request_id", "")
    body = orjson.dumps({"code": code, "message": message, "data": None, "request_id": request_id})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 429:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
