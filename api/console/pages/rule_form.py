"""The form of a rule. What is wrong is said at the field that is wrong, and the rule can be tried on the past before it is saved."""

from typing import Any

from nicegui import ui

from alerts.rulebook.book import Kept
from alerts.rulebook.definition import rule_of
from alerts.rules import Rule
from api import rulings
from api.console.pages.acts import Done
from api.console.pages.hindsight import Hindsight
from api.console.pages.parts import SEVERITIES, Form, attempt, field
from api.console.pages.rule_draft import RuleDraft, draft_of, place_of
from api.console.visitor import Visitor
from api.console.words import say
from core.errors import FirstmateError, Invalid

SHORT, LONG = 200, 10_000


def rule_anew(visitor: Visitor, done: Done) -> None:
    RuleForm(visitor, RuleDraft(), None, done)


async def rule_changed(visitor: Visitor, rule_id: str, done: Done) -> None:
    found: list[Kept] = []

    async def read() -> None:
        found.append(await visitor.house.alerts.book.get(rule_id))

    if await attempt(read()):
        RuleForm(visitor, draft_of(found[0].definition), found[0], done)


class RuleForm:
    def __init__(self, visitor: Visitor, draft: RuleDraft, of: Kept | None, done: Done) -> None:
        self._visitor, self._of, self._done = visitor, of, done
        self._fields: dict[str, Any] = {}
        language = visitor.language
        self._form = Form(visitor, say(language, "change_rule" if of else "new_rule"), "save", self._act)
        with self._form.fields:
            self._field("name", draft.name)
            self._structured = ui.checkbox(say(language, "structured"), value=draft.structured)
            self._structured.props("dense data-testid=structured")
            self._field("watched", draft.watched, long=True, most=LONG).classes("fm-mono")
            with ui.element("div").classes("fm-pair"):
                self._field("hold", draft.hold)
                self._field("keep", draft.keep)
            with ui.element("div").classes("fm-pair"):
                self._severity(draft.severity)
                self._field("channels", draft.channels)
            self._field("description", draft.description, long=True, most=4_000)
            self._field("labels", draft.labels, long=True, most=LONG, label="labels_yaml").classes("fm-mono")
            self._field("annotations", draft.annotations, long=True, most=LONG).classes("fm-mono")
            Hindsight(visitor, self._tried, self._complain)
        self._form.open()

    def _field(self, name: str, value: str, *, long: bool = False, most: int = SHORT, label: str = "") -> Any:
        word = say(self._visitor.language, label or (name if name == "name" else f"rule_{name}"))
        self._fields[name] = made = field(word, f"rule-{name}", value=value, long=long, most=most)
        return made

    def _severity(self, value: str) -> None:
        """Any word may be a severity; these are the usual ones."""
        options = list(dict.fromkeys([*SEVERITIES, value]))
        made: Any = ui.select(options, value=value, label=say(self._visitor.language, "severity"))
        made.classes("fm-field").props("outlined dense options-dense data-testid=rule-severity")
        self._fields["severity"] = made

    def _read(self) -> RuleDraft:
        texts = {name: str(one.value or "") for name, one in self._fields.items()}
        return RuleDraft(structured=bool(self._structured.value), **texts)

    async def _tried(self) -> Rule:
        self._clear()
        return rule_of(self._read().definition(), "tried")

    async def _act(self) -> None:
        self._clear()
        try:
            await self._save()
        except Invalid as error:
            self._complain(error)
            raise
        await self._done()

    async def _save(self) -> None:
        house, caller, draft = self._visitor.house, self._visitor.acting, self._read()
        definition = draft.definition()
        if self._of is None:
            await house.alerts.book.add(definition, caller.name)
        else:
            await rulings.change(house, self._of.id, caller.name, self._of.version, draft.values())

    def _clear(self) -> None:
        self._form.complain("")
        for one in self._fields.values():
            one.props(remove="error error-message")

    def _complain(self, error: FirstmateError) -> None:
        """At its field, and at the end of the form, where one looks who has pressed the button."""
        wrong = self._fields.get(place_of(error)) if isinstance(error, Invalid) else None
        if wrong is not None:
            wrong.props("error")
            wrong.props["error-message"] = error.sentence
        self._form.complain(error.sentence)
