"""A plan, when one was asked for or an alert brought us here, and the cause has a known remedy. Proposing changes nothing."""

from typing import Any, Literal

from langgraph.runtime import Runtime

from agent.nodes.diagnose import first_cause
from agent.nodes.gather import Gathering
from agent.reading import declines_repair, looks_like_name
from agent.state import State
from agent.turn import Turn


def after_diagnose(state: State) -> Literal["propose", "report"]:
    missed = str(state["route"].get("missed") or "")
    is_surely_missed = looks_like_name(missed) or (missed and missed == state["route"].get("unknown"))
    if is_surely_missed and not state["route"].get("alert"):
        return (
            "report"  # a repair of this very object was asked for, and it is not there: another's is not what was meant
        )
    if declines_repair(state["question"]):
        return "report"
    cause = first_cause(state.get("steps", []))
    alert = state["route"].get("alert")
    came_from_alert = bool(alert) and alert != (state.get("focus") or {}).get("alert")
    wanted = state["route"].get("fix") or came_from_alert or bool(state.get("alert"))
    return "propose" if wanted and cause is not None and cause.get("remedies") else "report"


async def propose(state: State, runtime: Runtime[Turn]) -> dict[str, Any]:
    gathering = Gathering(runtime.context)
    cause = first_cause(state["steps"]) or {}
    component = cause.get("component") or {}
    step = await gathering.call(
        "propose_fix",
        namespace=component.get("namespace") or next(iter(state.get("places") or []), ""),
        name=component.get("name"),
        alert=state["route"].get("alert"),
        fault=cause.get("fault"),
    )
    plan = (step["data"].get("plan") or step["data"]) if step else None
    if plan is not None:
        runtime.context.stream.add("plan", plan)
    return {"steps": gathering.steps, "evidence": gathering.evidence, "plan": plan}


def after_propose(state: State) -> Literal["explain", "report"]:
    return "explain" if state.get("plan") else "report"
