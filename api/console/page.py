"""The first page: the conversation, with the alerts beside it; and the console as a whole, put before the house.

NiceGUI serves the pages and their scripts from this process; nothing is fetched from elsewhere. The conversation comes back by the cookie
that names it. Another page sends a reader here with the alert that is to be explained.
"""

import re

from fastapi import FastAPI, Request
from nicegui import ui

from api.console.chat import CONVERSATION, Chat
from api.console.door import MOUNT, Guard, open_door
from api.console.frame import Frame, icon
from api.console.pages import (
    alert,
    alerts,
    case,
    cases,
    incident,
    incidents,
    knowledge,
    knowledge_page,
    routes,
    rule,
    rules,
    silences,
)
from api.console.visitor import Sessions, Visitor
from api.console.watch import Watch
from api.console.words import say
from api.wiring import House
from core.errors import FirstmateError

LEAVES = (alerts, alert, incidents, incident, silences, rules, rule, routes, knowledge, knowledge_page, cases, case)
"""The other pages: they are there once they are imported."""
_FINGERPRINT = re.compile(r"^[0-9a-f]{4,16}$")
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
async def console(request: Request, why: str = "") -> None:
    frame = Frame(request, "conversation")
    ui.add_head_html(STICK)
    chat = layout(frame)
    await chat.restore(request.cookies.get(CONVERSATION, ""))
    if _FINGERPRINT.match(why):
        await _explain(frame.visitor, chat, why)


def layout(frame: Frame) -> Chat:
    visitor = frame.visitor
    with frame.body:
        chat = Chat(visitor)
        with frame.own_tools:
            count = _bell(visitor)
            icon("add_comment", say(visitor.language, "new"), "new").on_click(chat.renew)
        Watch(visitor, chat.ask, count)
    return chat


async def _explain(visitor: Visitor, chat: Chat, fingerprint: str) -> None:
    """Asked once: the address forgets it, so that a reload does not ask again."""
    try:
        alert = await visitor.house.desk.get(fingerprint)
    except FirstmateError:
        return
    ui.run_javascript("history.replaceState(null, '', location.pathname)")
    chat.ask(say(visitor.language, "explain_question", name=alert.name), alert.fingerprint)


def _bell(visitor: Visitor) -> ui.label:
    """On a narrow screen the alerts come forward at a press."""
    toggle = "() => document.body.classList.toggle('fm-alerts-open')"
    bell = icon("notifications", say(visitor.language, "alerts"), "bell").classes("fm-narrow")
    with bell.on("click", js_handler=toggle):
        return ui.label("").classes("fm-count")
