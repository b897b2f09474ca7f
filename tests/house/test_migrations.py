"""The revisions bring a database to exactly the tables that the rooms declare, on every engine that is here."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine

import tools.autofix.tables  # noqa: F401 - each declares its tables on Base
from core.database import Base, async_url, migrate
from tests.services import Postgres


def declared() -> MetaData:
    """The rooms' tables, without those that tests declare for themselves."""
    metadata = MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.sorted_tables:
        if not table.name.startswith("test_"):
            table.to_metadata(metadata)
    return metadata


async def differences(url: str) -> list[object]:
    engine = create_async_engine(async_url(url))

    def compare(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, declared()))

    async with engine.connect() as connection:
        found = await connection.run_sync(compare)
    await engine.dispose()
    return found


async def test_sqlite_ends_with_the_declared_tables(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'firstmate.db'}"
    await migrate(url)
    assert await differences(url) == []


async def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'firstmate.db'}"
    await migrate(url)
    await migrate(url)
    assert await differences(url) == []


@pytest.mark.real("postgres")
async def test_postgresql_ends_with_the_declared_tables(postgres: Postgres) -> None:
    await migrate(postgres.url)
    assert await differences(postgres.url) == []
