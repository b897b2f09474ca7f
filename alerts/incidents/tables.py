"""Incidents and who is in them. A firing has one row among the members, so it cannot be in two incidents."""

from datetime import datetime

from sqlalchemy import JSON, Index, Integer, String
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
