"""The room's records. An alert's row is its present; transitions, notifications and deliveries are its past and are only added.

`alert_notify_log` holds what each receiver was last told of each group (the memory that makes a duplicate recognisable), and
`alert_deliveries` is the outbox: a row is written in the same transaction as the decision to tell, and marked once it was told.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Float, Index, Integer, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UtcTime

_ID = BigInteger().with_variant(Integer(), "sqlite")


class AlertRow(Base):
    __tablename__ = "alerts"
    __table_args__ = (
        Index(None, "state", "starts_at"),
        Index(None, "state", "severity", "starts_at", "fingerprint", "rule_id", "namespace"),
        Index(None, "name"),
        Index(None, "incident"),
        Index(None, "resolved_at"),
        Index(None, "acknowledged_until"),
    )

    fingerprint: Mapped[str] = mapped_column(String(16), primary_key=True)
    rule_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    severity: Mapped[str] = mapped_column(String(64))
    namespace: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16))
    labels: Mapped[dict[str, str]] = mapped_column(JSON)
    annotations: Mapped[dict[str, str]] = mapped_column(JSON)
    value: Mapped[float | None] = mapped_column(Float)
    episode: Mapped[str] = mapped_column(String(32))
    active_at: Mapped[datetime] = mapped_column(UtcTime)
    fired_at: Mapped[datetime | None] = mapped_column(UtcTime)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcTime)
    keep_firing_since: Mapped[datetime | None] = mapped_column(UtcTime)
    starts_at: Mapped[datetime] = mapped_column(UtcTime)
    acknowledged_by: Mapped[str | None] = mapped_column(String(255))
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcTime)
    acknowledged_note: Mapped[str] = mapped_column(Text, default="")
    acknowledged_until: Mapped[datetime | None] = mapped_column(UtcTime)
    assignee: Mapped[str | None] = mapped_column(String(255))
    closed_by: Mapped[str | None] = mapped_column(String(255))
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    closed_reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    expires_at: Mapped[datetime | None] = mapped_column(UtcTime)
    ends_by_timeout: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    ended_because: Mapped[str] = mapped_column(String(64), default="", server_default="")
    generator_url: Mapped[str] = mapped_column(Text, default="", server_default="")
    incident: Mapped[str | None] = mapped_column(String(16))


class AlertTransitionRow(Base):
    __tablename__ = "alert_transitions"
    __table_args__ = (Index(None, "fingerprint", "id"), Index(None, "at"))

    id: Mapped[int] = mapped_column(_ID, primary_key=True, autoincrement=True)
    fingerprint: Mapped[str] = mapped_column(String(16))
    rule_id: Mapped[str] = mapped_column(String(64))
    episode: Mapped[str] = mapped_column(String(32))
    before: Mapped[str] = mapped_column("from_state", String(16))
    after: Mapped[str] = mapped_column("to_state", String(16))
    reason: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcTime)
    by: Mapped[str] = mapped_column("by_whom", String(255))
    note: Mapped[str] = mapped_column(Text, default="")


class AlertGroupRow(Base):
    """When a group of rules was last evaluated: what a restart measures its absence by."""

    __tablename__ = "alert_rule_groups"

    id: Mapped[str] = mapped_column(String(512), primary_key=True)
    evaluated_at: Mapped[datetime] = mapped_column(UtcTime)


class AlertNotifyLogRow(Base):
    __tablename__ = "alert_notify_log"
    __table_args__ = (Index(None, "at"),)

    group_key: Mapped[str] = mapped_column(String(1024), primary_key=True)
    receiver: Mapped[str] = mapped_column(String(255), primary_key=True)
    firing: Mapped[list[str]] = mapped_column(JSON)
    resolved: Mapped[list[str]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcTime)


class AlertPostedRow(Base):
    """The message that shows a group at a vendor that can update it in place: what the vendor calls it, what it shows as firing."""

    __tablename__ = "alert_posted"

    group_key: Mapped[str] = mapped_column(String(1024), primary_key=True)
    receiver: Mapped[str] = mapped_column(String(255), primary_key=True)
    mark: Mapped[dict[str, str]] = mapped_column(JSON)
    firing: Mapped[list[str]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcTime)


class AlertNotificationRow(Base):
    """One decision about one group and receiver: told and why, or not told and why not."""

    __tablename__ = "alert_notifications"
    __table_args__ = (Index(None, "group_key", "receiver", "id"), Index(None, "at"))

    id: Mapped[int] = mapped_column(_ID, primary_key=True, autoincrement=True)
    group_key: Mapped[str] = mapped_column(String(1024))
    receiver: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(String(32))
    told: Mapped[bool] = mapped_column(Boolean)
    firing: Mapped[list[str]] = mapped_column(JSON)
    resolved: Mapped[list[str]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcTime)
    last_at: Mapped[datetime] = mapped_column(UtcTime)
    times: Mapped[int] = mapped_column(Integer, default=1)
    kept_back: Mapped[dict[str, str]] = mapped_column(JSON, default=dict, server_default="{}")


class AlertNotificationMemberRow(Base):
    __tablename__ = "alert_notification_members"
    __table_args__ = (Index(None, "fingerprint"),)

    notification_id: Mapped[int] = mapped_column(_ID, primary_key=True, autoincrement=False)
    fingerprint: Mapped[str] = mapped_column(String(16), primary_key=True)


class AlertDeliveryRow(Base):
    __tablename__ = "alert_deliveries"
    __table_args__ = (
        Index(None, "status", "receiver", "id"),
        Index(None, "notification_id"),
        Index(None, "bare_since", "finished_at"),
    )

    id: Mapped[int] = mapped_column(_ID, primary_key=True, autoincrement=True)
    notification_id: Mapped[int] = mapped_column(_ID)
    key: Mapped[str] = mapped_column("idempotency_key", String(64), unique=True)
    group_key: Mapped[str] = mapped_column(String(1024))
    receiver: Mapped[str] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(16))
    message: Mapped[dict[str, Any]] = mapped_column(JSON)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    next_attempt_at: Mapped[datetime] = mapped_column(UtcTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcTime)
    said: Mapped[str] = mapped_column(Text, default="")
    bare_since: Mapped[datetime | None] = mapped_column(UtcTime)
    """When the words of the message were removed."""


class SilenceRow(Base):
    __tablename__ = "alert_silences"
    __table_args__ = (Index(None, "ends_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    matchers: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    recurs: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    starts_at: Mapped[datetime] = mapped_column(UtcTime)
    ends_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)
    created_by: Mapped[str] = mapped_column(String(255))
    comment: Mapped[str] = mapped_column(Text)


class ManagedRuleRow(Base):
    """A rule that is kept here, as it is now."""

    __tablename__ = "alert_rules"
    __table_args__ = (Index(None, "name"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    definition: Mapped[dict[str, Any]] = mapped_column(JSON)
    enabled: Mapped[bool] = mapped_column(Boolean)
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_by: Mapped[str] = mapped_column(String(255))


class ManagedRuleVersionRow(Base):
    __tablename__ = "alert_rule_versions"

    rule_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int] = mapped_column("version", Integer, primary_key=True, autoincrement=False)
    definition: Mapped[dict[str, Any]] = mapped_column(JSON)
    enabled: Mapped[bool] = mapped_column(Boolean)
    at: Mapped[datetime] = mapped_column(UtcTime)
    by: Mapped[str] = mapped_column("by_whom", String(255))
    what: Mapped[str] = mapped_column(String(64))
