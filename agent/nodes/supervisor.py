"""Which road the question takes: forced by the mode, given by the alert it came from, or chosen by the model."""

from typing import Any, Literal

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langgraph.runtime import Runtime
from langgraph.types import Command

from agent.envelope import question_of, wrap
from agent.memory import as_messages
from agent.prompts import page
from agent.reading import read
from agent.routing import ROUTE, Route, about_alert, forced, judge, route_tool
from agent.state import State
from agent.turn import Turn

NEXT: dict[str, Literal["knowledge", "think", "gather"]] = {
    "knowledge": "knowledge",
    "operator": "think",
    "diagnosis": "gather",
}


async def supervisor(state: State, runtime: Runtime[Turn]) -> Command[Literal["knowledge", "think", "gather"]]:
    turn = runtime.context
    found = await _choose(state, turn)
    turn.stream.add("routed", {"route": found.route, "reason": found.reason})
    return Command(goto=NEXT[found.route], update={"route": found.model_dump()})


async def _choose(state: State, turn: Turn) -> Route:
    question, focus = state["question"], state.get("focus") or {}
    if state["mode"] != "auto":
        return forced(state["mode"], question, read(question, focus))
    if state.get("alert"):
        return about_alert(question, read(question), state["alert"])
    system = f"{page('supervisor', turn.language)}\n{wrap('focus', focus)}"
    messages = [SystemMessage(system), *as_messages(state.get("history") or []), HumanMessage(question_of(question))]
    reply = await turn.voice.say(messages, tools=[route_tool()], choice=ROUTE, judge=_judge)
    return Route.model_validate(reply.tool_calls[0]["args"])


def _judge(reply: AIMessage) -> str:
    if not reply.tool_calls:
        return "no route"
    arguments: dict[str, Any] = reply.tool_calls[0]["args"]
    return judge(arguments)
