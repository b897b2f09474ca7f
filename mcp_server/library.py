"""What a client can read without calling a tool: the alerts, the runbooks, and a prompt to begin a triage with."""

import json
import re
from typing import Any, Protocol

from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    PaginatedRequestParams,
    Prompt,
    PromptArgument,
    PromptMessage,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextContent,
    TextResourceContents,
)

from core.errors import FirstmateError, NotFound
from core.language import Text
from mcp_server.guard import Guard, Request

ALERTS = "firstmate://alerts"
RUNBOOKS = "firstmate://runbooks/{language}/{id}"
MARKDOWN = "text/markdown"
_RUNBOOK = re.compile(r"firstmate://runbooks/(?P<language>[a-z]{2})/(?P<id>[\w.-]{1,100})")
_TRIAGE = Text(
    "Triage the alert {alert}. Read it with get_alert, explain it with diagnose for its namespace, look up the cause "
    "with search_knowledge, and say what is wrong, since when, on what evidence, and what could not be read. If a "
    "repair is known, make a plan with propose_fix and show its diff; do not apply it before a human approves.",
    "分诊告警 {alert}。用 get_alert 读取它，用 diagnose 诊断它所在的命名空间，用 search_knowledge 查找原因，"
    "然后说明：哪里出了问题、从何时开始、证据是什么、哪些信息没有读到。如果有已知的修复办法，"
    "用 propose_fix 生成方案并展示差异；在人批准之前不要执行。",
)


class Resources(Protocol):
    async def alerts(self) -> list[dict[str, Any]]: ...

    async def runbooks(self) -> list[tuple[str, str, str]]:
        """(id, language, title) of every page."""
        ...

    async def runbook(self, id: str, language: str) -> str:  # noqa: A002 - the name that the address gives it
        ...


class Library:
    def __init__(self, resources: Resources, guard: Guard) -> None:
        self._resources = resources
        self._guard = guard

    async def list_resources(self, request: Request, _asked: PaginatedRequestParams | None) -> ListResourcesResult:
        self._admit(request)
        pages = [
            Resource(
                uri=f"firstmate://runbooks/{language}/{name}",
                name=f"{name} ({language})",
                title=title,
                mime_type=MARKDOWN,
            )
            for name, language, title in await self._resources.runbooks()
        ]
        alerts = Resource(uri=ALERTS, name="alerts", title="Alerts now", mime_type="application/json")
        return ListResourcesResult(resources=[alerts, *pages])

    async def list_templates(
        self, _request: Request, _asked: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        template = ResourceTemplate(uri_template=RUNBOOKS, name="runbook", title="A runbook page", mime_type=MARKDOWN)
        return ListResourceTemplatesResult(resource_templates=[template])

    async def read(self, request: Request, asked: ReadResourceRequestParams) -> ReadResourceResult:
        self._admit(request)
        try:
            kind, text = await self._content(asked.uri)
        except FirstmateError as error:
            raise _refusal(error) from error
        return ReadResourceResult(contents=[TextResourceContents(uri=asked.uri, mime_type=kind, text=text)])

    async def list_prompts(self, _request: Request, _asked: PaginatedRequestParams | None) -> ListPromptsResult:
        arguments = [
            PromptArgument(name="alert", description="Fingerprint or name of the alert", required=True),
            PromptArgument(name="language", description="en or zh", required=False),
        ]
        return ListPromptsResult(prompts=[Prompt(name="triage", title="Triage an alert", arguments=arguments)])

    async def prompt(self, _request: Request, asked: GetPromptRequestParams) -> GetPromptResult:
        given = asked.arguments or {}
        if asked.name != "triage":
            raise MCPError(code=INVALID_PARAMS, message=f"There is no prompt {asked.name}; there is triage.")
        if not given.get("alert"):
            raise MCPError(code=INVALID_PARAMS, message="The prompt triage needs the argument alert.")
        text = _TRIAGE("zh" if given.get("language") == "zh" else "en", alert=given["alert"])
        return GetPromptResult(messages=[PromptMessage(role="user", content=TextContent(text=text))])

    async def _content(self, uri: str) -> tuple[str, str]:
        if uri == ALERTS:
            return "application/json", json.dumps(await self._resources.alerts(), ensure_ascii=False)
        page = _RUNBOOK.fullmatch(uri)
        if page is None:
            raise NotFound(f"There is no resource {uri}.", near=[ALERTS, RUNBOOKS])
        return MARKDOWN, await self._resources.runbook(page["id"], page["language"])

    def _admit(self, request: Request) -> None:
        try:
            self._guard.guest(request)
        except FirstmateError as error:
            raise _refusal(error) from error


def _refusal(error: FirstmateError) -> MCPError:
    return MCPError(code=INVALID_PARAMS, message=error.sentence)
