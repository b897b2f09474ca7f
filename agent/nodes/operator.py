"""The operator's loop: think, call tools, think again, until there is an answer or the hops are used up.

The model is offered the reading tools; where the person asked for a repair, propose_fix as well, which stores a proposal and changes
nothing. No tool that acts is ever on offer, so nothing that a tool's output says can make one run.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.runtime import Runtime

from agent.envelope import question_of, wrap
from agent.memory import as_messages
from agent.prompts import page
from agent.state import State, Step
from agent.turn import Turn

CALLS_A_HOP = 4


async def think(state: State, runtime: Runtime[Turn]) -> dict[str, Any]:
    turn = runtime.context
    hops = state.get("hops", 0)
    left = hops < turn.limits.hops and turn.calls < turn.limits.tool_calls
    tools = await _offered(state, turn) if left else []
    reply = await turn.voice.say(_messages(state, turn), tools=tools, aloud=True)
    if not reply.tool_calls:
        return {"draft": str(reply.text)}
    return {"messages": [_numbered(reply, hops)], "hops": hops + 1}


async def tools(state: State, runtime: Runtime[Turn]) -> dict[str, Any]:
    turn = runtime.context
    asked = _calls(state)
    done = await asyncio.gather(*(turn.use(call["name"], call["args"]) for call in asked))
    steps = [step for step, _ in done]
    said = [_message(str(call["id"]), step, turn) for call, step in zip(asked, steps, strict=True)]
    found = [each for _, evidence in done for each in evidence]
    return {"messages": said, "steps": steps, "evidence": found, "plan": _plan(steps, turn)}


def after_think(state: State) -> Literal["tools", "report"]:
    return "report" if state.get("draft") else "tools"


def after_tools(state: State) -> Literal["think", "explain"]:
    return "explain" if state.get("plan") else "think"


async def _offered(state: State, turn: Turn) -> list[dict[str, Any]]:
    wants_fix = bool(state["route"].get("fix"))
    return [
        {
            "type": "function",
            "function": {"name": face.name, "description": face.description, "parameters": face.schema},
        }
        for face in (await turn.offered()).values()
        if face.risk == "read" or (wants_fix and face.name == "propose_fix")
    ]


def _messages(state: State, turn: Turn) -> Sequence[BaseMessage]:
    system = f"{page('operator', turn.language)}\n{wrap('focus', state.get('focus') or {})}"
    past = as_messages(state.get("history") or [])
    return [SystemMessage(system), *past, HumanMessage(question_of(state["question"])), *state.get("messages", [])]


def _numbered(reply: AIMessage, hop: int) -> AIMessage:
    """Ids that are unlike in the whole run, whatever the model called them; and no more calls than one hop may make."""
    calls = [{**call, "id": f"h{hop}c{index}"} for index, call in enumerate(reply.tool_calls[:CALLS_A_HOP])]
    return AIMessage(reply.text, tool_calls=calls)


def _calls(state: State) -> list[Any]:
    last = state["messages"][-1]
    return list(last.tool_calls) if isinstance(last, AIMessage) else []


def _message(call_id: str, step: Step, turn: Turn) -> ToolMessage:
    shown = {key: step[key] for key in ("evidence", "tool", "arguments", "ok", "summary", "missing", "source")}
    shown |= {"error": step["error"], "data": step["data"]}
    status: Literal["success", "error"] = "success" if step["ok"] else "error"
    return ToolMessage(
        wrap("tool_output", shown, turn.limits.shown_bytes), tool_call_id=call_id, name=step["tool"], status=status
    )


def _plan(steps: Sequence[Step], turn: Turn) -> dict[str, Any] | None:
    for step in steps:
        if step["tool"] == "propose_fix" and step["ok"]:
            plan: dict[str, Any] = step["data"].get("plan") or step["data"]
            turn.stream.add("plan", plan)
            return plan
    return None
