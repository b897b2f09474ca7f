"""The conversation: questions and their turns, the box to ask in, and the way back to all of it after a reload.

The browser keeps the conversation's id in a cookie and nothing else; what was said is read again from the agent, so a reload, a lost
connection or a restart of this process loses neither an answer nor a plan that waits for a word.
"""

import re
import secrets

from nicegui import background_tasks, ui
from nicegui.events import GenericEventArguments

from api import conversations
from api.console.turn import Turn
from api.console.visitor import Visitor
from api.console.words import say
from api.schemas.assistant import MAX_QUESTION, Query
from core.errors import FirstmateError, NotFound

CONVERSATION = "firstmate_conversation"
KEPT_SECONDS = 12 * 3600
MAX_RESTORED = 12
SUGGESTIONS = ("try_overview", "try_alerts", "try_knowledge")
_ID = re.compile(r"^[A-Za-z0-9._:@-]{1,100}$")
# Enter sends; with Shift it makes a line, and while a word is being composed (Chinese input) it belongs to the composing.
ON_ENTER = """(e) => {
  if (e.shiftKey || e.isComposing || e.keyCode === 229) return;
  e.preventDefault();
  emit(e.target.value);
}"""


class Chat:
    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._session = new_conversation()
        self._greeting: ui.element | None = None
        language = visitor.language
        with ui.element("main").classes("fm-chat") as root:
            root.props["aria-label"] = say(language, "conversation")
            with ui.element("div").classes("fm-scroll").props("id=fm-scroll"):
                self._thread = ui.element("div").classes("fm-thread").props("id=fm-thread role=log aria-live=polite")
            self._question_box()

    async def restore(self, session: str) -> None:
        """Show what was said before; a conversation that is unknown or somebody else's begins anew."""
        if _ID.match(session):
            try:
                said = await conversations.session_of(self._visitor.house, session, self._visitor.caller)
            except NotFound:
                self._session = session  # named, and nothing asked in it yet
            except FirstmateError:
                pass
            else:
                self._session = session
                asked = {message.run_id: message.text for message in said.messages if message.role == "user"}
                self._show_again(list(asked.items())[-MAX_RESTORED:])
        self._remember()
        if not self._thread.default_slot.children:
            self._welcome()

    def ask(self, question: str, alert: str | None = None) -> None:
        question = question.strip()
        if not question:
            return
        self._box.value = ""
        self._box.run_method("focus")
        if self._greeting:
            self._greeting.delete()
            self._greeting = None
        self._box.client.run_javascript("document.body.classList.remove('fm-alerts-open')")
        turn = self._begin(question)
        background_tasks.create(turn.safely(self._start(question, alert, turn)))

    def renew(self) -> None:
        self._session = new_conversation()
        self._remember()
        self._thread.clear()
        self._welcome()
        self._box.run_method("focus")

    def _show_again(self, asked: list[tuple[str, str]]) -> None:
        for run_id, question in asked:
            turn = self._begin(question)
            background_tasks.create(turn.safely(turn.follow(run_id)))

    def _begin(self, question: str) -> Turn:
        with self._thread:
            ui.label(question).classes("fm-mine").props("data-testid=question")
            return Turn(self._visitor)

    def _welcome(self) -> None:
        language = self._visitor.language
        with self._thread, ui.element("div").classes("fm-welcome") as self._greeting:
            ui.label("⚓").classes("fm-anchor").props("aria-hidden=true")
            ui.label(say(language, "welcome")).classes("fm-welcome-title")
            ui.label(say(language, "welcome_more")).classes("fm-dim")
            with ui.element("div").classes("fm-tries"):
                for word in SUGGESTIONS:
                    suggestion = say(language, word)
                    with ui.element("button").classes("fm-try").on("click", lambda text=suggestion: self.ask(text)):
                        ui.label(suggestion)

    def _question_box(self) -> None:
        language = self._visitor.language
        with ui.element("div").classes("fm-ask"), ui.element("div").classes("fm-ask-row"):
            self._box = ui.textarea(placeholder=say(language, "ask"))
            self._box.props(f"outlined dense autogrow autofocus rows=1 maxlength={MAX_QUESTION} data-testid=ask")
            self._box.props["aria-label"] = say(language, "ask")
            self._box.on("keydown.enter", self._entered, js_handler=ON_ENTER)
            send = ui.button(icon="arrow_upward", color=None, on_click=lambda: self.ask(self._box.value))
            send.classes("fm-solid").props("unelevated round data-testid=send")
            send.props["aria-label"] = say(language, "send")

    def _entered(self, event: GenericEventArguments) -> None:
        self.ask(str(event.args or ""))

    async def _start(self, question: str, alert: str | None, turn: Turn) -> None:
        asked = Query(question=question[:MAX_QUESTION], session_id=self._session, alert=alert)
        run = await conversations.start(self._visitor.house, asked, self._visitor.caller)
        await turn.follow(run.id)

    def _remember(self) -> None:
        cookie = f"{CONVERSATION}={self._session};path=/console;max-age={KEPT_SECONDS};samesite=strict"
        self._thread.client.run_javascript(f"document.cookie = '{cookie}'")


def new_conversation() -> str:
    return f"console-{secrets.token_hex(12)}"
