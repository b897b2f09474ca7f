"""What was escalated, and whether its end was told. The key is the promise: one step of one firing is told once in one way."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UtcTime


class EscalationRow(Base):
    __tablename__ = "alert_escalations"
    __table_args__ = (Index(None, "at"), Index(None, "ended_at"))

    fingerprint: Mapped[str] = mapped_column(String(16), primary_key=True)
    episode: Mapped[str] = mapped_column(String(32), primary_key=True)
    step: Mapped[str] = mapped_column(String(300), primary_key=True)
    way: Mapped[str] = mapped_column(String(255), primary_key=True)
    receiver: Mapped[str] = mapped_column(String(255))
    at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    ended_why: Mapped[str] = mapped_column(String(16), default="", server_default="")
