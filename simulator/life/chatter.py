"""Everyday lines: what programs note for themselves, and what the gateway's access log says of scanners and crawlers.

As in the writer of requests, a generator seeded by the time alone draws which container says what, so equal worlds write equal files.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np

from simulator.apps import App
from simulator.flow import Flow, GroupFlow
from simulator.kubelet import ContainerRun, PodRun
from simulator.life.sayings import LAST_WORDS, LAST_WORDS_CHINESE, SAYINGS, SCANNED
from simulator.logs import LogBook
from simulator.logs.styles import Fields, render
from simulator.network import Member
from simulator.noise import Floats, drift, grain

SECONDS_BETWEEN = 200.0  # two everyday lines of one container, on average
WARNINGS_AMONG = 0.25
QUIET_SCANS, BURST = 0.06, 1.6  # requests a second
BURST_SECONDS = 600.0
CRAWLED_LINES = 0.3


def scanners(seed: int, times: Floats) -> Floats:
    """Requests a second for what is not there: always a few, and sometimes a whole dictionary within minutes."""
    burst = grain(seed, "life/scan", times, BURST_SECONDS) > 0.94
    rate: Floats = QUIET_SCANS * (1 + 0.6 * drift(seed, "life/scan", times)) + np.where(burst, BURST, 0.0)
    return rate


class Chatter:
    def __init__(self, book: LogBook, seed: int, is_crawled: Callable[[datetime], bool]) -> None:
        self._book = book
        self._seed = seed
        self._is_crawled = is_crawled

    def tick(self, flow: Flow, now: datetime, seconds: float) -> None:
        dice = random.Random(f"{self._seed}/life/{now.timestamp()}")
        crawled = self._is_crawled(now)
        for group in flow.groups:
            for member in group.group.members:
                if dice.random() < seconds / SECONDS_BETWEEN:
                    self._say(member, group.group.app, now, dice)
                if group.group.app.is_edge:
                    self._note_strangers(member, group, now, seconds, dice, crawled)

    def last_words(self, run: PodRun, container: ContainerRun, now: datetime) -> None:
        app = container.image.app if container.image else None
        if app is not None:
            said = LAST_WORDS_CHINESE if app.tongue == "zh" else LAST_WORDS
            self._book.write(run, container, now, render(app.log_style, now, "error", said, {"task": "refresh"}))

    def _say(self, member: Member, app: App, now: datetime, dice: random.Random) -> None:
        is_warning = dice.random() < WARNINGS_AMONG
        known = SAYINGS[app.log_style]
        saying = dice.choice([each for each in known if (each.level == "warn") == is_warning] or list(known))
        number = dice.randint(1, saying.most)
        text = saying.text(chinese=app.tongue == "zh", number=number)
        fields: Fields = {saying.field: number} if saying.field else {}
        self._book.write(member.run, member.container, now, render(app.log_style, now, saying.level, text, fields))

    def _note_strangers(
        self, member: Member, group: GroupFlow, now: datetime, seconds: float, dice: random.Random, crawled: bool
    ) -> None:
        expected = float(group.strays[0]) * seconds if group.strays is not None else 0.0
        count = int(expected) + (dice.random() < expected % 1)
        asked = [(dice.choice(SCANNED), 404, f"198.51.100.{dice.randint(2, 250)}") for _ in range(count)]
        if crawled and dice.random() < CRAWLED_LINES:
            path = max(group.group.app.routes, key=lambda route: len(route.example)).example
            asked.append((path.replace("{n}", str(dice.randint(1, 9_000))), 200, "192.0.2.17"))
        for path, status, client in asked:
            at = now - timedelta(seconds=dice.random())
            fields: Fields = {
                "method": "GET",
                "path": path,
                "status": status,
                "duration_ms": dice.randint(1, 3),
                "client": client,
            }
            line = render(group.group.app.log_style, at, "info", "request", fields)
            self._book.write(member.run, member.container, at, line)
