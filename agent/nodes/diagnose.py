"""What is wrong: a diagnosis of each place, what the runbooks say about the first cause, and what was seen before that is like it."""

from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.runtime import Runtime

from agent import precedents
from agent.nodes.gather import Gathering
from agent.state import State, Step
from agent.turn import Turn
from core.language import Text

_REPAIR = Text("repair", "修复")


async def diagnose(state: State, runtime: Runtime[Turn]) -> dict[str, Any]:
    turn, route = runtime.context, dict(state["route"])
    gathering = Gathering(turn)
    for place in state.get("places") or []:
        step = await _examined(gathering, place, route)
        if step is not None:
            turn.stream.add("diagnosis", step["data"])
    cause = first_cause(gathering.steps)
    if cause is not None:
        # The id and its words, and nothing of the statement: the page that lists this fault is wanted, not one that shares a name.
        query = f"{str(cause['fault']).replace('_', ' ')} {cause['fault']} {_REPAIR(turn.language)}"
        about = {"query": query, "fault": cause["fault"], "language": turn.language}
        await gathering.call("search_knowledge", **about, limit=5)
    asked = precedents.wanted(cause, [*state.get("steps", []), *gathering.steps])
    if asked is not None:
        await gathering.call(precedents.TOOL, **asked, limit=precedents.MAX_SHOWN)
    return {"route": route, "steps": gathering.steps, "evidence": gathering.evidence}


async def _examined(gathering: Gathering, place: str, route: dict[str, Any]) -> Step | None:
    """The object in its place; where it is not there, the whole place, and the route keeps what was not found."""
    name = route.get("name")
    step = await gathering.call(
        "diagnose", namespace=place, name=name, kind=route.get("kind"), alert=route.get("alert")
    )
    if step is None and name and is_absent(gathering.steps[-1:]):
        route["missed"], route["name"], route["kind"] = name, "", ""
        step = await gathering.call("diagnose", namespace=place, alert=route.get("alert"))
    return step


def is_absent(steps: Sequence[Step]) -> bool:
    return bool(steps) and steps[-1]["tool"] == "diagnose" and steps[-1]["error_kind"] == "not_found"


def first_cause(steps: Sequence[Step]) -> Mapping[str, Any] | None:
    causes = [cause for step in steps if step["tool"] == "diagnose" for cause in step["data"].get("causes") or []]
    return max(causes, key=lambda cause: float(cause["confidence"]), default=None)
