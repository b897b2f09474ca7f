"""Carry out the plan that a human approved, in that human's name; the tool itself refuses any plan without a recorded approval."""

from typing import Any

from langgraph.runtime import Runtime

from agent.state import Evidence, State
from agent.turn import Person, Turn
from core.language import Text

_SAID = {
    True: Text("approved by {by}{note}", "由 {by} 批准{note}"),
    False: Text("refused by {by}{note}", "被 {by} 拒绝{note}"),
}


async def act(state: State, runtime: Runtime[Turn]) -> dict[str, Any]:
    turn, plan, decision = runtime.context, state.get("plan") or {}, state.get("decision")
    if decision is None:
        return {}
    note = f": {decision['note']}" if decision["note"] else ""
    recorded = Evidence(
        id=turn.next_evidence(),
        source="approval",
        ref=f"plan {plan.get('id')}",
        quote=_SAID[decision["approved"]](turn.language, by=decision["by"], note=note),
        at=turn.clock.now().isoformat(),
    )
    turn.stream.add("evidence", dict(recorded))
    update: dict[str, Any] = {"decision": {**decision, "evidence": [recorded["id"]]}, "evidence": [recorded]}
    if not decision["approved"]:
        return update
    # The schema decides which of these names the tool knows.
    named = {"plan_id": plan.get("id"), "plan_hash": plan.get("hash"), "hash": plan.get("hash")}
    arguments = await turn.fitted("apply_plan", named)
    step, evidence = await turn.use("apply_plan", arguments or named, Person(decision["by"], decision["role"]))
    return {**update, "steps": [step], "evidence": [recorded, *evidence]}
