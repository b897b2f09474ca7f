"""What is sent to both is known to both alike: after every post, who fires, since when and until when, as `GET /api/v2/alerts` shows it.

One difference is ours by intent: what has ended is over, so an alert that comes back begins when it is sent to have begun, and is not given
the beginning of the one that has ended, which Alertmanager remembers for up to half an hour.
"""

import asyncio
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts.arriving import Arrival
from alerts.board import Board, Wanted
from alerts.intake import Intake
from alerts.notify.pipeline import Routing
from alerts.routing.config import parse_config
from alerts.silences import Silences
from alerts.store import AlertStore
from core.clock import ManualClock
from core.database import Database
from tests.services import free_port, process

PACE = 0.4
STEPS = 7
PATIENCE = 2
TOLERANCE = 0.25
DRAWN = 60
CONFIG = f"""
global: {{resolve_timeout: {PATIENCE}s}}
route: {{receiver: nobody}}
receivers: [{{name: nobody}}]
"""


@dataclass(frozen=True)
class Post:
    """At a step; its times in seconds from the beginning of the play, None where it names none."""

    at: int
    starts: float | None = None
    ends: float | None = None


CASES: Mapping[str, Sequence[Post]] = {
    "neither time is named": [Post(0)],
    "a repetition without an end moves the end": [Post(0), Post(2)],
    "an end that was named stays behind a later timeout": [Post(0, starts=-1, ends=9), Post(2)],
    "a second timeout after that puts its own end in": [Post(0, starts=-1, ends=9), Post(2), Post(3)],
    "a timeout that is later than the end that was named": [Post(0, starts=-1, ends=1.9), Post(1)],
    "an end that is named stays if it is later": [Post(0, starts=-1, ends=9), Post(1, ends=6)],
    "an end that is named comes nearer behind a timeout": [Post(0), Post(1, ends=1.5)],
    "an end is told, early though it is": [Post(0, starts=-1, ends=9), Post(3, ends=1)],
    "the earlier beginning is kept": [Post(0, starts=-5), Post(2, starts=-1)],
    "an earlier beginning is learnt": [Post(0, starts=-1), Post(2, starts=-5)],
    "an earlier beginning with an end within": [Post(0, starts=-1, ends=9), Post(2, starts=-5, ends=8)],
    "the same beginning with a nearer end": [Post(0, starts=-1, ends=9), Post(2, starts=-1, ends=8)],
    "the same beginning with a later end": [Post(0, starts=-1, ends=8), Post(2, starts=-1, ends=9)],
    "a beginning that is yet to come": [Post(0, starts=5, ends=9), Post(1, starts=6, ends=8)],
    "an end before the known beginning": [Post(0, starts=-1, ends=9), Post(1, starts=-6, ends=-5)],
    "the end of what nobody knew": [Post(0, ends=-1), Post(2, starts=-1, ends=9)],
    "it falls silent": [Post(0), Post(1)],
    "it ends and comes back": [Post(0, starts=-1, ends=0.5), Post(3, starts=1.1), Post(5)],
}


def drawn(seed: int) -> list[Post]:
    chance = random.Random(seed)
    posts = []
    for step in range(STEPS):
        starts = chance.choice([None, -4.1, -2.1, -1.1, 0.3])
        ends = chance.choice([None, None, step * PACE - 0.7, step * PACE + 1.5, 4.7, 9.1])
        if chance.random() < 0.6 and not (starts is not None and ends is not None and ends < starts):
            posts.append(Post(step, starts, ends))
    return posts


@dataclass(frozen=True)
class Shown:
    starts: float
    ends: float

    def is_like(self, other: "Shown") -> bool:
        return abs(self.starts - other.starts) < TOLERANCE and abs(self.ends - other.ends) < TOLERANCE


Look = Mapping[str, Shown]
"""By case, what fires."""


def due(cases: Mapping[str, Sequence[Post]], step: int, start: datetime) -> Iterator[Arrival]:
    for name, posts in cases.items():
        for post in posts:
            if post.at == step:
                begins, ends = (
                    None if at is None else start + timedelta(seconds=at) for at in (post.starts, post.ends)
                )
                yield Arrival({"case": name}, {}, begins, ends)


def looked(answer: Sequence[Mapping[str, Any]], start: datetime) -> Look:
    def second(text: str) -> float:
        return (datetime.fromisoformat(text) - start).total_seconds()

    return {each["labels"]["case"]: Shown(second(each["startsAt"]), second(each["endsAt"])) for each in answer}


def theirs(cases: Mapping[str, Sequence[Post]], folder: Path) -> tuple[datetime, list[Look]]:
    port = free_port()
    (folder / "alertmanager.yml").write_text(CONFIG)
    command = [
        "prometheus-alertmanager",
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=error",
    ]
    with (
        process(command, port=port, folder=folder),
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v2", timeout=10) as http,
    ):
        start = datetime.now(UTC) + timedelta(seconds=0.2)
        return start, [_their_step(http, cases, step, start) for step in range(STEPS)]


def _their_step(http: httpx.Client, cases: Mapping[str, Sequence[Post]], step: int, start: datetime) -> Look:
    _wait(start, step * PACE)
    sent = [_sent(each) for each in due(cases, step, start)]
    http.post("/alerts", json=sent).raise_for_status()
    _wait(start, (step + 0.5) * PACE)
    return looked(http.get("/alerts").raise_for_status().json(), start)


def _wait(start: datetime, second: float) -> None:
    time.sleep(max(0.0, (start + timedelta(seconds=second) - datetime.now(UTC)).total_seconds()))


def _sent(one: Arrival) -> dict[str, Any]:
    times = {"startsAt": one.starts_at, "endsAt": one.ends_at}
    return {"labels": dict(one.labels)} | {name: at.isoformat() for name, at in times.items() if at}


async def ours(
    cases: Mapping[str, Sequence[Post]], database: Database, start: datetime
) -> tuple[list[Look], set[tuple[int, str]]]:
    """And which had ended before, by step."""
    clock = ManualClock(start)
    config = parse_config(CONFIG, "here")
    routing = Routing(config, {})
    ended: set[str] = set()
    intake = Intake(
        store=AlertStore(database),
        clock=clock,
        patience=lambda: config.resolve_timeout,
        listeners=[
            lambda change: routing.put(change.alert, clock.now()),
            lambda change: ended.add(change.alert.labels["case"]) if change.alert.state == "resolved" else None,
        ],
    )
    board = Board(routing, Silences(database, clock, lambda: "none"), clock)
    looks: list[Look] = []
    over: set[tuple[int, str]] = set()
    for step in range(STEPS):
        arrivals = list(due(cases, step, start))
        ended |= {each.labels["case"] for each in arrivals if each.ends_at and each.ends_at <= clock.now()}
        taking = asyncio.create_task(intake.take(arrivals))
        await asyncio.sleep(0)
        await intake.tick()
        await taking
        await clock.advance(PACE / 2)
        await intake.tick()
        looks.append(looked(await board.alerts(Wanted()), start))
        over |= {(step, name) for name in ended}
        await clock.advance(PACE / 2)
    return looks, over


@pytest.mark.real("alertmanager")
async def test_arrivals_leave_the_same_alerts_behind(database: Database, tmp_path: Path) -> None:
    cases = {**CASES, **{f"drawn {seed}": drawn(seed) for seed in range(DRAWN)}}
    start, left = await asyncio.to_thread(theirs, cases, tmp_path)
    right, over = await ours(cases, database, start)
    assert sum(map(len, left)) > len(cases)
    found = [
        f"{name} at {step}: theirs {theirs_.get(name)}, ours {ours_.get(name)}; {list(cases[name])}"
        for step, (theirs_, ours_) in enumerate(zip(left, right, strict=True))
        for name in cases
        if not _alike(theirs_.get(name), ours_.get(name), since_matters=(step, name) not in over)
    ]
    assert not found, f"{len(found)} differences:\n" + "\n".join(found[:40])


def _alike(one: Shown | None, other: Shown | None, *, since_matters: bool) -> bool:
    if one is None or other is None:
        return one is other
    return one.is_like(other if since_matters else Shown(one.starts, other.ends))
