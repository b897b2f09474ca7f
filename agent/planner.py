"""The offline planner: a chat model without a language model.

It has a model's face (messages in, tool calls or streamed text out, tools bound) and a clerk's mind. Asked for a route it reads the
question; offered tools it picks the next calls from the question and from what earlier calls returned; given findings it says them,
each with its evidence. It never adds a word of its own knowledge, so nothing it says lacks a source. The same input gives the same output.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.tool import ToolCallChunk, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool

from agent import measuring
from agent.envelope import findings_in, focus_in, outputs_in, question_in, unwrap
from agent.picking import Call, is_measured, next_calls
from agent.reading import read
from agent.routing import ROUTE, route
from agent.telling import tell
from agent.wording import NOT_DONE, say_findings, say_outputs
from core.language import detect

_PIECE = re.compile(r"\S+\s*|\s+")


class Planner(BaseChatModel):
    @property
    def _llm_type(self) -> str:
        return "offline-planner"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        offered = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=offered, tool_choice=tool_choice, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - the base class names it
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> ChatResult:
        whole: AIMessageChunk | None = None
        for piece in pieces(*decide(messages, kwargs.get("tools") or [])):
            whole = piece if whole is None else whole + piece
        message = AIMessage(whole.text, tool_calls=whole.tool_calls) if whole else AIMessage("")
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for piece in pieces(*decide(messages, kwargs.get("tools") or [])):
            yield ChatGenerationChunk(message=piece)


def decide(messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]) -> tuple[str, list[Call]]:
    """Text, or the next tool calls: never both."""
    asked = next((str(message.text) for message in reversed(messages) if isinstance(message, HumanMessage)), "")
    question = question_in(asked)
    findings = findings_in(asked)
    if findings is not None:
        return say_findings(findings), []
    passages = unwrap("passages", asked)
    if passages is not None:
        return tell(passages), []
    reading = read(question, focus_in(messages))
    offered = {str(tool["function"]["name"]): tool["function"].get("parameters", {}) for tool in tools}
    if ROUTE in offered:
        return "", [Call(ROUTE, route(question, reading).model_dump())]
    if reading.wants("destroy"):
        return NOT_DONE(detect(question)), []
    outputs = outputs_in(messages)
    calls = next_calls(reading, question, outputs, offered)
    if calls:
        return "", calls
    if is_measured(reading, outputs):
        return "\n".join(measuring.say(reading, outputs, detect(question))), []
    return say_outputs(outputs, detect(question)), []


def pieces(text: str, calls: Sequence[Call]) -> Iterator[AIMessageChunk]:
    for piece in _PIECE.findall(text):
        yield AIMessageChunk(content=piece)
    if calls:
        yield AIMessageChunk(content="", tool_call_chunks=[_chunk(index, call) for index, call in enumerate(calls)])
    reason = "tool_calls" if calls else "stop"
    yield AIMessageChunk(content="", chunk_position="last", response_metadata={"finish_reason": reason})


def _chunk(index: int, call: Call) -> ToolCallChunk:
    return tool_call_chunk(name=call.tool, args=json.dumps(call.arguments), id=f"call_{index}", index=index)
