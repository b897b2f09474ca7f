"""Incidents, who is in them, and what people did about that.

A firing has one row among the members, so it cannot be in two incidents. An arrangement by hand is a row of its own that says where
each alert was before, so that it can be taken back; taking it back is written into it, and is no new one.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UtcTime


class IncidentRow(Base):
    __tablename__ = "alert_incidents"
    __table_args__ = (Index(None, "state", "last_at"), Index(None, "resolved_at"))

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    title: Mapped[str | None] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    severity: Mapped[str] = mapped_column(String(64))
    namespace: Mapped[str] = mapped_column(String(255))
    workload: Mapped[str] = mapped_column(String(255))
    first_at: Mapped[datetime] = mapped_column(UtcTime)
    last_at: Mapped[datetime] = mapped_column(UtcTime)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcTime)
    size: Mapped[int] = mapped_column(Integer)
    firing: Mapped[int] = mapped_column(Integer)
    merged_into: Mapped[str | None] = mapped_column(String(16))
    arranged_by: Mapped[str | None] = mapped_column(String(255))
    arranged_at: Mapped[datetime | None] = mapped_column(UtcTime)


class IncidentMemberRow(Base):
    __tablename__ = "alert_incident_members"
    __table_args__ = (Index(None, "incident"), Index(None, "ends_at"))

    fingerprint: Mapped[str] = mapped_column(String(16), primary_key=True)
    episode: Mapped[str] = mapped_column(String(32), primary_key=True)
    rule_id: Mapped[str] = mapped_column(String(64))
    incident: Mapped[str] = mapped_column(String(16))
    origin: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(255))
    severity: Mapped[str] = mapped_column(String(64))
    namespace: Mapped[str] = mapped_column(String(255))
    workload: Mapped[str] = mapped_column(String(255))
    relations: Mapped[list[str]] = mapped_column(JSON)
    starts_at: Mapped[datetime] = mapped_column(UtcTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcTime)
    why: Mapped[str] = mapped_column(Text, default="", server_default="")
    moved_by: Mapped[str] = mapped_column(String(255), default="", server_default="")


class IncidentArrangementRow(Base):
    __tablename__ = "alert_incident_arrangements"
    __table_args__ = (Index(None, "incident"), Index(None, "at"))

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    what: Mapped[str] = mapped_column(String(16))
    incident: Mapped[str] = mapped_column(String(16))
    others: Mapped[list[str]] = mapped_column(JSON)
    by: Mapped[str] = mapped_column("by_whom", String(255))
    at: Mapped[datetime] = mapped_column(UtcTime)
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    moved: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    undone_by: Mapped[str | None] = mapped_column(String(255))
    undone_at: Mapped[datetime | None] = mapped_column(UtcTime)
    undone_note: Mapped[str] = mapped_column(Text, default="", server_default="")
