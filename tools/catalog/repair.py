"""Tools for repairing: propose, apply what a person approved, take it back. None of them can approve."""

from pydantic import Field

from core.language import Language, pick
from tools.autofix.plan import Plan
from tools.autofix.run import Repairs
from tools.spec import AnyTool, Context, Input, Source, Tool, ToolResult

BEYOND_VERIFICATION = 120.0


class ProposeFix(Input):
    namespace: str = Field(default="", max_length=63)
    name: str | None = Field(default=None, max_length=253, description="The component that suffers or is to change")
    alert: str | None = Field(default=None, max_length=64, description="Fingerprint")
    fault: str | None = Field(default=None, max_length=80, description="Of diagnose, where several were found")
    context: str = Field(default="", max_length=253)


class ApplyPlan(Input):
    plan_id: str = Field(max_length=40)
    plan_hash: str = Field(max_length=64)


class UndoPlan(Input):
    plan_id: str = Field(max_length=40)


class RepairTools:
    def __init__(self, repairs: Repairs) -> None:
        self._repairs = repairs

    def all(self) -> list[AnyTool]:
        patience = 2 * self._repairs.policy.verify_seconds + BEYOND_VERIFICATION
        return [
            Tool(
                "propose_fix",
                "Propose a repair for a found cause: exact change, diff, risk, undo. Changes nothing; a person must approve it.",
                ProposeFix,
                Plan,
                "write",
                self.propose_fix,
                timeout=60.0,
            ),
            Tool(
                "apply_plan",
                "Apply a plan that a person has approved, verify that it helped, undo it if not.",
                ApplyPlan,
                Plan,
                "destructive",
                self.apply_plan,
                timeout=patience,
            ),
            Tool(
                "undo_plan",
                "Take back an applied plan.",
                UndoPlan,
                Plan,
                "destructive",
                self.undo_plan,
                timeout=patience,
            ),
        ]

    async def propose_fix(self, ctx: Context, ask: ProposeFix) -> ToolResult[Plan]:
        plan = await self._repairs.propose(**ask.model_dump(), caller=ctx.caller, language=ctx.language)
        return _result(ctx, plan)

    async def apply_plan(self, ctx: Context, ask: ApplyPlan) -> ToolResult[Plan]:
        return _result(ctx, await self._repairs.apply(ask.plan_id, ask.plan_hash, ctx.caller, ctx.progress))

    async def undo_plan(self, ctx: Context, ask: UndoPlan) -> ToolResult[Plan]:
        return _result(ctx, await self._repairs.undo(ask.plan_id, ctx.caller, ctx.progress))


def _result(ctx: Context, plan: Plan) -> ToolResult[Plan]:
    place = f"{plan.steps[0].target} in {plan.context}"
    return ToolResult(
        summary=summary(plan, ctx.language),
        data=plan,
        source=[Source(system="Kubernetes", query=place)],
        seen_at=ctx.clock.now(),
    )


def summary(plan: Plan, language: Language) -> str:
    if plan.state == "proposed":
        return pick(
            language,
            f"Proposed: {plan.title}. {plan.expected_effect} Risk {plan.risk}. Plan {plan.id}, hash {plan.hash[:12]}, "
            f"waits for a person's approval until {plan.expires_at:%H:%M} UTC.",
            f"建议：{plan.title}。{plan.expected_effect}风险：{_RISK[plan.risk]}。方案 {plan.id}，哈希 {plan.hash[:12]}，"
            f"等待人工批准，{plan.expires_at:%H:%M} UTC 过期。",
        )
    return pick(
        language,
        f"{plan.title}: {plan.state}. {plan.state_reason}",
        f"{plan.title}：{_STATE.get(plan.state, plan.state)}。{plan.state_reason}",
    )


_RISK = {"low": "低", "medium": "中", "high": "高"}
_STATE = {
    "approved": "已批准",
    "applying": "执行中",
    "verifying": "验证中",
    "undoing": "撤销中",
    "succeeded": "已成功",
    "undone": "已撤销",
    "failed": "失败",
    "rejected": "已拒绝",
    "expired": "已过期",
    "superseded": "已作废",
}
