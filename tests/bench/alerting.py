"""How long after a breach the alert fires, and how long after that a receiver hears of it, in real time.

A small server answers Prometheus's query API for series that each cross their threshold at a moment of its own choosing; the whole product
evaluates, groups and sends as it does in service. Each series has a namespace of its own, so each alert is a notification of its own.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.server import Server
from api.wiring import House, build, running
from core.config import load
from tests.bench.table import Line, spread
from tests.services import free_port

INTERVALS = (1, 2)
CROSSINGS = 10
FIRST = 3.0
# No multiple of an interval: crossings meet the evaluator's grid at every phase.
APART = 1.37
GROUP_WAIT = 1.0
PATIENCE = 10.0
RULES = """
groups:
{groups}
"""
GROUP = """  - name: every-{interval}s
    interval: {interval}s
    rules:
      - alert: Crossed{interval}
        expr: load_{interval} > 0.5
        labels: {{severity: warning}}
        annotations: {{summary: "{{{{ $labels.namespace }}}} crossed"}}
"""


@dataclass
class Watched:
    """What is known of every series, by namespace, in seconds of the wall clock."""

    crosses: dict[str, float] = field(default_factory=dict)
    fired: dict[str, float] = field(default_factory=dict)
    heard: dict[str, float] = field(default_factory=dict)

    def begin(self, first: float) -> None:
        for interval in INTERVALS:
            for number in range(CROSSINGS):
                self.crosses[f"every-{interval}s-{number}"] = first + number * APART

    def of(self, interval: int) -> list[str]:
        return [name for name in self.crosses if name.startswith(f"every-{interval}s-")]

    def is_complete(self) -> bool:
        return len(self.fired) == len(self.heard) == len(self.crosses)


async def measure() -> list[Line]:
    watched = Watched()
    with tempfile.TemporaryDirectory() as folder:
        async with _answering(watched) as url, _product(Path(folder), url) as house:
            # Set only now: how long the product takes to start is another figure.
            watched.begin(time.time() + FIRST)
            listening = asyncio.create_task(_listen(house, watched))
            await _complete(watched)
            listening.cancel()
    return [*(_firing(watched, interval) for interval in INTERVALS), _telling(watched)]


def _firing(watched: Watched, interval: int) -> Line:
    names = watched.of(interval)
    took = [watched.fired[name] - watched.crosses[name] for name in names if name in watched.fired]
    beyond = max(took) - interval
    lost = len(names) - len(took)
    return Line(
        f"alert fires after the breach, {interval} s interval",
        f"{interval} s + 1 s",
        f"{spread(took, 0.5)} (interval {beyond:+.3f} s)" + (f"; {lost} never fired" if lost else ""),
        f"{len(names)} series cross at known moments in a loopback Prometheus; real evaluator, real time",
    )


def _telling(watched: Watched) -> Line:
    beyond = [watched.heard[name] - watched.fired[name] - GROUP_WAIT for name in watched.heard if name in watched.fired]
    lost = len(watched.crosses) - len(beyond)
    return Line(
        "notification after firing, beyond group_wait",
        "1 s",
        spread(beyond, 0.5) + (f"; {lost} never came" if lost else ""),
        f"the same {len(watched.crosses)} alerts, group_wait {GROUP_WAIT:g} s, a loopback webhook receiver",
    )


async def _listen(house: House, watched: Watched) -> None:
    async for alert in house.desk.changes():
        if alert.state == "firing":
            watched.fired.setdefault(alert.namespace, time.time())


async def _complete(watched: Watched) -> None:
    last = max(watched.crosses.values()) + max(INTERVALS) + GROUP_WAIT + PATIENCE
    # Both sides note their moments themselves; here is only waited for the end.
    while not watched.is_complete() and time.time() < last:  # noqa: ASYNC110
        await asyncio.sleep(0.1)


@asynccontextmanager
async def _product(folder: Path, url: str) -> AsyncIterator[House]:
    rules = folder / "rules.yaml"
    rules.write_text(RULES.format(groups="".join(GROUP.format(interval=interval) for interval in INTERVALS)))
    settings = load(
        environ={},
        env="testing",
        data_dir=folder / "data",
        prometheus_url=url,
        rules_files=(rules,),
        group_wait=GROUP_WAIT,
        webhook_urls=(f"{url}/webhook",),
    ).settings
    async with build(settings) as house, running(house):
        yield house


@asynccontextmanager
async def _answering(watched: Watched) -> AsyncIterator[str]:
    async def query(request: Request) -> Response:
        asked = {**request.query_params, **(await request.form())}
        at = min(time.time(), float(str(asked.get("time") or time.time())))
        name = str(asked.get("query")).split(" ")[0]
        result = [
            {"metric": {"__name__": name, "namespace": series}, "value": [at, "1"]}
            for series, crosses in watched.crosses.items()
            if crosses <= at and series.startswith(f"every-{name.removeprefix('load_')}s-")
        ]
        return JSONResponse({"status": "success", "data": {"resultType": "vector", "result": result}})

    async def webhook(request: Request) -> Response:
        body: dict[str, Any] = await request.json()
        for alert in body["alerts"]:
            watched.heard.setdefault(alert["labels"]["namespace"], time.time())
        return Response(status_code=200)

    port = free_port()
    routes = [
        Route("/api/v1/query", query, methods=["GET", "POST"]),
        Route("/webhook", webhook, methods=["POST"]),
    ]
    server = Server(Starlette(routes=routes), "127.0.0.1", port)
    serving = asyncio.create_task(server.serve())
    await server.wait_until_started()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving
