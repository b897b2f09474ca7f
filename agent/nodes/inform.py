"""The answer from the pages: worded from their passages, each statement with the number of its passage.

A model's words are held against the passages before they are the answer. They were streamed as they came, so where something had to be
marked or left out, a warning with `discard_tokens` takes them back and the checked text is told anew; the `answer` event carries it
whole. Where no page answers, that is said, and never the least bad page.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import HumanMessage, SystemMessage
from langgraph.runtime import Runtime

from agent.agreement import disagreements
from agent.answer import sources_of
from agent.citing import checks, cited, correction, expired, hint, marks_in, statements_of, unanswered
from agent.envelope import question_of, wrap
from agent.findings import gaps
from agent.grounding import Finding, ground, told
from agent.nodes.remembered import keep
from agent.passages import Passage, of_step, sheet
from agent.prompts import page
from agent.state import State, Step
from agent.telling import tell
from agent.turn import Turn
from agent.wording import cite


async def inform(state: State, runtime: Runtime[Turn]) -> dict[str, Any]:
    turn, step = runtime.context, state["steps"][-1]
    passages = of_step(step)
    answer = await _from_pages(state, passages, turn) if passages else await _nothing(step, turn)
    for line in checks(step, turn.language) if passages else ():
        answer["text"] += await _said(f"\n\n{line}", turn)
    notices = step["data"].get("notices") or []
    for notice in notices:
        answer["text"] += await _said(f"\n\n{cite(notice, step['evidence'][:1])}", turn)
    missing = gaps(step, turn.language)
    for gap in missing:
        answer["text"] += await _said(f"\n\n{cite(gap['say'], gap['evidence'])}", turn)
    named = {each["evidence"] for each in answer["citations"]} | set(step["evidence"][:1])
    answer["evidence"] = [each for each in state.get("evidence", []) if each["id"] in named]
    answer["sources"] = sources_of(state["steps"])
    turn.stream.add("answer", answer)
    await keep(state, turn, answer, is_whole=not (notices or missing))
    return {"answer": answer}


async def _from_pages(state: State, passages: Sequence[Passage], turn: Turn) -> dict[str, Any]:
    said = await _worded(state, passages, turn)
    text, findings = said, list[Finding]()
    if not turn.voice.offline:  # the planner's words are the pages' own
        text, findings = await asyncio.to_thread(ground, said, passages, turn.units, turn.language, state["question"])
    unsupported = told(findings, turn.language)
    if unsupported:
        text = await _taken_back(state, passages, text, findings, turn)
    named = [one for one in passages if one.number in marks_in(text)]
    notes = [
        *await asyncio.to_thread(disagreements, named, turn.units, turn.language),
        *expired(passages, text, turn.clock.now(), turn.language),
    ]
    for note in notes:
        text += await _said(f"\n\n{note}", turn)
    return {
        "text": text,
        "statements": statements_of(text, passages),
        "unsupported": unsupported,
        "citations": cited(text, passages),
    }


async def _taken_back(
    state: State, passages: Sequence[Passage], text: str, findings: Sequence[Finding], turn: Turn
) -> str:
    """What was told as it came is taken back, and what may stand is told anew; where nothing may, the pages speak for themselves."""
    is_left = any(not one.why and one.statement.kind != "frame" and one.numbers for one in findings)
    text = text if is_left else tell(sheet(passages, turn.language, state["question"]))
    message = correction(findings, turn.language, by_pages=not is_left)
    await turn.voice.emit("warning", {"message": message, "discard_tokens": True})
    return await _said(text, turn)


async def _worded(state: State, passages: Sequence[Passage], turn: Turn) -> str:
    shown = wrap("passages", sheet(passages, turn.language, state["question"]))
    messages = [
        SystemMessage(page("knowledge", turn.language)),
        HumanMessage(f"{question_of(state['question'])}\n{shown}"),
    ]
    reply = await turn.voice.say(messages, aloud=True)
    return str(reply.text).strip()


async def _said(text: str, turn: Turn) -> str:
    """What no model words is told as it comes, too: there are readers who show nothing but what is told."""
    await turn.voice.emit("token", {"text": text})
    return text


async def _nothing(step: Step, turn: Turn) -> dict[str, Any]:
    lines = [*unanswered(step, turn.language), hint(turn.language)]
    said = [{"text": line.rsplit(" [", 1)[0], "evidence": step["evidence"][:1]} for line in lines if line.endswith("]")]
    text = await _said("\n".join(lines), turn)
    return {"text": text, "statements": said, "unsupported": [], "citations": [], "answered": False}
