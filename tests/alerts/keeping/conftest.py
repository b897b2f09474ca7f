"""A night and its keeper, on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import func, select

from alerts.keeping.keeper import Keeper, Terms
from alerts.keeping.removals import removals
from alerts.tables import AlertRow
from core.database import Base, Database
from tests.alerts.night import Night, rules
from tests.services import Postgres

TERMS = Terms(history=timedelta(days=90), bodies=timedelta(days=14), silences=timedelta(days=5))
ROOM = AlertRow.metadata


@dataclass
class Years:
    """A night that goes on, with somebody who clears up after it."""

    night: Night
    keeper: Keeper

    async def later(self, **span: float) -> dict[str, int]:
        """So much later the keeper makes a round: how much of what was removed."""
        await self.night.clock.advance(timedelta(**span).total_seconds())
        return await self.round()

    async def round(self) -> dict[str, int]:
        task = asyncio.create_task(self.keeper.round())
        while not task.done():
            await self.night.clock.advance(0.1)
            await asyncio.sleep(0.001)
        return task.result()

    async def hours(self, *pods: str) -> None:
        """These are seen, for as long as it takes until that is told."""
        self.night.at(self.night.second).sees(*pods)
        await self.night.until(self.night.second + 75)

    async def counts(self) -> dict[str, int]:
        """Rows by table, where there are any."""
        tables = [table for table in Base.metadata.sorted_tables if table.name.startswith("alert")]
        async with self.night.database.read() as session:
            found = {table.name: await session.scalar(select(func.count()).select_from(table)) for table in tables}
        return {name: int(count) for name, count in found.items() if count}


def years(night: Night, terms: Terms = TERMS, batch: int = 500) -> Years:
    made = removals(night.database, terms)
    return Years(night, Keeper(removals=made, clock=night.clock, metrics=night.metrics, batch=batch))


async def _postgres(server: Postgres) -> Database:
    connection = await asyncpg.connect(server.url)
    await connection.execute("DROP DATABASE IF EXISTS alerts_kept WITH (FORCE)")
    await connection.execute("CREATE DATABASE alerts_kept")
    await connection.close()
    return Database(server.url.rpartition("/")[0] + "/alerts_kept")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real("postgres"))])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Years]:
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'kept.db'}")
    else:
        database = await _postgres(request.getfixturevalue("postgres"))
    await database.create_tables()
    night = Night(database, rules())
    await night.restore()
    yield years(night)
    await database.close()
