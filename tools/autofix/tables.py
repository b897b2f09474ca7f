"""The rows of a repair: the plan as it was proposed, the approval that was given for it, and the ledger of everything that happened."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UtcTime


class PlanRow(Base):
    __tablename__ = "autofix_plans"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    state_reason: Mapped[str] = mapped_column(Text, default="")
    target: Mapped[str] = mapped_column(String(600), index=True)
    deed: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


class ApprovalRow(Base):
    __tablename__ = "autofix_approvals"

    plan_id: Mapped[str] = mapped_column(ForeignKey("autofix_plans.id", ondelete="CASCADE"), primary_key=True)
    plan_hash: Mapped[str] = mapped_column(String(64))
    approver: Mapped[str] = mapped_column(String(200))
    via: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcTime, nullable=True)
    proof: Mapped[str] = mapped_column(String(64))


class LedgerRow(Base):
    __tablename__ = "autofix_ledger"
    __table_args__ = (Index("ix_autofix_ledger_kind_phase_at", "kind", "phase", "at"),)

    plan_id: Mapped[str] = mapped_column(ForeignKey("autofix_plans.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime)
    kind: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(200))
    phase: Mapped[str] = mapped_column(String(24))
    sentence: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(200))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
