"""Pages come, change and go; the store follows, searches go on, and what cannot be read is named."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from sqlalchemy import func, select

from core.clock import ManualClock
from core.database import Database
from core.errors import Invalid, NotFound
from core.metrics import Metrics
from knowledge_base import intake
from knowledge_base.embed import LexicalEmbedder
from knowledge_base.folder import Found
from knowledge_base.index.local import LocalIndex
from knowledge_base.knowledge import MAX_QUERY, Knowledge
from knowledge_base.segment import Segmenter
from knowledge_base.tables import KnowledgeDocument, KnowledgePassage
from tests.knowledge_base.fakes import empty_database, knowledge, pages_of, write_page

REFUND = "# Refund batch fails\n\n## Repair\n\nReplay the refund batch from the ledger export.\n"
QUEUE = "# Parcel queue grows\n\n## Repair\n\nAdd parcel sorters until the queue shrinks.\n"


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


async def found(base: Knowledge, query: str) -> list[str]:
    return pages_of((await base.search(query)).hits)


async def rows(database: Database) -> tuple[int, int]:
    async with database.read() as session:
        documents = await session.scalar(select(func.count()).select_from(KnowledgeDocument))
        passages = await session.scalar(select(func.count()).select_from(KnowledgePassage))
    return int(documents or 0), int(passages or 0)


async def test_the_first_load_takes_in_every_page(database: Database, clock: ManualClock, shelf: Path) -> None:
    base = knowledge(database, clock, shelf)
    report = await base.load()
    assert (report.added, report.pages, report.passages, report.problems) == (2, 2, 2, [])
    assert await found(base, "refund batch") == ["refund"]


async def test_a_changed_page_answers_with_its_new_text(database: Database, clock: ManualClock, shelf: Path) -> None:
    base = knowledge(database, clock, shelf)
    await base.load()
    write_page(shelf, "refund.md", REFUND.replace("ledger export", "nightly snapshot"))
    report = await base.refresh()
    assert (report.added, report.changed, report.removed, report.unchanged) == (0, 1, 0, 1)
    hit = (await base.search("refund batch")).hits[0]
    assert "nightly snapshot" in hit.text
    assert await rows(database) == (2, 2)


async def test_a_deleted_page_is_forgotten_with_its_passages(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    base = knowledge(database, clock, shelf)
    await base.load()
    (shelf / "refund.md").unlink()
    assert (await base.refresh()).removed == 1
    assert (await base.search("refund batch")).nothing_found
    assert await rows(database) == (1, 1)


async def test_a_page_touched_but_not_changed_is_not_worked_on_again(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    base = knowledge(database, clock, shelf)
    await base.load()
    (shelf / "refund.md").write_text(REFUND)
    report = await base.refresh()
    assert (report.changed, report.unchanged) == (0, 2)


async def test_a_broken_page_is_named_and_the_rest_goes_in(database: Database, clock: ManualClock, shelf: Path) -> None:
    write_page(shelf, "broken.md", "---\nid: [\n---\n# Broken\n\ntext\n")
    (shelf / "binary.md").write_bytes(b"\xff\xfe\x00\x01")
    write_page(shelf, "hollow.md", "# Only\n\n## Headings\n")
    report = await knowledge(database, clock, shelf).load()
    assert {problem.path for problem in report.problems} == {"pages/broken.md", "pages/binary.md", "pages/hollow.md"}
    assert report.pages == 2


async def test_a_page_that_breaks_stays_in_its_last_good_version(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    base = knowledge(database, clock, shelf)
    await base.load()
    write_page(shelf, "refund.md", "---\nid: [\n---\nnew text\n")
    report = await base.refresh()
    assert "stays in use" in report.problems[0].why
    assert await found(base, "refund batch") == ["refund"]
    write_page(shelf, "refund.md", REFUND.replace("Replay", "Repeat"))
    assert (await base.refresh()).changed == 1


async def test_a_folder_that_vanishes_keeps_its_pages_and_says_so(
    database: Database, clock: ManualClock, shelf: Path, tmp_path: Path
) -> None:
    base = knowledge(database, clock, shelf)
    await base.load()
    await asyncio.to_thread(shelf.rename, tmp_path / "unmounted")
    report = await base.refresh()
    assert (report.removed, report.pages) == (0, 2)
    assert "cannot be read" in report.problems[0].why


async def test_pages_of_a_folder_no_longer_configured_go(database: Database, clock: ManualClock, shelf: Path) -> None:
    await knowledge(database, clock, shelf).load()
    report = await knowledge(database, clock).load()
    assert (report.removed, report.pages) == (2, 0)


async def test_a_restart_reads_no_file_that_did_not_change(
    database: Database, clock: ManualClock, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await _restarted(database, clock, shelf)
    read: list[str] = []

    def remember(file: Found) -> bytes:
        read.append(file.path)
        return b""

    monkeypatch.setattr(intake, "read", remember)
    after = knowledge(database, clock, shelf)
    report = await after.load()
    assert (read, report.unchanged) == ([], 2)
    assert (await after.search("parcel sorters")).hits == before


async def _restarted(database: Database, clock: ManualClock, shelf: Path) -> list[Any]:
    base = knowledge(database, clock, shelf)
    await base.load()
    return list((await base.search("parcel sorters")).hits)


async def test_a_restart_finds_what_changed_meanwhile(database: Database, clock: ManualClock, shelf: Path) -> None:
    await knowledge(database, clock, shelf).load()
    write_page(shelf, "third.md", "# Label printer jams\n\nOpen the tray.\n")
    (shelf / "queue.md").unlink()
    base = knowledge(database, clock, shelf)
    report = await base.load()
    assert (report.added, report.removed, report.unchanged) == (1, 1, 1)
    assert await found(base, "label printer jams") == ["third"]


async def test_another_embedder_has_every_page_taken_again(database: Database, clock: ManualClock, shelf: Path) -> None:
    await knowledge(database, clock, shelf).load()
    small = LexicalEmbedder(Segmenter(), dimensions=128)
    base = Knowledge(database=database, clock=clock, folders=[shelf], metrics=Metrics(), embedder=small)
    assert (await base.load()).changed == 2
    assert await found(base, "parcel sorters") == ["queue"]


async def test_a_teams_own_page_takes_the_place_of_the_shipped_one(
    database: Database, clock: ManualClock, shelf: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    write_page(own, "anything.md", "# Refund batch fails\n\nCall the bank desk.\n", id="refund", title="Refund at ours")
    base = knowledge(database, clock, shelf, own)
    await base.load()
    assert (await base.search("refund batch")).hits[0].title == "Refund at ours"
    assert "bank desk" in base.page("refund")
    (own / "anything.md").unlink()
    await base.refresh()
    assert "ledger export" in base.page("refund")


async def test_searches_during_refreshes_never_fail_and_never_see_half_an_index(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    base = knowledge(database, clock, shelf)
    await base.load()

    async def keep_changing() -> None:
        for number in range(4):
            write_page(shelf, "refund.md", REFUND + f"\nAnd once more, number {number}.\n")
            write_page(shelf, f"extra{number}.md", f"# Refund note {number}\n\nRefund batch note.\n")
            await base.refresh()

    changing = asyncio.create_task(keep_changing())
    answers = []
    while not changing.done():
        answers.append(await base.search("refund batch ledger export", limit=5))
    await changing
    assert answers
    assert all(answer.hits and answer.hits[0].page == "refund" for answer in answers)
    assert all(len({hit.text for hit in answer.hits}) == len(answer.hits) for answer in answers)


async def test_refreshes_at_the_same_time_take_turns(database: Database, clock: ManualClock, shelf: Path) -> None:
    base = knowledge(database, clock, shelf)
    reports = await asyncio.gather(base.refresh(), base.refresh(), base.refresh())
    assert sorted(report.added for report in reports) == [0, 0, 2]
    assert await rows(database) == (2, 2)


async def test_a_save_that_fails_half_way_leaves_the_old_knowledge(
    database: Database, clock: ManualClock, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = knowledge(database, clock, shelf)
    await base.load()
    (shelf / "queue.md").unlink()
    write_page(shelf, "refund.md", REFUND.replace("Replay", "Repeat"))
    monkeypatch.setattr("knowledge_base.store._passage_rows", _power_cut)
    with pytest.raises(RuntimeError, match="power cut"):
        await base.refresh()
    monkeypatch.undo()
    assert await rows(database) == (2, 2)
    assert await found(knowledge(database, clock, shelf), "refund batch") == []
    again = knowledge(database, clock, shelf)
    assert (await again.load()).removed == 1


def _power_cut(_document: object, _row: str) -> list[dict[str, object]]:
    raise RuntimeError("power cut")


async def test_before_anything_is_loaded_a_search_says_that_there_are_no_pages(
    database: Database, clock: ManualClock
) -> None:
    answer = await knowledge(database, clock).search("refund")
    assert answer.nothing_found
    assert "no pages" in answer.reason


async def test_a_question_without_a_word_to_search_by_is_told_so(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    base = knowledge(database, clock, shelf)
    await base.load()
    assert "no word" in (await base.search("?!")).reason
    assert "没有可供检索的词" in (await base.search("怎么办呢")).reason


@pytest.mark.parametrize(
    ("query", "limit", "field"),
    [
        ("", 5, "query"),
        ("  \n", 5, "query"),
        ("x" * (MAX_QUERY + 1), 5, "query"),
        ("x", 0, "limit"),
        ("x", 99, "limit"),
    ],
)
async def test_a_search_out_of_bounds_names_the_field(
    database: Database, clock: ManualClock, query: str, limit: int, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await knowledge(database, clock).search(query, limit=limit)
    assert refused.value.details["field"] == field


async def test_the_other_language_steps_in_where_a_page_exists_in_no_other_form(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    write_page(shelf, "dns.md", "# DNS 解析失败\n\n## 修复\n\n重启 CoreDNS，检查上游的解析器。\n")
    base = knowledge(database, clock, shelf)
    await base.load()
    answer = await base.search("coredns does not resolve names")
    assert [(hit.page, hit.language) for hit in answer.hits] == [("dns", "zh")]


async def test_a_page_is_read_by_its_id_and_a_wrong_id_names_the_near_ones(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    base = knowledge(database, clock, shelf)
    await base.load()
    assert base.page("refund").startswith("# Refund batch fails")
    assert base.page("refund", "zh").startswith("# Refund batch fails")
    with pytest.raises(NotFound, match="Did you mean refund"):
        base.page("refunds")
    with pytest.raises(NotFound):
        base.page("../../etc/passwd")


async def test_pages_are_listed_with_what_their_front_matter_says(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    write_page(tmp_path / "p", "a.md", "# A\n\ntext\n", id="a", title="Page A", tags="[x]", faults="[oom_killed]")
    base = knowledge(database, clock, tmp_path / "p")
    await base.load()
    info = base.pages()[0]
    assert (info.id, info.title, info.tags, info.faults, info.path) == ("a", "Page A", ["x"], ["oom_killed"], "p/a.md")


async def test_stored_vectors_are_the_very_ones_that_were_searched(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    base = knowledge(database, clock, shelf)
    await base.load()
    again = knowledge(database, clock, shelf)
    await again.load()
    vectors = [one._index._state.vectors for one in (base, again) if isinstance(one._index, LocalIndex)]
    assert vectors[0].any()
    assert np.array_equal(vectors[0], vectors[1])


async def test_search_time_is_measured_by_the_clock_and_counted(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    metrics = Metrics()
    base = knowledge(database, clock, shelf, metrics=metrics)
    await base.load()
    assert (await base.search("refund batch")).took_ms == 0.0
    assert b"firstmate_knowledge_search_duration_seconds_count 1.0" in metrics.exposition()
