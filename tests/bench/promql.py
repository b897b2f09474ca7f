"""PromQL beside the real Prometheus: the same samples, the same questions over HTTP, one after the other on one machine.

Ours is the simulator as a process of its own whose world stands still; the samples reach it through the import, which is timed on the way.
A ratio above one says how many times longer ours takes.
"""

import asyncio
import http.client
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, perf_counter, sleep
from urllib.parse import urlencode

from tests.bench.history import INTERVAL_MS, START_MS, histories
from tests.bench.table import Line, milliseconds, percentile
from tests.conftest import missing_program
from tests.simulator.prometheus_server import running_prometheus
from tests.simulator.promql_data import SeriesData
from tests.simulator.promql_odd_data import exposition, open_metrics

SERIES = 500
SAMPLES = 24 * 60
ROUNDS = 7
NOON = START_MS // 1000 + SAMPLES * 60 - 3600

CLASSES = {
    "instant, one selector": ('kube_constant{job="job-1"}', None),
    "instant, sum by": ("sum by (job) (requests_total)", None),
    "instant, rate of an hour": ("sum(rate(requests_total[1h]))", None),
    "range, raw": ("requests_total", 60),
    "range, rate": ("rate(requests_total[5m])", 60),
    "range, sum of rates": ("sum by (job) (rate(requests_total[5m]))", 60),
    "range, long windows": ("avg_over_time(latency_seconds[3h])", 300),
    "range, quantile of windows": ("quantile_over_time(0.9, latency_seconds[1h])", 300),
    "range, join": ("requests_total / on (instance, number) group_left cpu_seconds_total", 60),
    "range, topk": ("topk(5, requests_total)", 300),
    "range, subquery": ("max_over_time(sum(rate(requests_total[5m]))[1h:5m])", 300),
    "range, regular expression": ('sum({job=~"job-[0-3]",__name__=~"requests.*|ratio"})', 300),
    "range, deriv": ("deriv(memory_bytes[30m])", 300),
}


async def measure() -> list[Line]:
    return await asyncio.to_thread(_measured)


def _measured() -> list[Line]:
    if program := missing_program("prometheus"):
        return [Line("PromQL beside Prometheus", "-", "not measured", f"{program} is not installed (make services)")]
    series = _series()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_prometheus(folder, blocks=open_metrics(series)) as real, _simulator() as port:
            ours = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            imported = _import(ours, exposition(series))
            theirs = real.connection
            rows = [_compared(name, ours, theirs) for name in CLASSES]
    samples = SERIES * SAMPLES
    pace = f"{samples / imported / 1000:.0f} thousand samples a second"
    return [
        Line("import of exposition text", "-", pace, f"{samples:,} lines posted to the simulator in one request"),
        *rows,
    ]


def _series() -> list[SeriesData]:
    return [
        (labels, list(zip(times.tolist(), values.tolist(), strict=True)))
        for times, labels, values in histories(SERIES, SAMPLES)
    ]


def _import(ours: http.client.HTTPConnection, text: str) -> float:
    body = text.encode()
    began = perf_counter()
    ours.request("POST", "/prometheus/api/v1/import/prometheus", body)
    response = ours.getresponse()
    told = response.read()
    if response.status != 204:
        raise RuntimeError(f"the import was answered with {response.status}: {told.decode()[:200]}")
    return perf_counter() - began


def _compared(name: str, ours: http.client.HTTPConnection, theirs: http.client.HTTPConnection) -> Line:
    query, step = CLASSES[name]
    path, params = _asked(query, step)
    first, second = _timed(ours, "/prometheus" + path, params), _timed(theirs, path, params)
    ratio = first / second
    return Line(
        f"PromQL: {name}",
        "-",
        f"{ratio:.1f} times Prometheus's",
        f"{milliseconds(first)} and {milliseconds(second)}, medians of {ROUNDS}: {query}",
    )


def _asked(query: str, step: int | None) -> tuple[str, dict[str, str]]:
    if step is None:
        return "/api/v1/query", {"query": query, "time": str(NOON)}
    start = START_MS // 1000 + INTERVAL_MS // 1000
    return "/api/v1/query_range", {"query": query, "start": str(start), "end": str(start + 86_300), "step": str(step)}


def _timed(connection: http.client.HTTPConnection, path: str, params: dict[str, str]) -> float:
    took = []
    for _ in range(ROUNDS + 1):
        began = perf_counter()
        connection.request("GET", f"{path}?{urlencode(params)}")
        response = connection.getresponse()
        body = response.read()
        took.append(perf_counter() - began)
        if response.status != 200 or b'"result":[]' in body:
            raise RuntimeError(f"{params['query']} was answered with {response.status} {body[:200].decode()}")
    return percentile(took[1:], 0.5)


@contextmanager
def _simulator() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "simulator", "--port", str(port), "--speed", "0", "--no-shop"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    give_up = monotonic() + 60
    while monotonic() < give_up and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.05)
    raise RuntimeError("the simulator did not start")
