"""Alerts taken in through Alertmanager's API, and ten thousand of them listed: ours and, where it is installed, Alertmanager's own.

Both are processes of their own on loopback and get the same stream: posts of ten alerts, a hundred posts a second, every alert a new
one, which is the worst of nights. A post's time is from the moment when it was due, so that a server that falls behind cannot hide it
by being asked later.
"""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.bench.table import Line, milliseconds, spread
from tests.services import free_port, process

SECONDS = 10
POSTS_A_SECOND = 100
ALERTS_A_POST = 10
TOKEN = "a-token-for-the-bench-only"
CONFIG = """
route: {receiver: nobody, group_by: [alertname, namespace], group_wait: 30s}
receivers: [{name: nobody}]
"""
LISTED = 5


async def measure() -> list[Line]:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "alertmanager.yml"
        config.write_text(CONFIG)
        with _ours(Path(folder), config) as url:
            lines = await _figures(url, "", "1,000 a second, p99 1 s", "200 ms")
        if shutil.which("prometheus-alertmanager"):
            with _theirs(Path(folder), config) as url:
                lines += await _figures(url, " (Alertmanager 0.25)", "beside ours", "beside ours")
    return lines


async def _figures(url: str, whose: str, taken: str, listed: str) -> list[Line]:
    auth = httpx.BasicAuth("bench", TOKEN)
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=url, auth=auth, timeout=30, limits=limits) as http:
        took, refused = await _stream(http)
        count = len((await http.get("/api/v2/alerts")).json())
        whole = [await _timed(http, {}) for _ in range(LISTED)]
        part = [await _timed(http, {"filter": 'namespace="team-7"'}) for _ in range(LISTED)]
    sent = SECONDS * POSTS_A_SECOND * ALERTS_A_POST
    lost = "" if count == sent else f"; {sent - count} are not listed"
    failed = f"; {refused} posts refused" if refused else ""
    how = f"{POSTS_A_SECOND} posts of {ALERTS_A_POST} new alerts a second for {SECONDS} s, from when each was due"
    return [
        Line(f"alert intake{whose}", taken, spread(took, 0.5, 0.99) + lost + failed, how),
        Line(
            f"{count} active alerts listed, and filtered{whose}",
            listed,
            f"all {milliseconds(min(whole))}, 1 in 50 {milliseconds(min(part))}",
            f"API v2 over loopback, the best of {LISTED}, reading the answer included",
        ),
    ]


async def _stream(http: httpx.AsyncClient) -> tuple[list[float], int]:
    began = time.perf_counter() + 0.2
    posts = [_post(http, number, began + number / POSTS_A_SECOND) for number in range(SECONDS * POSTS_A_SECOND)]
    answers = await asyncio.gather(*posts)
    return [took for took, _ in answers], sum(1 for _, status in answers if status != 200)


async def _post(http: httpx.AsyncClient, number: int, due: float) -> tuple[float, int]:
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    answer = await http.post("/api/v2/alerts", content=_body(number), headers={"Content-Type": "application/json"})
    return time.perf_counter() - due, answer.status_code


def _body(number: int) -> bytes:
    alerts: list[dict[str, Any]] = []
    for place in range(ALERTS_A_POST):
        alert = number * ALERTS_A_POST + place
        labels = {
            "alertname": f"Trouble{alert % 40}",
            "namespace": f"team-{alert % 50}",
            "pod": f"pod-{alert}",
            "severity": "warning",
        }
        alerts.append({"labels": labels, "annotations": {"summary": f"pod-{alert} is in trouble"}})
    return json.dumps(alerts).encode()


async def _timed(http: httpx.AsyncClient, params: dict[str, str]) -> float:
    began = time.perf_counter()
    answer = await http.get("/api/v2/alerts", params=params)
    answer.raise_for_status()
    return time.perf_counter() - began


@contextlib.contextmanager
def _ours(folder: Path, config: Path) -> Iterator[str]:
    port = free_port()
    settings = {
        "ALERTMANAGER_CONFIG": str(config),
        "FIRSTMATE_TOKEN": TOKEN,
        "FIRSTMATE_DATA_DIR": str(folder / "data"),
        "SECRET_KEY": "a-key-for-the-bench-only",
        "LOG_LEVEL": "ERROR",
        "API_RATE_LIMIT": "100000",
        "PORT": str(port),
    }
    command = [sys.executable, "-m", "api.cli", "serve"]
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    started = subprocess.Popen(command, env=kept | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, started)
        yield f"http://127.0.0.1:{port}"
    finally:
        started.terminate()
        started.wait(20)


@contextlib.contextmanager
def _theirs(folder: Path, config: Path) -> Iterator[str]:
    port = free_port()
    place = folder / "alertmanager"
    place.mkdir()
    command = [
        "prometheus-alertmanager",
        f"--config.file={config}",
        f"--storage.path={place}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=error",
    ]
    with process(command, port=port, folder=place):
        yield f"http://127.0.0.1:{port}"


def _wait_for(port: int, started: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and started.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"http://127.0.0.1:{port}/-/ready", timeout=1).status_code == 200:
                return
        time.sleep(0.1)
    raise RuntimeError("the server did not become ready")
