"""The small things that pages are made of. Whatever systems and people wrote goes into labels, which show text and nothing else."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from nicegui import ui

from api.console.visitor import Visitor
from api.console.words import ago, known, say
from core.errors import FirstmateError

SEVERITIES = ("critical", "error", "warning", "info")
Act = Callable[[], Awaitable[None]]


def stamp(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else ""


class Ages:
    """Labels that say how long ago something was, kept true without drawing anything else anew."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._labels: list[tuple[ui.label, Callable[[], datetime]]] = []

    def label(self, at: datetime) -> ui.label:
        made = self.moving(lambda: at)
        made.props["title"] = stamp(at)
        return made

    def moving(self, at: Callable[[], datetime]) -> ui.label:
        """Of something that happens again and again."""
        made = ui.label(self._said(at())).classes("fm-age")
        self._labels.append((made, at))
        return made

    def clear(self) -> None:
        self._labels = []

    def refresh(self) -> None:
        for label, at in self._labels:
            label.text = self._said(at())

    def _said(self, at: datetime) -> str:
        return ago(self._visitor.language, self._visitor.seconds_since(at))


def chip(text: str, kind: str = "", testid: str = "") -> ui.label:
    """`kind` is a word of ours; a severity that is none of ours has no colour."""
    made = ui.label(text[:60]).classes("fm-chip")
    if kind in _KINDS:
        made.classes(kind)
    if testid:
        made.props(f"data-testid={testid}")
    return made


_KINDS = frozenset(
    {*SEVERITIES, "firing", "pending", "resolved", "good", "bad", "active", "expired", "open", "merged", "failing"}
)


def title(text: str) -> ui.label:
    return ui.label(text).classes("fm-leaf-title").props("role=heading aria-level=1")


def section(text: str, testid: str = "") -> ui.element:
    card = ui.element("section").classes("fm-card")
    if testid:
        card.props(f"data-testid={testid}")
    with card:
        ui.label(text).classes("fm-card-title").props("role=heading aria-level=2")
    return card


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    with ui.element("dl").classes("fm-facts"):
        for name, value in pairs:
            with ui.element("dt"):
                ui.label(name)
            with ui.element("dd"):
                ui.label(value)


def label_chips(labels: Mapping[str, str]) -> None:
    with ui.element("div").classes("fm-labels").props("data-testid=labels"):
        for name, value in sorted(labels.items()):
            ui.label(f"{name}={value}").classes("fm-label-chip")


def button(text: str, testid: str, press: Callable[..., Any], kind: str = "fm-plain") -> ui.button:
    made = ui.button(text, color=None, on_click=press).classes(kind)
    made.props(f"dense no-caps data-testid={testid} " + ("unelevated" if kind == "fm-solid" else "flat"))
    return made


def choice(
    visitor: Visitor, word: str, options: Sequence[str], testid: str, changed: Callable[[], Any], chosen: str = ""
) -> ui.select:
    """One of a few, or all of them."""
    language = visitor.language
    shown = {"": say(language, "all"), **{option: known(language, option) for option in options}}
    made = ui.select(shown, value=chosen, label=say(language, word), on_change=lambda: changed())
    made.classes("fm-choice").props(f"outlined dense options-dense data-testid={testid}")
    return made


def field(label: str, testid: str, *, value: str = "", long: bool = False, most: int = 4000) -> Any:
    made: Any = ui.textarea(label, value=value) if long else ui.input(label, value=value)
    made.classes("fm-field").props(
        f"outlined dense maxlength={most} data-testid={testid}" + (" autogrow" if long else "")
    )
    return made


class Form:
    """A dialog that does one thing. What is wrong is said in it, and it stays open until the thing is done or given up."""

    def __init__(self, visitor: Visitor, heading: str, do_word: str, act: Act) -> None:
        self._act = act
        language = visitor.language
        # Of the page and not of the button's place: that is drawn anew while the dialog stands.
        with ui.context.client.content:
            self.dialog = ui.dialog()
        self.dialog.on("hide", self.dialog.delete)
        with self.dialog, ui.element("div").classes("fm-card fm-form").props("data-testid=form"):
            ui.label(heading).classes("fm-plan-title").props("role=heading aria-level=2")
            self.fields = ui.element("div").classes("fm-fields")
            self._problem = ui.label("").classes("fm-note bad").props("role=alert data-testid=problem")
            self._problem.set_visibility(False)
            with ui.element("div").classes("fm-actions"):
                button(say(language, do_word), "do", self._press, "fm-solid")
                button(say(language, "cancel"), "cancel", self.dialog.close)

    def open(self) -> None:
        self.dialog.open()

    def complain(self, sentence: str) -> None:
        self._problem.text = sentence
        self._problem.set_visibility(bool(sentence))

    async def _press(self) -> None:
        self.complain("")
        try:
            await self._act()
        except FirstmateError as error:
            self.complain(error.sentence)
            return
        self.dialog.close()


async def attempt(work: Awaitable[object]) -> bool:
    """Something that is done at a press, without a dialog; what went wrong is told."""
    try:
        await work
    except FirstmateError as error:
        ui.notify(error.sentence, type="negative", multi_line=True)
        return False
    return True
