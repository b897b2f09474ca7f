"""The one MCP server: stdio, streamable HTTP and the agent in process all talk to the object built here.

It adds no behaviour to the tools. Schemas come from a Tool's models, annotations from its risk, and every call goes through the Toolbox,
which checks role and input, bounds time and redacts. What is added is the door itself: who calls (guard), a human's word for an outside
client (consent), progress, and errors of the tree as sentences that a model can act on. An error outside the tree is logged here with its
detail and leaves as "Error executing tool X", because a traceback helps no model and may tell a stranger too much.
"""

import itertools
import json
from typing import Any

from mcp.server import Server
from mcp.server.auth.settings import AuthSettings
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp.types import Tool as McpTool
from pydantic import AnyHttpUrl, TypeAdapter
from starlette.applications import Starlette

from core.errors import FirstmateError
from core.logs import get
from mcp_server.consent import Approvals, Consent
from mcp_server.guard import Guard, Request
from mcp_server.library import Library, Resources
from tools.spec import AnyTool, Progress, Risk, Toolbox, ToolResult

NAME = "firstmate"
ERROR = "firstmate/error"
MAX_TEXT = 60_000
INSTRUCTIONS = (
    "Firstmate reads a Kubernetes estate and Prometheus, explains alerts with evidence and proposes repairs. Start with cluster_overview "
    "or list_alerts; diagnose explains a namespace; propose_fix makes a plan; apply_plan carries out a plan that a human approved. "
    "What a tool lists under `missing` could not be read: say so instead of guessing."
)
_log = get(__name__)

__all__ = ["Approvals", "Resources", "build", "http_app"]


def build(
    *, toolbox: Toolbox, resources: Resources, approvals: Approvals, guard: Guard, version: str = ""
) -> Server[Any]:
    door = Door(toolbox, Consent(approvals), guard)
    library = Library(resources, guard)
    server: Server[Any] = Server(
        NAME,
        version=version,
        title="Firstmate",
        instructions=INSTRUCTIONS,
        get_tool_input_schema=door.input_schema,
        on_list_tools=door.list_tools,
        on_call_tool=door.call_tool,
        on_list_resources=library.list_resources,
        on_list_resource_templates=library.list_templates,
        on_read_resource=library.read,
        on_list_prompts=library.list_prompts,
        on_get_prompt=library.prompt,
    )
    server.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience=NAME))
    return server


def http_app(
    server: Server[Any], guard: Guard, *, public_url: str, path: str = "/mcp", hosts: list[str] | None = None
) -> Starlette:
    """Streamable HTTP behind a bearer token; the host runs `server.session_manager.run()` in its own lifespan."""
    allowed = ["127.0.0.1:*", "localhost:*", "[::1]:*", *(hosts or [])]
    return server.streamable_http_app(
        streamable_http_path=path,
        auth=AuthSettings(issuer_url=AnyHttpUrl(public_url), resource_server_url=None, validate_token_resource=False),
        token_verifier=guard,
        transport_security=TransportSecuritySettings(
            allowed_hosts=allowed,
            allowed_origins=[f"{scheme}://{host}" for host in allowed for scheme in ("http", "https")],
        ),
    )


class Door:
    def __init__(self, toolbox: Toolbox, consent: Consent, guard: Guard) -> None:
        self._toolbox = toolbox
        self._consent = consent
        self._guard = guard
        self._listed = [declare(tool) for tool in toolbox.all()]
        self._schemas = {tool.name: tool.input_schema for tool in self._listed}

    def input_schema(self, name: str) -> dict[str, Any] | None:
        return self._schemas.get(name)

    async def list_tools(self, _request: Request, _asked: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=self._listed)

    async def call_tool(self, request: Request, asked: CallToolRequestParams) -> CallToolResult | InputRequiredResult:
        try:
            return await self._call(request, asked)
        except FirstmateError as error:
            return refused(error)
        except MCPError:
            raise
        except Exception:  # noqa: BLE001 - the edge of the process: a bug in a tool must not take the connection down
            _log.exception("tool failed", tool=asked.name)
            return _failed(f"Error executing tool {asked.name}.", {"kind": "error"})

    async def _call(self, request: Request, asked: CallToolRequestParams) -> CallToolResult | InputRequiredResult:
        guest = self._guard.guest(request)
        self._toolbox.get(asked.name)
        question = await self._consent.seek(request, asked, guest)
        if question is not None:
            return question
        result = await self._toolbox.call(
            asked.name, asked.arguments or {}, guest.caller, guest.language, reporter(request)
        )
        return CallToolResult(content=[TextContent(text=as_text(result))], structured_content=result)


def declare(tool: AnyTool) -> McpTool:
    result: Any = ToolResult[tool.output]  # type: ignore[name-defined]
    return McpTool(
        name=tool.name,
        description=tool.description,
        input_schema=without_titles(tool.input.model_json_schema()),
        output_schema=without_titles(TypeAdapter(result).json_schema(mode="serialization")),
        annotations=annotations(tool.risk),
        _meta={"risk": tool.risk, "timeout": tool.timeout},
    )


def annotations(risk: Risk) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=risk == "read",
        destructive_hint=risk == "destructive",
        idempotent_hint=risk == "read",
        open_world_hint=False,
    )


def without_titles(schema: Any, *, names: bool = False) -> Any:
    """Generated titles repeat the field's name and cost a model tokens; inside `properties` a title is a field, and stays."""
    if isinstance(schema, list):
        return [without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: without_titles(value, names=key in {"properties", "$defs"} and not names)
        for key, value in schema.items()
        if names or key != "title"
    }


def as_text(result: dict[str, Any]) -> str:
    """The sentence first, then the data as compact JSON, for clients that read text alone."""
    data = json.dumps(
        {key: value for key, value in result.items() if key != "summary"}, ensure_ascii=False, separators=(",", ":")
    )
    text = f"{result['summary']}\n{data}"
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}... (cut; the structured content is whole)"


def refused(error: FirstmateError) -> CallToolResult:
    return _failed(error.sentence, {"kind": error.kind, "details": error.details})


def _failed(sentence: str, said: dict[str, Any]) -> CallToolResult:
    text = TextContent(text=sentence)
    return CallToolResult(content=[text], is_error=True, _meta={ERROR: {**said, "sentence": sentence}})


def reporter(request: Request) -> Progress:
    said = itertools.count(1)

    async def report(message: str) -> None:
        await request.session.report_progress(next(said), None, message)

    return report
