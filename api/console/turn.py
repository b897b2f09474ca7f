"""One question's run on the page, from its first event to its end, with the wait for a word in the middle.

A run is followed by its events and remembers how far it has come, so it can be begun in the middle, after a reload, by replaying what was
stored. While its plan waits it looks now and then whether somebody gave their word elsewhere (another page, the command line, HTTP).
"""

from collections.abc import Awaitable
from typing import Any

from nicegui import ui

from agent.events import RunEvent
from api import approvals
from api.console.plan import PlanCard
from api.console.segment import Segment
from api.console.visitor import Visitor
from api.console.words import say
from core.errors import FirstmateError
from core.logs import get

LOOK_SECONDS = 2.0
_log = get(__name__)


class Turn:
    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._run_id = ""
        self._seen = 0
        self._following = False
        self._deciding = False
        self._evidence: dict[str, dict[str, Any]] = {}
        self._plan: dict[str, Any] = {}
        self._asked: dict[str, Any] = {}
        self._card: PlanCard | None = None
        with ui.element("div").classes("fm-turn").props("data-testid=turn") as self._root:
            self._body = ui.element("div").classes("fm-body")
            with self._body:
                self._segment = Segment(visitor.language, self._evidence)
            self._working = ui.label(say(visitor.language, "working")).classes("fm-working").props("role=status")
            self._timer = ui.timer(LOOK_SECONDS, lambda: self.safely(self._look()), active=False)

    async def follow(self, run_id: str) -> None:
        self._run_id, self._following = run_id, True
        self._timer.deactivate()
        self._working.set_visibility(True)
        try:
            async for event in self._visitor.house.agent.events(run_id, after=self._seen):
                if self._root.is_deleted:
                    return  # the page is gone; the run goes on without it
                self._seen = event.seq
                self._show(event)
        finally:
            self._following = False
        self._settle()

    async def safely(self, work: Awaitable[None]) -> None:
        """The edge of the page: whatever goes wrong behind it is said here, in place of a dot that blinks for ever."""
        try:
            await work
        except FirstmateError as error:
            self._fail(error.sentence)
        except Exception:  # noqa: BLE001 - a bug is logged, and the person is told that there was one
            _log.exception("the console could not go on", run_id=self._run_id)
            self._fail(say(self._visitor.language, "bug"))

    def _fail(self, sentence: str) -> None:
        self._segment.note(sentence, "bad")
        self._settle()

    def _settle(self) -> None:
        self._segment.settle()
        self._working.set_visibility(False)
        if self._card and self._asked:
            self._timer.activate()

    def _show(self, event: RunEvent) -> None:
        if event.type == "plan":
            self._plan = event.data
        elif event.type == "approval_required":
            self._ask_for_word(event.data)
        elif event.type == "approval_recorded":
            self._word_given(event.data)
        else:
            self._tell(event)
            self._segment.show(event)

    def _tell(self, event: RunEvent) -> None:
        """What the longest step is at, where one looks while it lasts."""
        if event.type == "tool_progress":
            self._working.text = str(event.data["message"])
        elif event.type == "tool_finished":
            self._working.text = say(self._visitor.language, "working")

    def _ask_for_word(self, asked: dict[str, Any]) -> None:
        self._segment.settle()
        self._asked = asked
        with self._body:
            self._card = PlanCard(
                self._visitor, asked, self._plan, lambda approved: self.safely(self._decide(approved))
            )

    def _word_given(self, data: dict[str, Any]) -> None:
        self._asked = {}
        if self._card:
            self._card.close(bool(data.get("approved")), str(data.get("by", "")))
        with self._body:
            self._segment = Segment(self._visitor.language, self._evidence)

    async def _decide(self, approved: bool) -> None:
        if self._deciding or not self._card:
            return
        self._deciding = True
        self._card.open(False)  # at once: a second press must find nothing
        self._working.set_visibility(True)
        try:
            await self._record(approved)
        except FirstmateError as error:
            self._segment.note(error.sentence, "bad")
        finally:
            self._deciding = False
            self._working.set_visibility(False)
        # Also after an error: a plan that can no longer be approved ends the wait, and the run goes on to say why.
        await self._look()

    async def _record(self, approved: bool) -> None:
        visitor = self._visitor
        caller = visitor.caller
        if not caller.may("write"):
            self._segment.note(say(visitor.language, "may_not", name=caller.name, role=caller.role), "bad")
            return
        note = "" if approved else say(visitor.language, "refuse_note")
        asked = self._asked
        await approvals.decide_in_run(
            visitor.house, self._run_id, asked["plan_id"], asked["hash"], approved, caller, note
        )

    async def _look(self) -> None:
        if self._following or self._deciding or not self._card:
            return
        run = await self._visitor.house.agent.run(self._run_id)
        if run.state == "waiting":
            self._card.open(True)
            self._card.refresh()
            return
        await self.follow(self._run_id)
