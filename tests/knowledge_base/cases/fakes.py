"""A book of cases over a database of the test's own, and lessons to write in it."""

import re
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from core.clock import ManualClock
from core.database import Database
from core.redact import Redactor
from knowledge_base.cases.book import CaseBook
from knowledge_base.cases.case import Component, Quote, Sighting, Times, Words
from knowledge_base.cases.lesson import Ending, Finding, Lesson, Repair

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def terms(text: str) -> list[str]:
    return re.findall(r"[a-z][a-z0-9-]+|[\u4e00-\u9fff]", text.lower())


def both(text: str) -> Words:
    return Words(en=text, zh=text)


async def database_in(folder: Path) -> Database:
    database = Database(f"sqlite:///{folder / 'cases.db'}")
    await database.create_tables()
    return database


def book_on(database: Database, clock: ManualClock | None = None) -> CaseBook:
    numbers = count(1)
    return CaseBook(
        database=database,
        clock=clock or ManualClock(NOON),
        terms=terms,
        redact=Redactor("key").value,
        names=lambda: f"{next(numbers):016x}",
    )


def finding(**changed: Any) -> Finding:
    values: dict[str, Any] = {
        "fault": "oom_killed",
        "name": Words(en="Out of memory", zh="内存溢出"),
        "component": Component(kind="Deployment", namespace="shop", name="cart"),
        "statement": Words(en="The container needs more memory than its limit.", zh="容器所需内存超过限制。"),
        "confidence": 0.9,
        "quotes": [Quote(source="kubernetes", ref="Pod shop/cart-1", quote="OOMKilled, exit code 137")],
        "logs": ["fatal: cannot allocate 4096 bytes"],
    }
    return Finding(**(values | changed))


def lesson(incident: str = "a1", **changed: Any) -> Lesson:
    values: dict[str, Any] = {
        "incident": incident,
        "title": Words(en="OOM in shop/cart", zh="shop/cart 的 OOM"),
        "namespace": "shop",
        "workload": "cart",
        "alerts": [
            Sighting(
                name="ContainerOOM",
                severity="critical",
                labels={"alertname": "ContainerOOM", "namespace": "shop", "deployment": "cart", "pod": "cart-1"},
                summary=Words(en="cart was killed", zh="cart 被杀"),
            )
        ],
        "finding": finding(),
        "repair": Repair(
            plan="p1",
            title="Raise the memory limit",
            steps=["limits.memory 64Mi -> 128Mi"],
            helped=True,
            verdict="It helped: ✓ all ready",
            approved_by="ann",
            ended_at=NOON + 9 * MINUTE,
        ),
        "endings": [Ending(alert="ContainerOOM", at=NOON + 14 * MINUTE)],
        "people": ["ann"],
        "times": Times(began=NOON, detected=NOON + MINUTE, closed=NOON + 14 * MINUTE),
    }
    return Lesson(**(values | changed))
