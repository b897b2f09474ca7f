"""An incident as people see it, and what its members make of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from alerts.incidents.member import Member
from core.language import Language, Text

State = Literal["open", "resolved", "merged"]
STATES: tuple[State, ...] = ("open", "resolved", "merged")
SEVERITIES = ("critical", "error", "warning", "info")
_ONE = Text("{name} in {place}", "{place} 的 {name}")
_MORE = Text("{name} in {place} and {more} more", "{place} 的 {name} 等 {size} 条告警")
_NOWHERE = Text("the cluster", "集群")
_BY_HAND = Text("by hand by {who}", "由 {who} 手动归入")
_FIRST = Text("the first of it", "本事件的首条告警")
_WHY = {
    "workload": Text("the same workload, {what}", "同一工作负载 {what}"),
    "node": Text("the same node, {what}", "同一节点 {what}"),
    "name": Text("the same alert in the same namespace", "同一命名空间的同名告警"),
    "text": Text("the same words", "告警文字相同"),
}
_CALLS = Text("calls {what}", "调用 {what}")
_CALLED = Text("called by {what}", "被 {what} 调用")
_RUNS_ON = Text("runs on {what}", "运行于节点 {what}")
_HOSTS = Text("{what} runs on it", "其上运行 {what}")


@dataclass(frozen=True, slots=True)
class Incident:
    id: str
    state: State
    named: str | None
    """The title that somebody gave it."""
    name: str
    severity: str
    namespace: str
    workload: str
    first_at: datetime
    last_at: datetime
    resolved_at: datetime | None
    size: int
    firing: int
    merged_into: str | None = None
    arranged_by: str | None = None

    def title(self, language: Language) -> str:
        place = "/".join(part for part in (self.namespace, self.workload) if part) or _NOWHERE(language)
        made = _ONE if self.size <= 1 else _MORE
        return self.named or made(language, name=self.name, place=place, more=self.size - 1, size=self.size)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "title": self.title("en"),
            "title_zh": self.title("zh"),
            "state": self.state,
            "severity": self.severity,
            "namespace": self.namespace,
            "workload": self.workload,
            "first_at": self.first_at.isoformat(),
            "last_at": self.last_at.isoformat(),
            "resolved_at": self.resolved_at.isoformat() if self.resolved_at else None,
            "alerts": self.size,
            "firing": self.firing,
            "merged_into": self.merged_into,
            "arranged_by": self.arranged_by,
        }


def member_json(member: Member) -> dict[str, Any]:
    return {
        "fingerprint": member.fingerprint,
        "name": member.name,
        "severity": member.severity,
        "namespace": member.namespace,
        "workload": member.workload,
        "starts_at": member.starts_at.isoformat(),
        "ends_at": member.ends_at.isoformat() if member.ends_at else None,
        "why": why(member, "en"),
        "why_zh": why(member, "zh"),
    }


def why(member: Member, language: Language) -> str:
    """Why it is in this incident, in a few words."""
    if member.moved_by:
        return _BY_HAND(language, who=member.moved_by)
    kind, _, key = member.why.partition(":")
    left, _, right = key.partition(">")
    near = _last(left, 2)
    if kind == "calls":
        return _CALLS(language, what=right) if near == member.place else _CALLED(language, what=near)
    if kind == "host":
        return _RUNS_ON(language, what=_last(left, 1)) if right == member.place else _HOSTS(language, what=right)
    if kind in _WHY:
        return _WHY[kind](language, what=_last(key, 1 if kind == "node" else 2))
    return _FIRST(language)


def _last(key: str, parts: int) -> str:
    """Without the cluster, whose name may have strokes of its own."""
    return "/".join(part for part in key.split("/")[-parts:] if part)


def summed(
    lead: Sequence[str], first: datetime, last: datetime, ended: datetime | None, size: int, firing: int
) -> dict[str, Any]:
    """What is written in an incident's row; the lead is its first and most severe member, by name, severity, namespace, workload."""
    name, severity, namespace, workload = lead
    return {
        "state": "open" if firing else "resolved",
        "name": name,
        "severity": severity,
        "namespace": namespace,
        "workload": workload,
        "first_at": first,
        "last_at": max(last, ended) if ended else last,
        "resolved_at": None if firing else ended,
        "size": size,
        "firing": firing,
    }


def rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
