"""From the command to the first answer, and what the process holds while it waits.

The server watches a simulated shop whose clock stands still, so its Prometheus and its cluster are there and are read. A start on an empty
data folder makes the database and the index; a start on a used one finds them.
"""

import asyncio
import subprocess
import tempfile
import time
from pathlib import Path

from tests.acceptance.stage import simulated_world
from tests.bench.serving import PROGRAM, Serving, serving
from tests.bench.table import Line, percentile

QUESTION = "What should I do when a container is OOMKilled?"
ROUNDS = 3
IDLE_SECONDS = 5.0
HELP_ROUNDS = 5


async def measure() -> list[Line]:
    lines = [_help()]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with simulated_world(folder / "kubeconfig") as world:
            settings = {"PROMETHEUS_URL": f"{world}/prometheus", "K8S_CONFIG_PATH": str(folder / "kubeconfig")}
            empty = [await _started(folder / f"empty-{number}", settings) for number in range(ROUNDS)]
            warm = [await _started(folder / "empty-0", settings) for _ in range(ROUNDS)]
            idle, after = await _held(folder / "empty-0", settings)
    how = f"process spawned until a question about the runbooks was answered over HTTP; median of {ROUNDS}"
    return [
        Line("start to first answer, warm data", "3 s", _said(warm), how),
        Line("start to first answer, empty data", "-", _said(empty), how),
        Line(
            "memory of `serve` idle",
            "250 MB",
            f"{idle:.0f} MB ({after:.0f} MB after a question)",
            f"resident, {IDLE_SECONDS:g} s after the start, rules being evaluated against a simulated shop",
        ),
        *lines,
    ]


def _said(rounds: list[tuple[float, float]]) -> str:
    answered = percentile([answer for _, answer in rounds], 0.5)
    live = percentile([live for live, _ in rounds], 0.5)
    return f"{answered:.2f} s (live after {live:.2f} s)"


async def _started(folder: Path, settings: dict[str, str]) -> tuple[float, float]:
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    async with serving(folder, **settings) as server:
        await asyncio.to_thread(_answered, server)
        return server.live_after, time.perf_counter() - server.begun


async def _held(folder: Path, settings: dict[str, str]) -> tuple[float, float]:
    async with serving(folder, **settings) as server:
        await asyncio.sleep(IDLE_SECONDS)
        idle = server.resident()
        await asyncio.to_thread(_answered, server)
        return idle, server.resident()


def _answered(server: Serving) -> None:
    if not server.ask(QUESTION):
        raise RuntimeError("the question was answered with nothing")


def _help() -> Line:
    took = []
    for _ in range(HELP_ROUNDS):
        began = time.perf_counter()
        subprocess.run([str(PROGRAM), "--help"], capture_output=True, check=True)
        took.append(time.perf_counter() - began)
    median = percentile(took, 0.5)
    return Line(
        "`firstmate --help`", "0.5 s", f"{median:.2f} s, max {max(took):.2f} s", f"process, {HELP_ROUNDS} times"
    )
