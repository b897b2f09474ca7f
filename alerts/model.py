"""What the room talks about: an alert, the moves it made, and the words for both.

An alert is one label set of one rule. Its fingerprint is Alertmanager's: FNV-1a over the sorted labels, so that an id seen here is
the id seen there. An episode begins when the series is first seen and ends when it resolves; a series that comes back begins a new
one, so an acknowledgement or a repeat never leaks from one incident into the next. Alerts are values: a change makes a new one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from core.language import Language, Text

State = Literal["inactive", "pending", "firing", "resolved"]
Move = Literal["inactive", "pending", "firing", "resolved", "acknowledged", "lapsed", "assigned", "closed"]
Status = Literal["pending", "open", "confirmed", "closed", "resolved"]
STATUSES: tuple[Status, ...] = ("pending", "open", "confirmed", "closed", "resolved")
STATES: tuple[State, ...] = ("inactive", "pending", "firing", "resolved")

REASONS: dict[str, Text] = {
    "seen": Text("the condition holds", "条件成立"),
    "held": Text("the condition held for the rule's time", "条件已持续满规则要求的时间"),
    "gone": Text("the condition no longer holds", "条件不再成立"),
    "kept": Text("the condition is gone and keep_firing_for has passed", "条件已消失, 且已过 keep_firing_for"),
    "limit": Text(
        "the rule has more alerts than its group allows; its time starts anew", "超过规则组的告警数量上限, 重新计时"
    ),
    "rule_removed": Text(
        "the rule was removed or switched off; whether the trouble is over is not known",
        "规则已被移除或停用, 故障是否恢复未知",
    ),
    "stale": Text("nobody watched for too long; its time starts anew", "中断过久, 重新计时"),
    "sent": Text("another system sent it", "由外部系统发送"),
    "ended": Text("the system that sent it says it is over", "发送方称已恢复"),
    "expired": Text(
        "the system that sent it fell silent; whether the trouble is over is not known",
        "发送方不再上报, 已超时, 故障是否恢复未知",
    ),
    "acknowledged": Text("somebody took it", "已有人认领"),
    "lapsed": Text("the time that it was taken for is over; nobody has it", "认领时限已到, 无人处理"),
    "assigned": Text("it was given to somebody", "已指派处理人"),
    "closed": Text(
        "somebody closed it: nobody is told until it ends and begins again", "已人工关闭, 恢复后再次触发才会通知"
    ),
}

UNSEEN_ENDS = frozenset({"rule_removed", "expired"})
"""Ends that nobody saw: the alert is over because nothing speaks for it any more, and that is not to be called well."""

_FNV_OFFSET, _FNV_PRIME, _MASK = 14695981039346656037, 1099511628211, 0xFFFFFFFFFFFFFFFF


def fnv64(data: bytes) -> int:
    value = _FNV_OFFSET
    for byte in data:
        value = ((value ^ byte) * _FNV_PRIME) & _MASK
    return value


def fingerprint(labels: Mapping[str, str]) -> str:
    pairs = (name.encode() + b"\xff" + labels[name].encode() + b"\xff" for name in sorted(labels))
    return f"{fnv64(b''.join(pairs)):016x}"


@dataclass(frozen=True, slots=True)
class Alert:
    fingerprint: str
    rule_id: str
    name: str
    labels: dict[str, str]
    annotations: dict[str, str]
    state: State
    value: float
    episode: str
    active_at: datetime
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    keep_firing_since: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    acknowledged_note: str = ""
    acknowledged_until: datetime | None = None
    """When it is nobody's again; None: not before it ends."""
    assignee: str | None = None
    closed_by: str | None = None
    closed_at: datetime | None = None
    closed_reason: str = ""
    expires_at: datetime | None = None
    """For an alert that another system sent: when it ends unless that system says so again."""
    ends_by_timeout: bool = False
    """That end was not its sender's word."""
    ended_because: str = ""
    """Why it ended, where nobody saw it end: one of UNSEEN_ENDS."""
    generator_url: str = ""
    incident: str | None = None
    """The trouble that this firing is a part of, once that is known."""

    @property
    def severity(self) -> str:
        return self.labels.get("severity", "none")

    @property
    def namespace(self) -> str:
        return self.labels.get("namespace", "")

    @property
    def status(self) -> Status:
        """How people stand to it, in the words of those who work through a list."""
        if self.state == "firing":
            return "closed" if self.closed_by else "confirmed" if self.acknowledged_by else "open"
        return "pending" if self.state == "pending" else "resolved"

    @property
    def starts_at(self) -> datetime:
        return self.fired_at or self.active_at

    def annotation(self, name: str, language: Language) -> str:
        """The annotation in the reader's language, else as the rule's author wrote it."""
        chinese = self.annotations.get(f"{name}_zh", "") if language == "zh" else ""
        return chinese or self.annotations.get(name, "")

    def as_of(self, now: datetime) -> "Alert":
        """Over, if it was to end by now."""
        if self.state != "firing" or self.expires_at is None or self.expires_at > now:
            return self
        return replace(self, state="resolved", resolved_at=self.expires_at, ended_because="expired")

    def acknowledge(self, by: str, at: datetime, note: str) -> "Alert":
        return replace(self, acknowledged_by=by, acknowledged_at=at, acknowledged_note=note)

    def to_json(self) -> dict[str, Any]:
        return {
            "fingerprint": self.fingerprint,
            "alert_id": self.fingerprint,
            "rule": self.rule_id,
            "rule_id": self.rule_id,
            "status": self.status,
            "message": self.annotation("summary", "en") or self.annotation("message", "en") or self.name,
            "started_at": self.starts_at.isoformat(),
            "name": self.name,
            "state": self.state,
            "severity": self.severity,
            "namespace": self.namespace,
            "labels": self.labels,
            "annotations": self.annotations,
            "value": self.value if math.isfinite(self.value) else None,
            "active_at": self.active_at.isoformat(),
            "starts_at": self.starts_at.isoformat(),
            "ends_at": self.resolved_at.isoformat() if self.resolved_at else None,
            "ended_because": self.ended_because,
            "acknowledged_by": self.acknowledged_by,
            "acknowledged_at": self.acknowledged_at.isoformat() if self.acknowledged_at else None,
            "acknowledged_note": self.acknowledged_note,
            "acknowledged_until": self.acknowledged_until.isoformat() if self.acknowledged_until else None,
            "assignee": self.assignee,
            "incident": self.incident,
            "closed_by": self.closed_by,
            "closed_at": self.closed_at.isoformat() if self.closed_at else None,
            "closed_reason": self.closed_reason,
        }


@dataclass(frozen=True, slots=True)
class Transition:
    """One move of one alert: a row, never edited."""

    before: Move
    after: Move
    reason: str
    at: datetime
    by: str = "evaluator"
    note: str = ""

    def say(self, language: Language) -> str:
        known = REASONS.get(self.reason)
        return known(language) if known else self.reason

    def to_json(self) -> dict[str, Any]:
        return {
            "from": self.before,
            "to": self.after,
            "reason": self.reason,
            "at": self.at.isoformat(),
            "by": self.by,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """What one evaluation did to one alert; without a transition only its value or annotations moved."""

    alert: Alert
    transition: Transition | None = None

    @property
    def begins(self) -> bool:
        """Whether a new episode starts here, so that nothing of the former one may stay."""
        return self.transition is not None and self.transition.before in ("inactive", "resolved")
