"""The console's door.

A browser signs in once, by the one-time link or by pasting a token, and then carries a signed session in a cookie that scripts cannot read
and other sites cannot send. The guard stands before everything below the console's path, so that neither its scripts nor its socket answer
to anybody without that session, nor the socket to a page of another site. The link's code is spent by a form, not by the visit: what only
looks at a link (a chat's preview, a scanner) spends nothing.
"""

import re
import secrets
from html import escape
from http.cookies import CookieError, SimpleCookie
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth.doorkeeper import SESSION_LIFE, Doorkeeper
from api.console.login import PAGE
from api.console.visitor import Sessions, Visitor
from api.console.words import say
from api.wiring import House
from core.language import Language

COOKIE = "firstmate_session"
SPEAKS = "firstmate_language"
MOUNT = "/console"
VISIT = "firstmate_visit"
_COMMON = (
    "default-src 'none'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
)
# Vue compiles its templates in the page, so its own scripts may evaluate; from elsewhere nothing is loaded at all.
CONSOLE_POLICY = _COMMON + "script-src 'self' 'unsafe-inline' 'unsafe-eval'"
_PAGE = re.compile(
    rf"{MOUNT}/?(?:(?:alerts|incidents|silences|rules|routes|knowledge|cases)(?:/[0-9A-Za-z_-]{{1,80}})?/?)?"
)
_FINGERPRINT = re.compile(r"[0-9a-f]{4,16}")
Spoken = Annotated[str, Form(max_length=4096)]


def open_door(app: FastAPI, doorkeeper: Doorkeeper, sessions: Sessions) -> None:
    @app.get("/", include_in_schema=False)
    async def root() -> Response:
        return RedirectResponse(f"{MOUNT}/")

    @app.get("/login", include_in_schema=False)
    async def login(request: Request, code: str = "", to: str = "") -> Response:
        return _form(request, code=code[:200], to=to)

    @app.get("/alerts/{fingerprint}", include_in_schema=False)
    async def link(fingerprint: str) -> Response:
        """The link in a message. It comes from another site, and then a browser keeps the session's cookie back from what it is
        redirected to: so a page of ours leads on, and that comes from here."""
        if not _FINGERPRINT.fullmatch(fingerprint):
            return RedirectResponse(f"{MOUNT}/", 303)
        return HTMLResponse(f'<!doctype html><meta http-equiv="refresh" content="0;url={MOUNT}/alerts/{fingerprint}">')

    @app.post("/login", include_in_schema=False)
    async def enter(request: Request, token: Spoken = "", code: Spoken = "", to: Spoken = "") -> Response:
        if code:
            session = doorkeeper.redeem(code)
            return _signed_in(request, session, to) if session else _form(request, problem="expired_link")
        caller = await doorkeeper.who(token.strip(), "console")
        if caller is None:
            return _form(request, problem="denied", to=to)
        return _signed_in(request, doorkeeper.redeem(doorkeeper.one_time_code(caller)) or "", to)

    @app.post("/logout", include_in_schema=False)
    async def logout(request: Request) -> Response:
        sessions.end(session_of(request.scope))
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response


def _signed_in(request: Request, session: str, to: str = "") -> Response:
    """On to the page that was asked for, where that is one of the console's."""
    response = RedirectResponse(to if _PAGE.fullmatch(to) else f"{MOUNT}/", 303)
    secure = request.url.scheme == "https"
    life = int(SESSION_LIFE.total_seconds())
    response.set_cookie(COOKIE, session, max_age=life, httponly=True, samesite="strict", secure=secure)
    response.headers["Cache-Control"] = "no-store"
    return response


def _form(request: Request, *, problem: str = "", code: str = "", to: str = "") -> Response:
    language, nonce = spoken(request), secrets.token_urlsafe(16)
    complaint = f'<p class="bad" role="alert">{say(language, problem)}</p>' if problem else ""
    values = {
        "language": language,
        "nonce": nonce,
        "title": say(language, "title"),
        "hint": say(language, "login_hint"),
        "token": say(language, "token"),
        "login": say(language, "login"),
        "complaint": complaint,
        "code": escape(code, quote=True),
        "to": to if _PAGE.fullmatch(to) else "",
    }
    headers = {
        "Content-Security-Policy": f"{_COMMON}script-src 'nonce-{nonce}'",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(PAGE.substitute(values), 401 if problem else 200, headers)


def visitor_of(request: Request) -> Visitor:
    """Whom the guard has let in."""
    house, sessions, session = request.scope["state"][VISIT]
    return Visitor(house, sessions, session, spoken(request))


def spoken(request: Request) -> Language:
    chosen = request.cookies.get(SPEAKS) or request.headers.get("accept-language", "")
    return "zh" if chosen.lower().startswith("zh") else "en"


class Guard:
    """Plain ASGI, so that the socket passes through it like every request."""

    def __init__(self, app: ASGIApp, house: House, sessions: Sessions) -> None:
        self._app = app
        self._house = house
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] not in {"http", "websocket"} or not (path == MOUNT or path.startswith(f"{MOUNT}/")):
            await self._app(scope, receive, send)
            return
        session = session_of(scope)
        if self._sessions.caller(session) is None or not _same_site(scope):
            await _turn_away(scope, receive, send)
            return
        scope.setdefault("state", {})[VISIT] = (self._house, self._sessions, session)
        await self._app(scope, receive, _with_policy(send))


def session_of(scope: Scope) -> str:
    header = dict(scope["headers"]).get(b"cookie", b"").decode("latin-1")
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _same_site(scope: Scope) -> bool:
    """A browser names the page that opens a socket; what names none is no browser."""
    headers = dict(scope["headers"])
    origin = headers.get(b"origin")
    return origin is None or urlsplit(origin.decode("latin-1")).netloc == headers.get(b"host", b"").decode("latin-1")


async def _turn_away(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4401, "reason": "sign in first"})
        return
    page = scope["method"] == "GET" and _PAGE.fullmatch(scope["path"])
    leaf = f"?to={scope['path']}" if scope["path"].rstrip("/") != MOUNT else ""
    response = RedirectResponse(f"/login{leaf}", 303) if page else Response(status_code=401)
    await response(scope, receive, send)


def _with_policy(send: Send) -> Send:
    async def tagged(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                *message.get("headers", []),
                (b"content-security-policy", CONSOLE_POLICY.encode()),
                (b"referrer-policy", b"no-referrer"),
                (b"x-content-type-options", b"nosniff"),
            ]
        await send(message)

    return tagged
