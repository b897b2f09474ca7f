import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import String, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Database, UtcTime, async_url
from core.errors import Invalid, Unready
from tests.services import Postgres


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


async def write_much(database: Database) -> None:
    async with database.write() as session:
        session.add_all(Note(text="x" * 200, at=datetime.now(UTC)) for _ in range(400))


async def test_a_full_database_says_so_until_it_takes_a_write_again(tmp_path: Path) -> None:
    told: list[str] = []
    database = Database(f"sqlite:///{tmp_path / 'notes.db'}", failed=lambda: told.append("failed"), pool_size=1)
    await database.create_tables()
    for pages in (1, 1_000_000):
        async with database.read() as session:
            await session.execute(text(f"PRAGMA max_page_count={pages}"))
        if pages == 1:
            with pytest.raises(Unready, match="could not do this: database or disk is full"):
                await write_much(database)
            with pytest.raises(Unready, match="answers, but its last write failed"):
                await database.ping()
    assert told == ["failed"]
    await write_much(database)
    await database.ping()
    await database.close()


async def test_a_database_that_is_locked_by_another_says_come_again(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'notes.db'}", timeout=0.05)
    await database.create_tables()
    with closing(sqlite3.connect(tmp_path / "notes.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unready, match="database is locked"):
            await write_much(database)
        other.execute("ROLLBACK")
    await write_much(database)
    assert database.trouble == ""
    await database.close()


async def test_a_wrong_question_is_a_bug_and_no_trouble_of_the_database(database: Database) -> None:
    with pytest.raises(DBAPIError):
        async with database.write() as session:
            await session.execute(text("SELECT * FROM connection_that_is_locked"))
    assert database.trouble == ""


@pytest.mark.real("postgres")
async def test_a_postgresql_that_ends_our_connections_or_takes_none_says_come_again(postgres: Postgres) -> None:
    database = Database(postgres.url)
    with pytest.raises(Unready, match="could not do this"):
        async with database.write() as session:
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    for state in ("53100", "57P03", "25006", "40001"):
        with pytest.raises(Unready, match="could not do this: ahoy"):
            async with database.write() as session:
                await session.execute(text(f"DO $$BEGIN RAISE 'ahoy' USING ERRCODE = '{state}'; END$$"))
    with pytest.raises(DBAPIError):
        async with database.write() as session:
            await session.execute(text("SELECT 1 / 0"))
    await database.close()
