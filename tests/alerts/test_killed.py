"""Nothing lost and nothing doubled, with the real server and a real SIGKILL: at named places and at any moment, again and again."""

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from subprocess import Popen

import asyncpg
import httpx
import pytest

from core.database import Database
from tests.alerts.crashing import findings
from tests.alerts.crashing.lives import TOKEN, Lives, nursery
from tests.alerts.crashing.places import PLACES
from tests.alerts.crashing.world import Receivers, Sender, Series, World, listening
from tests.services import Postgres

pytestmark = pytest.mark.real("postgres")
EPISODE_SECONDS = 120.0
SOAK_KILLS = int(os.environ.get("SOAK_KILLS", "210"))
ALERTS = ("ill-1", "ill-2", "grave-1", "post-1", "post-2")


@pytest.fixture(scope="module")
def forks() -> Iterator["Popen[bytes]"]:
    with nursery() as started:
        yield started


@asynccontextmanager
async def world_of(lives: Lives, seed: int, misbehaves: float = 0.3) -> AsyncIterator[World]:
    chance = random.Random(seed)
    series, receivers = Series(), Receivers(chance, misbehaves)
    async with AsyncExitStack() as open_things:
        prometheus = await open_things.enter_async_context(listening(series))
        phones = await open_things.enter_async_context(listening(receivers))
        client = await open_things.enter_async_context(httpx.AsyncClient(timeout=30))
        lives.written(prometheus, phones)
        try:
            yield World(series, receivers, Sender(lives.url, TOKEN, client), chance)
        finally:
            if lives.is_alive:
                await lives.kill()


async def url_of(engine: str, folder: Path, postgres: Postgres) -> str:
    if engine == "sqlite":
        return f"sqlite:///{folder / 'records.db'}"
    connection = await asyncpg.connect(postgres.url)
    await connection.execute("DROP DATABASE IF EXISTS killed WITH (FORCE)")
    await connection.execute("CREATE DATABASE killed")
    await connection.close()
    return postgres.url.rpartition("/")[0] + "/killed"


async def killed_again_and_again(lives: Lives, seed: int, kills: int) -> dict[str, object]:
    places = [*PLACES, *[""] * (len(PLACES) // 2)]
    async with world_of(lives, seed) as world:
        alive = [world.posted(pod) if pod.startswith("post") else world.watched(pod) for pod in ALERTS]
        episodes = asyncio.gather(*alive)
        for number in range(kills):
            await lives.one(places[(number + seed) % len(places)], world.chance)
        world.is_over = True
        await lives.last()
        await settled(lives, world, episodes)
        return await found(lives, world)


async def settled(lives: Lives, world: World, episodes: "asyncio.Future[list[None]]") -> None:
    """Until every alert has gone its round, or a sentence that says what did not come."""
    try:
        async with asyncio.timeout(EPISODE_SECONDS):
            await episodes
    except TimeoutError:
        heard = {pod: world.receivers.of("/", pod)[-4:] for pod in world.told}
        pytest.fail(f"alive: {lives.is_alive}, rounds: {world.told}, heard: {heard}\n{lives.log.read_text()[-3000:]}")


async def found(lives: Lives, world: World) -> dict[str, object]:
    database = Database(lives.database_url)
    try:
        async with asyncio.timeout(EPISODE_SECONDS):
            while await findings.left_to_do(database):  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.05)
        await lives.kill()
        findings.one_key_says_one_thing(world.receivers.got)
        findings.every_beginning_then_its_end(world.receivers, world.told)
        findings.alone_in_its_group_it_is_said_once(world.receivers)
        findings.each_step_once_and_its_end_after_it(world.receivers, world.told)
        fired = await findings.the_records_agree(database, world.receivers, world.told)
    finally:
        await database.close()
    keys = {got.key for got in world.receivers.got}
    return {
        "kills": lives.kills,
        "episodes": fired,
        "messages": len(keys),
        "arrived": len(world.receivers.got),
        "acknowledged posts": world.sender.acknowledged,
        "refused posts": len(world.sender.refused),
        "died": lives.died_at,
    }


async def begun(forks: "Popen[bytes]", folder: Path, postgres: Postgres) -> list[Lives]:
    """Side by side on both engines."""
    made = []
    for engine in ("sqlite", "postgres"):
        (folder / engine).mkdir()
        made.append(Lives(forks, folder / engine, await url_of(engine, folder / engine, postgres)))
    return made


async def test_killed_again_and_again_it_tells_all_and_each_once(
    forks: "Popen[bytes]", tmp_path: Path, postgres: Postgres
) -> None:
    seed = random.randrange(1000)
    lives = await begun(forks, tmp_path, postgres)
    for told in await asyncio.gather(*(killed_again_and_again(each, seed, kills=6) for each in lives)):
        assert told["episodes"] >= len(ALERTS)  # type: ignore[operator]


@pytest.mark.soak
async def test_killed_hundreds_of_times_it_tells_all_and_each_once(
    forks: "Popen[bytes]", tmp_path: Path, postgres: Postgres
) -> None:
    began = time.monotonic()
    lives = await begun(forks, tmp_path, postgres)
    for told in await asyncio.gather(*(killed_again_and_again(each, 7, SOAK_KILLS) for each in lives)):
        sys.stdout.write(json.dumps(told | {"seconds": round(time.monotonic() - began)}) + "\n")
