"""What the MCP server and the agent ask of the rest of the house, fitted to what the rooms offer."""

from contextlib import AsyncExitStack
from typing import Any

from mcp import Client
from mcp.server import Server as McpServer

from agent import models
from agent.hands import Hands
from agent.run import Agent
from alerts.desk import AlertDesk
from core.clock import Clock
from core.config import Settings
from core.database import Database
from core.language import Language
from core.metrics import Metrics
from core.redact import Redactor
from core.secrets import sign
from knowledge_base.knowledge import Knowledge
from tools.autofix.run import Repairs
from tools.spec import Caller

MAX_ALERTS = 200


class McpResources:
    """Read by models, so what systems and people wrote passes the redactor here as it does in the toolbox."""

    def __init__(self, desk: AlertDesk, knowledge: Knowledge, redactor: Redactor) -> None:
        self._desk = desk
        self._knowledge = knowledge
        self._redactor = redactor

    async def alerts(self) -> list[dict[str, Any]]:
        rows, _ = await self._desk.list(state="firing", limit=MAX_ALERTS)
        return [self._redactor.value(row.to_json()) for row in rows]

    async def runbooks(self) -> list[tuple[str, str, str]]:
        return [(page.id, page.language, page.title) for page in self._knowledge.pages()]

    async def runbook(self, id: str, language: str) -> str:  # noqa: A002 - the address's own word
        spoken: Language = "zh" if language == "zh" else "en"
        return self._redactor.text(self._knowledge.page(id, spoken))


class McpApprovals:
    """An outside client's human said yes: taken down under that client's caller."""

    def __init__(self, repairs: Repairs) -> None:
        self._repairs = repairs

    async def plan(self, plan_id: str) -> dict[str, Any]:
        return (await self._repairs.get(plan_id)).model_dump(mode="json")

    async def approve(self, plan_id: str, plan_hash: str, caller: Caller) -> None:
        await self._repairs.approve(plan_id, plan_hash, caller, "approved over MCP")


def agent_for(
    settings: Settings,
    mcp: McpServer[Any],
    database: Database,
    clock: Clock,
    metrics: Metrics,
    redactor: Redactor,
    key: str,
    knowledge: Knowledge,
) -> Agent:
    """The agent with its hands on our own MCP server, in process, and the models that the settings name."""

    async def in_process(_stack: AsyncExitStack) -> Client:
        return Client(mcp)

    return Agent(
        hands=Hands(in_process),
        models=models.build(
            base_url=settings.llm_base_url,
            api_key=settings.llm_api_key.get_secret_value(),
            model=settings.llm_model,
            fallbacks=settings.llm_fallback_models,
            timeout=settings.llm_timeout,
            temperature=settings.llm_temperature,
            max_tokens=settings.llm_max_tokens,
            metrics=metrics,
        ),
        checkpoints=settings.data_dir / "checkpoints.db",
        database=database,
        clock=clock,
        metrics=metrics,
        redactor=redactor,
        sign=lambda note: sign(key, note),
        units=knowledge.units,
        library=knowledge,
    )
