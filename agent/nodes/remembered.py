"""An answer from pages that was given before, told again: at once, with when it was made, and without asking a model or searching anew."""

from typing import Any

from agent.reading import read
from agent.state import State
from agent.terms import moment
from agent.turn import Turn
from agent.words import PRONOUNS
from core.language import Text

ROUTE = {"route": "knowledge", "reason": "", "fix": False, "namespace": "", "kind": "", "name": "", "alert": ""}
_AGAIN = Text(
    "(Answered before, at {at}; the pages it stands on have not changed since.)",
    "（此前于 {at} 回答过；所依据的页面此后没有变化。）",
)
_AGAIN_OTHERWISE = Text(
    "(Answered before, at {at}, for “{question}”; the pages it stands on have not changed since.)",
    "（此前于 {at} 对“{question}”回答过；所依据的页面此后没有变化。）",
)
_WHY = Text("the same was answered before from the pages", "此前已根据文档回答过同样的问题")


async def recalled(state: State, turn: Turn) -> dict[str, Any] | None:
    """What was kept for this question, if it stands alone and asks for pages or leaves the road open."""
    if not is_lone(state):
        return None
    found = await turn.recall.find(state["question"], scope_of(state, turn), turn.language)
    if found is None:
        return None
    return {"answer": found.answer, "question": found.question, "made_at": found.made_at.isoformat()}


def reason(turn: Turn) -> str:
    return _WHY(turn.language)


def is_lone(state: State) -> bool:
    """Nothing of the conversation or of an alert is meant by it: another person's same words ask the same."""
    question = state["question"]
    if state["mode"] == "mcp" or state.get("alert") or PRONOUNS.search(question.lower()):
        return False
    return not read(question, state.get("focus") or {}).follows


def scope_of(state: State, turn: Turn) -> str:
    """Answers are shared by those who may see the same, and were asked for in the same way."""
    docs = state.get("max_docs", 0)
    return turn.recall.scope(turn.asker.role, turn.language, state["mode"], docs, *turn.voice.models.names)


async def keep(state: State, turn: Turn, answer: dict[str, Any], *, is_whole: bool) -> None:
    """Only what is nothing but pages, with all of them read and by the model that was asked first."""
    if is_whole and is_lone(state) and not turn.voice.failed:
        await turn.recall.keep(state["question"], scope_of(state, turn), answer, state.get("edition", ""))


async def tell_again(kept: dict[str, Any], question: str, turn: Turn) -> dict[str, Any]:
    said = _AGAIN if kept["question"] == question else _AGAIN_OTHERWISE
    note = said(turn.language, at=moment(kept["made_at"]), question=kept["question"])
    answer = {**kept["answer"], "text": f"{kept['answer']['text']}\n\n{note}"}
    answer["cached"] = {"question": kept["question"], "made_at": kept["made_at"]}
    for each in answer.get("evidence", []):
        turn.stream.add("evidence", dict(each))
    await turn.voice.emit("token", {"text": answer["text"]})
    turn.stream.add("answer", answer)
    return answer
