"""A search through the whole knowledge base: slips of the finger, pages that no longer hold, another's ranking."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest_asyncio

from core.clock import ManualClock
from core.database import Database
from core.metrics import Metrics
from knowledge_base.knowledge import Knowledge
from tests.knowledge_base.fakes import empty_database, knowledge, write_page

TODAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = await empty_database(tmp_path)
    yield made
    await made.close()


async def test_misspelt_words_are_put_right_where_they_find_nothing_and_it_is_told(
    tmp_path: Path, database: Database
) -> None:
    write_page(tmp_path / "pages", "tls.md", "# Certificates\n\nRenew the certificate of the ingress with the issuer.")
    base = knowledge(database, ManualClock(TODAY), tmp_path / "pages")
    await base.load()
    answer = await base.search("certifcate ingres")
    assert [hit.page for hit in answer.hits] == ["tls"]
    assert "certificate ingress" in answer.notices[0]
    assert (await base.search("certificate ingress")).notices == []
    assert (await base.search("sourdouhg bred")).nothing_found


async def test_a_page_holds_from_its_first_day_to_its_last(tmp_path: Path, database: Database) -> None:
    text = "Renew the certificate of the ingress with the issuer."
    days = {"now": ("2026-03-01", "2026-03-01"), "past": ("2025-01-01", "2026-02-28"), "soon": ("2026-03-02", "")}
    for name, (begin, end) in days.items():
        front = {"valid_from": begin} | ({"valid_until": end} if end else {})
        write_page(tmp_path / "pages", f"{name}.md", f"# Certificates {name}\n\n{text}", **front)
    base = knowledge(database, ManualClock(TODAY), tmp_path / "pages")
    await base.load()
    hits = (await base.search("renew the certificate")).hits
    assert hits[0].page == "now"
    assert {hit.page: hit.outdated for hit in hits} == {"now": False, "past": True, "soon": True}


async def test_a_reranker_may_be_given(tmp_path: Path, database: Database) -> None:
    for name in ("one", "two"):
        write_page(tmp_path / "pages", f"{name}.md", f"# Page {name}\n\nRenew the certificate, {name}.")

    def by_name(_: str, texts: Sequence[str]) -> Sequence[float]:
        return [float("two" in text) for text in texts]

    base = Knowledge(
        database=database, clock=ManualClock(TODAY), folders=[tmp_path / "pages"], metrics=Metrics(), rerank=by_name
    )
    await base.load()
    assert (await base.search("renew the certificate one")).hits[0].page == "two"
