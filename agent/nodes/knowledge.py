"""The road to what is written down: search the pages, and decide who goes on.

Pages that answer are told by `inform`, which also says where none does. A question that no page answers but that names something which
can be looked at now goes on with the tools, unless the asker wanted the knowledge base and nothing else. What was answered before is
told again.
"""

from typing import Any, Literal

from langgraph.runtime import Runtime

from agent.nodes.remembered import tell_again
from agent.reading import read
from agent.state import State
from agent.turn import Turn

MAX_DOCS = 5
MOST_HITS = 10
"""What the search takes; whoever asks for more pages gets these."""


async def knowledge(state: State, runtime: Runtime[Turn]) -> dict[str, Any]:
    turn = runtime.context
    if kept := state.get("remembered"):
        return {"answer": await tell_again(kept, state["question"], turn)}
    edition = turn.recall.edition()
    arguments = {
        "query": state["question"][:500],
        "language": turn.language,
        "limit": min(state.get("max_docs", MAX_DOCS), MOST_HITS),
        "whole": True,
    }
    fitted = await turn.fitted("search_knowledge", arguments)
    step, evidence = await turn.use("search_knowledge", fitted or arguments)
    return {"steps": [step], "evidence": evidence, "edition": edition}


def after_knowledge(state: State) -> Literal["inform", "think", "report", "__end__"]:
    if state.get("remembered"):
        return "__end__"
    step = state["steps"][-1]
    if not step["ok"]:
        return "report"
    if step["data"].get("hits") or state["mode"] != "auto":
        return "inform"
    return "think" if is_about_estate(state) else "inform"


def is_about_estate(state: State) -> bool:
    """Whether the question names something that can be read now."""
    reading = read(state["question"], state.get("focus") or {})
    return bool(
        reading.sure or reading.placed or reading.alert or reading.expr or (reading.kind and reading.wants("list"))
    )
