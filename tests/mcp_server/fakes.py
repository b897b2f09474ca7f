"""A toolbox of a few small tools, a desk that approves, and a shelf of runbooks: what a server needs around it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from mcp.types import CallToolResult, TextContent
from pydantic import BaseModel, Field

from core.clock import Clock, ManualClock
from core.errors import NotFound, Upstream
from core.language import pick
from core.metrics import Metrics
from core.redact import Redactor
from core.secrets import sign
from mcp_server.guard import Guard
from mcp_server.server import build
from tools.spec import AnyTool, Caller, Context, Input, Source, Tool, Toolbox, ToolResult

KEY = "a-key-for-tests-only"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ADA = Caller(name="ada", role="operator", via="mcp")
VIC = Caller(name="vic", role="viewer", via="mcp")
TOKENS = {"token-of-ada": ADA, "token-of-vic": VIC}


class ListPods(Input):
    namespace: str = "default"
    limit: int = Field(default=50, ge=1, le=500)


class Pods(BaseModel):
    title: str
    names: list[str]


class OfPlan(Input):
    plan_id: str


class Done(BaseModel):
    state: str
    by: str


async def list_pods(ctx: Context, ask: ListPods) -> ToolResult[Pods]:
    if ask.namespace == "gone":
        raise NotFound("There is no namespace gone.", near=["gate"])
    if ask.namespace == "down":
        raise Upstream("The Kubernetes API server", "refused the connection", retryable=True)
    if ask.namespace == "broken":
        raise RuntimeError("the password is in /etc/hidden")
    await ctx.progress("reading pods")
    await ctx.progress("counting pods")
    return ToolResult(
        summary=pick(ctx.language, f"1 pod for {ctx.caller.name}", f"{ctx.caller.name} 的 1 个 Pod"),
        data=Pods(title="pods", names=["web-1"]),
        source=[Source(system="kubernetes", query="GET pods")],
        seen_at=ctx.clock.now(),
    )


class Desk:
    """Plans, and who approved them; also the tools that carry them out."""

    def __init__(self) -> None:
        self.plans: dict[str, dict[str, Any]] = {
            "p1": {
                "id": "p1",
                "title": "Restart web",
                "diff": "- a\n+ b",
                "undo_diff": "- b\n+ a",
                "hash": "h1",
                "state": "proposed",
                "risk": "low",
            }
        }
        self.approved: list[tuple[str, str, str]] = []
        self.done: list[str] = []

    async def plan(self, plan_id: str) -> dict[str, Any]:
        if plan_id not in self.plans:
            raise NotFound(f"There is no plan {plan_id}.")
        return self.plans[plan_id]

    async def approve(self, plan_id: str, plan_hash: str, caller: Caller) -> None:
        self.approved.append((plan_id, plan_hash, caller.name))
        self.plans[plan_id]["state"] = "approved"

    async def apply(self, ctx: Context, ask: OfPlan) -> ToolResult[Done]:
        return self._did(f"apply {ask.plan_id}", ctx)

    async def undo(self, ctx: Context, ask: OfPlan) -> ToolResult[Done]:
        return self._did(f"undo {ask.plan_id}", ctx)

    def _did(self, what: str, ctx: Context) -> ToolResult[Done]:
        self.done.append(what)
        return ToolResult(summary=what, data=Done(state="succeeded", by=ctx.caller.name), seen_at=ctx.clock.now())


class Shelf:
    async def alerts(self) -> list[dict[str, Any]]:
        return [{"fingerprint": "f1", "name": "PodsNotReady"}]

    async def runbooks(self) -> list[tuple[str, str, str]]:
        return [("oom", "en", "Out of memory"), ("oom", "zh", "内存溢出")]

    async def runbook(self, id: str, language: str) -> str:  # noqa: A002 - the protocol's name
        if id != "oom":
            raise NotFound(f"There is no runbook {id}.", near=["oom"])
        return f"# {id} in {language}"


def toolbox(desk: Desk, clock: Clock) -> Toolbox:
    tools: list[AnyTool] = [
        Tool("list_pods", "List pods of a namespace.", ListPods, Pods, "read", list_pods),
        Tool("apply_plan", "Carry out an approved plan.", OfPlan, Done, "destructive", desk.apply, timeout=300),
        Tool("undo_plan", "Undo a plan.", OfPlan, Done, "destructive", desk.undo),
    ]
    return Toolbox(tools, clock=clock, redactor=Redactor(KEY), metrics=Metrics())


async def known(token: str) -> Caller | None:
    return TOKENS.get(token)


def server(desk: Desk | None = None, local: Caller | None = ADA, clock: Clock | None = None) -> tuple[Any, Guard]:
    clock = clock or ManualClock(NOON)
    desk = desk or Desk()
    guard = Guard(clock=clock, key=KEY, local=local, verify_token=known)
    return build(toolbox=toolbox(desk, clock), resources=Shelf(), approvals=desk, guard=guard), guard


CHINESE: Any = {"firstmate/language": "zh"}


def text_of(result: CallToolResult) -> str:
    first = result.content[0]
    assert isinstance(first, TextContent)
    return first.text


def note(expires_in: float = 60, key: str = KEY, **changes: str) -> Any:
    said = {
        "name": "agent",
        "role": "operator",
        "via": "agent",
        "expires": (NOON + timedelta(seconds=expires_in)).isoformat(),
    }
    return {"firstmate/caller": sign(key, {**said, **changes})}
