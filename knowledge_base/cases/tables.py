"""Cases, what they said before each change, and what people think of them.

An incident has one case at most; the row stays when its case is rejected, emptied, so that the case is not made again.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UtcTime


class CaseRow(Base):
    __tablename__ = "knowledge_cases"
    __table_args__ = (Index(None, "state", "changed_at"), Index(None, "incident", unique=True))

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    incident: Mapped[str | None] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    version: Mapped[int] = mapped_column(Integer)
    touched: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """By a person's hand: from then on nothing overwrites what it says."""
    alerts: Mapped[str] = mapped_column(Text)
    namespace: Mapped[str] = mapped_column(String(255))
    tags: Mapped[str] = mapped_column(Text)
    wording: Mapped[str] = mapped_column(Text)
    """All that it says, in small letters, for a plain search of the list."""
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    made_by: Mapped[str] = mapped_column(String(255))
    made_at: Mapped[datetime] = mapped_column(UtcTime)
    changed_at: Mapped[datetime] = mapped_column(UtcTime)
    confirmed_by: Mapped[str] = mapped_column(String(255), default="", server_default="")
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    ratings: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    stars: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """The sum of all ratings."""


class CaseVersionRow(Base):
    __tablename__ = "knowledge_case_versions"

    case_id: Mapped[str] = mapped_column(ForeignKey("knowledge_cases.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    what: Mapped[str] = mapped_column(String(16))
    by: Mapped[str] = mapped_column("by_whom", String(255))
    at: Mapped[datetime] = mapped_column(UtcTime)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


class CaseRatingRow(Base):
    __tablename__ = "knowledge_case_ratings"

    case_id: Mapped[str] = mapped_column(ForeignKey("knowledge_cases.id", ondelete="CASCADE"), primary_key=True)
    by: Mapped[str] = mapped_column("by_whom", String(255), primary_key=True)
    stars: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(UtcTime)
