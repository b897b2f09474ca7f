"""Several at once: people who edit and rate the same case, questions while cases come and go."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.errors import Conflict
from knowledge_base.cases.book import CaseBook, Edit
from knowledge_base.cases.likening import Asked
from knowledge_base.cases.records import Filter
from tests.knowledge_base.cases.fakes import book_on, database_in, lesson

ASKED = Asked(alerts=["ContainerOOM"])


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[CaseBook]:
    database = await database_in(tmp_path)
    yield book_on(database)
    await database.close()


async def test_of_two_editors_of_one_version_one_is_told_that_the_other_was_first(book: CaseBook) -> None:
    await book.write(lesson(), ended=True)
    edits = [book.edit("a1", Edit(title=f"by {name}"), name, version=1) for name in ("ann", "bob", "eve")]
    ended = await asyncio.gather(*edits, return_exceptions=True)
    assert sorted(type(each).__name__ for each in ended) == ["Case", "Conflict", "Conflict"]
    assert all(isinstance(each, Conflict) for each in ended if isinstance(each, Exception))
    assert (await book.versions("a1"))[1] == 2


async def test_ratings_given_together_are_all_counted_and_one_a_person(book: CaseBook) -> None:
    await book.write(lesson(), ended=True)
    await asyncio.gather(*(book.rate("a1", 1 + number % 5, f"p{number % 10}") for number in range(30)))
    rated = await book.get("a1")
    assert rated.ratings == 10
    assert rated.stars is not None
    assert 1 <= rated.stars <= 5


async def test_the_same_lesson_told_by_several_at_once_is_one_case(book: CaseBook) -> None:
    told = await asyncio.gather(*(book.write(lesson(), ended=True) for _ in range(8)))
    assert sum(each is not None for each in told) == 1
    assert (await book.versions("a1"))[1] == 1


async def test_a_question_never_fails_while_cases_are_written_and_rejected(book: CaseBook) -> None:
    async def churn() -> None:
        for number in range(12):
            await book.write(lesson(f"b{number}"), ended=True)
            if number % 3 == 2:
                await book.reject(f"b{number - 1}", "ann")

    async def ask() -> list[int]:
        return [len(await book.similar(ASKED, 20)) for _ in range(12)]

    await book.write(lesson("a1"), ended=True)
    _, *counts = await asyncio.gather(churn(), ask(), ask())
    assert all(found >= 1 for each in counts for found in each or [])
    assert len(await book.similar(ASKED, 20)) == (await book.page(Filter()))[1] == 9


async def test_what_is_confirmed_while_it_is_edited_is_both_or_told(book: CaseBook) -> None:
    await book.write(lesson(), ended=True)
    await asyncio.gather(book.confirm("a1", "ann"), book.edit("a1", Edit(title="new"), "bob"))
    case = await book.get("a1")
    assert (case.state, case.body.title("en"), case.version) == ("confirmed", "new", 3)
