"""Cases on PostgreSQL: every statement of the book, on the engine that a larger house uses."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from core.clock import ManualClock
from core.database import Database
from knowledge_base.cases.book import KEPT, CaseBook, Edit
from knowledge_base.cases.likening import Asked
from knowledge_base.cases.records import Filter
from tests.knowledge_base.cases.fakes import NOON, book_on, lesson
from tests.services import Postgres


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    connection = await asyncpg.connect(postgres.url)
    await connection.execute("DROP DATABASE IF EXISTS cases WITH (FORCE)")
    await connection.execute("CREATE DATABASE cases")
    await connection.close()
    database = Database(postgres.url.rpartition("/")[0] + "/cases")
    await database.create_tables()
    yield database
    await database.close()


@pytest.mark.real("postgres")
async def test_a_case_lives_on_postgresql(database: Database) -> None:
    clock = ManualClock(NOON)
    book: CaseBook = book_on(database, clock)
    await book.write(lesson("a1"), ended=False)
    for name in ("a1", "a2", "a3"):
        await book.write(lesson(name), ended=True)
    assert (await book.standing(["a1", "none"]))["a1"].closed == NOON + timedelta(minutes=14)
    await book.edit("a2", Edit(title="100%_sure", tags=["night"]), "ann", version=1)
    await book.rate("a2", 4, "ann")
    await book.rate("a2", 5, "ann")
    await book.confirm("a2", "bob")
    assert [one.id for one in (await book.page(Filter("confirmed", "night", "ContainerOOM", "shop", "100%_")))[0]] == [
        "a2"
    ]
    assert [one.version for one in (await book.versions("a2"))[0]] == [3, 2, 1]
    assert [one.case.id for one in await book.similar(Asked(alerts=["ContainerOOM"]))] == ["a2", "a1", "a3"]
    await book.reject("a3", "bob")
    assert len(await book.similar(Asked(alerts=["ContainerOOM"]))) == 2
    await clock.advance((KEPT + timedelta(days=1)).total_seconds())
    assert await book.sweep() == 2
    assert (await book.page(Filter()))[1] == 1


@pytest.mark.real("postgres")
async def test_two_replicas_count_every_rating_and_make_one_case_of_an_incident(database: Database) -> None:
    books = [book_on(database), book_on(database)]
    made = await asyncio.gather(*(books[each % 2].write(lesson("a1"), ended=True) for each in range(6)))
    assert sum(one is not None for one in made) == 1
    await asyncio.gather(*(books[each % 2].rate("a1", 1 + each % 5, f"p{each}") for each in range(10)))
    assert (await books[0].get("a1")).ratings == 10
    edits = [books[each % 2].edit("a1", Edit(title=f"by {each}"), "ann", version=1) for each in range(4)]
    ended = await asyncio.gather(*edits, return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["Case", "Conflict", "Conflict", "Conflict"]
