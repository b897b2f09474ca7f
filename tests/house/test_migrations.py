"""The revisions bring a database to exactly the tables that the rooms declare, on every engine that is here."""

from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine

from core.database import MIGRATIONS, Base, async_url, migrate, newest_revision
from tests.services import Postgres

ROOT = Path(__file__).parents[2]


def declared() -> MetaData:
    """The rooms' tables, without those that tests declare for themselves."""
    for path in sorted(ROOT.glob("*/**/tables.py")):
        place = path.relative_to(ROOT).with_suffix("").parts
        if place[0] not in {"simulator", "tests", ".venv"}:
            import_module(".".join(place))
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


async def test_a_database_whose_revision_is_not_the_newest_is_upgraded(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'firstmate.db'}"
    engine = create_async_engine(async_url(url))
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
    await engine.dispose()
    await migrate(url)
    assert await differences(url) == []


def test_the_newest_revision_is_alembics_head() -> None:
    assert [newest_revision()] == ScriptDirectory(str(MIGRATIONS)).get_heads()


@pytest.mark.real("postgres")
async def test_postgresql_ends_with_the_declared_tables(postgres: Postgres) -> None:
    await migrate(postgres.url)
    assert await differences(postgres.url) == []
