"""The page and its door.

A browser signs in once, by the one-time link or by pasting a token, and then carries a signed session in a cookie that scripts cannot read
and other sites cannot send. NiceGUI serves the page and its scripts from this process; nothing is fetched from elsewhere.
"""

from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from nicegui import app as nicegui_app
from nicegui import ui

from api.auth.doorkeeper import SESSION_LIFE
from api.console.chat import Chat
from api.console.watch import Watch
from api.console.words import say
from api.wiring import House
from core.language import Language
from tools.spec import Caller

COOKIE = "firstmate_session"
SPEAKS = "firstmate_language"
MOUNT = "/console"
LOOK = (Path(__file__).parent / "look.css").read_text()
HEALTH_SECONDS = 5.0


def install(app: FastAPI, house: House) -> None:
    _door(app, house)
    nicegui_app.state.house = house
    ui.run_with(
        app,
        mount_path=MOUNT,
        title="Firstmate",
        favicon="⚓",
        dark=None,
        reconnect_timeout=10.0,
        message_history_length=200,
        show_welcome_message=False,
    )


def _door(app: FastAPI, house: House) -> None:
    @app.get("/", include_in_schema=False)
    async def root() -> Response:
        return RedirectResponse(f"{MOUNT}/")

    @app.get("/login", include_in_schema=False)
    async def login(request: Request, code: str = "") -> Response:
        if not code:
            return _form(request, "")
        session = house.doorkeeper.redeem(code[:200])
        return _signed_in(request, session) if session else _form(request, "expired_link", 401)

    @app.post("/login", include_in_schema=False)
    async def with_token(request: Request, token: Annotated[str, Form(max_length=4096)]) -> Response:
        caller = await house.doorkeeper.who(token.strip(), "console")
        if caller is None:
            return _form(request, "denied", 401)
        return _signed_in(request, house.doorkeeper.redeem(house.doorkeeper.one_time_code(caller)))

    @app.get("/logout", include_in_schema=False)
    async def logout() -> Response:
        response = RedirectResponse("/login")
        response.delete_cookie(COOKIE)
        return response


def _signed_in(request: Request, session: str | None) -> Response:
    response = RedirectResponse(f"{MOUNT}/", 303)
    secure = request.url.scheme == "https"
    life = int(SESSION_LIFE.total_seconds())
    response.set_cookie(COOKIE, session or "", max_age=life, httponly=True, samesite="strict", secure=secure)
    return response


def _form(request: Request, problem: str, status: int = 200) -> Response:
    language = spoken(request)
    complaint = f'<p role="alert" style="color:#c2303a">{say(language, problem)}</p>' if problem else ""
    return HTMLResponse(
        f"""<!doctype html><html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Firstmate</title><body style="font-family:system-ui,sans-serif;background:#10203c;display:grid;place-items:center;height:95vh">
<form method="post" action="/login" style="background:#fff;padding:28px 32px;border-radius:12px;max-width:360px">
<h2 style="margin-top:0">⚓ {say(language, "title")}</h2><p>{say(language, "login_hint")}</p>{complaint}
<input name="token" type="password" required autofocus autocomplete="off" placeholder="{say(language, "token")}"
 style="width:100%;box-sizing:border-box;padding:9px;font-size:15px"><p><button style="padding:9px 18px;font-size:15px">
{say(language, "login")}</button></p></form></body></html>""",
        status,
    )


def spoken(request: Request) -> Language:
    chosen = request.cookies.get(SPEAKS) or request.headers.get("accept-language", "")
    return "zh" if chosen.lower().startswith("zh") else "en"


@ui.page("/")
async def console(request: Request) -> Response | None:
    house: House = nicegui_app.state.house
    caller = house.doorkeeper.session(request.cookies.get(COOKIE, ""), "console")
    if caller is None:
        return RedirectResponse("/login")
    language = spoken(request)
    ui.add_css(LOOK)
    dark = ui.dark_mode(None)
    layout(house, caller, language, dark)
    return None


def layout(house: House, caller: Caller, language: Language, dark: ui.dark_mode) -> None:
    ui.query("html").props(f"lang={language}")
    with ui.element("header").classes("fm-head"):
        ui.label("⚓").style("font-size: 20px")
        ui.label(say(language, "title")).classes("fm-name")
        ui.label(say(language, "tagline")).classes("fm-tag")
        ui.element("div").classes("grow")
        _health(house, language)
        renew = ui.button(icon="add_comment").props("flat round dense color=white data-testid=new")
        renew.tooltip(say(language, "new"))
        _language_button(language)
        ui.button(icon="contrast", on_click=lambda: dark.set_value(not _is_dark(dark))).props(
            "flat round dense color=white data-testid=dark"
        ).tooltip(say(language, "dark"))
        ui.label(f"{caller.name} · {caller.role}").classes("fm-tag")
    with ui.element("div").classes("fm-grid"):
        chat = Chat(house, caller, language)
        Watch(house, caller, language, chat.ask)
    renew.on_click(chat.renew)


def _is_dark(dark: ui.dark_mode) -> bool:
    return bool(dark.value)


def _language_button(language: Language) -> None:
    other = "en" if language == "zh" else "zh"
    switch = f"document.cookie='{SPEAKS}={other};path=/;max-age=31536000;samesite=strict'; location.reload()"
    button = ui.button(say(language, "language")).props("flat dense no-caps color=white data-testid=language")
    button.on("click", js_handler=f"() => {{ {switch} }}")


def _health(house: House, language: Language) -> None:
    with ui.row().classes("items-center gap-2"):
        dot = ui.element("span").classes("fm-dot")
        label = ui.label("").classes("fm-tag").props("data-testid=health")

    def refresh() -> None:
        parts = house.health.report()["components"]
        bad = [name for name, part in parts.items() if part["status"] == "unhealthy"]
        dot.classes(add="bad" if bad else "", remove="" if bad else "bad")
        label.text = say(language, "degraded", names=", ".join(bad)) if bad else say(language, "healthy")

    ui.timer(HEALTH_SECONDS, refresh, immediate=True)
