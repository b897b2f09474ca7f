"""The one process: the Kubernetes API at the root, Prometheus under /prometheus, control under /-/, and the pacer that moves time.

`build` is the composition root. With speed 0 nothing moves but through POST /-/clock, so tests run the whole app in process and in
simulated time; with a monotonic clock a task advances the world by what that clock has earned at the present speed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount

from simulator.clock import parse_rfc3339
from simulator.control import Control
from simulator.kubernetes_api import ContainerUsage
from simulator.kubernetes_api import routes as kubernetes_routes
from simulator.logs import LogLine
from simulator.page import routes as page_routes
from simulator.prometheus_api.routes import routes as prometheus_routes
from simulator.promql.tsdb import Tsdb
from simulator.scenarios.plays import Plays
from simulator.shop import NO_SHOP, SHOP
from simulator.telemetry.catalogue import Catalogue
from simulator.variants import variant
from simulator.world import SCRAPE_SECONDS, World

KEPT_AUDIT = 5_000
PACE_SECONDS = 1.0
FASTEST_PACE_SECONDS = 0.25

_log = logging.getLogger(__name__)


class ApiHooks:
    """What the Kubernetes API asks of the world."""

    def __init__(self, world: World, audit: deque[dict[str, Any]]) -> None:
        self._world = world
        self._audit = audit

    def now(self) -> datetime:
        return self._world.clock.now()

    def kick(self) -> None:
        self._world.kick()

    def read_log(
        self,
        namespace: str,
        pod: str,
        container: str,
        previous: bool,
        tail_lines: int | None,
        since_seconds: int | None,
        timestamps: bool,
    ) -> str | None:
        lines = self._world.read_log(namespace, pod, container, previous=previous)
        if lines is None:
            return None
        if since_seconds is not None:
            oldest = self.now() - timedelta(seconds=since_seconds)
            lines = [line for line in lines if line.at >= oldest]
        if tail_lines is not None:
            lines = lines[max(len(lines) - tail_lines, 0) :]
        return "".join(_rendered(line, timestamps) for line in lines)

    def usage(self) -> Iterable[ContainerUsage]:
        return self._world.usage()

    def audit(self, entry: dict[str, Any]) -> None:
        self._audit.append(entry)


def _rendered(line: LogLine, timestamps: bool) -> str:
    if not timestamps:
        return f"{line.text}\n"
    return f"{line.at:%Y-%m-%dT%H:%M:%S}.{line.at.microsecond:06d}000Z {line.text}\n"


def build(
    seed: int,
    start: datetime | str,
    speed: float = 0.0,
    *,
    history_days: float = 7.0,
    monotonic: Callable[[], float] | None = None,
    variant_seed: int = 0,
    life: bool = False,
) -> Starlette:
    """The app over a fresh world, which is at `app.state.world`."""
    moment = parse_rfc3339(start) if isinstance(start, str) else start
    shop, names = variant(SHOP, variant_seed)
    world = World(seed, moment, speed=speed, monotonic=monotonic, history_days=history_days, shop=shop, life=life)
    return serve(world, Plays(world, names))


def build_empty(
    seed: int, start: datetime, speed: float = 0.0, *, monotonic: Callable[[], float] | None = None
) -> Starlette:
    """The app over a cluster in which nothing runs, and a Prometheus that holds only what is imported."""
    world = World(seed, start, speed=speed, monotonic=monotonic, history_days=0.0, shop=NO_SHOP)
    return serve(world, tsdb=Tsdb())


def serve(world: World, plays: Plays | None = None, tsdb: Tsdb | None = None) -> Starlette:
    """The app over a world; `plays` knows who is who in it, and what is being played."""
    audit: deque[dict[str, Any]] = deque(maxlen=KEPT_AUDIT)
    control = Control(world, audit, plays)
    catalogue = Catalogue(lambda: world.collector.targets(world.runs()), lambda: last_scrape(world.clock.now()))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        pacer = asyncio.create_task(pace(world, control)) if world.clock.runs_by_itself else None
        yield
        if pacer is not None:
            pacer.cancel()
            await asyncio.gather(pacer, return_exceptions=True)

    routes = [
        *control.routes(),
        *page_routes(),
        Mount(
            "/prometheus", routes=prometheus_routes(world.tsdb if tsdb is None else tsdb, world.clock.now, catalogue)
        ),
        *kubernetes_routes(world.store, ApiHooks(world, audit)),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.world = world
    return app


def last_scrape(now: datetime) -> datetime:
    return now - timedelta(seconds=now.timestamp() % SCRAPE_SECONDS)


async def pace(world: World, control: Control) -> None:
    """Move the world by what the wall clock has earned; a failure is reported and the next second tried."""
    while True:
        await asyncio.sleep(max(PACE_SECONDS / max(world.clock.speed, 1.0), FASTEST_PACE_SECONDS))
        try:
            await control.advance(world.clock.due())
        except Exception:  # noqa: BLE001  # the loop is the process's heart: report and go on
            _log.exception("the world could not be advanced", extra={"now": world.clock.now().isoformat()})
