"""What a page says of itself is kept with it, through the database and a restart, in every format."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest_asyncio

from core.clock import ManualClock
from core.database import Database
from knowledge_base.split import surroundings
from knowledge_base.store import Store
from tests.knowledge_base.fakes import empty_database, knowledge, pages_of, write_page


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = await empty_database(tmp_path)
    yield made
    await made.close()


async def test_every_format_goes_in_and_is_found(database: Database, clock: ManualClock, tmp_path: Path) -> None:
    shelf = tmp_path / "pages"
    write_page(shelf, "refund.md", "# Refund fails\n\nReplay the ledger export.\n", valid_until="2030-01-31")
    write_page(shelf, "queue.html", "<h1>Parcel queue</h1><p>Add parcel sorters.</p><script>parcel()</script>")
    write_page(shelf, "printer.txt", "Label printer\n=============\n\nClean the label printer head.\n")
    write_page(shelf, "rules.yaml", "groups:\n- name: g\n  rules:\n  - alert: ScaleDrifts\n    expr: scale > 1\n")
    base = knowledge(database, clock, shelf)
    report = await base.load()
    assert (report.added, report.problems) == (4, [])
    assert pages_of((await base.search("parcel sorters")).hits) == ["queue-html"]
    assert pages_of((await base.search("ScaleDrifts")).hits) == ["rules-yaml"]
    assert pages_of((await base.search("label printer head")).hits) == ["printer-text"]


async def test_kind_validity_and_sections_are_kept(database: Database, clock: ManualClock, tmp_path: Path) -> None:
    body = "# P\n\nintro of the page\n\n## Repair\n\nreplay it\n"
    write_page(tmp_path / "pages", "a.md", body, valid_from="2026-01-01", valid_until="2026-12-31")
    write_page(tmp_path / "pages", "b.txt", "plain words of it\n")
    await knowledge(database, clock, tmp_path / "pages").load()
    async with Store(database).view() as view:
        by_kind = {document.page.kind: document for document in await view.documents()}
        version = by_kind["markdown"].known.version
        (found,) = [found async for found in view.passages([version])]
    kept = by_kind["markdown"].page
    assert (kept.valid_from, kept.valid_until) == (date(2026, 1, 1), date(2026, 12, 31))
    assert (by_kind["text"].page.valid_from, by_kind["text"].page.valid_until) == (None, None)
    repair = found[version][-1]
    assert surroundings(kept.text, repair.section) == repair.text == "replay it"


async def test_a_file_that_lies_is_named_and_the_rest_goes_in(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    write_page(tmp_path / "pages", "good.txt", "good words in it\n")
    (tmp_path / "pages" / "bad.html").write_bytes(b"%PDF-1.7 not a page")
    report = await knowledge(database, clock, tmp_path / "pages").load()
    assert report.added == 1
    assert [(one.path, one.why) for one in report.problems] == [
        ("pages/bad.html", "The file is named .html, but holds a PDF document.")
    ]
