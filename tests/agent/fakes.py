"""A small estate behind real MCP: one sick workload, one alert, one runbook, one plan; switches make its systems fail."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from mcp import Client
from pydantic import BaseModel, Field

from agent.hands import Hands
from agent.limits import Limits
from agent.models import Models, build
from agent.run import Agent
from core.clock import Clock, SystemClock
from core.database import Database
from core.errors import Conflict, NotFound, Upstream
from core.language import Language, pick
from core.metrics import Metrics
from core.redact import Redactor
from core.secrets import sign
from knowledge_base.embed import LexicalEmbedder
from knowledge_base.segment import Segmenter
from mcp_server.guard import Guard
from mcp_server.server import build as build_server
from tests.mcp_server.fakes import Desk, Shelf
from tools.engines.diagnosis import Cause, Component, Diagnosis, Evidence, Gap, Window
from tools.spec import AnyTool, Context, Input, Missing, Source, Tool, Toolbox, ToolResult

SEGMENTER = Segmenter()
KEY = "a-key-for-tests-only"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FINGERPRINT = "0123456789abcdef"


class Rows(BaseModel):
    kind: str = ""
    rows: list[dict[str, Any]] = []
    alerts: list[dict[str, Any]] = []
    namespaces: list[dict[str, Any]] = []
    patterns: list[dict[str, Any]] = []
    hits: list[dict[str, Any]] = []
    cases: list[dict[str, Any]] = []
    unusual: list[dict[str, Any]] = []
    metrics: list[dict[str, Any]] = []
    series: list[dict[str, Any]] = []
    common: dict[str, str] = {}
    reason: str = ""


class AnyObject(BaseModel):
    model_config = {"extra": "allow"}


class InNamespace(Input):
    namespace: str = ""


class ListObjects(InNamespace):
    kind: str
    name: str = ""


class GetObject(InNamespace):
    kind: str
    name: str


class ReadLogs(InNamespace):
    name: str
    last: str = "1h"


class Query(Input):
    expr: str
    last: str = ""


class Words(Input):
    words: str = ""
    regex: str = ""


class Search(Input):
    query: str
    limit: int = 5
    language: str | None = None


class OfAlert(Input):
    fingerprint: str
    note: str = ""


class Alerts(InNamespace):
    state: str = ""


class Subject(InNamespace):
    name: str = ""
    alert: str = ""


class Precedents(Input):
    alert: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    namespace: str = ""
    component: str = ""
    logs: list[str] = Field(default_factory=list)
    text: str = ""
    limit: int = 3


class OfPlan(Input):
    plan_id: str
    plan_hash: str


class Estate:
    """What the tools answer; `down` names the tools whose system refuses, `calls` what was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.down: set[str] = set()
        self.healthy = False
        self.cases: list[dict[str, Any]] | None = None
        self.approved: set[str] = set()
        self.applied: list[str] = []
        self.ends_as = ("succeeded", "The alert is gone.")
        self.page = "Read the previous log first."
        self.remedies = ["roll_back"]
        self.log_line = "panic: out of cheese"
        self.objects = {"ledger", "ledger-5d8f-x2x9q"}
        self.more_objects: list[dict[str, Any]] = []
        self.labels = {"namespace": "orders", "deployment": "ledger", "severity": "critical"}
        self.calm = False
        self.unusual: list[dict[str, Any]] = []
        self.metrics = {"container_cpu_usage_seconds_total", "http_requests_total"}
        self.series: list[dict[str, Any]] = [
            {"labels": {"pod": "ledger-5d8f-x2x9q", "service": "ledger"}, "last": 0.25}
        ]
        self.plan: dict[str, Any] = {}
        self.acknowledged: list[str] = []
        self.hold: Callable[[], Awaitable[None]] | None = None

    def tools(self) -> list[AnyTool]:
        read = [
            ("cluster_overview", InNamespace, self.overview),
            ("list_objects", ListObjects, self.list_objects),
            ("get_object", GetObject, self.get_object),
            ("read_logs", ReadLogs, self.read_logs),
            ("query_metrics", Query, self.query),
            ("find_metrics", Words, self.find_metrics),
            ("list_alerts", Alerts, self.list_alerts),
            ("get_alert", OfAlert, self.get_alert),
            ("search_knowledge", Search, self.search),
        ]
        tools: list[AnyTool] = [
            Tool(name, f"{name}.", asks, Rows, "read", self._told(name, does)) for name, asks, does in read
        ]
        if self.cases is not None:
            past = self._told("similar_incidents", self.similar)
            tools.append(Tool("similar_incidents", "Past.", Precedents, Rows, "read", past))
        return [
            *tools,
            Tool("diagnose", "Diagnose.", Subject, Diagnosis, "read", self._told("diagnose", self.diagnose)),
            Tool("propose_fix", "Propose.", Subject, AnyObject, "write", self._told("propose_fix", self.propose)),
            Tool(
                "acknowledge_alert",
                "Take.",
                OfAlert,
                AnyObject,
                "write",
                self._told("acknowledge_alert", self.acknowledge),
            ),
            Tool("apply_plan", "Apply.", OfPlan, AnyObject, "destructive", self._told("apply_plan", self.apply), 300.0),
        ]

    embedder = "lexical"

    def edition(self) -> str:
        return self.page

    def digest(self, page: str, language: Language) -> str:
        return f"{page}/{language}: {self.page}"

    def vector(self, text: str) -> Any:
        return LexicalEmbedder(SEGMENTER).embed([text])[0]

    async def first(self, question: str, language: Language) -> str:  # noqa: ARG002
        return "crash"

    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]

    def similar(self, ctx: Context, ask: Precedents) -> ToolResult[Rows]:  # noqa: ARG002
        return answer(ctx, "Seen before", cases=self.cases)

    def _told(self, name: str, does: Any) -> Any:
        async def handler(ctx: Context, ask: Any) -> Any:
            self.calls.append((name, ctx.caller.name, ctx.caller.role))
            self.asked.append((name, ask.model_dump(exclude_defaults=True)))
            if self.hold is not None:
                await self.hold()
            if name in self.down:
                raise Upstream(
                    "Prometheus" if "metrics" in name else "The Kubernetes API server",
                    "refused the connection",
                    retryable=True,
                )
            return does(ctx, ask)

        return handler

    def overview(self, ctx: Context, ask: InNamespace) -> ToolResult[Rows]:  # noqa: ARG002
        spaces = [
            {"name": "orders", "workloads": 2, "workloads_ready": 1, "pods_in_trouble": 1},
            {"name": "quiet", "workloads": 1, "workloads_ready": 1, "pods_in_trouble": 0},
        ]
        spaces = [space for space in spaces if not (self.calm and space["pods_in_trouble"])]
        return answer(
            ctx,
            pick(ctx.language, "2 namespaces, 1 pod in trouble", "2 个命名空间，1 个 Pod 有问题"),
            namespaces=spaces,
            unusual=self.unusual,
        )

    def list_objects(self, ctx: Context, ask: ListObjects) -> ToolResult[Rows]:
        known = [
            {
                "name": "ledger",
                "namespace": "orders",
                "status": "1/2 ready",
                "why": "1 pod is not ready",
                "kind": "Deployment",
            },
            {
                "name": "ledger-5d8f-x2x9q",
                "namespace": "orders",
                "status": "CrashLoopBackOff",
                "why": "restarted 7 times",
                "kind": "Pod",
            },
        ]
        rows = [
            row
            for row in [*known, *self.more_objects]
            if row["kind"] == ask.kind and ask.name in row["name"] and ask.namespace in ("", row["namespace"])
        ]
        return answer(ctx, f"{len(rows)} {ask.kind} in {ask.namespace or 'all namespaces'}", kind=ask.kind, rows=rows)

    def get_object(self, ctx: Context, ask: GetObject) -> ToolResult[Rows]:
        if "ledger" not in ask.name:
            raise NotFound(f"There is no {ask.kind} {ask.name}.", near=["ledger"])
        return answer(ctx, f"{ask.kind} {ask.namespace}/{ask.name} is 1/2 ready", kind=ask.kind)

    def read_logs(self, ctx: Context, ask: ReadLogs) -> ToolResult[Rows]:
        patterns = [{"count": 3, "level": "error", "pattern": self.log_line}]
        return answer(ctx, f"40 lines of {ask.name} in the last {ask.last}", patterns=patterns)

    def query(self, ctx: Context, ask: Query) -> ToolResult[Rows]:
        return answer(ctx, f"1 series for {ask.expr}: 0.25", query=ask.expr, series=self.series)

    def find_metrics(self, ctx: Context, ask: Words) -> ToolResult[Rows]:
        found = [{"name": name} for name in sorted(self.metrics) if name in ask.regex.split("|")]
        return answer(ctx, f"{len(found)} metrics match", metrics=found)

    def list_alerts(self, ctx: Context, ask: Alerts) -> ToolResult[Rows]:
        if self.calm or ask.state == "pending":
            return answer(ctx, pick(ctx.language, "No alert is firing.", "没有正在触发的告警。"))
        return answer(ctx, pick(ctx.language, "1 alert is firing", "1 条告警正在触发"), alerts=[the_alert(self.labels)])

    def get_alert(self, ctx: Context, ask: OfAlert) -> ToolResult[AnyObject]:
        if not FINGERPRINT.startswith(ask.fingerprint):
            raise NotFound(f"There is no alert {ask.fingerprint}.")
        return ToolResult(
            summary=f"the alert for {ctx.caller.name}",
            data=AnyObject(**the_alert(self.labels)),
            source=[at("alerts")],
            seen_at=NOON,
        )

    def acknowledge(self, ctx: Context, ask: OfAlert) -> ToolResult[AnyObject]:
        self.acknowledged.append(f"{ask.fingerprint} by {ctx.caller.name}")
        said = f"PodsNotReady is acknowledged by {ctx.caller.name}."
        return ToolResult(summary=said, data=AnyObject(**the_alert(self.labels)), source=[at("alerts")], seen_at=NOON)

    def search(self, ctx: Context, ask: Search) -> ToolResult[Rows]:
        if "weather" in ask.query:
            return answer(ctx, "Nothing found", reason="No page speaks of it.")
        hit = {
            "page": "crash",
            "title": "Crash loops",
            "heading": "Causes",
            "path": "runbooks/en/crash.md",
            "text": self.page,
            "quote": "Read the previous log first.",
        }
        return answer(ctx, "One passage answers", query=ask.query, hits=[hit])

    def diagnose(self, ctx: Context, ask: Subject) -> ToolResult[Diagnosis]:
        if ask.name and ask.name not in self.objects:
            raise NotFound(f"There is no object named {ask.name} in {ask.namespace}.", near=["ledger"])
        cause = Cause(
            rank=1,
            fault="application_crash",
            category="runtime",
            component=Component(kind="Deployment", namespace=ask.namespace, name="ledger"),
            confidence=0.87,
            statement=pick(ctx.language, "ledger crashes at start with exit code 2", "ledger 启动即崩溃，退出码 2"),
            evidence=[
                Evidence(source="log", ref="logs orders/ledger-5d8f-x2x9q", quote="panic: out of cheese", at=NOON)
            ],
            remedies=self.remedies,
        )
        gaps = [Gap(what="metrics of orders", why="Prometheus refused the connection", how="check PROMETHEUS_URL")]
        found = Diagnosis(
            subject=f"namespace {ask.namespace}",
            window=Window(start=NOON, end=NOON),
            taken_at=NOON,
            healthy=True if self.healthy else None,
            causes=[] if self.healthy else [cause],
            gaps=[] if self.healthy else gaps,
        )
        missing = [Missing(what=gap.what, why=gap.why, how=gap.how) for gap in found.gaps]
        return ToolResult(summary="diagnosed", data=found, source=[at("GET pods")], seen_at=NOON, missing=missing)

    def propose(self, ctx: Context, ask: Subject) -> ToolResult[AnyObject]:  # noqa: ARG002
        plan = {"id": "p1", "hash": "h1", "title": "Roll back ledger", "diff": "- image: b\n+ image: a", "risk": "low", "state": "proposed",
                "expected_effect": "ledger starts again", "expires_at": "2026-03-02T12:30:00Z", **self.plan}  # fmt: skip
        return ToolResult(
            summary="Plan p1: Roll back ledger", data=AnyObject(**plan), source=[at("dry run")], seen_at=NOON
        )

    def apply(self, ctx: Context, ask: OfPlan) -> ToolResult[AnyObject]:
        if ask.plan_hash not in self.approved:
            raise Conflict(f"The plan {ask.plan_id} has no approval.")
        self.applied.append(f"{ask.plan_id} by {ctx.caller.name}")
        done = {
            "id": ask.plan_id,
            "title": "Roll back ledger",
            "state": self.ends_as[0],
            "state_reason": self.ends_as[1],
        }
        return ToolResult(
            summary="ledger was rolled back", data=AnyObject(**done), source=[at("PATCH deployment")], seen_at=NOON
        )


def the_alert(labels: dict[str, str]) -> dict[str, Any]:
    return {
        "fingerprint": FINGERPRINT,
        "name": "PodsNotReady",
        "state": "firing",
        "severity": "critical",
        "namespace": labels.get("namespace", ""),
        "labels": labels,
        "summary": "ledger has pods that are not ready",
        "starts_at": NOON.isoformat(),
    }


def at(query: str) -> Source:
    return Source(system="kubernetes", query=query)


def answer(ctx: Context, summary: str, query: str = "GET", **data: Any) -> ToolResult[Rows]:  # noqa: ARG001
    return ToolResult(summary=summary, data=Rows(**data), source=[at(query)], seen_at=NOON)


def hands_for(estate: Estate, clock: Clock) -> Hands:
    toolbox = Toolbox(estate.tools(), clock=clock, redactor=Redactor(KEY), metrics=Metrics())
    server = build_server(toolbox=toolbox, resources=Shelf(), approvals=Desk(), guard=Guard(clock=clock, key=KEY))

    async def make(_stack: AsyncExitStack) -> Client:
        return Client(server)

    return Hands(make, timeout=5)


class House:
    """An agent with everything around it, on files that a second House can open again."""

    def __init__(
        self,
        folder: Path,
        models: Models | None = None,
        limits: Limits | None = None,
        estate: Estate | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.estate = estate or Estate()
        self.clock = clock or SystemClock()
        self.metrics = Metrics()
        self.database = Database(f"sqlite:///{folder / 'agent.db'}")
        self.agent = Agent(
            hands=hands_for(self.estate, self.clock),
            models=models or offline(self.metrics),
            checkpoints=folder / "checkpoints.db",
            database=self.database,
            clock=self.clock,
            metrics=self.metrics,
            redactor=Redactor(KEY),
            sign=partial(sign, KEY),
            units=SEGMENTER.units,
            library=self.estate,
            limits=limits,
        )

    async def __aenter__(self) -> "House":
        await self.database.create_tables()
        await self.agent.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.agent.close()
        await self.database.close()

    async def ask(self, question: str, role: str = "operator", **options: Any) -> "Told":
        run = await self.agent.ask(question, caller_name="ada", caller_role=role, **options)
        return await self.follow(run.id)

    async def follow(self, run_id: str, after: int = 0) -> "Told":
        return Told(run_id, [event.to_json() async for event in self.agent.events(run_id, after)])


class Told:
    """The events of a run, as a reader of the stream has them."""

    def __init__(self, run_id: str, events: list[dict[str, Any]]) -> None:
        self.run_id = run_id
        self.events = events

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [event["data"] for event in self.events if event["type"] == kind]

    def one(self, kind: str) -> dict[str, Any]:
        return self.all(kind)[-1]

    @property
    def session(self) -> str:
        return str(self.one("run_started")["session_id"])

    @property
    def text(self) -> str:
        return str(self.one("answer")["text"])

    @property
    def state(self) -> str:
        return str(self.one("run_finished")["state"])


def offline(metrics: Metrics) -> Models:
    return build(base_url="", api_key="", model="", metrics=metrics)
