"""The repair that waits for a word: what would change and where, what is checked after, the diff, and two buttons.

The buttons are there only for somebody who may decide; anybody else reads which role it needs. They go at the first press, so that a second
one finds nothing, and come back only where the plan still waits.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from nicegui import ui

from api.console.render import diff_html
from api.console.visitor import Visitor
from api.console.words import known, say

Decide = Callable[[bool], Awaitable[None]]
RISKS = {"low", "medium", "high"}


class PlanCard:
    def __init__(self, visitor: Visitor, asked: dict[str, Any], plan: dict[str, Any], decide: Decide) -> None:
        self._visitor = visitor
        self._language = visitor.language
        self._expires = _moment(asked.get("expires_at"))
        with ui.element("section").classes("fm-card fm-plan").props("data-testid=plan") as self._root:
            self._root.props["aria-label"] = say(self._language, "plan")
            self._title(asked)
            self._facts(plan)
            ui.html(diff_html(str(asked.get("diff", "")))).classes("fm-diff").props("data-testid=diff tabindex=0")
            self._term = ui.label("").classes("fm-dim").props("data-testid=term")
            self._actions = ui.element("div").classes("fm-actions")
        self._buttons(decide)
        self.refresh()

    def refresh(self) -> None:
        if self._expires:
            left = -self._visitor.seconds_since(self._expires)
            minutes = int(left // 60) + 1
            self._term.text = say(self._language, "valid" if left > 0 else "overdue", minutes=minutes)

    def open(self, waits: bool) -> None:
        self._actions.set_visibility(waits)

    def close(self, approved: bool, by: str) -> None:
        self.open(False)
        self._term.set_visibility(False)
        with self._root:
            word = say(self._language, "approved" if approved else "refused", name=by)
            ui.label(word).classes(f"fm-verdict {'good' if approved else 'warn'}").props("data-testid=verdict")

    def _title(self, asked: dict[str, Any]) -> None:
        risk = str(asked.get("risk", ""))
        with ui.element("div").classes("fm-row"):
            ui.label(say(self._language, "plan")).classes("fm-card-title")
            chip = ui.label(say(self._language, "risk", risk=known(self._language, risk)))
            chip.classes(f"fm-chip {risk if risk in RISKS else ''}")
        ui.label(str(asked.get("title", ""))).classes("fm-plan-title")

    def _facts(self, plan: dict[str, Any]) -> None:
        facts = {
            "effect": str(plan.get("expected_effect", "")),
            "reach": str(plan.get("blast_radius", "")),
            "check": "; ".join(str(check.get("sentence", "")) for check in plan.get("verify", [])),
            "way_back": "; ".join(str(step.get("summary", "")) for step in plan.get("undo", [])),
        }
        with ui.element("dl").classes("fm-facts"):
            for word, fact in facts.items():
                if fact:
                    with ui.element("dt"):
                        ui.label(say(self._language, word))
                    with ui.element("dd"):
                        ui.label(fact)

    def _buttons(self, decide: Decide) -> None:
        caller = self._visitor.caller
        with self._actions:
            if not caller.may("write"):
                sentence = say(self._language, "may_not", name=caller.name, role=caller.role)
                ui.label(sentence).classes("fm-note warn").props("data-testid=may-not")
                return
            approve = ui.button(say(self._language, "approve"), color=None, on_click=lambda: decide(True))
            approve.classes("fm-solid").props("unelevated no-caps data-testid=approve")
            refuse = ui.button(say(self._language, "refuse"), color=None, on_click=lambda: decide(False))
            refuse.classes("fm-danger").props("outline no-caps data-testid=refuse")


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None
