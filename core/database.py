"""Records: async SQLAlchemy over SQLite (WAL) or PostgreSQL, the same tables and migrations on both.

SQLite takes one writer at a time, so a write transaction begins as a writer (BEGIN IMMEDIATE) and waits for its turn instead of
failing half way when it discovers a rival. Times go in and come out as aware UTC on both engines. Every constraint is named by
one convention, so that migrations can be written once for both.

A database that is locked, full, read-only, restarting or away is no bug and no answer: whoever asks is told to come again, with what the
database said. What it says is known by its codes and not by its words. Whether the last write was taken is kept, because a full disk
answers every question and takes nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Dialect, MetaData, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from core.errors import FirstmateError, Invalid, Unready, Upstream

MIGRATIONS = Path(__file__).parent / "migrations"
SYSTEM = "The database"
_SQLITE_PASSES = frozenset({5, 6, 8, 10, 13, 14, 15})
"""BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN, PROTOCOL: the low byte of its error codes."""
_POSTGRES_PASSES = ("08", "25006", "40", "53", "55P03", "57", "58")
"""Connection, read-only, rolled back, resources, lock not to be had, operator's intervention, system: beginnings of SQLSTATE."""
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=_NAMES)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime: SQLite drops the zone, so it is taken off before and put back after."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise Invalid("A time without a zone cannot be stored.")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    def __init__(
        self, url: str, *, pool_size: int = 8, timeout: float = 10.0, failed: Callable[[], None] = lambda: None
    ) -> None:
        """`failed` is called for each read or write that the database did not take."""
        self._failed = failed
        self.trouble = ""
        """Why the last write was not taken; empty when it was."""
        self.url = async_url(url)
        self.engine = _engine(self.url, pool_size, timeout)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        async with self._reported(), self._sessions() as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        try:
            async with self._reported(), self._sessions() as session, session.begin():
                if self.engine.dialect.name == "sqlite":
                    await session.execute(text("BEGIN IMMEDIATE"))
                yield session
        except Unready as error:
            self.trouble = error.said
            raise
        self.trouble = ""

    async def ping(self) -> None:
        """Fails where it does not answer, and where it answers but does not take what is written."""
        async with self.read() as session:
            await session.execute(text("SELECT 1"))
        if self.trouble:
            raise Unready(SYSTEM, f"answers, but its last write failed: it {self.trouble}")

    @asynccontextmanager
    async def _reported(self) -> AsyncIterator[None]:
        try:
            yield
        except FirstmateError:
            raise
        except Exception as error:
            said = _passing(error)
            if not said:
                raise
            self._failed()
            raise Unready(SYSTEM, said) from error

    async def create_tables(self) -> None:
        """Every known table, without migrations: for tests of one room."""
        async with self.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)

    async def close(self) -> None:
        await self.engine.dispose()


def async_url(url: str) -> str:
    parsed = make_url(url)
    scheme = parsed.get_backend_name()
    if scheme not in {"sqlite", "postgresql"}:
        raise Invalid(f"The database {scheme} is not supported; use sqlite or postgresql.", field="DATABASE_URL")
    return parsed.set(drivername=_DRIVERS[scheme]).render_as_string(hide_password=False)


async def migrate(url: str) -> None:
    """Bring the database to the newest revision; safe to run at every start, and quick where there is nothing to do."""
    url = async_url(url)
    parsed = make_url(url)
    place = parsed.database if parsed.get_backend_name() == "sqlite" else parsed.host
    try:
        if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
            await asyncio.to_thread(Path(str(parsed.database)).parent.mkdir, parents=True, exist_ok=True)
        if not await _is_newest(url):
            await asyncio.to_thread(_upgrade, url)
    except DBAPIError as error:
        raise Upstream("The database", f"at {place} cannot be set up: {error.orig}", retryable=False) from error
    except OSError as error:
        raise Upstream(
            "The database", f"at {place} cannot be reached: {error.strerror or error}", retryable=True
        ) from error


def newest_revision() -> str:
    """Revisions are files numbered in their order, so the last name tells it without Alembic."""
    return max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]


async def _is_newest(url: str) -> bool:
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            found = await connection.scalars(text("SELECT version_num FROM alembic_version"))
            return found.all() == [newest_revision()]
    except (DBAPIError, OSError):
        # No tables yet, or no database to be reached: the upgrade makes the first and reports the second.
        return False
    finally:
        await engine.dispose()


def _upgrade(url: str) -> None:
    # Imported here: Alembic costs 10 MB and a tenth of a second, which only a start with something to do should pay.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    command.upgrade(config, "head")


def _engine(url: str, pool_size: int, timeout: float) -> AsyncEngine:
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_async_engine(url, connect_args={"timeout": timeout}, pool_size=pool_size, hide_parameters=True)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _leave_begin_to_us)
        return engine
    limits = {"timeout": timeout, "command_timeout": timeout}
    return create_async_engine(url, pool_size=pool_size, pool_pre_ping=True, hide_parameters=True, connect_args=limits)


def _prepare_sqlite(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver's own implicit BEGIN would come before ours
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _leave_begin_to_us(_connection: Any) -> None:
    """Reads need no explicit transaction on SQLite; writes begin their own (see `Database.write`)."""


def _passing(error: Exception) -> str:
    """What is the matter with the database, where coming again can help; empty where the fault is the question's."""
    if isinstance(error, PoolTimeout | TimeoutError):
        return "did not answer in time"
    if isinstance(error, OSError):
        return f"could not be reached: {error.strerror or error}"
    found = getattr(error, "orig", None) or error  # a driver's error while connecting comes unwrapped
    code = getattr(found, "sqlite_errorcode", None)
    state = getattr(found, "sqlstate", None) or ""
    is_gone = isinstance(error, DBAPIError) and error.connection_invalidated
    if is_gone or (code is not None and code & 0xFF in _SQLITE_PASSES) or state.startswith(_POSTGRES_PASSES):
        return f"could not do this: {found.__cause__ or found}"
    return ""
