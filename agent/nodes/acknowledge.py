"""Take an alert in the asker's own name: the one that was given, the one that the question names, or the only one that fires."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from langgraph.runtime import Runtime

from agent.nodes.gather import Gathering
from agent.state import State
from agent.turn import Turn


async def acknowledge(state: State, runtime: Runtime[Turn]) -> dict[str, Any]:
    gathering = Gathering(runtime.context)
    route = {**state["route"], "taken": True}
    route["alert"] = route.get("alert") or await _meant(gathering, state["question"])
    if route["alert"]:
        await gathering.call("acknowledge_alert", fingerprint=route["alert"])
    return {"route": route, "steps": gathering.steps, "evidence": gathering.evidence}


def after_acknowledge(state: State) -> Literal["gather", "report"]:
    route = state["route"]
    return "gather" if route["route"] == "diagnosis" and route.get("alert") else "report"


async def _meant(gathering: Gathering, question: str) -> str:
    step = await gathering.call("list_alerts", state="firing")
    rows: Sequence[Mapping[str, Any]] = (step["data"].get("alerts") or []) if step else []
    named = [row for row in rows if str(row.get("name", "")).lower() in question.lower()]
    chosen = named or rows
    return str(chosen[0].get("fingerprint", "")) if len(chosen) == 1 else ""
