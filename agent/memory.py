"""What a conversation remembers: its last turns as text, and its focus, the one object that "it" means.

The focus is what the last turn was about: the alert, the cause a diagnosis named, or the object a tool was asked for. It is a handful of
names, so the next question can be read without a model and without reading the old answers again.
"""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from agent.answer import marks_in
from agent.citing import MARK
from agent.envelope import cut, question_of
from agent.limits import Limits
from agent.state import State, Step
from agent.store import Message

KEYS = ("kind", "namespace", "name", "alert", "fault", "plan")


def history(messages: Sequence[Message], limits: Limits) -> list[dict[str, str]]:
    recent = messages[-2 * limits.history_turns :]
    return [{"role": message.role, "text": cut(message.text, limits.history_chars)} for message in recent]


def as_messages(turns: Sequence[dict[str, str]]) -> list[BaseMessage]:
    return [
        HumanMessage(question_of(turn["text"])) if turn["role"] == "user" else AIMessage(without_marks(turn["text"]))
        for turn in turns
    ]


def without_marks(text: str) -> str:
    """Evidence ids belong to one run; in the next they would name something else."""
    for mark in marks_in(text):
        text = text.replace(f"[{mark}]", "")
    return MARK.sub("", text)


def focus_after(state: State) -> dict[str, str]:
    """What the next "it" will mean; the old focus stays when this turn was about nothing in particular."""
    route = state.get("route") or {}
    found = _from_diagnosis(state) or _from_steps(state.get("steps", [])) or _picked(route)
    if not found:
        return dict(state.get("focus") or {})
    alert = route.get("alert") or state.get("alert") or ""
    plan = (state.get("plan") or {}).get("id", "")
    return {key: value for key, value in {**found, "alert": alert, "plan": plan}.items() if value}


def _from_diagnosis(state: State) -> dict[str, str]:
    for step in state.get("steps", []):
        causes = step["data"].get("causes") if step["tool"] == "diagnose" else None
        if causes:
            return {**_picked(causes[0]["component"]), "fault": str(causes[0].get("fault", ""))}
    return {}


def _from_steps(steps: Sequence[Step]) -> dict[str, str]:
    for step in reversed(steps):
        asked = step["arguments"]
        if step["ok"] and asked.get("name") and asked.get("namespace"):
            return _picked({"kind": "Pod" if step["tool"] == "read_logs" else "", **asked})
        rows = step["data"].get("rows") if step["tool"] == "list_objects" else None
        if rows and len(rows) == 1:
            return _picked({"kind": step["data"].get("kind", ""), **rows[0]})
    return {}


def _picked(found: dict[str, Any]) -> dict[str, str]:
    return {key: str(found[key]) for key in ("kind", "namespace", "name") if found.get(key)}
