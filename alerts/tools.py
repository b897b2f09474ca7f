"""The alert tools: what fires, why it was or was not told, and taking it."""

import math
from collections import Counter
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from alerts.desk import AlertDesk
from alerts.durations import parse_duration
from alerts.model import Alert
from alerts.notify.pipeline import REASONS
from core.language import Language, pick
from tools.spec import AnyTool, Context, Input, Missing, Source, Tool, ToolResult

MAX_NAMED = 5
MAX_MOVES = 20
SYSTEM = "Firstmate alerts"
_STANDING = {"firing": "正在触发", "pending": "即将触发", "resolved": "已恢复", "inactive": "未触发"}


class ListAlerts(Input):
    state: Literal["firing", "pending", "resolved"] | None = None
    severity: str | None = Field(default=None, max_length=64)
    namespace: str | None = Field(default=None, max_length=253)
    limit: int = Field(default=20, ge=1, le=100)
    offset: int = Field(default=0, ge=0)


class GetAlert(Input):
    fingerprint: str = Field(min_length=1, max_length=100)


class AcknowledgeAlert(Input):
    fingerprint: str = Field(min_length=1, max_length=100)
    note: str = Field(default="", max_length=2000)
    hold: str = Field(default="", max_length=20, description="For how long, like 2h; empty: until it ends")


class AlertBrief(BaseModel):
    fingerprint: str
    name: str
    state: str
    severity: str
    summary: str
    labels: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None
    acknowledged_by: str | None


class AlertPage(BaseModel):
    total: int
    alerts: list[AlertBrief]


class Move(BaseModel):
    before: str
    after: str
    reason: str
    at: datetime
    by: str


class Telling(BaseModel):
    """One decision about telling somebody, and how the delivery went."""

    receiver: str
    reason: str
    told: bool
    at: datetime
    times: int


class AlertDetail(AlertBrief):
    description: str
    runbook: str
    expr: str
    value: float | None
    moves: list[Move]
    tellings: list[Telling]


class AlertTools:
    def __init__(self, desk: AlertDesk) -> None:
        self._desk = desk

    def all(self) -> list[AnyTool]:
        return [
            Tool(
                "list_alerts",
                "Alerts now firing, pending or resolved, most pressing first.",
                ListAlerts,
                AlertPage,
                "read",
                self.list_alerts,
            ),
            Tool(
                "get_alert",
                "One alert in full: expression, history, who was told and why. Fingerprint may be a unique prefix.",
                GetAlert,
                AlertDetail,
                "read",
                self.get_alert,
            ),
            Tool(
                "acknowledge_alert",
                "Take a firing alert: stops repeated notifications, does not resolve it.",
                AcknowledgeAlert,
                AlertBrief,
                "write",
                self.acknowledge_alert,
            ),
        ]

    async def list_alerts(self, ctx: Context, ask: ListAlerts) -> ToolResult[AlertPage]:
        alerts, total = await self._desk.list(ask.state, ask.severity, ask.limit, ask.offset, namespace=ask.namespace)
        return ToolResult(
            summary=_page_summary(alerts, total, ctx.language) if total else _nothing(ask, ctx.language),
            data=AlertPage(total=total, alerts=[_brief(alert, ctx.language) for alert in alerts]),
            source=[Source(system=SYSTEM, query=f"alerts?{_query(ask)}")],
            seen_at=ctx.clock.now(),
            missing=self._missing(ctx.language),
        )

    async def get_alert(self, ctx: Context, ask: GetAlert) -> ToolResult[AlertDetail]:
        alert = await self._desk.get(ask.fingerprint)
        return ToolResult(
            summary=_line(alert, ctx.language),
            data=AlertDetail(
                **_brief(alert, ctx.language).model_dump(),
                description=alert.annotation("description", ctx.language),
                runbook=alert.annotations.get("runbook", ""),
                expr=self._desk.expression(alert),
                value=alert.value if math.isfinite(alert.value) else None,
                moves=await self._moves(alert, ctx.language),
                tellings=await self._tellings(alert, ctx.language),
            ),
            source=[Source(system=SYSTEM, query=f"alerts/{alert.fingerprint}")],
            seen_at=ctx.clock.now(),
            missing=self._missing(ctx.language),
        )

    async def acknowledge_alert(self, ctx: Context, ask: AcknowledgeAlert) -> ToolResult[AlertBrief]:
        hold = parse_duration(ask.hold, "hold") if ask.hold else None
        alert = await self._desk.acknowledge(ask.fingerprint, ctx.caller.name, ask.note, hold)
        by = alert.acknowledged_by or ctx.caller.name
        return ToolResult(
            summary=pick(
                ctx.language,
                f"{alert.name} is acknowledged by {by}: it is not repeated, and ends when its condition does.",
                f"{alert.name} 已由 {by} 认领：不再重复通知，条件消失后自行恢复。",
            ),
            data=_brief(alert, ctx.language),
            source=[Source(system=SYSTEM, query=f"alerts/{alert.fingerprint}/acknowledge")],
            seen_at=ctx.clock.now(),
        )

    async def _moves(self, alert: Alert, language: Language) -> list[Move]:
        moves = await self._desk.transitions(alert.fingerprint)
        return [
            Move(before=move.before, after=move.after, reason=move.say(language), at=move.at, by=move.by)
            for move in moves[-MAX_MOVES:]
        ]

    async def _tellings(self, alert: Alert, language: Language) -> list[Telling]:
        decisions = await self._desk.decisions(alert.fingerprint)
        return [
            Telling(
                receiver=decision.receiver,
                reason=REASONS[decision.reason](language),
                told=decision.told,
                at=decision.at,
                times=decision.times,
            )
            for decision in decisions[-MAX_MOVES:]
        ]

    def _missing(self, language: Language) -> list[Missing]:
        """States are as old as the last answer; whoever reads them must know."""
        if not self._desk.trouble:
            return []
        since = f"{self._desk.answered_at:%Y-%m-%d %H:%M:%S} UTC"
        what = pick(language, f"what alerts did since {since}", f"{since} 之后的告警变化")
        return [Missing(what=what, why=self._desk.trouble)]


def _page_summary(alerts: list[Alert], total: int, language: Language) -> str:
    counts = Counter(alert.state for alert in alerts)
    named = "; ".join(_line(alert, language) for alert in alerts[:MAX_NAMED])
    kinds_en = ", ".join(f"{count} {state}" for state, count in counts.items())
    kinds_zh = "，".join(f"{count} 条{_STANDING[state]}" for state, count in counts.items())
    shown = "" if total == len(alerts) else pick(language, f" ({total} in all)", f"（共 {total} 条）")
    return pick(language, f"Alerts: {kinds_en}{shown}. ", f"告警：{kinds_zh}{shown}。") + named


def _nothing(ask: ListAlerts, language: Language) -> str:
    """An empty list is an answer: of which kind there is none, and where."""
    state = {"firing": "firing", "pending": "pending", "resolved": "known as resolved"}.get(ask.state or "", "known")
    standing = {"firing": "正在触发的", "pending": "即将触发的", "resolved": "已恢复的"}.get(ask.state or "", "")
    kind = f"{ask.severity} " if ask.severity else ""
    place = f" in namespace {ask.namespace}" if ask.namespace else ""
    where = f"命名空间 {ask.namespace} 中" if ask.namespace else ""
    return pick(language, f"No {kind}alert is {state}{place}.", f"{where}没有{standing}{kind}告警。")


def _line(alert: Alert, language: Language) -> str:
    states = {"firing": "正在触发", "pending": "等待中", "resolved": "已恢复", "inactive": "未触发"}
    state = pick(language, alert.state, states[alert.state])
    said = alert.annotation("summary", language)
    taken = pick(language, f", taken by {alert.acknowledged_by}", f", {alert.acknowledged_by} 已认领")
    since = f"{alert.starts_at:%m-%d %H:%M:%S}"
    text = f"{alert.name} [{alert.severity}, {state}, {since}{taken if alert.acknowledged_by else ''}]"
    return f"{text} {said}" if said else text


def _brief(alert: Alert, language: Language) -> AlertBrief:
    return AlertBrief(
        fingerprint=alert.fingerprint,
        name=alert.name,
        state=alert.state,
        severity=alert.severity,
        summary=alert.annotation("summary", language),
        labels=alert.labels,
        starts_at=alert.starts_at,
        ends_at=alert.resolved_at,
        acknowledged_by=alert.acknowledged_by,
    )


def _query(ask: ListAlerts) -> str:
    return "&".join(f"{name}={value}" for name, value in ask.model_dump(exclude_none=True).items())
