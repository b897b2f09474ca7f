"""A night per test, its database closed in the morning."""

from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from alerts.rules import Group
from core.database import Database
from tests.alerts.night import Night


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'night.db'}")
    await database.create_tables()
    yield database
    await database.close()


@pytest.fixture
def begin(database: Database) -> Callable[..., Coroutine[Any, Any, Night]]:
    async def start(groups: list[Group], **options: Any) -> Night:
        night = Night(database, groups, **options)
        await night.restore()
        return night

    return start
