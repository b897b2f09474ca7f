"""How data travels inside prompts: between named marks, as JSON whose angle brackets are escaped.

What a tool returned may hold a stranger's words: a log line, an annotation, a runbook. Inside its marks it is data, the prompts say
so, and it cannot close the mark itself because no `<` survives in it. Writing and reading live side by side here, because the offline
planner reads exactly what a language model is shown.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage, ToolMessage

from core.language import Language, Text

_CUT = Text("(cut)", "（已截断）")


def wrap(mark: str, value: Any, limit: int | None = None) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    if limit is not None and len(text) > limit and isinstance(value, dict):
        text = json.dumps({**value, "data": None, "cut": text[:limit]}, ensure_ascii=False, default=str)
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e")
    return f"<{mark}>{safe}</{mark}>"


def unwrap(mark: str, text: str) -> Any:
    found = re.search(rf"<{mark}>(.*?)</{mark}>", text, re.DOTALL)
    return json.loads(found.group(1)) if found else None


def question_of(text: str) -> str:
    return wrap("question", text)


def question_in(text: str) -> str:
    found = unwrap("question", text)
    return str(found) if found is not None else text


def findings_in(text: str) -> dict[str, Any] | None:
    found = unwrap("findings", text)
    return found if isinstance(found, dict) else None


def focus_in(messages: Sequence[BaseMessage]) -> dict[str, str]:
    for message in messages:
        found = unwrap("focus", str(message.text)) if isinstance(message, SystemMessage) else None
        if isinstance(found, dict):
            return {str(key): str(value) for key, value in found.items()}
    return {}


def outputs_in(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """The tool outputs since the last thing a person said, oldest first."""
    outputs: list[dict[str, Any]] = []
    for message in messages:
        if isinstance(message, HumanMessage):
            outputs = []
        found = unwrap("tool_output", str(message.text)) if isinstance(message, ToolMessage) else None
        if isinstance(found, dict):
            outputs.append(found)
    return outputs


def cut(text: str, limit: int, language: Language = "en") -> str:
    return text if len(text) <= limit else f"{text[:limit]} {_CUT(language)}"


def clip(text: str, limit: int) -> str:
    """For a reader: one line, cut at a word, with an ellipsis where something is left out."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    short = line[: limit - 1]
    if line[limit - 1] != " " and " " in short[limit // 2 :]:
        short = short.rsplit(" ", 1)[0]
    return short.rstrip(" ,;:，；：") + "…"
