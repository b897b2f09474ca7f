"""Lists of alerts over a long history: ten thousand that fire and a hundred thousand that have ended, pages near and deep."""

import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerts.model import Alert, Change
from alerts.store import AlertStore, Filter
from core.database import Database, migrate
from tests.bench.table import Line, milliseconds

FIRING, ENDED = 10_000, 100_000
AT_ONCE = 5_000
LOOKS = 5
PAGES = {
    "all, the first": (Filter(), 0),
    "all, the last": (Filter(), FIRING + ENDED - 50),
    "firing, the last": (Filter(state="firing"), FIRING - 50),
    "ended, the last": (Filter(state="resolved"), ENDED - 50),
    "of one namespace": (Filter(namespace="team-7"), 0),
    "open and critical": (Filter(status="open", severity="critical"), 0),
}


async def measure() -> list[Line]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'alerts.db'}"
        await migrate(url)
        database = Database(url)
        store = AlertStore(database)
        now = datetime.now(UTC)
        for start in range(0, FIRING + ENDED, AT_ONCE):
            await store.save([Change(_alert(number, now)) for number in range(start, start + AT_ONCE)])
        took = {name: await _best(lambda page=page: store.page(page[0], 50, page[1])) for name, page in PAGES.items()}  # type: ignore[misc]
        await database.close()
    slowest = max(took, key=lambda name: took[name])
    told = (
        f"slowest {milliseconds(took[slowest])} ({slowest}), first page of all {milliseconds(took['all, the first'])}"
    )
    how = f"SQLite, {FIRING:,} firing and {ENDED:,} ended, pages of 50, the best of {LOOKS} of each of {len(PAGES)}"
    return [Line("a page of alerts over a long history", "200 ms", told, how)]


async def _best(look: Callable[[], Awaitable[object]]) -> float:
    took = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        await look()
        took.append(time.perf_counter() - began)
    return min(took)


def _alert(number: int, now: datetime) -> Alert:
    at = now - timedelta(minutes=number)
    labels = {
        "severity": ("critical", "warning")[number % 2],
        "namespace": f"team-{number % 50}",
        "pod": f"pod-{number}",
    }
    return Alert(
        fingerprint=f"{number:016x}",
        rule_id="rule",
        name=f"Trouble{number % 40}",
        labels=labels,
        annotations={"summary": f"pod-{number} is in trouble " + "and more " * 10},
        state="firing" if number < FIRING else "resolved",
        value=1.0,
        episode="one",
        active_at=at,
        fired_at=at,
        resolved_at=None if number < FIRING else at + timedelta(minutes=10),
    )
