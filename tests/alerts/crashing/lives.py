"""One victim after the other: begun, killed with SIGKILL at some moment, begun again on the same records."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson

from tests.services import free_port

TOKEN = "a-token-of-these-tests-0123456789"
START_SECONDS = 30.0
RULES = """
groups:
- name: watched
  interval: 1s
  rules:
  - {alert: Trouble, expr: 'trouble{grave="no"}', for: 1s, labels: {severity: warning}, annotations: {summary: "{{ $labels.pod }} is ill"}}
  - {alert: Disaster, expr: 'trouble{grave="yes"}', labels: {severity: critical}, annotations: {summary: "{{ $labels.pod }} is lost"}}
"""
ROUTES = """
route:
  receiver: phone
  group_by: [alertname, pod]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
  routes:
  - {{matchers: ['alertname="Trouble"'], group_by: [alertname], continue: true, receiver: board}}
  - {{receiver: phone}}
receivers:
- {{name: phone, webhook_configs: [{{url: "{url}/phone"}}]}}
- {{name: board, webhook_configs: [{{url: "{url}/board"}}]}}
- {{name: chief, webhook_configs: [{{url: "{url}/chief/1"}}, {{url: "{url}/chief/2"}}]}}
"""
ESCALATIONS = """
escalations:
- name: urgent
  matchers: ['severity="critical"']
  steps: [{after: 1s, receiver: chief}, {after: 2s, receiver: chief}]
"""


@contextmanager
def nursery() -> Iterator["subprocess.Popen[bytes]"]:
    """The process that forks lives."""
    command = [sys.executable, "-m", "tests.alerts.crashing.victim"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        assert started.stdout
        assert started.stdout.readline() == b"ready\n"
        yield started
        assert started.stdin
        started.stdin.close()


@dataclass
class Lives:
    nursery: "subprocess.Popen[bytes]"
    folder: Path
    database_url: str
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    pid: int = 0
    kills: int = 0
    died_at: dict[str, int] = field(default_factory=dict)
    patience: float = 10.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "victim.log"

    def written(self, prometheus: str, receivers: str) -> None:
        """The files that a house is set up by."""
        files = {"rules.yaml": RULES, "routes.yaml": ROUTES.format(url=receivers), "steps.yaml": ESCALATIONS}
        for name, text in files.items():
            (self.folder / name).write_text(text)
        self.settings = {
            "ENV": "testing",
            "PORT": str(self.port),
            "SECRET_KEY": "a-key-for-tests-only",
            "FIRSTMATE_TOKEN": TOKEN,
            "FIRSTMATE_DATA_DIR": str(self.folder / "data"),
            "DATABASE_URL": self.database_url,
            "PROMETHEUS_URL": prometheus,
            "FIRSTMATE_RULES": str(self.folder / "rules.yaml"),
            "ALERTMANAGER_CONFIG": str(self.folder / "routes.yaml"),
            "FIRSTMATE_ESCALATIONS": str(self.folder / "steps.yaml"),
            "WEBHOOK_TIMEOUT": "0.4",
            "API_RATE_LIMIT": "100000",
        }

    def begin(self, place: str = "", turn: int = 1) -> None:
        order = {
            "settings": self.settings,
            "log": str(self.log),
            "place": place,
            "turn": turn,
            "patience": self.patience,
        }
        assert self.nursery.stdin
        assert self.nursery.stdout
        self.nursery.stdin.write(orjson.dumps(order) + b"\n")
        self.nursery.stdin.flush()
        self.pid = int(self.nursery.stdout.readline())

    async def up(self) -> None:
        """Until it takes requests, or is dead."""
        deadline = time.monotonic() + START_SECONDS
        async with httpx.AsyncClient() as client:
            while self.is_alive and time.monotonic() < deadline:
                with suppress(httpx.HTTPError):
                    await client.get(f"{self.url}/api/v1/health/live")
                    return
                await asyncio.sleep(0.02)
        assert not self.is_alive, self.log.read_text()[-3000:]

    @property
    def is_alive(self) -> bool:
        return self.pid > 0 and Path(f"/proc/{self.pid}").exists()

    async def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        while self.is_alive:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)
        self.kills += 1

    async def last(self) -> None:
        """A life that is let be; begun again where its start failed, as whoever keeps a service running does."""
        for _ in range(3):
            self.begin()
            await self.up()
            if self.is_alive:
                return

    async def one(self, place: str, chance: random.Random) -> None:
        """A life that ends at a place, or after a while where it never comes there; or at any moment, its first steps among them."""
        self.begin(place, chance.randrange(1, 6))
        if place or chance.random() < 0.8:
            await self.up()
        deadline = time.monotonic() + (2.0 if place else chance.random())
        while self.is_alive and time.monotonic() < deadline:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)
        where = "at any moment" if self.is_alive else place
        self.died_at[where] = self.died_at.get(where, 0) + 1
        await self.kill()
