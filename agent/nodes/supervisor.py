"""Which road the question takes: forced by the mode, given by the alert it came from, or chosen by the model.

One wish is carried out without a plan, because it changes no system and can be taken back: to acknowledge an alert. Whether it was
wished is read by rule from the person's own words, before any model or tool has said anything.
"""

from typing import Any, Literal

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langgraph.runtime import Runtime
from langgraph.types import Command

from agent.envelope import question_of, wrap
from agent.memory import as_messages
from agent.nodes.remembered import ROUTE, reason, recalled
from agent.prompts import page
from agent.reading import acknowledges, read
from agent.routing import ROUTE as ROUTE_TOOL
from agent.routing import Route, about_alert, forced, judge, route_tool, taking
from agent.state import State
from agent.turn import Turn

Road = Literal["knowledge", "think", "gather", "acknowledge"]
NEXT: dict[str, Road] = {
    "knowledge": "knowledge",
    "operator": "think",
    "diagnosis": "gather",
}


async def supervisor(state: State, runtime: Runtime[Turn]) -> Command[Road]:
    turn = runtime.context
    if kept := await recalled(state, turn):
        turn.stream.add("routed", {"route": "knowledge", "reason": reason(turn)})
        return Command(goto="knowledge", update={"route": {**ROUTE, "reason": reason(turn)}, "remembered": kept})
    takes = state["mode"] != "rag" and acknowledges(state["question"])
    found = _taking(state) if takes else await _choose(state, turn)
    turn.stream.add("routed", {"route": found.route, "reason": found.reason})
    return Command(goto="acknowledge" if takes else NEXT[found.route], update={"route": found.model_dump()})


def _taking(state: State) -> Route:
    reading = read(state["question"])
    alert = state.get("alert") or reading.alert or (state.get("focus") or {}).get("alert", "")
    return taking(state["question"], reading, alert)


async def _choose(state: State, turn: Turn) -> Route:
    question, focus = state["question"], state.get("focus") or {}
    if state["mode"] != "auto":
        return forced(state["mode"], question, read(question, focus))
    if state.get("alert"):
        return about_alert(question, read(question), state["alert"])
    system = f"{page('supervisor', turn.language)}\n{wrap('focus', focus)}"
    messages = [SystemMessage(system), *as_messages(state.get("history") or []), HumanMessage(question_of(question))]
    reply = await turn.voice.say(messages, tools=[route_tool()], choice=ROUTE_TOOL, judge=_judge)
    return Route.model_validate(reply.tool_calls[0]["args"])


def _judge(reply: AIMessage) -> str:
    if not reply.tool_calls:
        return "no route"
    arguments: dict[str, Any] = reply.tool_calls[0]["args"]
    return judge(arguments)
