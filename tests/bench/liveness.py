"""How fast the process says that it lives while everything it depends on hangs and people wait for it.

Prometheus and the API server take connections and never answer. Twenty tool calls hang on them all the time, each asked again when it was
given up, beside the evaluator's own questions and the health checks.
"""

import asyncio
import tempfile
from pathlib import Path

import httpx

from tests.acceptance.broken import hanging, kubeconfig
from tests.bench.serving import LIVE, TOKEN, Serving, serving
from tests.bench.table import Line, spread

REQUESTS = 2_000
# Long enough together that the hanging calls are given up and asked anew meanwhile.
PAUSE = 0.005
HANGING_CALLS = 20
SETTLE_SECONDS = 2.0
CALLS: tuple[tuple[str, dict[str, str]], ...] = (
    ("query_metrics", {"expr": "up"}),
    ("list_objects", {"kind": "Pod"}),
    ("cluster_overview", {}),
    ("diagnose", {"namespace": "default"}),
)


async def measure() -> list[Line]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with hanging() as prometheus, hanging() as cluster:
            config = kubeconfig(folder, cluster)
            async with serving(folder, PROMETHEUS_URL=prometheus, K8S_CONFIG_PATH=str(config)) as server:
                took, answered = await _asked(server)
    how = f"{REQUESTS:,} requests over one kept connection, {HANGING_CALLS} hanging tool calls at the same time"
    if answered:
        how += f" ({answered} of them were given up and asked again)"
    return [Line("GET /api/v1/health/live while all hangs", "10 ms at p99", spread(took, 0.5, 0.99), how)]


async def _asked(server: Serving) -> tuple[list[float], int]:
    ended = 0

    async def keep_asking(number: int) -> None:
        nonlocal ended
        name, arguments = CALLS[number % len(CALLS)]
        while True:
            await http.post(f"/api/v1/tools/{name}", json=arguments)
            ended += 1

    async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as http:
        waiting = [asyncio.create_task(keep_asking(number)) for number in range(HANGING_CALLS)]
        await asyncio.sleep(SETTLE_SECONDS)
        took = await asyncio.to_thread(server.times_of, LIVE, REQUESTS, PAUSE)
        for task in waiting:
            task.cancel()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    broken = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    if broken:
        raise RuntimeError(f"a hanging call broke off: {broken[0]}")
    return took, ended
