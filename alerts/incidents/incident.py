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
    }


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
