"""Wait for a human. Nothing but the interrupt stands in this node, because a resumed node runs again from its first line."""

from typing import Any

from langgraph.types import interrupt

from agent.state import State


async def approve(state: State) -> dict[str, Any]:
    return {"decision": interrupt(question(state.get("plan") or {}))}


def question(plan: dict[str, Any]) -> dict[str, Any]:
    asked = {name: plan.get(name) for name in ("hash", "title", "diff", "risk", "expires_at")}
    return {"plan_id": plan.get("id"), **asked}
