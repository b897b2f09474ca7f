"""Killed with a real SIGKILL while some hundred pages come in: what is found afterwards is the old knowledge or the new, whole."""

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import func, select

from core.clock import ManualClock
from core.database import Database
from knowledge_base.store import LEFT_BEHIND, Store
from knowledge_base.tables import KnowledgeDocument, KnowledgePassage
from tests.knowledge_base.crashing.victim import PLACES
from tests.knowledge_base.fakes import empty_database, knowledge
from tests.services import Postgres

PATIENCE = 60.0
SOAK_KILLS = int(os.environ.get("SOAK_KILLS", "120"))
EDITION = re.compile(r"edition (\d+)")
Editions = dict[str, int]
"""Which edition of each document there is."""


@pytest.fixture(scope="module")
def forks() -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "tests.knowledge_base.crashing.victim"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        assert started.stdout
        assert started.stdout.readline() == b"ready\n"
        yield started
        assert started.stdin
        started.stdin.close()


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = await empty_database(tmp_path)
    yield made
    await made.close()


@dataclass
class Lives:
    """One life after the other on the same folder and database, each with the next edition of everything."""

    forks: "subprocess.Popen[bytes]"
    folder: Path
    database: Database
    pages: int
    brought: int
    edition: int = 0
    finished: int = 0
    died_at: dict[str, int] = field(default_factory=dict)

    async def one(self, place: str, turn: int, moment: float = PATIENCE) -> None:
        """Ends at the place, or at the moment, or when its work is done."""
        pid = self._begin(place, turn)
        waited = 0.0
        while _is_alive(pid) and waited < moment:
            await asyncio.sleep(0.005)
            waited += 0.005
        where = place or "done"
        if _is_alive(pid):
            where = "at any moment"
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while _is_alive(pid):  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.002)
        is_done = await asyncio.to_thread(self._done.exists)
        self.finished += is_done
        where = "done" if is_done else where
        self.died_at[where] = self.died_at.get(where, 0) + 1

    def next_edition(self) -> None:
        """Another text on every page, some pages gone and some come back."""
        self.edition += 1
        for name in list_of("page", self.pages):
            path = self._shelf / name
            if name in self.in_folder:
                path.write_text(text_of(name, self.edition))
            else:
                path.unlink(missing_ok=True)

    @property
    def in_folder(self) -> Editions:
        kept = (name for place, name in enumerate(list_of("page", self.pages)) if (place + self.edition) % 10)
        return dict.fromkeys(kept, self.edition)

    @property
    def in_upload(self) -> Editions:
        return dict.fromkeys(list_of("note", self.brought), self.edition)

    def _begin(self, place: str, turn: int) -> int:
        self._done.unlink(missing_ok=True)
        order = {
            "database": self.database.url.replace("sqlite+aiosqlite", "sqlite").replace("+asyncpg", ""),
            "folder": str(self._shelf),
            "brought": {name: text_of(name, self.edition) for name in self.in_upload},
            "done": str(self._done),
            "log": str(self.folder / "victim.log"),
            "place": place,
            "turn": turn,
        }
        assert self.forks.stdin
        assert self.forks.stdout
        self.forks.stdin.write(orjson.dumps(order) + b"\n")
        self.forks.stdin.flush()
        return int(self.forks.stdout.readline())

    @property
    def _done(self) -> Path:
        return self.folder / "done"

    @property
    def _shelf(self) -> Path:
        shelf = self.folder / "shelf"
        shelf.mkdir(exist_ok=True)
        return shelf


def list_of(kind: str, count: int) -> list[str]:
    return [f"{kind}{number:03}.md" for number in range(count)]


def text_of(name: str, edition: int) -> str:
    body = "\n\n".join(f"## Part {part}\n\nOf {name}, edition {edition}: replace its gasket." for part in range(3))
    return f"# Widget {name} of edition {edition}\n\n{body}\n"


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def found(database: Database) -> tuple[Editions, Editions]:
    """Of the folder and of what was brought; a document that is in two editions at once, or in parts of one, fails here."""
    folder: Editions = {}
    upload: Editions = {}
    async with Store(database).view() as view:
        documents = await view.documents()
        versions = [document.known.version for document in documents]
        passages = {version: held async for some in view.passages(versions) for version, held in some.items()}
    for document in documents:
        name = document.known.path.rpartition("/")[2]
        texts = [document.page.text, *(passage.text for passage in passages[document.known.version])]
        editions = {int(said) for text in texts for said in EDITION.findall(text)}
        into = upload if document.known.source == "upload" else folder
        assert (len(editions), len(texts), name in into) == (1, 4, False), (name, texts)
        into[name] = editions.pop()
    return folder, upload


async def killed_again_and_again(lives: Lives, chance: random.Random, kills: int) -> None:
    places = [*PLACES, ""]
    before = await found(lives.database)
    for number in range(kills):
        lives.next_edition()
        place = places[number % len(places)]
        await lives.one(place, chance.randrange(1, 4), moment=PATIENCE if place else chance.random() * 0.8)
        now = await found(lives.database)
        assert now[0] in (before[0], lives.in_folder), (place, lives.edition)
        assert now[1] in (before[1], lives.in_upload), (place, lives.edition)
        before = now


async def recovered(lives: Lives) -> None:
    """The next life finishes what all the others left, and a while later nothing is left of them."""
    lives.next_edition()
    await lives.one("", 1)
    assert lives.finished, (lives.folder / "victim.log").read_text()[-3000:]
    assert await found(lives.database) == (lives.in_folder, lives.in_upload)
    clock = ManualClock(datetime.now(UTC) + LEFT_BEHIND * 2)
    await Store(lives.database).tidy(clock.now())
    wanted = len(lives.in_folder) + len(lives.in_upload)
    async with lives.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(KnowledgeDocument)) == wanted
        assert await session.scalar(select(func.count()).select_from(KnowledgePassage)) == wanted * 3
    base = knowledge(lives.database, clock, lives._shelf)
    report = await base.load()
    assert (report.added, report.changed, report.removed, report.pages) == (0, 0, 0, wanted)
    assert (await base.search("Widget note001.md of edition")).hits[0].page == "note001"


async def test_killed_while_pages_come_in_the_old_ones_or_the_new_ones_are_found(
    forks: "subprocess.Popen[bytes]", tmp_path: Path, database: Database
) -> None:
    lives = Lives(forks, tmp_path, database, pages=150, brought=40)
    await killed_again_and_again(lives, random.Random(6), len(PLACES) + 1)
    await recovered(lives)
    assert set(PLACES) & set(lives.died_at)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2])
async def test_soak_killed_again_and_again_while_some_hundred_pages_come_in(
    forks: "subprocess.Popen[bytes]", tmp_path: Path, database: Database, seed: int
) -> None:
    lives = Lives(forks, tmp_path, database, pages=300, brought=100)
    await killed_again_and_again(lives, random.Random(seed), SOAK_KILLS)
    await recovered(lives)
    assert {*PLACES, "at any moment"} <= set(lives.died_at)


@pytest.mark.soak
@pytest.mark.real("postgres")
async def test_soak_the_same_on_postgresql(
    forks: "subprocess.Popen[bytes]", tmp_path: Path, postgres: Postgres
) -> None:
    database = Database(postgres.url)
    await database.create_tables()
    try:
        lives = Lives(forks, tmp_path, database, pages=150, brought=50)
        await killed_again_and_again(lives, random.Random(3), SOAK_KILLS // 2)
        await recovered(lives)
    finally:
        await database.close()
