"""What a tool is, declared once and served on every road.

A Tool is a name, a sentence, an input model, an output model, a risk and a handler. The Toolbox is the one way in: it checks the
caller's role against the risk, validates the input by name, bounds the time, redacts what comes out, counts and logs. MCP, HTTP, the
command line and the agent all call `Toolbox.call`, so none of them can be the one that forgot a check.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.clock import Clock
from core.errors import FirstmateError, Forbidden, Invalid, NotFound, Upstream, near_misses
from core.language import Language
from core.logs import get
from core.metrics import Metrics
from core.redact import Redactor

Risk = Literal["read", "write", "destructive"]
Role = Literal["viewer", "operator", "admin"]
_RANK: dict[Role, int] = {"viewer": 0, "operator": 1, "admin": 2}
_NEEDS: dict[Risk, Role] = {"read": "viewer", "write": "operator", "destructive": "operator"}
_log = get(__name__)


def _untitled(schema: dict[str, Any]) -> None:
    """Titles only say a field's name once more, and every model that is offered the tools would pay for them."""
    schema.pop("title", None)
    for each in schema.get("properties", {}).values():
        each.pop("title", None)


class Input(BaseModel):
    """Base of every tool input: unknown fields are refused by name."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_untitled)


class Source(BaseModel):
    """Where an answer was read: the system, and the query or path that anyone can repeat."""

    system: str
    query: str


class Missing(BaseModel):
    """Something that could not be read; absence is told, never guessed over."""

    what: str
    why: str
    how: str = ""


Data = TypeVar("Data", bound=BaseModel)
Asked = TypeVar("Asked", bound=BaseModel)


class ToolResult(BaseModel, Generic[Data]):
    summary: str
    data: Data
    source: list[Source] = Field(default_factory=list)
    seen_at: datetime
    missing: list[Missing] = Field(default_factory=list)
    handle: str | None = None
    pages: int = 1


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, by which door, with which right."""

    name: str
    role: Role
    via: str

    def may(self, risk: Risk) -> bool:
        return _RANK[self.role] >= _RANK[_NEEDS[risk]]


Progress = Callable[[str], Awaitable[None]]


async def _silent(_message: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler is given besides its input; the clients it needs were given to it when it was built."""

    caller: Caller
    clock: Clock
    language: Language
    progress: Progress = field(default=_silent)


@dataclass(frozen=True, slots=True)
class Tool(Generic[Asked, Data]):
    name: str
    description: str
    input: type[Asked]
    output: type[Data]
    risk: Risk
    handler: Callable[[Context, Asked], Awaitable[ToolResult[Data]]]
    timeout: float = 30.0


AnyTool = Tool[Any, Any]


class Toolbox:
    def __init__(self, tools: Iterable[AnyTool], *, clock: Clock, redactor: Redactor, metrics: Metrics) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._clock = clock
        self._redactor = redactor
        self._metrics = metrics

    def all(self) -> Sequence[AnyTool]:
        return tuple(self._tools.values())

    def get(self, name: str) -> AnyTool:
        if name not in self._tools:
            raise NotFound(f"There is no tool {name}.", near=near_misses(name, self._tools))
        return self._tools[name]

    async def call(
        self,
        name: str,
        arguments: dict[str, Any],
        caller: Caller,
        language: Language = "en",
        progress: Progress = _silent,
    ) -> dict[str, Any]:
        """The result as JSON, redacted; raises an error of the tree and nothing else that a caller should see."""
        tool = self.get(name)
        if not caller.may(tool.risk):
            needed = _NEEDS[tool.risk]
            raise Forbidden(f"{name} needs the role {needed}; {caller.name} is a {caller.role}.", permission=needed)
        asked = parse(tool.input, arguments)
        context = Context(caller=caller, clock=self._clock, language=language, progress=self._quiet(progress))
        started = self._clock.monotonic()
        outcome = "error"
        try:
            async with asyncio.timeout(tool.timeout):
                result = await tool.handler(context, asked)
            outcome = "ok"
        except TimeoutError as error:
            raise Upstream(name, f"did not finish within {tool.timeout:.0f} s", retryable=True) from error
        except FirstmateError as error:
            outcome = error.kind
            self._clean(error)
            raise
        finally:
            self._note(tool, caller, outcome, self._clock.monotonic() - started)
        shown: dict[str, Any] = self._redactor.value(result.model_dump(mode="json"))
        return shown

    def _quiet(self, progress: Progress) -> Progress:
        async def redacted(message: str) -> None:
            await progress(self._redactor.text(message))

        return redacted

    def _clean(self, error: FirstmateError) -> None:
        """An error quotes what a system said, and leaves by the same doors as a result."""
        error.sentence = self._redactor.text(error.sentence)
        error.details = self._redactor.value(error.details)
        error.args = (error.sentence,)

    def _note(self, tool: AnyTool, caller: Caller, outcome: str, seconds: float) -> None:
        self._metrics.tool_calls.labels(tool.name, outcome).inc()
        self._metrics.tool_seconds.labels(tool.name).observe(seconds)
        _log.info(
            "tool called",
            tool=tool.name,
            caller=caller.name,
            via=caller.via,
            outcome=outcome,
            seconds=round(seconds, 3),
        )


def parse(model: type[Asked], arguments: dict[str, Any]) -> Asked:
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "input"
        if first["type"] == "extra_forbidden":
            raise Invalid(f"Unknown field {where}.", field=where, allowed=model.model_fields) from None
        raise Invalid(f"The field {where} is wrong: {first['msg']}.", field=where) from None
