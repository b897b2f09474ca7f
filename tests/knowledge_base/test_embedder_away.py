"""An embedder that is changed, or does not answer, costs vectors and never pages; every search says what it did without."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray
from sqlalchemy import select

from core.clock import ManualClock
from core.database import Database
from core.errors import Upstream
from core.metrics import Metrics
from knowledge_base.embed import Vectors
from knowledge_base.knowledge import RETRY, Knowledge
from knowledge_base.tables import KnowledgeDocument
from tests.knowledge_base.fakes import empty_database, knowledge, pages_of, write_page

REFUND = "# Refund batch fails\n\nReplay the refund batch from the ledger export.\n"
QUEUE = "# Parcel queue grows\n\nAdd parcel sorters until the queue shrinks.\n"


@dataclass
class Meaning:
    """Knows one thing that no word tells: money and a refund are alike."""

    name: str = "meaning"
    down: bool = False
    asked: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    halted: bool = False

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.asked += 1
        if self.halted:
            self.gate.wait(30)
        if self.down:
            raise Upstream("The embeddings endpoint", "is away", retryable=True)
        return np.array([self._row(text) for text in texts], dtype=np.float32)

    def question(self, text: str) -> NDArray[np.float32]:
        if self.down:
            raise Upstream("The embeddings endpoint", "is away", retryable=True)
        return np.array(self._row(text), dtype=np.float32)

    def _row(self, text: str) -> list[float]:
        return [1.0, 0.0] if "efund" in text or "money" in text else [0.0, 1.0]


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = await empty_database(tmp_path)
    yield made
    await made.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    write_page(folder, "refund.md", REFUND)
    write_page(folder, "queue.md", QUEUE)
    return folder


async def whole(base: Knowledge, clock: ManualClock) -> None:
    """Until a search does without nothing any more."""
    while (await base.search("refund batch")).notices:
        await asyncio.sleep(0.001)
        await clock.advance(RETRY)


def base_with(embedder: Meaning, database: Database, clock: ManualClock, shelf: Path) -> Knowledge:
    return Knowledge(database=database, clock=clock, folders=[shelf], metrics=Metrics(), embedder=embedder)


async def test_a_start_waits_for_no_embedder_and_vectors_follow(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    embedder = Meaning()
    base = base_with(embedder, database, clock, shelf)
    report = await base.load()
    assert (report.pages, report.problems, embedder.asked) == (2, [], 0)
    assert (await base.search("refund batch")).notices == [
        "Being indexed anew: 2 of 2 pages are found by their words alone until that is done."
    ]
    completing = asyncio.create_task(base.complete())
    await whole(base, clock)
    completing.cancel()
    assert embedder.asked == 2


async def test_an_embedder_that_is_away_is_asked_again_until_it_answers(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    embedder = Meaning(down=True)
    base = base_with(embedder, database, clock, shelf)
    await base.load()
    completing = asyncio.create_task(base.complete())
    for tries in (1, 2):
        while embedder.asked < tries:
            await asyncio.sleep(0.001)
            await clock.advance(RETRY)
    embedder.down = False
    await whole(base, clock)
    completing.cancel()
    assert base.problems == ()


async def test_pages_go_in_without_vectors_while_the_embedder_is_away_and_get_them_afterwards(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    embedder = Meaning(down=True)
    base = base_with(embedder, database, clock, shelf)
    await base.load()
    report = await base.refresh()
    assert report.pages == 2
    assert [problem.path for problem in report.problems] == ["meaning"]
    assert "is away" in report.problems[0].why
    answer = await base.search("refund batch")
    assert pages_of(answer.hits) == ["refund"]
    assert "words alone" in answer.notices[0]

    embedder.down = False
    assert (await base.refresh()).changed == 2
    answer = await base.search("refund batch")
    assert answer.notices == []
    assert pages_of(answer.hits) == ["refund"]


async def test_an_embedder_that_is_away_is_asked_once_in_a_refresh(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    embedder = Meaning(down=True)
    await base_with(embedder, database, clock, shelf).refresh()
    assert embedder.asked == 1


async def test_an_unchanged_page_keeps_its_vectors_while_the_embedder_is_away(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    await base_with(Meaning(), database, clock, shelf).refresh()
    write_page(shelf, "queue.md", QUEUE + "\nMore of it.\n")
    embedder = Meaning(down=True)
    base = base_with(embedder, database, clock, shelf)
    assert (await base.load()).changed == 1
    embedder.down = False
    answer = await base.search("refund batch")
    assert answer.notices == ["Being indexed anew: 1 of 2 pages are found by their words alone until that is done."]
    assert pages_of(answer.hits) == ["refund"]


async def test_while_another_embedder_indexes_anew_every_page_is_still_found(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    await knowledge(database, clock, shelf).load()
    embedder = Meaning(halted=True)
    base = base_with(embedder, database, clock, shelf)
    await base.load()
    loading = asyncio.create_task(base.refresh())
    while not embedder.asked:  # noqa: ASYNC110 - it is asked in a thread
        await asyncio.sleep(0.001)
    answer = await base.search("refund batch", language="zh")
    embedder.gate.set()
    await loading
    assert pages_of(answer.hits) == ["refund"]
    assert "仅按词语检索" in answer.notices[0]
    assert (await base.search("refund batch")).notices == []


async def test_a_question_that_cannot_be_embedded_is_answered_by_words(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    embedder = Meaning()
    base = base_with(embedder, database, clock, shelf)
    await base.refresh()
    embedder.down = True
    answer = await base.search("parcel sorters")
    assert pages_of(answer.hits) == ["queue"]
    assert answer.notices == ["The embedder does not answer: pages were found by their words alone."]


async def test_an_embedder_of_a_long_name_fits_into_its_column(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    write_page(tmp_path / "pages", "refund.md", REFUND)
    for last in ("a", "b"):
        embedder = Meaning(name=f"endpoint/{'m' * 90}{last}")
        base = Knowledge(
            database=database, clock=clock, folders=[tmp_path / "pages"], metrics=Metrics(), embedder=embedder
        )
        report = await base.refresh()
        assert report.added + report.changed == 1
        assert (await base.status()).waiting == 0
        assert (await base.search("refund batch")).notices == []
    async with database.read() as session:
        assert len(str(await session.scalar(select(KnowledgeDocument.recipe)))) <= 80
