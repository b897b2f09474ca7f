"""A scenario's world and the whole product before it, in one process, with both clocks in one hand.

The product reaches the world by HTTP as it reaches any cluster. Time passes only when the product waits for it: a pause that it makes by
its own clock ends after seconds, a time-out after a minute, and that is how the two are told apart. So a verdict does not depend on how
fast the machine is. The rules are evaluated twice a minute, half as often as they are by default: a delay is told to half a minute.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import orjson

from api.server import Server
from api.wiring import House
from core.clock import ManualClock
from simulator.app import serve
from simulator.control import kubeconfig
from simulator.scenarios.player import Player
from simulator.scenarios.plays import Plays
from tests.acceptance.stage import product, settings_for
from tests.services import free_port

T = TypeVar("T")
STEP = 30.0
LONGEST_PAUSE = 10.0  # of those in which the product waits for the world
LOOK_SECONDS = 0.01
CALM_LOOKS = 3
MOST_PAUSES = 400
REAL_SECONDS = 180.0


class PacedClock(ManualClock):
    """A manual clock that says whether somebody waits for the world, and until when."""

    def pause_ends(self) -> datetime | None:
        soon = self.now() + timedelta(seconds=LONGEST_PAUSE)
        waiting = [due for due, _, woken in self._sleepers if not woken.done() and due <= soon]
        return min(waiting, default=None)


class Arena:
    def __init__(self, player: Player, house: House, clock: PacedClock, http: httpx.AsyncClient) -> None:
        self.player = player
        self.house = house
        self.clock = clock
        self._http = http

    @property
    def seconds(self) -> float:
        """Since the scenario began."""
        return (self.clock.now() - self.player.began).total_seconds()

    async def pass_time(self, seconds: float) -> None:
        """World first, then the product: what breaks is there to be seen when the product looks."""
        self.player.advance(self.clock.now() + timedelta(seconds=seconds))
        await self.clock.advance(seconds)
        await self.house.alerts.evaluator.tick()

    async def while_time_passes(self, work: Awaitable[T]) -> T:
        task = asyncio.ensure_future(work)
        async with asyncio.timeout(REAL_SECONDS):
            for _ in range(MOST_PAUSES):
                due = await self._next_pause(task)
                if due is None:
                    return await task
                await self.pass_time((due - self.clock.now()).total_seconds())
        task.cancel()
        raise AssertionError(f"still waiting after {MOST_PAUSES} pauses")

    async def _next_pause(self, task: "asyncio.Future[T]") -> datetime | None:
        """When the pause ends in which the product is now; None once its work is done."""
        calm = 0
        while not task.done():
            await asyncio.wait({task}, timeout=LOOK_SECONDS)
            due = self.clock.pause_ends()
            calm = calm + 1 if due is not None else 0
            if due is not None and calm >= CALM_LOOKS:
                return due
        return None

    async def firing(self) -> list[dict[str, Any]]:
        return [alert for alert in await self.alerts() if alert["state"] == "firing"]

    async def alerts(self) -> list[dict[str, Any]]:
        """Those that fire or fired, oldest first, and by name where they began together."""
        found: list[dict[str, Any]] = (await self.get("/alerts?limit=500"))["alerts"]
        fired = [alert for alert in found if alert["state"] in {"firing", "resolved"}]
        return sorted(fired, key=lambda alert: (str(alert["starts_at"]), str(alert["name"]), str(alert["labels"])))

    async def get(self, path: str) -> Any:
        answer = await self._http.get(f"/api/v1{path}")
        answer.raise_for_status()
        return answer.json()["data"]

    async def use(self, tool: str, **arguments: Any) -> dict[str, Any]:
        answer = await self.while_time_passes(self._http.post(f"/api/v1/tools/{tool}", json=arguments))
        answer.raise_for_status()
        used: dict[str, Any] = answer.json()["data"]
        return used

    async def ask(self, question: str, **body: Any) -> list[dict[str, Any]]:
        request = {"question": question, "stream": True, **body}
        return await self.while_time_passes(self._events("POST", "/assistant/query", request))

    async def approve(self, run_id: str, required: dict[str, Any], seen: int) -> str:
        """Say yes to the plan as it stands and follow it to its end; why it could not begin, or nothing."""
        body = {"plan_id": required["plan_id"], "hash": required["hash"], "approved": True, "note": ""}
        answer = await self.while_time_passes(self._http.post(f"/api/v1/assistant/runs/{run_id}/decision", json=body))
        if answer.status_code != 200:
            return f"the approval was answered with {answer.status_code}"
        await self.while_time_passes(self._events("GET", f"/assistant/runs/{run_id}/events?after={seen}", None))
        return ""

    async def _events(self, method: str, path: str, body: Any) -> list[dict[str, Any]]:
        async with self._http.stream(method, f"/api/v1{path}", json=body) as response:
            response.raise_for_status()
            return [orjson.loads(line[5:]) async for line in response.aiter_lines() if line.startswith("data:")]


@asynccontextmanager
async def arena(player: Player, folder: Path, prepared: Path | None = None) -> AsyncIterator[Arena]:
    """The product in a folder of its own; one that was prepared spares the making of its tables and its index."""
    data = folder / "data"
    if prepared is not None:
        shutil.copytree(prepared, data)
    app = serve(player.world, Plays(player.world, player.names))
    port = free_port()
    url, access = f"http://127.0.0.1:{port}", folder / "kubeconfig"
    access.write_text(kubeconfig(url))
    server = Server(app, "127.0.0.1", port)
    serving = asyncio.create_task(server.serve())
    await server.wait_until_started()
    clock = PacedClock(player.began)
    async with product(settings_for(folder, url, access, {"evaluation_interval": STEP}), clock) as (house, http):
        yield Arena(player, house, clock, http)
    server.should_exit = True
    await serving
