"""The stage for acceptance tests: the simulated world in its own process with its clock standing still, and the whole product before it.

Both clocks are moved together by `pass_time`, in steps as small as an evaluation, so that minutes of an incident take seconds here. The
product is reached only by its doors: HTTP on a real port, and MCP.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import orjson

from api.app import create_app
from api.server import Server
from api.wiring import House, build
from core.clock import ManualClock
from core.config import Settings, load
from tests.acceptance.furnished import furnish
from tests.services import free_port

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STEP_SECONDS = 5.0
MAX_STEPS = 400
T = TypeVar("T")


@dataclass
class Stage:
    house: House
    clock: ManualClock
    world: httpx.AsyncClient
    http: httpx.AsyncClient
    world_url: str
    kubeconfig: Path

    async def pass_time(self, seconds: float) -> None:
        """World first, then the product: what breaks is there to be seen when the product looks."""
        left = seconds
        while left > 0:
            step = min(STEP_SECONDS, left)
            await self.world_clock(step)
            await self.clock.advance(step)
            await self.house.alerts.evaluator.tick()
            await self.house.alerts.notifier.tick()
            await self.house.alerts.outbox.tick()
            left -= step

    async def world_clock(self, seconds: float) -> None:
        answer = await self.world.post("/-/clock", json={"advance": seconds})
        answer.raise_for_status()

    async def while_time_passes(self, work: Awaitable[T]) -> T:
        """Let time pass until `work` is done: for what waits inside (a verification, a roll-out)."""
        task = asyncio.ensure_future(work)
        for _ in range(MAX_STEPS):
            with contextlib.suppress(TimeoutError):
                return await asyncio.wait_for(asyncio.shield(task), 0.05)
            await self.pass_time(STEP_SECONDS)
        task.cancel()
        raise AssertionError(f"still waiting after {MAX_STEPS * STEP_SECONDS:.0f} simulated seconds")

    async def inject(self, fault: str, **target: Any) -> None:
        body: dict[str, Any] = {"fault": fault, **({"target": target} if target else {})}
        answer = await self.world.post("/-/faults", json=body)
        assert answer.status_code == 201, answer.text

    async def get(self, path: str) -> Any:
        answer = await self.http.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def firing(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.get("/alerts?state=firing"))["alerts"]
        return found

    async def until_firing(self, name: str, within: float = 600) -> dict[str, Any]:
        for _ in range(int(within / 15)):
            await self.pass_time(15)
            found = [alert for alert in await self.firing() if alert["name"] == name]
            if found:
                return found[0]
        names = sorted({alert["name"] for alert in await self.firing()})
        raise AssertionError(f"{name} did not fire within {within:.0f} s; firing are {names}")

    async def until_quiet(self, fingerprint: str, within: float = 900) -> dict[str, Any]:
        for _ in range(int(within / 15)):
            alert: dict[str, Any] = await self.get(f"/alerts/{fingerprint}")
            if alert["state"] == "resolved":
                return alert
            await self.pass_time(15)
        raise AssertionError(f"alert {fingerprint} did not resolve within {within:.0f} s")

    async def ask(self, question: str, **body: Any) -> list[dict[str, Any]]:
        """The run's events as SSE brings them, until it ends or waits for a word."""
        request = {"question": question, "stream": True, **body}
        return await self.while_time_passes(self._events("POST", "/assistant/query", request))

    async def follow(self, run_id: str, after: int) -> list[dict[str, Any]]:
        return await self.while_time_passes(self._events("GET", f"/assistant/runs/{run_id}/events?after={after}", None))

    async def decide(self, run_id: str, required: dict[str, Any], *, approved: bool, note: str = "") -> httpx.Response:
        body = {"plan_id": required["plan_id"], "hash": required["hash"], "approved": approved, "note": note}
        return await self.http.post(f"/api/v1/assistant/runs/{run_id}/decision", json=body)

    async def _events(self, method: str, path: str, body: Any) -> list[dict[str, Any]]:
        async with self.http.stream(method, f"/api/v1{path}", json=body) as response:
            assert response.status_code == 200, (await response.aread()).decode()
            assert response.headers["content-type"].startswith("text/event-stream")
            return [orjson.loads(line[5:]) async for line in response.aiter_lines() if line.startswith("data:")]


def of_type(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event["data"] for event in events if event["type"] == kind]


def last(events: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    found = of_type(events, kind)
    assert found, f"no {kind} among {[event['type'] for event in events]}"
    return found[-1]


@asynccontextmanager
async def stage(folder: Path, *, console: bool = False, **settings: Any) -> AsyncIterator[Stage]:
    kubeconfig = folder / "kubeconfig"
    async with simulated_world(kubeconfig) as world_url, httpx.AsyncClient(base_url=world_url, timeout=30) as world:
        clock = ManualClock(datetime.fromisoformat((await world.get("/-/clock")).json()["now"]))
        chosen = settings_for(folder, world_url, kubeconfig, settings)
        async with product(chosen, clock, console=console) as (house, http):
            yield Stage(house, clock, world, http, world_url, kubeconfig)


def settings_for(folder: Path, world_url: str, kubeconfig: Path, more: dict[str, Any]) -> Settings:
    chosen: dict[str, Any] = {
        "prometheus_url": f"{world_url}/prometheus",
        "k8s_config_path": str(kubeconfig),
        # Simulated seconds pass a hundred times faster than real ones: a short time-out would see outages that are none.
        "k8s_timeout": 60.0,
        "prometheus_timeout": 60.0,
    }
    return load(
        environ={},
        env="testing",
        port=free_port(),
        data_dir=folder / "data",
        **({"api_rate_limit": 100_000} | chosen | more),
    ).settings


@asynccontextmanager
async def product(
    settings: Settings, clock: ManualClock, *, console: bool = False
) -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    """The whole product on a real port, its loops left to the test."""
    await furnish(settings)
    async with build(settings, clock) as house:
        await house.recover()
        server = Server(create_app(house, background=False, console=console), settings.host, settings.port)
        serving = asyncio.create_task(server.serve())
        await server.wait_until_started()
        headers = {"Authorization": f"Bearer {house.admin_token}"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.port}", headers=headers, timeout=60) as http:
            yield house, http
        server.should_exit = True
        await serving


@asynccontextmanager
async def simulated_world(kubeconfig: Path, *, standing: bool = True) -> AsyncIterator[str]:
    """The world in a process of its own: with its clock standing still at START, or running beside ours."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "simulator",
        "--port",
        str(port),
        "--history-days",
        "0",
        "--kubeconfig",
        str(kubeconfig),
    ]
    command += ["--speed", "0", "--start", START.isoformat()] if standing else ["--speed", "1"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        await _healthy(url, process)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def _healthy(url: str, process: asyncio.subprocess.Process) -> None:
    async with httpx.AsyncClient(timeout=2) as http, asyncio.timeout(30):
        while process.returncode is None:
            with contextlib.suppress(httpx.HTTPError):
                if (await http.get(f"{url}/-/healthy")).status_code == 200:
                    return
            await asyncio.sleep(0.05)
    raise AssertionError(f"the simulator ended at its start with code {process.returncode}")
