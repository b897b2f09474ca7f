"""What every page of the console stands in: the look, the header with its ways to the other pages, and the buttons of the browser's own
choices.

Language and shade are cookies of the browser. The ways are real links, so that they open in a tab of their own; on a narrow screen they
fold into one button, and the header stays one line.
"""

from pathlib import Path

from fastapi import Request
from nicegui import ui
from nicegui.events import GenericEventArguments

from api.console.door import MOUNT, SPEAKS, visitor_of
from api.console.visitor import Visitor
from api.console.vitals import Banner, Vitals
from api.console.words import say

SHADE = "firstmate_shade"
YEAR_SECONDS = 31_536_000
LOOK = "".join((Path(__file__).parent / name).read_text() for name in ("look.css", "pages.css", "learned.css"))
WAYS = {
    "conversation": "",
    "alerts": "alerts",
    "incidents": "incidents",
    "silences": "silences",
    "rules": "rules",
    "routes": "routes",
    "knowledge": "knowledge",
    "cases": "cases",
}
"""By the word that names it, where each page is."""


class Frame:
    """One page for one visitor; `here` is the word of the page that it is."""

    def __init__(self, request: Request, here: str) -> None:
        self.visitor = visitor_of(request)
        language = self.visitor.language
        ui.add_css(LOOK)
        ui.add_body_html(_lost(self.visitor))
        dark = ui.dark_mode({"dark": True, "light": False}.get(request.cookies.get(SHADE, "")))
        ui.query("html").props(f"lang={'zh-CN' if language == 'zh' else 'en'}")
        with ui.element("div").classes("fm-page"):
            with ui.element("header").classes("fm-head"):
                _ways_folded(self.visitor, here)
                ui.label("⚓").classes("fm-mark").props("aria-hidden=true")
                ui.label(say(language, "title")).classes("fm-name")
                _ways(self.visitor, here)
                self._tools = ui.element("div").classes("fm-tools")
            banner = Banner(self.visitor)
            self.body = ui.element("div").classes("fm-grid" if here == "conversation" else "fm-leaf")
        with self._tools:
            Vitals(self.visitor, banner)
            self.own_tools = ui.element("div").classes("fm-own-tools")
            _language_button(self.visitor)
            _shade_button(self.visitor, dark)
            _account(self.visitor)


def address(page: str, one: str = "") -> str:
    return f"{MOUNT}/{WAYS[page]}" + (f"/{one}" if one else "")


def go(page: str, one: str = "", query: str = "") -> None:
    """NiceGUI puts the console's own path before."""
    ui.navigate.to(address(page, one).removeprefix(MOUNT) + query)


def icon(name: str, label: str, testid: str) -> ui.button:
    button = ui.button(icon=name).props(f"flat round dense color=white data-testid={testid}")
    button.props["aria-label"] = button.props["title"] = label
    return button


def link(text: str, target: str, classes: str = "fm-link") -> ui.element:
    """A way within the console; the text is somebody's, the target is ours."""
    anchor = ui.element("a").classes(classes)
    anchor.props["href"] = target
    with anchor:
        ui.label(text)
    return anchor


def _ways(visitor: Visitor, here: str) -> None:
    with ui.element("nav").classes("fm-ways").props("data-testid=ways") as nav:
        nav.props["aria-label"] = say(visitor.language, "pages")
        _each_way(visitor, here)


def _ways_folded(visitor: Visitor, here: str) -> None:
    button = icon("menu", say(visitor.language, "pages"), "menu").classes("fm-narrow")
    with button, ui.menu().classes("fm-menu fm-ways-menu"):
        _each_way(visitor, here)


def _each_way(visitor: Visitor, here: str) -> None:
    for word in WAYS:
        anchor = link(say(visitor.language, word), address(word), "fm-way")
        if word == here:
            anchor.props("aria-current=page")


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
    icon("contrast", say(visitor.language, "dark"), "dark").on("click", turned, js_handler=flip)


def _account(visitor: Visitor) -> None:
    caller = visitor.caller
    with icon("account_circle", say(visitor.language, "account"), "account"), ui.menu().classes("fm-menu"):
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
