"""`firstmate serve` as its users start it, in a process of its own, and a plain client that costs next to nothing itself."""

import asyncio
import contextlib
import http.client
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import psutil

from tests.services import free_port

PROGRAM = Path(sys.executable).with_name("firstmate")
LIVE = "/api/v1/health/live"
TOKEN = "a-token-for-the-bench"
START_SECONDS = 60.0
TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Serving:
    process: subprocess.Popen[bytes]
    port: int
    begun: float
    live_after: float

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def resident(self) -> float:
        """Megabytes (10^6) of the server and what it has started."""
        whole = psutil.Process(self.process.pid)
        return float(sum(one.memory_info().rss for one in (whole, *whole.children(recursive=True)))) / 1e6

    def ask(self, question: str) -> str:
        """The answer's text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        connection.request("POST", "/api/v1/assistant/query", orjson.dumps({"question": question}), headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"the question was answered with {answer.status}: {body[:300].decode()}")
        return str(orjson.loads(body)["data"].get("answer", ""))

    def times_of(self, path: str, count: int, pause: float) -> list[float]:
        """Seconds of each of so many requests over one kept connection, with a pause after each."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        took = []
        for _ in range(count):
            began = time.perf_counter()
            connection.request("GET", path)
            connection.getresponse().read()
            took.append(time.perf_counter() - began)
            time.sleep(pause)
        connection.close()
        return took


@asynccontextmanager
async def serving(folder: Path, **settings: str) -> AsyncIterator[Serving]:
    """Settings by their names in the environment; the data folder is `folder / "data"`, warm if it was used before."""
    port = free_port()
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environ |= {
        "SECRET_KEY": "a-key-for-the-bench-only",
        "FIRSTMATE_TOKEN": TOKEN,
        "FIRSTMATE_DATA_DIR": str(folder / "data"),
    }
    environ |= {"API_RATE_LIMIT": "1000000", "LOG_LEVEL": "WARNING", **settings}
    begun = time.perf_counter()
    process = _started(folder, port, environ)
    try:
        live_after = await asyncio.to_thread(_live, process, port, begun)
        yield Serving(process, port, begun, live_after)
    finally:
        process.terminate()
        await asyncio.to_thread(_ended, process)


def _started(folder: Path, port: int, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    with (folder / "serve.log").open("ab") as log:
        return subprocess.Popen(
            [str(PROGRAM), "serve", "--port", str(port)], stdout=log, stderr=subprocess.STDOUT, env=environ, cwd=folder
        )


def _live(process: subprocess.Popen[bytes], port: int, begun: float) -> float:
    while time.perf_counter() - begun < START_SECONDS:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended at its start with code {process.returncode}; see its log")
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", LIVE)
            if connection.getresponse().status == 200:
                return time.perf_counter() - begun
        time.sleep(0.005)
    raise RuntimeError(f"the server did not answer within {START_SECONDS:g} s")


def _ended(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
