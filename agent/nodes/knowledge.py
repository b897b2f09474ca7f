"""The road to what is written down: search the runbooks, and let the report cite page and heading."""

from typing import Any

from langgraph.runtime import Runtime

from agent.picking import Call
from agent.state import State
from agent.turn import Turn

MAX_DOCS = 5


async def knowledge(state: State, runtime: Runtime[Turn]) -> dict[str, Any]:
    turn = runtime.context
    call = Call(
        "search_knowledge",
        {"query": state["question"][:500], "language": turn.language, "limit": state.get("max_docs", MAX_DOCS)},
    )
    arguments = await turn.fitted(call.tool, call.arguments)
    step, evidence = await turn.use(call.tool, arguments or call.arguments)
    return {"steps": [step], "evidence": evidence}
