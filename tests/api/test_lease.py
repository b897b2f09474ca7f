"""One of several replicas keeps the watch: on both databases, with clocks that were never set to the same time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from api.lease import GIVE_UP, LENGTH, RENEW, Lease
from core.clock import ManualClock
from core.database import Database
from core.errors import Upstream
from tests.services import Postgres


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'leases.db'}")
    await database.create_tables()
    yield database
    await database.close()


class Replica:
    def __init__(self, database: Database, name: str, year: int = 2026) -> None:
        self.clock = ManualClock(datetime(year, 1, 1, tzinfo=UTC))
        self.lease = Lease(database, "watch", name, self.clock)

    async def lives(self, seconds: float) -> list[bool]:
        """Looks every few seconds for so long."""
        held = []
        for _ in range(int(seconds / RENEW)):
            await self.clock.advance(RENEW)
            held.append(await self.lease.look())
        return held


async def test_the_first_has_it_and_the_second_waits(database: Database) -> None:
    one, two = Replica(database, "one"), Replica(database, "two", year=1999)
    assert await one.lease.look()
    assert not await two.lease.look()
    for _ in range(10):
        assert await one.lives(RENEW) == [True]
        assert await two.lives(RENEW) == [False]


async def test_a_holder_that_dies_is_followed_after_the_leases_length(database: Database) -> None:
    one, two = Replica(database, "one"), Replica(database, "two")
    await one.lease.look()
    await two.lease.look()
    held = await two.lives(LENGTH + RENEW)
    assert held[-1]
    assert held.index(True) * RENEW >= LENGTH - RENEW
    # The dead one comes back and finds that it is not the holder any more.
    assert not await one.lease.look()


async def test_a_holder_that_lets_go_is_followed_at_once(database: Database) -> None:
    one, two = Replica(database, "one"), Replica(database, "two")
    await one.lease.look()
    await one.lease.release()
    assert await two.lease.look()
    assert not await one.lease.look()


async def test_of_many_who_try_at_once_one_has_it(database: Database) -> None:
    many = [Replica(database, f"replica-{number}") for number in range(8)]
    assert sum(await asyncio.gather(*(one.lease.look() for one in many))) == 1


class Silent(Database):
    """A database that has gone away."""

    def write(self) -> Any:
        raise Upstream("The database", "does not answer", retryable=True)


async def test_a_holder_without_its_database_stops_before_another_can_follow(database: Database) -> None:
    one = Replica(database, "one")
    await one.lease.look()
    one.lease._database = Silent(database.url)
    held = await one.lives(LENGTH)
    assert held[0]
    assert not held[-1]
    assert held.index(False) * RENEW + RENEW <= GIVE_UP + RENEW < LENGTH


@pytest.mark.real("postgres")
async def test_on_postgresql_one_of_many_has_it_and_another_follows(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.url)
    await connection.execute("DROP DATABASE IF EXISTS leases WITH (FORCE)")
    await connection.execute("CREATE DATABASE leases")
    await connection.close()
    database = Database(postgres.url.rpartition("/")[0] + "/leases")
    await database.create_tables()
    many = [Replica(database, f"replica-{number}") for number in range(6)]
    held = await asyncio.gather(*(one.lease.look() for one in many))
    assert sum(held) == 1
    rest = [one for one, has in zip(many, held, strict=True) if not has]
    follow = await asyncio.gather(*(one.lives(LENGTH + 2 * RENEW) for one in rest))
    assert sum(each[-1] for each in follow) == 1
    await database.close()
