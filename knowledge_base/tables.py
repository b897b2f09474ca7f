"""Pages and their passages as rows: what the index is built from at a start, without reading or cutting any file again.

A row of a document is one version of it and never changes its text: a new version is written beside it (`staged`), then one small
transaction makes it `live` and the one before `gone`. The state row counts these moments, so that another replica sees that one was.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Date, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UtcTime


class KnowledgeDocument(Base):
    __tablename__ = "knowledge_documents"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    """Of this version; `document` is the same through all versions."""
    folder: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    page: Mapped[str] = mapped_column(String(80))
    language: Mapped[str] = mapped_column(String(2))
    title: Mapped[str] = mapped_column(String(200))
    tags: Mapped[list[str]] = mapped_column(JSON)
    faults: Mapped[list[str]] = mapped_column(JSON)
    alerts: Mapped[list[str]] = mapped_column(JSON)
    text: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(16), default="markdown", server_default="markdown")
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_until: Mapped[date | None] = mapped_column(Date)
    stamp: Mapped[str] = mapped_column(String(80))
    digest: Mapped[str] = mapped_column(String(64))
    recipe: Mapped[str] = mapped_column(String(80))
    updated_at: Mapped[datetime] = mapped_column(UtcTime)
    document: Mapped[str] = mapped_column(String(32), index=True)
    state: Mapped[str] = mapped_column(String(8), index=True)
    batch: Mapped[str] = mapped_column(String(32))
    """Whoever staged it makes live what it staged, and nothing else."""
    source: Mapped[str] = mapped_column(String(8))
    added_by: Mapped[str] = mapped_column(String(80))
    added_at: Mapped[datetime | None] = mapped_column(UtcTime)
    etag: Mapped[str] = mapped_column(Text)
    modified: Mapped[str] = mapped_column(Text)
    said: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What whoever brought it said beside it, to be said again of a newer version."""


class KnowledgePassage(Base):
    __tablename__ = "knowledge_passages"

    document: Mapped[str] = mapped_column(ForeignKey("knowledge_documents.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    heading: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    terms: Mapped[str] = mapped_column(Text)
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    section: Mapped[int] = mapped_column(default=0, server_default="0")


class KnowledgeState(Base):
    """One row."""

    __tablename__ = "knowledge_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(BigInteger)
    refreshed_at: Mapped[datetime | None] = mapped_column(UtcTime)
