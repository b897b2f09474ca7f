"""The agent's hands: one MCP connection, owned by a task of its own.

A transport that fails cancels the task that entered the client, so that task must never be a request or a graph node: an owner task
enters, waits until somebody finds the connection broken, leaves and enters again with a growing pause. Callers wait for readiness
within their own timeout. A tool's refusal comes back as the error of our tree that it left as; the transport's failures become
Upstream("The tool server", ...).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any, cast

from mcp import Client, MCPError
from mcp.types import CONNECTION_CLOSED, CallToolResult, RequestParamsMeta, TextContent
from mcp.types import Tool as McpTool

from core.errors import Conflict, FirstmateError, Forbidden, Invalid, NotFound, Unauthenticated, Upstream
from core.language import Language
from core.logs import get

CALLER = "firstmate/caller"
LANGUAGE = "firstmate/language"
ERROR = "firstmate/error"
SYSTEM = "The tool server"
LONGEST_PAUSE = 5.0
MARGIN = 5.0
Make = Callable[[AsyncExitStack], Awaitable[Client]]
Progress = Callable[[str], Awaitable[None]]
_log = get(__name__)


@dataclass(frozen=True, slots=True)
class ToolFace:
    """What the agent knows of a tool: enough to offer it to a model and to know how long to wait."""

    name: str
    description: str
    schema: dict[str, Any]
    risk: str
    timeout: float

    def properties(self) -> dict[str, Any]:
        found: dict[str, Any] = self.schema.get("properties", {})
        return found


class Hands:
    def __init__(self, make: Make, name: str = "tools", timeout: float = 30.0) -> None:
        self._make = make
        self._name = name
        self._timeout = timeout
        self._client: Client | None = None
        self._up = asyncio.Event()
        self._broken = asyncio.Event()
        self._stop = asyncio.Event()
        self._owner: asyncio.Task[None] | None = None
        self._tools: dict[str, ToolFace] = {}
        self.state = "not started"

    async def start(self) -> None:
        """Begin to connect; who calls before the connection is up waits for it."""
        self._owner = asyncio.create_task(self._own(), name=f"hands-{self._name}")

    async def close(self) -> None:
        self._stop.set()
        self._broken.set()
        if self._owner is None:
            return
        with suppress(asyncio.CancelledError, TimeoutError):
            await asyncio.wait_for(self._owner, MARGIN)

    async def tools(self) -> dict[str, ToolFace]:
        if not self._tools:
            client = await self._ready(self._timeout)
            self._tools = {tool.name: _face(tool, self._timeout) for tool in await self._listed(client)}
        return self._tools

    async def call(
        self,
        name: str,
        arguments: dict[str, Any],
        *,
        caller_token: str,
        language: Language,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """The tool's result as JSON; raises an error of the tree, within the tool's own timeout and a margin."""
        timeout = (self._tools[name].timeout if name in self._tools else self._timeout) + MARGIN
        client = await self._ready(timeout)
        meta = cast("RequestParamsMeta", {CALLER: caller_token, LANGUAGE: language})

        try:
            async with asyncio.timeout(timeout):
                result = await client.call_tool(name, arguments, progress_callback=_listener(progress), meta=meta)
        except TimeoutError as error:
            raise Upstream(SYSTEM, f"did not answer {name} within {timeout:.0f} s", retryable=True) from error
        except MCPError as error:
            raise self._reported(error) from error
        return _unwrapped(name, result)

    async def _listed(self, client: Client) -> list[McpTool]:
        found: list[McpTool] = []
        cursor: str | None = None
        try:
            while True:
                page = await client.list_tools(cursor=cursor)
                found += page.tools
                cursor = page.next_cursor
                if cursor is None:
                    return found
        except MCPError as error:
            raise self._reported(error) from error

    def _reported(self, error: MCPError) -> FirstmateError:
        if error.code == CONNECTION_CLOSED:
            self._up.clear()
            self._broken.set()
            return Upstream(SYSTEM, "closed the connection", retryable=True)
        return Upstream(SYSTEM, f"said: {error.message}", retryable=False)

    async def _ready(self, seconds: float) -> Client:
        try:
            await asyncio.wait_for(self._up.wait(), seconds)
        except TimeoutError as error:
            raise Upstream(SYSTEM, f"is not reachable ({self.state})", retryable=True) from error
        if self._client is None:
            raise Upstream(SYSTEM, "closed the connection", retryable=True)
        return self._client

    async def _own(self) -> None:
        pause = 0.1
        while not self._stop.is_set():
            reason = await self._hold()
            if self._stop.is_set():
                return
            self.state = f"down: {reason}"
            _log.warning("tool server connection lost", name=self._name, reason=reason, retry_in=pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)
            pause = 0.1 if reason == "closed" else min(pause * 2, LONGEST_PAUSE)

    async def _hold(self) -> str:
        """Hold one connection until it breaks; says why it ended."""
        try:
            async with AsyncExitStack() as stack:
                self._client = await stack.enter_async_context(await self._make(stack))
                self._broken.clear()
                if self._stop.is_set():
                    return "stopping"
                self.state = "up"
                self._up.set()
                await self._broken.wait()
            return "closed"
        except asyncio.CancelledError:
            # The transport cancels its host task when the server goes away; only our own close() may end the owner.
            task = asyncio.current_task()
            if self._stop.is_set() or task is None:
                raise
            task.uncancel()
            return "the transport was cancelled"
        except BaseExceptionGroup as group:
            return type(_first(group)).__name__
        except Exception as error:  # noqa: BLE001 - the edge of the process: the reason is logged and the owner tries again
            return type(error).__name__
        finally:
            self._up.clear()
            self._client = None


def _listener(progress: Progress | None) -> Any:
    async def hear(progress_made: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
        if progress and message:
            await progress(message)

    return hear


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _face(tool: McpTool, timeout: float) -> ToolFace:
    meta = tool.meta or {}
    read_only = bool(tool.annotations and tool.annotations.read_only_hint)
    risk = str(meta.get("risk") or ("read" if read_only else "destructive"))
    return ToolFace(
        tool.name, tool.description or "", tool.input_schema, risk, float(str(meta.get("timeout") or timeout))
    )


def _unwrapped(name: str, result: CallToolResult) -> dict[str, Any]:
    if result.is_error:
        raise _error_of(result)
    if not isinstance(result.structured_content, dict):
        raise Upstream(SYSTEM, f"answered {name} without a structured result", retryable=False)
    return result.structured_content


def _error_of(result: CallToolResult) -> FirstmateError:
    text = " ".join(part.text for part in result.content if isinstance(part, TextContent))
    said: dict[str, Any] = (result.meta or {}).get(ERROR) or {}
    sentence, details = str(said.get("sentence") or text), dict(said.get("details") or {})
    match said.get("kind"):
        case "invalid":
            return Invalid(sentence, field=details.get("field"), allowed=details.get("allowed"))
        case "not_found":
            return NotFound(sentence)
        case "forbidden":
            return Forbidden(sentence, permission=details.get("permission"), rule=details.get("rule"))
        case "unauthenticated":
            return Unauthenticated(sentence)
        case "conflict":
            return Conflict(sentence, expected=details.get("expected"), found=details.get("found"))
        case "upstream" | "not_configured":
            return _upstream(sentence, details)
    return Upstream(SYSTEM, f"said: {sentence}", retryable=False)


def _upstream(sentence: str, details: dict[str, Any]) -> Upstream:
    system = str(details.get("system") or SYSTEM)
    said = str(details.get("said") or sentence.removeprefix(system).strip())
    return Upstream(system, said, retryable=bool(details.get("retryable")), status=details.get("status"))
