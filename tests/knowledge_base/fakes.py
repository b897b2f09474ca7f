"""A knowledge base over a folder of the test's own, and the pages to put in it."""

from collections.abc import Sequence
from pathlib import Path

from core.clock import Clock
from core.database import Database
from core.metrics import Metrics
from knowledge_base.knowledge import Knowledge


def write_page(folder: Path, name: str, body: str, **front: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    head = "".join(f"{key}: {value}\n" for key, value in front.items())
    path.write_text(f"---\n{head}---\n{body}" if front else body, encoding="utf-8")
    return path


async def empty_database(folder: Path) -> Database:
    database = Database("sqlite:///" + str(folder / "knowledge.db"))
    await database.create_tables()
    return database


def knowledge(database: Database, clock: Clock, *folders: Path, metrics: Metrics | None = None) -> Knowledge:
    return Knowledge(database=database, clock=clock, folders=folders, metrics=metrics or Metrics())


def pages_of(answers: Sequence[object]) -> list[str]:
    return list(dict.fromkeys(str(getattr(hit, "page", hit)) for hit in answers))
