"""A database as it is after a first start, made once in each process and copied: the tables, and the shipped pages cut and weighed.

Every product that a test starts would do the same work again, which is most of what such a start costs.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from core.clock import SystemClock
from core.config import Settings
from core.database import Database, migrate
from core.metrics import Metrics
from knowledge_base.knowledge import SHIPPED, Knowledge

_kept = TemporaryDirectory(prefix="firstmate-furnished-")


async def furnish(settings: Settings) -> None:
    """Only where the records are a file of the data folder that is not there yet."""
    wanted = settings.data_dir / "firstmate.db"
    if settings.database_url.get_secret_value() or wanted.exists():
        return
    template = Path(_kept.name) / "firstmate.db"
    if not template.exists():
        await _make(template)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copyfile(template, wanted)


async def _make(template: Path) -> None:
    making = template.with_suffix(".making")
    url = f"sqlite:///{making}"
    await migrate(url)
    database = Database(url)
    await Knowledge(database=database, clock=SystemClock(), folders=[SHIPPED], metrics=Metrics()).load()
    await database.close()
    # Closed, so nothing is left in a journal beside it.
    making.rename(template)
