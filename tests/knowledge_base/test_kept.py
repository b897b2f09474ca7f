"""What people bring is kept: over refreshes, restarts and changes of the recipe, and beside what other replicas do."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from core.clock import ManualClock
from core.database import Database
from core.errors import Conflict, Invalid, NotFound, Unready
from core.metrics import Metrics
from knowledge_base import refreshing
from knowledge_base.embed import LexicalEmbedder
from knowledge_base.knowledge import Knowledge
from knowledge_base.segment import Segmenter
from knowledge_base.sources.kept import Fate, Incoming, Said, digest_of, safe_name
from knowledge_base.store import LEFT_BEHIND, Store, Switch
from knowledge_base.tables import KnowledgeDocument
from tests.knowledge_base.fakes import empty_database, knowledge, write_page

QUEUE = "# Parcel queue grows\n\n## Repair\n\nAdd parcel sorters until the queue shrinks.\n"
PRINTER = "# Label printer jams\n\nOpen the tray and turn the grey wheel.\n"


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = await empty_database(tmp_path)
    yield made
    await made.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    write_page(tmp_path / "pages", "queue.md", QUEUE)
    return tmp_path / "pages"


async def each(items: Iterable[Incoming | Fate]) -> AsyncIterator[Incoming | Fate]:
    for item in items:
        yield item


def printer(text: str = PRINTER, **more: str) -> Incoming:
    return Incoming(name=more.get("name", "printer.md"), raw=text.encode(), by=more.get("by", "ann"))


async def add(base: Knowledge, *items: Incoming, wait: bool = True) -> list[str]:
    return [fate.outcome for fate in await base.add(each(items), wait=wait)]


async def states(database: Database) -> dict[str, int]:
    counted = select(KnowledgeDocument.state, func.count()).group_by(KnowledgeDocument.state)
    async with database.read() as session:
        return {row[0]: row[1] for row in (await session.execute(counted)).all()}


def text_of(base: Knowledge, page: str) -> str:
    return base.page(page).splitlines()[-1]


async def test_what_was_brought_outlives_refreshes_and_restarts(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    base = knowledge(database, clock, shelf)
    await base.load()
    assert await add(base, printer()) == ["added"]
    assert (await base.refresh()).removed == 0
    again = knowledge(database, clock, shelf)
    await again.load()
    hit = (await again.search("grey wheel of the printer")).hits[0]
    info = again.info("printer")
    assert (hit.page, info.source, info.added_by, info.added_at) == ("printer", "upload", "ann", clock.now())


async def test_another_embedder_cuts_what_was_brought_anew_from_its_kept_text(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    base = knowledge(database, clock, shelf)
    await base.load()
    await add(base, printer())
    small = LexicalEmbedder(Segmenter(), dimensions=128)
    after = Knowledge(database=database, clock=clock, folders=[shelf], metrics=Metrics(), embedder=small)
    assert (await after.load()).changed == 2
    assert (await after.search("grey wheel of the printer")).hits[0].page == "printer"
    assert (await after.status()).waiting == 0


async def test_a_folder_that_is_away_while_the_embedder_changes_is_cut_from_its_kept_text(
    database: Database, clock: ManualClock, shelf: Path, tmp_path: Path
) -> None:
    await knowledge(database, clock, shelf).load()
    await asyncio.to_thread(shelf.rename, tmp_path / "unmounted")
    small = LexicalEmbedder(Segmenter(), dimensions=128)
    after = Knowledge(database=database, clock=clock, folders=[shelf], metrics=Metrics(), embedder=small)
    await after.load()
    assert (await after.search("parcel sorters")).hits[0].page == "queue"


async def test_the_same_bytes_with_other_words_beside_them_are_another_version(
    database: Database, clock: ManualClock
) -> None:
    base = knowledge(database, clock)
    tagged = Incoming(name="printer.md", raw=PRINTER.encode(), said=Said(tags=("office",)))
    assert await add(base, printer()) == ["added"]
    assert await add(base, printer(by="bob")) == ["unchanged"]
    assert await add(base, tagged) == ["changed"]
    assert base.info("printer").tags == ["office"]
    assert base.info("printer").digest == digest_of(_sha(PRINTER), Said(tags=("office",)))


def _sha(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode()).hexdigest()


async def test_what_somebody_brought_wins_over_a_folder_and_the_later_over_the_earlier(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    base = knowledge(database, clock, shelf)
    await base.load()
    await add(base, printer("---\nid: queue\n---\n# Queue\n\nAsk the depot.\n", name="z.md"))
    assert text_of(base, "queue") == "Ask the depot."
    await clock.advance(1)
    await add(base, printer("---\nid: queue\n---\n# Queue\n\nAsk the harbour.\n", name="a.md"))
    assert text_of(base, "queue") == "Ask the harbour."
    for name in ("a.md", "z.md"):
        await base.remove([printer(name=name).id], "ann")
    assert "parcel sorters" in text_of(base, "queue")


async def test_only_what_was_brought_can_be_removed(database: Database, clock: ManualClock, shelf: Path) -> None:
    base = knowledge(database, clock, shelf)
    await base.load()
    with pytest.raises(Conflict, match="folder"):
        await base.remove([base.info("queue").document], "ann")
    with pytest.raises(NotFound):
        await base.remove(["0" * 32], "ann")


async def test_a_name_that_comes_twice_in_one_upload_is_taken_once(database: Database, clock: ManualClock) -> None:
    base = knowledge(database, clock)
    assert await add(base, printer(), printer(PRINTER + "Close it.\n")) == ["added", "refused"]
    assert await states(database) == {"live": 1}


async def test_an_upload_whose_bytes_break_off_leaves_nothing_to_be_found(
    database: Database, clock: ManualClock
) -> None:
    async def breaking() -> AsyncIterator[Incoming | Fate]:
        yield printer()
        raise Invalid("The upload broke off.")

    base = knowledge(database, clock)
    with pytest.raises(Invalid, match="broke off"):
        await base.add(breaking())
    assert await states(database) == {"staged": 1}
    await clock.advance(LEFT_BEHIND.total_seconds() + 1)
    assert (await base.refresh()).pages == 0
    assert await states(database) == {}


async def test_what_became_live_while_the_past_was_looked_for_is_not_removed(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaking() -> AsyncIterator[Incoming | Fate]:
        yield printer()
        raise Invalid("The upload broke off.")

    base, store, looked = knowledge(database, clock), Store(database), Store._past
    with pytest.raises(Invalid, match="broke off"):
        await base.add(breaking())
    async with database.read() as session:
        batch = str(await session.scalar(select(KnowledgeDocument.batch)))

    async def overtaken(self: Store, now: datetime) -> list[str]:
        found = await looked(self, now)
        if found:
            monkeypatch.undo()
            await store.switch(Switch(batch))
        return found

    monkeypatch.setattr(Store, "_past", overtaken)
    await store.tidy(clock.now() + 2 * LEFT_BEHIND)
    assert await states(database) == {"live": 1}


async def test_no_more_documents_are_kept_than_the_store_has_room_for(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "MAX_KEPT", 2)
    base = knowledge(database, clock)
    outcomes = await add(base, *(printer(name=f"{number}.md") for number in range(3)))
    assert outcomes == ["added", "added", "refused"]
    assert await add(base, printer(PRINTER + "\nClose it.\n", name="1.md")) == ["changed"]


async def test_a_document_brought_while_a_refresh_is_at_work_waits_for_nothing_and_stays(
    database: Database, clock: ManualClock, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = knowledge(database, clock, shelf)
    await base.load()
    write_page(shelf, "queue.md", QUEUE + "\nAnd once more.\n")
    staged, goes_on = asyncio.Event(), asyncio.Event()
    switch = base._store.switch

    async def held(change: Switch) -> bool:
        if change.refreshed_at:
            staged.set()
            await goes_on.wait()
        return await switch(change)

    monkeypatch.setattr(base._store, "switch", held)
    refresh = asyncio.create_task(base.refresh())
    await staged.wait()
    assert await add(base, printer()) == ["added"]
    assert text_of(base, "queue") != "And once more."
    assert (await base.status()).progress.step == "switching"
    goes_on.set()
    assert (await refresh).changed == 1
    assert (text_of(base, "queue"), base.info("printer").id) == ("And once more.", "printer")


async def test_what_is_removed_while_it_is_cut_anew_stays_removed(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = knowledge(database, clock)
    await add(base, printer(), printer(QUEUE, name="queue.md"))
    small = LexicalEmbedder(Segmenter(), dimensions=128)
    after = Knowledge(database=database, clock=clock, folders=[], metrics=Metrics(), embedder=small)
    switch = after._store.switch

    async def late(change: Switch) -> bool:
        await base.remove([printer().id], "ann")
        return await switch(change)

    monkeypatch.setattr(after._store, "switch", late)
    await after.load()
    assert [page.id for page in after.pages()] == ["queue"]
    assert await states(database) == {"live": 1}


async def test_another_replica_finds_what_was_brought_to_this_one(
    database: Database, clock: ManualClock, shelf: Path
) -> None:
    one, two = knowledge(database, clock, shelf), knowledge(database, clock, shelf)
    await one.load()
    await two.load()
    following = asyncio.create_task(two.run())
    await add(one, printer())
    assert "printer" not in {page.id for page in two.pages()}
    await until_it_looked(clock, two, "printer")
    following.cancel()


async def until_it_looked(clock: ManualClock, base: Knowledge, page: str) -> None:
    for _ in range(2_000):
        if page in {one.id for one in base.pages()}:
            return
        await clock.advance(0.1)
        await asyncio.sleep(0.001)
    raise AssertionError(f"{page} was never found")


async def test_a_database_that_is_away_for_a_while_does_not_end_the_following(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = knowledge(database, clock), knowledge(database, clock)
    generation, failures = two._store.generation, iter([True, True])

    async def away() -> int:
        if next(failures, False):
            raise Unready("The database", "is away")
        return await generation()

    monkeypatch.setattr(two._store, "generation", away)
    following = asyncio.create_task(two.run())
    await add(one, printer())
    await until_it_looked(clock, two, "printer")
    following.cancel()


async def test_nothing_new_is_no_new_generation(database: Database, clock: ManualClock, shelf: Path) -> None:
    base = knowledge(database, clock, shelf)
    await base.load()
    before = await base.status()
    await clock.advance(60)
    await base.refresh()
    after = await base.status()
    assert after.generation == before.generation
    assert after.refreshed_at == (before.refreshed_at or clock.now()) + timedelta(seconds=60)


async def test_what_is_replaced_leaves_no_rows_behind(database: Database, clock: ManualClock) -> None:
    base = knowledge(database, clock)
    for number in range(4):
        await add(base, printer(f"{PRINTER}\nNumber {number}.\n"))
    await base.remove([printer().id], "ann")
    assert await states(database) == {}


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../up.md", "a/../../up.md", "/etc/passwd", "a\\b.md", "C:/x.md", "a\x00.md", "a\n.md", "x" * 301],
)
def test_a_name_that_is_no_path_downwards_is_refused(name: str) -> None:
    with pytest.raises(Invalid):
        safe_name(name)


@pytest.mark.parametrize(
    ("name", "safe"), [("a/b.md", "a/b.md"), ("./a//b.md", "a/b.md"), ("内存 溢出.md", "内存 溢出.md")]
)
def test_a_name_is_made_plain(name: str, safe: str) -> None:
    assert safe_name(name) == safe


async def test_a_refresh_tells_how_far_it_is_and_one_that_is_broken_off_between_files_changes_nothing(
    database: Database, clock: ManualClock, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "FILES_AT_ONCE", 2)
    base = knowledge(database, clock, shelf)
    await base.load()
    for number in range(5):
        write_page(shelf, f"page{number}.md", f"# Page {number}\n\nText {number}.\n")
    refresh = asyncio.create_task(base.refresh())
    seen: list[tuple[str, int, int]] = []
    stage = base._store.stage

    async def watched(*given: Any) -> None:
        progress = (await base.status()).progress
        seen.append((progress.step, progress.done, progress.total))
        await stage(*given)
        if len(seen) == 2:
            refresh.cancel()

    monkeypatch.setattr(base._store, "stage", watched)
    with pytest.raises(asyncio.CancelledError):
        await refresh
    assert seen == [("reading", 0, 6), ("reading", 2, 6)]
    assert [page.id for page in base.pages()] == ["queue"]
    assert not (await base.status()).indexing
    monkeypatch.undo()
    assert (await base.refresh()).added == 5


async def test_a_long_name_of_whoever_brought_it_fits_into_its_column(database: Database, clock: ManualClock) -> None:
    base = knowledge(database, clock)
    assert await add(base, printer(by="a" * 100)) == ["added"]
    assert base.pages()[0].added_by == "a" * 80
