"""The page: header, conversation and alerts, put together for one visitor.

NiceGUI serves the page and its scripts from this process; nothing is fetched from elsewhere. Language and shade are the browser's own
cookies; the conversation comes back by the cookie that names it.
"""

from pathlib import Path

from fastapi import FastAPI, Request
from nicegui import ui
from nicegui.events import GenericEventArguments

from api.console.chat import CONVERSATION, Chat
from api.console.door import MOUNT, SPEAKS, Guard, open_door, visitor_of
from api.console.visitor import Sessions, Visitor
from api.console.vitals import Banner, Vitals
from api.console.watch import Watch
from api.console.words import say
from api.wiring import House

SHADE = "firstmate_shade"
YEAR_SECONDS = 31_536_000
FOLDER = Path(__file__).parent
LOOK = (FOLDER / "look.css").read_text()
# While an answer grows the page stays at its end, unless the reader has scrolled up.
STICK = """<script>addEventListener('load', () => {
  const find = () => {
    const box = document.getElementById('fm-scroll'), thread = document.getElementById('fm-thread');
    if (!box || !thread) return setTimeout(find, 50);
    let low = true, busy = 0;
    box.addEventListener('scroll', () => { low = box.scrollHeight - box.scrollTop - box.clientHeight < 120; });
    new ResizeObserver(() => {
      if (thread.querySelector('.fm-working:not(.hidden)')) busy = Date.now();
      if (low && Date.now() - busy < 1500) box.scrollTop = box.scrollHeight;
    }).observe(thread);
    new MutationObserver((all) => {
      if (all.some((one) => [...one.addedNodes].some((node) => node.classList?.contains('fm-mine')))) {
        low = true; box.scrollTop = box.scrollHeight;
      }
    }).observe(thread, {childList: true});
    box.scrollTop = box.scrollHeight;
  };
  find();
});</script>"""


def install(app: FastAPI, house: House) -> None:
    sessions = Sessions(house.doorkeeper)
    open_door(app, house.doorkeeper, sessions)
    app.add_middleware(Guard, house=house, sessions=sessions)
    ui.run_with(
        app,
        mount_path=MOUNT,
        title="Firstmate",
        favicon="⚓",
        dark=None,
        tailwind=False,
        reconnect_timeout=10.0,
        message_history_length=200,
        show_welcome_message=False,
    )


@ui.page("/")
async def console(request: Request) -> None:
    visitor = visitor_of(request)
    ui.add_css(LOOK)
    ui.add_head_html(STICK)
    ui.add_body_html(_lost(visitor))
    shade = request.cookies.get(SHADE)
    dark = ui.dark_mode({"dark": True, "light": False}.get(shade or ""))
    chat = layout(visitor, dark)
    await chat.restore(request.cookies.get(CONVERSATION, ""))


def layout(visitor: Visitor, dark: ui.dark_mode) -> Chat:
    language = visitor.language
    ui.query("html").props(f"lang={'zh-CN' if language == 'zh' else 'en'}")
    with ui.element("div").classes("fm-page"):
        with ui.element("header").classes("fm-head"):
            ui.label("⚓").classes("fm-mark").props("aria-hidden=true")
            ui.label(say(language, "title")).classes("fm-name")
            ui.label(say(language, "tagline")).classes("fm-tag fm-wide")
            head = ui.element("div").classes("fm-tools")
        banner = Banner(visitor)
        with ui.element("div").classes("fm-grid"):
            chat = Chat(visitor)
            with head:
                Vitals(visitor, banner)
                count = _bell(visitor)
                _icon("add_comment", say(language, "new"), "new").on_click(chat.renew)
                _language_button(visitor)
                _shade_button(visitor, dark)
                _account(visitor)
            Watch(visitor, chat.ask, count)
    return chat


def _icon(name: str, label: str, testid: str) -> ui.button:
    button = ui.button(icon=name).props(f"flat round dense color=white data-testid={testid}")
    button.props["aria-label"] = button.props["title"] = label
    return button


def _bell(visitor: Visitor) -> ui.label:
    """On a narrow screen the alerts come forward at a press."""
    toggle = "() => document.body.classList.toggle('fm-alerts-open')"
    bell = _icon("notifications", say(visitor.language, "alerts"), "bell").classes("fm-narrow")
    with bell.on("click", js_handler=toggle):
        return ui.label("").classes("fm-count")


def _language_button(visitor: Visitor) -> None:
    other = "en" if visitor.language == "zh" else "zh"
    switch = f"() => {{ {_keep(SPEAKS, other)}; location.reload() }}"
    button = ui.button(say(visitor.language, "language")).props("flat dense no-caps color=white data-testid=language")
    button.on("click", js_handler=switch)


def _shade_button(visitor: Visitor, dark: ui.dark_mode) -> None:
    def turned(event: GenericEventArguments) -> None:
        dark.set_value(bool(event.args))

    keep = f"{_keep(SHADE, 'X')}".replace("=X;", "=' + (on ? 'dark' : 'light') + ';")
    # Asked of the page: where nothing was chosen the operating system decides, and only the browser knows that.
    flip = f"() => {{ const on = !Quasar.Dark.isActive; {keep}; emit(on) }}"
    _icon("contrast", say(visitor.language, "dark"), "dark").on("click", turned, js_handler=flip)


def _account(visitor: Visitor) -> None:
    caller = visitor.caller
    with _icon("account_circle", say(visitor.language, "account"), "account"), ui.menu().classes("fm-menu"):
        ui.label(caller.name).classes("fm-card-title")
        ui.label(caller.role).classes("fm-dim")
        with (
            ui.element("form").props("method=post action=/logout"),
            ui.element("button").props("type=submit data-testid=logout"),
        ):
            ui.label(say(visitor.language, "logout"))


def _keep(name: str, value: str) -> str:
    return f"document.cookie = '{name}={value};path=/;max-age={YEAR_SECONDS};samesite=strict'"


def _lost(visitor: Visitor) -> str:
    """The words of NiceGUI's own notice, in the reader's language."""
    first, second = say(visitor.language, "lost"), say(visitor.language, "again")
    return f"""<script>addEventListener('DOMContentLoaded', () => {{
      const said = document.querySelectorAll('#popup span'), words = ['{first}', '{second}'];
      said.forEach((span, index) => {{ span.textContent = words[index]; }});
    }});</script>"""
