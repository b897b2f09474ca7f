"""The answer: findings worded by the model, checked against what was read, and never without what could not be read."""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import HumanMessage, SystemMessage
from langgraph.runtime import Runtime

from agent import findings
from agent.answer import check, everything_read, marks_in, sources_of
from agent.citing import unanswered
from agent.envelope import question_of, wrap
from agent.prompts import page
from agent.state import State, Step
from agent.turn import Turn
from agent.wording import cite


async def report(state: State, runtime: Runtime[Turn]) -> dict[str, Any]:
    turn = runtime.context
    text = state.get("draft") or await _worded(state, turn)
    steps, evidence = state.get("steps", []), state.get("evidence", [])
    whole = "\n".join([text.strip(), *_without_page(steps, turn), *_left_out(text, state, turn)])
    checked = check(whole, everything_read(evidence, steps, state["question"]), turn.language)
    answer = {**checked, "evidence": list(evidence), "sources": sources_of(steps)}
    turn.stream.add("answer", answer)
    return {"answer": answer}


async def _worded(state: State, turn: Turn) -> str:
    items = findings.of_run(state, turn.language)
    told = wrap("findings", {"language": turn.language, "items": items})
    messages = [
        SystemMessage(page("report", turn.language)),
        HumanMessage(f"{question_of(state['question'])}\n{told}"),
    ]
    reply = await turn.voice.say(messages, aloud=True)
    return str(reply.text)


def _without_page(steps: Sequence[Step], turn: Turn) -> list[str]:
    """Where the pages were asked first and had nothing, that is said beside what the tools found."""
    vain = steps[:1] and steps[0]["tool"] == "search_knowledge" and steps[0]["ok"] and not steps[0]["data"].get("hits")
    return unanswered(steps[0], turn.language) if vain else []


def _left_out(text: str, state: State, turn: Turn) -> list[str]:
    """Lines for the failures and gaps that the wording does not cite."""
    cited = marks_in(text)
    decided = state.get("decision") is not None
    steps = [step for step in state.get("steps", []) if not decided or step["tool"] == "apply_plan"]
    return [
        cite(gap["say"], gap["evidence"])
        for step in steps
        if not cited & set(step["evidence"][:1])
        for gap in findings.gaps(step, turn.language)
    ]
