"""Signing in and out, and what the guard lets through, with a stand-in for the page behind it."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from api.auth.doorkeeper import SESSION_LIFE, Doorkeeper
from api.console.door import COOKIE, Guard, open_door, session_of, visitor_of
from api.console.visitor import MAX_ENDED, Sessions, Visitor
from api.wiring import House
from core.clock import ManualClock
from core.database import Database
from core.errors import Forbidden, Unauthenticated
from tools.spec import Caller

ADMIN = "an-admin-token-for-tests"
ANN = Caller(name="ann", role="viewer", via="console")
BASE = "http://console.test"


@dataclass
class Behind:
    """What stands behind the guard: it notes who came in."""

    came: list[tuple[str, str]]

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.came.append((scope["type"], scope["path"]))
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"the page"})


@dataclass
class Street:
    app: FastAPI
    http: httpx.AsyncClient
    doorkeeper: Doorkeeper
    behind: Behind
    sessions: Sessions

    def link(self, caller: Caller = ANN) -> str:
        return self.doorkeeper.one_time_code(caller)

    async def sign_in(self, caller: Caller = ANN) -> httpx.Response:
        return await self.http.post("/login", data={"code": self.link(caller)})

    async def socket(self, cookie: str = "", origin: str | None = BASE) -> list[Message]:
        headers = [(b"host", b"console.test"), (b"cookie", cookie.encode())]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        scope = {"type": "websocket", "path": "/console/_nicegui_ws/socket.io/", "headers": headers, "state": {}}
        said: list[Message] = []

        async def send(message: Message) -> None:
            said.append(message)

        await self.app(scope, cast("Receive", None), send)
        return said


@pytest.fixture
async def street(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Street]:
    database = Database(f"sqlite:///{tmp_path / 'doors.db'}")
    await database.create_tables()
    doorkeeper = Doorkeeper(admin_token=ADMIN, key="a-key-for-tests-only", database=database, clock=clock)
    app, sessions, behind = FastAPI(), Sessions(doorkeeper), Behind([])
    open_door(app, doorkeeper, sessions)
    app.add_middleware(Guard, house=cast("House", object()), sessions=sessions)
    app.mount("/console", behind)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE) as http:
        yield Street(app, http, doorkeeper, behind, sessions)
    await database.close()


def cookie_of(response: httpx.Response) -> dict[str, str]:
    morsel = SimpleCookie(response.headers["set-cookie"])[COOKIE]
    return {"value": morsel.value, **{name: str(value) for name, value in morsel.items() if value}}


async def test_a_link_signs_in_and_leads_to_the_console(street: Street) -> None:
    answer = await street.sign_in()
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console/"
    assert (await street.http.get("/console/")).text == "the page"


async def test_the_session_is_kept_from_scripts_and_from_other_sites(street: Street) -> None:
    kept = cookie_of(await street.sign_in())
    assert kept["httponly"] == "True"
    assert kept["samesite"] == "strict"
    assert kept["path"] == "/"
    assert int(kept["max-age"]) == SESSION_LIFE.total_seconds()
    assert "secure" not in kept


async def test_over_https_the_session_never_travels_in_the_clear(street: Street) -> None:
    answer = await street.http.post("https://console.test/login", data={"code": street.link()})
    assert cookie_of(answer)["secure"] == "True"


async def test_looking_at_a_link_spends_nothing(street: Street) -> None:
    code = street.link()
    page = await street.http.get(f"/login?code={code}")
    assert page.status_code == 200
    assert "set-cookie" not in page.headers
    assert code in page.text
    assert (await street.http.post("/login", data={"code": code})).status_code == 303


async def test_a_used_link_says_so_and_opens_nothing(street: Street) -> None:
    code = street.link()
    await street.http.post("/login", data={"code": code})
    again = await street.http.post("/login", data={"code": code})
    assert again.status_code == 401
    assert "was used already" in again.text
    assert "set-cookie" not in again.headers


async def test_a_token_signs_in_with_its_own_name_and_role(street: Street) -> None:
    token = await street.doorkeeper.add("kim", "viewer", days=None)
    answer = await street.http.post("/login", data={"token": f" {token}\n"})
    caller = street.sessions.caller(cookie_of(answer)["value"])
    assert caller == Caller(name="kim", role="viewer", via="console")


@pytest.mark.parametrize("form", [{"token": "wrong"}, {"token": ""}, {}, {"code": "wrong"}, {"code": "票据"}])
async def test_anything_else_is_refused_with_a_reason(street: Street, form: dict[str, str]) -> None:
    answer = await street.http.post("/login", data=form)
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert "set-cookie" not in answer.headers


async def test_a_token_of_a_megabyte_is_refused_before_it_is_read(street: Street) -> None:
    assert (await street.http.post("/login", data={"token": "x" * 1_000_000})).status_code == 422


async def test_what_a_link_carries_cannot_break_out_of_the_page(street: Street) -> None:
    page = await street.http.get("/login", params={"code": '"><script>alert(1)</script>'})
    assert "<script>alert" not in page.text
    nonce = re.findall(r'<script nonce="([^"]+)">', page.text)
    assert len(nonce) == 1
    assert f"script-src 'nonce-{nonce[0]}'" in page.headers["content-security-policy"]


async def test_the_page_before_the_console_leaks_no_address_and_is_not_kept(street: Street) -> None:
    headers = (await street.http.get("/login")).headers
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


async def test_the_page_before_the_console_speaks_the_browsers_language(street: Street) -> None:
    page = await street.http.get("/login", headers={"accept-language": "zh-CN,zh;q=0.9"})
    assert "登录" in page.text
    assert '<html lang="zh">' in page.text


async def test_without_a_session_the_console_leads_to_the_door(street: Street) -> None:
    for path in ("/console/", "/console"):
        answer = await street.http.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert street.behind.came == []


async def test_whoever_asked_for_a_page_is_led_to_it_once_signed_in(street: Street) -> None:
    turned = await street.http.get("/console/alerts/ab12cd34")
    assert (turned.status_code, turned.headers["location"]) == (303, "/login?to=/console/alerts/ab12cd34")
    form = await street.http.get(turned.headers["location"])
    assert 'name="to" type="hidden" value="/console/alerts/ab12cd34"' in form.text
    inside = await street.http.post("/login", data={"code": street.link(), "to": "/console/alerts/ab12cd34"})
    assert inside.headers["location"] == "/console/alerts/ab12cd34"


@pytest.mark.parametrize(
    "to",
    ["//evil.example", "https://evil.example/console/alerts", "/console/../x", '/console/"><b>', "/console/alerts?x"],
)
async def test_signing_in_leads_nowhere_but_into_the_console(street: Street, to: str) -> None:
    assert to not in (await street.http.get("/login", params={"to": to})).text
    inside = await street.http.post("/login", data={"code": street.link(), "to": to})
    assert inside.headers["location"] == "/console/"


async def test_the_link_in_a_message_leads_on_by_a_page_of_ours(street: Street) -> None:
    page = await street.http.get("/alerts/ab12cd34ab12cd34")
    assert page.status_code == 200
    assert "url=/console/alerts/ab12cd34ab12cd34" in page.text
    assert (await street.http.get("/alerts/%22%3E%3Cb%3E")).headers["location"] == "/console/"


@pytest.mark.parametrize(
    "path", ["/console/_nicegui/3/static/x.js", "/console/other", "/console/_nicegui_ws/socket.io/"]
)
async def test_nothing_below_the_console_answers_without_a_session(street: Street, path: str) -> None:
    for method in ("GET", "POST"):
        assert (await street.http.request(method, path)).status_code == 401
    assert street.behind.came == []


async def test_the_rest_of_the_house_is_not_the_guards_business(street: Street) -> None:
    assert (await street.http.get("/consoles")).status_code == 404


async def test_the_page_may_load_nothing_from_elsewhere(street: Street) -> None:
    await street.sign_in()
    policy = (await street.http.get("/console/")).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert not re.search(r"https?:|\*", policy)


async def test_the_socket_opens_only_with_the_session(street: Street) -> None:
    session = cookie_of(await street.sign_in())["value"]
    assert [said["type"] for said in await street.socket()] == ["websocket.close"]
    assert [said["type"] for said in await street.socket("firstmate_session=made.up")] == ["websocket.close"]
    assert [said["type"] for said in await street.socket(f"{COOKIE}={session}")] == ["websocket.accept"]


@pytest.mark.parametrize("origin", ["http://evil.example", "http://console.test.evil.example", "null", ""])
async def test_the_socket_does_not_open_to_a_page_of_another_site(street: Street, origin: str) -> None:
    session = cookie_of(await street.sign_in())["value"]
    assert [said["type"] for said in await street.socket(f"{COOKIE}={session}", origin)] == ["websocket.close"]


async def test_signing_out_ends_the_session_and_not_only_the_cookie(street: Street) -> None:
    session = cookie_of(await street.sign_in())["value"]
    answer = await street.http.post("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert cookie_of(answer)["value"] == ""
    assert (await street.http.get("/console/")).status_code == 303
    again = await street.http.get("/console/", headers={"cookie": f"{COOKIE}={session}"})
    assert again.status_code == 303


async def test_signing_out_does_not_end_the_session_of_somebody_else(street: Street) -> None:
    kept = cookie_of(await street.sign_in())["value"]
    await street.sign_in(Caller(name="bob", role="viewer", via="console"))
    await street.http.post("/logout")
    assert street.sessions.caller(kept) is not None


async def test_nobody_is_signed_out_by_following_a_link(street: Street) -> None:
    await street.sign_in()
    assert (await street.http.get("/logout")).status_code == 405


async def test_made_up_sessions_do_not_push_out_the_ended_ones(street: Street) -> None:
    session = cookie_of(await street.sign_in())["value"]
    street.sessions.end(session)
    for number in range(MAX_ENDED + 1):
        street.sessions.end(f"made.up{number}")
    assert street.sessions.caller(session) is None


async def test_an_open_page_does_nothing_more_once_its_session_is_over(street: Street, clock: ManualClock) -> None:
    session = cookie_of(await street.sign_in())["value"]
    visitor = Visitor(cast("House", object()), street.sessions, session, "en")
    assert visitor.caller == ANN
    await clock.advance((SESSION_LIFE + timedelta(seconds=1)).total_seconds())
    with pytest.raises(Unauthenticated, match="sign in again"):
        _ = visitor.caller


async def test_a_page_lets_nobody_act_who_may_only_look_whatever_is_pressed(street: Street) -> None:
    for role, may in (("viewer", False), ("operator", True), ("admin", True)):
        caller = Caller(name="ann", role=role, via="console")  # type: ignore[arg-type]
        session = cookie_of(await street.sign_in(caller))["value"]
        visitor = Visitor(cast("House", object()), street.sessions, session, "en")
        assert visitor.may_act is may
        if may:
            assert visitor.acting.name == "ann"
            continue
        with pytest.raises(Forbidden, match="role operator"):
            _ = visitor.acting


async def test_nobody_may_act_once_the_session_is_over(street: Street, clock: ManualClock) -> None:
    session = cookie_of(await street.sign_in(Caller(name="bob", role="admin", via="console")))["value"]
    visitor = Visitor(cast("House", object()), street.sessions, session, "en")
    await clock.advance((SESSION_LIFE + timedelta(seconds=1)).total_seconds())
    assert not visitor.may_act
    with pytest.raises(Unauthenticated):
        _ = visitor.acting


def test_a_page_knows_whom_the_guard_let_in() -> None:
    scope: dict[str, Any] = {"type": "http", "headers": [(b"cookie", b"firstmate_language=zh")], "state": {}}
    house, sessions = object(), object()
    scope["state"]["firstmate_visit"] = (house, sessions, "a-session")
    visitor = visitor_of(Request(scope))
    assert (visitor.house, visitor.session, visitor.language) == (house, "a-session", "zh")


@pytest.mark.parametrize("header", [b"", b"\xff\xfe=1; ;;=", b"firstmate_session", b"a=b; " * 500])
def test_a_broken_cookie_is_no_session(header: bytes) -> None:
    assert session_of({"headers": [(b"cookie", header)]}) == ""
