"""Two whole products on one database: one keeps the watch, the other stands by and follows when the first is gone."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from alerts.arriving import Arrival
from api.wiring import House, build, running
from core.config import Settings, load
from core.errors import Unready
from tests.services import Postgres

pytestmark = pytest.mark.real("postgres")
PATIENCE = 60.0


@pytest.fixture
async def shared(postgres: Postgres) -> str:
    connection = await asyncpg.connect(postgres.url)
    await connection.execute("DROP DATABASE IF EXISTS replicas WITH (FORCE)")
    await connection.execute("CREATE DATABASE replicas")
    await connection.close()
    return postgres.url.rpartition("/")[0] + "/replicas"


def settings(folder: Path, url: str) -> Settings:
    return load(
        environ={}, env="testing", data_dir=folder, database_url=url, secret_key="one-key-for-both-of-them"
    ).settings


async def until_it_watches(house: House) -> None:
    async with asyncio.timeout(PATIENCE):
        while not house.alerts.intake.is_open:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.05)


async def test_one_keeps_the_watch_and_the_other_takes_it_over(shared: str, tmp_path: Path) -> None:
    lamp = Arrival({"alertname": "Lamp"}, {})
    async with AsyncExitStack() as second:
        async with build(settings(tmp_path / "one", shared)) as one, running(one):
            await until_it_watches(one)
            two = await second.enter_async_context(build(settings(tmp_path / "two", shared)))
            await second.enter_async_context(running(two))
            await one.alerts.intake.take([lamp])
            with pytest.raises(Unready, match="another replica"):
                await two.alerts.intake.take([lamp])
            assert not two.alerts.routing.firing
        await until_it_watches(two)
        assert [alert.name for alert in two.alerts.routing.firing.values()] == ["Lamp"]
        await two.alerts.intake.take([lamp])
