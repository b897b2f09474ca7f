"""What is wrong: a diagnosis of each place, and what the runbooks say about the first cause."""

from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.runtime import Runtime

from agent.nodes.gather import Gathering
from agent.state import State, Step
from agent.turn import Turn


async def diagnose(state: State, runtime: Runtime[Turn]) -> dict[str, Any]:
    turn, route = runtime.context, state["route"]
    gathering = Gathering(turn)
    for place in state.get("places") or []:
        subject = {
            "namespace": place,
            "name": route.get("name"),
            "kind": route.get("kind"),
            "alert": route.get("alert"),
        }
        step = await gathering.call("diagnose", **subject)
        if step is not None:
            turn.stream.add("diagnosis", step["data"])
    cause = first_cause(gathering.steps)
    if cause is not None:
        query = f"{str(cause['fault']).replace('_', ' ')} {cause['statement']}"[:400]
        await gathering.call("search_knowledge", query=query, language=turn.language, limit=3)
    return {"steps": gathering.steps, "evidence": gathering.evidence}


def first_cause(steps: Sequence[Step]) -> Mapping[str, Any] | None:
    causes = [cause for step in steps if step["tool"] == "diagnose" for cause in step["data"].get("causes") or []]
    return max(causes, key=lambda cause: float(cause["confidence"]), default=None)
