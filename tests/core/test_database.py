import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Database, UtcTime, async_url
from core.errors import Invalid


class Note(Base):
    __tablename__ = "test_note"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(UtcTime)


@pytest.fixture
async def database(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'notes.db'}")
    await database.create_tables()
    return database


async def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    written = datetime(2026, 3, 2, 17, 0, tzinfo=timezone(timedelta(hours=8)))
    async with database.write() as session:
        session.add(Note(text="watch", at=written))
    async with database.read() as session:
        note = (await session.scalars(select(Note))).one()
    assert note.at == written
    assert note.at.tzinfo is UTC


async def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="without a zone"):
        async with database.write() as session:
            session.add(Note(text="when?", at=datetime(2026, 3, 2, 17, 0)))  # noqa: DTZ001 - the mistake under test


async def test_a_block_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError):
        await _write_then_fail(database)
    async with database.read() as session:
        assert (await session.scalars(select(Note))).all() == []


async def _write_then_fail(database: Database) -> None:
    async with database.write() as session:
        session.add(Note(text="lost", at=datetime.now(UTC)))
        await session.flush()
        raise RuntimeError


async def test_many_writers_at_once_all_get_their_turn(database: Database) -> None:
    async def write(number: int) -> None:
        async with database.write() as session:
            known = len((await session.scalars(select(Note))).all())
            session.add(Note(text=f"{number} after {known}", at=datetime.now(UTC)))

    await asyncio.gather(*(write(number) for number in range(40)))
    async with database.read() as session:
        notes = (await session.scalars(select(Note).order_by(Note.id))).all()
    assert [note.text.split(" after ")[1] for note in notes] == [str(number) for number in range(40)]


def test_other_databases_are_refused_by_name() -> None:
    with pytest.raises(Invalid, match="mysql"):
        async_url("mysql://root@localhost/shop")


def test_urls_get_the_async_driver() -> None:
    assert async_url("postgresql://u:p@h/d") == "postgresql+asyncpg://u:p@h/d"
    assert async_url("sqlite:///x.db") == "sqlite+aiosqlite:///x.db"
