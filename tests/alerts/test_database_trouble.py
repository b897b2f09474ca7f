"""A database that takes nothing: full, locked or away. Senders are told to come again, people are told why, and all goes on by itself."""

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import httpx
import pytest

from tests.alerts.crashing.lives import TOKEN, Lives, nursery
from tests.alerts.crashing.world import World
from tests.alerts.test_killed import found, world_of
from tests.services import Pausable, pausable_postgres

PATIENCE = 60.0


@pytest.fixture(scope="module")
def forks() -> Iterator["Popen[bytes]"]:
    with nursery() as started:
        yield started


@dataclass
class Outage:
    """A running product, whose receivers are well, and the questions a sender and a person ask it."""

    lives: Lives
    world: World

    async def refused(self) -> str:
        """Until a post is answered with 503; the sentence that it was answered with."""
        answer = await self._until("/api/v2/alerts", 503, post=True)
        return str(answer.json())

    async def unready(self) -> str:
        return str((await self._until("/api/v1/health/ready", 503)).json()["message"])

    async def ready(self) -> None:
        await self._until("/api/v1/health/ready", 200)

    async def failures(self) -> float:
        answer = await self._until("/metrics", 200)
        (line,) = (each for each in answer.text.splitlines() if each.startswith("firstmate_database_failures_total"))
        return float(line.split()[1])

    async def _until(self, path: str, status: int, *, post: bool = False) -> httpx.Response:
        labels = [{"labels": {"alertname": "Posted", "pod": "post-0", "namespace": "mail"}}]
        headers, client, url = {"Authorization": f"Bearer {TOKEN}"}, self.world.sender.client, self.lives.url + path
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(httpx.HTTPError):
                    asked = client.post(url, json=labels, headers=headers) if post else client.get(url)
                    answer = await asked
                    if answer.status_code == status:
                        return answer
                    assert answer.status_code in {200, 503}, answer.text
                await asyncio.sleep(0.1)


@asynccontextmanager
async def outage(forks: "Popen[bytes]", folder: Path, url: str) -> AsyncIterator[Outage]:
    """Alerts go their rounds before, during and after; at the end all were told, each once, and nothing was sent twice."""
    lives = Lives(forks, folder, url, patience=0.5)
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(world_of(lives, seed=1, misbehaves=0.0))
        lives.begin()
        await lives.up()
        rounds = asyncio.gather(world.watched("ill-1"), world.watched("grave-1"), world.posted("post-1"))
        async with asyncio.timeout(PATIENCE):
            await world.receivers.until(lambda: bool(world.receivers.of("/phone", "post-1")))
        yield Outage(lives, world)
        world.is_over = True
        async with asyncio.timeout(PATIENCE):
            await rounds
        told = await found(lives, world)
        assert told["messages"] == told["arrived"]


async def test_a_full_disk_is_told_and_nothing_is_lost_or_sent_twice(forks: "Popen[bytes]", tmp_path: Path) -> None:
    async with outage(forks, tmp_path, f"sqlite:///{tmp_path / 'records.db'}") as it:
        # No file of the victim may grow beyond what it has: so a disk is full for it and for nobody else.
        usual = resource.prlimit(it.lives.pid, resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
        assert "The database could not do this" in await it.refused()
        assert "its last write failed" in await it.unready()
        assert await it.failures() > 0
        await asyncio.sleep(1.0)
        resource.prlimit(it.lives.pid, resource.RLIMIT_FSIZE, usual)
        await it.ready()


async def test_a_database_that_somebody_else_locks_is_told_and_waited_for(
    forks: "Popen[bytes]", tmp_path: Path
) -> None:
    async with outage(forks, tmp_path, f"sqlite:///{tmp_path / 'records.db'}") as it:
        with closing(sqlite3.connect(tmp_path / "records.db", isolation_level=None, timeout=30)) as other:
            other.execute("BEGIN EXCLUSIVE")
            assert "database is locked" in await it.refused()
            assert "database is locked" in await it.unready()
            other.execute("ROLLBACK")
        await it.ready()


@pytest.fixture(scope="module")
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pausable]:
    with pausable_postgres(tmp_path_factory.mktemp("own")) as server:
        yield server


@pytest.mark.real("postgres")
async def test_a_postgresql_that_is_stopped_and_started_is_told_and_waited_for(
    forks: "Popen[bytes]", tmp_path: Path, own_postgres: Pausable
) -> None:
    async with outage(forks, tmp_path, own_postgres.url) as it:
        own_postgres.stop()
        assert await it.refused()
        assert "The database" in await it.unready()
        own_postgres.start()
        await it.ready()
