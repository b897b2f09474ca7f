"""Language models behind one face: a chain of OpenAI-compatible endpoints, and the offline planner at its end.

Every call streams, because only a stream shows a person that something happens; and every way in which an endpoint can fail is treated
alike: refused, 429, 500, too slow, cut in the middle (a stream that ends without a finish_reason raises nothing by itself), or nonsense (an
unknown tool, arguments that are not JSON). The model is then out for the rest of the run, the next one answers, and the run's events
say so. The planner needs no network, so the chain always ends in an answer; it gets no time limit of its own either, because on a busy
machine a limit meant for an endpoint would leave the question with no answer at all.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.runnables import Runnable

from agent.planner import Planner
from core.language import Language, Text
from core.logs import get
from core.metrics import Metrics

PLANNER = "offline planner"
_log = get(__name__)
_SAID = {
    "refused": Text("could not be reached", "无法连接"),
    "slow": Text("did not answer within {seconds:.0f} s", "在 {seconds:.0f} 秒内没有回答"),
    "status": Text("answered {status}", "返回了 {status}"),
    "cut": Text("was cut off in the middle of its answer", "回答到一半被切断"),
    "nonsense": Text("made an unusable tool call ({what})", "给出了无法使用的工具调用（{what}）"),
    "empty": Text("answered nothing", "没有返回任何内容"),
    "other": Text("failed ({what})", "失败（{what}）"),
}
_NEXT = Text("The model {model} {said}; {then} answers instead.", "模型 {model} {said}；改由{then}回答。")
_PLANNER_NAME = Text("the offline planner", "离线规划器")

Emit = Callable[[str, dict[str, Any]], Awaitable[None]]
Judge = Callable[[AIMessage], str]
"""What is wrong with a reply, or nothing."""


class ModelFailed(Exception):
    def __init__(self, reason: str, **values: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.values = values

    def say(self, language: Language) -> str:
        return _SAID[self.reason](language, **self.values)


Explain = Callable[[Exception, float], ModelFailed | None]
"""What an error of the library behind a model means, given the timeout; None where it does not know."""


def _unexplained(_error: Exception, _timeout: float) -> ModelFailed | None:
    return None


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    chat: BaseChatModel
    explain: Explain = _unexplained


@dataclass(frozen=True, slots=True)
class Models:
    chain: tuple[Model, ...]
    timeout: float
    metrics: Metrics

    @property
    def names(self) -> list[str]:
        return [model.name for model in self.chain]

    @property
    def offline(self) -> bool:
        return self.chain[0].name == PLANNER


def build(
    *,
    base_url: str,
    api_key: str,
    model: str,
    fallbacks: Sequence[str] = (),
    timeout: float = 60.0,
    temperature: float = 0.1,
    max_tokens: int = 2048,
    metrics: Metrics,
) -> Models:
    """The chain that the settings name; without an endpoint and a model it is the planner alone."""
    planner = Model(PLANNER, Planner())
    if not base_url or not model:
        return Models((planner,), timeout, metrics)
    # Imported only for an endpoint: what stands behind it is heavy.
    from agent import endpoint

    chain = [
        Model(
            name,
            endpoint.chat(
                name,
                base_url=base_url,
                api_key=api_key,
                timeout=timeout,
                temperature=temperature,
                max_tokens=max_tokens,
            ),
            endpoint.explain,
        )
        for name in dict.fromkeys([model, *fallbacks])
    ]
    return Models((*chain, planner), timeout, metrics)


@dataclass(slots=True)
class Voice:
    """The models as one run uses them: what failed once is not asked again before the run ends."""

    models: Models
    language: Language
    emit: Emit
    failed: set[str] = field(default_factory=set)

    @property
    def offline(self) -> bool:
        return next(model.name for model in self.models.chain if model.name not in self.failed) == PLANNER

    async def say(
        self,
        messages: Sequence[BaseMessage],
        *,
        tools: Sequence[dict[str, Any]] = (),
        choice: str | None = None,
        aloud: bool = False,
        judge: Judge | None = None,
    ) -> AIMessage:
        """The first good reply of the chain. `aloud` streams its text as token events; a failed start is taken back by a warning."""
        left = [model for model in self.models.chain if model.name not in self.failed]
        for model, following in zip(left, [*left[1:], None], strict=True):
            try:
                return await self._ask(model, messages, tools, choice, aloud, judge)
            except ModelFailed as error:
                if following is None:
                    raise
                self.failed.add(model.name)
                await self._warn(model, following, error)
        raise ModelFailed("empty")

    async def _ask(
        self,
        model: Model,
        messages: Sequence[BaseMessage],
        tools: Sequence[dict[str, Any]],
        choice: str | None,
        aloud: bool,
        judge: Judge | None,
    ) -> AIMessage:
        outcome = "error"
        try:
            async with asyncio.timeout(None if model.name == PLANNER else self.models.timeout):
                reply = await self._streamed(_bound(model.chat, tools, choice), messages, aloud)
            _check(reply, {str(tool["function"]["name"]) for tool in tools}, judge)
            outcome = "ok"
        except ModelFailed:
            raise
        except TimeoutError as error:
            raise ModelFailed("slow", seconds=self.models.timeout) from error
        except Exception as error:
            raise self._failure(model, error) from error
        finally:
            self.models.metrics.model_calls.labels(model.name, outcome).inc()
        await self._count(model, reply)
        return AIMessage(reply.text, tool_calls=reply.tool_calls)

    def _failure(self, model: Model, error: Exception) -> ModelFailed:
        known = model.explain(error, self.models.timeout)
        if known is not None:
            return known
        # An endpoint may answer anything at all (HTML, half a JSON); the reason goes to the log and into the warning.
        _log.warning("model failed", model=model.name, error=repr(error)[:500])
        return ModelFailed("other", what=type(error).__name__)

    async def _streamed(
        self, model: Runnable[Any, AIMessage], messages: Sequence[BaseMessage], aloud: bool
    ) -> AIMessageChunk:
        whole: AIMessageChunk | None = None
        async for chunk in model.astream(list(messages)):
            if not isinstance(chunk, AIMessageChunk):
                raise ModelFailed("other", what=type(chunk).__name__)
            whole = chunk if whole is None else whole + chunk
            if aloud and chunk.text:
                await self.emit("token", {"text": str(chunk.text)})
        if whole is None:
            raise ModelFailed("empty")
        return whole

    async def _count(self, model: Model, reply: AIMessageChunk) -> None:
        usage = reply.usage_metadata
        if usage is None or model.name == PLANNER:
            return
        spent = {"input": usage["input_tokens"], "output": usage["output_tokens"]}
        for direction, count in spent.items():
            self.models.metrics.model_tokens.labels(model.name, direction).inc(count)
        data = {"model": model.name, "input_tokens": spent["input"], "output_tokens": spent["output"]}
        await self.emit("usage", data)

    async def _warn(self, failed: Model, following: Model, error: ModelFailed) -> None:
        then = _PLANNER_NAME(self.language) if following.name == PLANNER else following.name
        message = _NEXT(self.language, model=failed.name, said=error.say(self.language), then=then)
        _log.warning("model gave way", model=failed.name, reason=error.reason, next=following.name)
        await self.emit("warning", {"message": message, "model": failed.name, "discard_tokens": True})


def _bound(chat: BaseChatModel, tools: Sequence[dict[str, Any]], choice: str | None) -> Runnable[Any, AIMessage]:
    if not tools:
        return chat
    return chat.bind_tools(tools, tool_choice=choice) if choice else chat.bind_tools(tools)


def _check(reply: AIMessageChunk, offered: Collection[str], judge: Judge | None) -> None:
    if not reply.response_metadata.get("finish_reason"):
        raise ModelFailed("cut")
    # The library mends half a JSON silently; what was really sent is in the chunks.
    broken = [chunk["name"] for chunk in reply.tool_call_chunks if not _is_object(chunk["args"])]
    if broken or reply.invalid_tool_calls:
        raise ModelFailed("nonsense", what=f"{next(iter(broken), '')}: bad JSON")
    unknown = [call["name"] for call in reply.tool_calls if call["name"] not in offered]
    if unknown:
        raise ModelFailed("nonsense", what=unknown[0][:80])
    if not reply.text.strip() and not reply.tool_calls:
        raise ModelFailed("empty")
    wrong = judge(AIMessage(reply.text, tool_calls=reply.tool_calls)) if judge else ""
    if wrong:
        raise ModelFailed("nonsense", what=wrong[:200])


def _is_object(arguments: str | None) -> bool:
    try:
        return isinstance(json.loads(arguments or "{}"), dict)
    except ValueError:
        return False
