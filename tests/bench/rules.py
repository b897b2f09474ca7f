"""A thousand rules every fifteen seconds against a real Prometheus: what the watch costs, and whether it keeps up.

Prometheus watches itself, so every rule's expression has real series behind it. Measured is the processor time of our process over two
whole intervals, once it has settled, and how many turns it missed.
"""

import asyncio
import shutil
import tempfile
from pathlib import Path

import httpx
import psutil
import yaml

from tests.bench.serving import serving
from tests.bench.table import Line
from tests.services import free_port, process

RULES = 1_000
GROUPS = 20
INTERVAL = 15
SETTLE = 20.0
MEASURED = 2 * INTERVAL
PROMETHEUS = """
global: {scrape_interval: 5s}
scrape_configs: [{job_name: itself, static_configs: [{targets: ["127.0.0.1:%d"]}]}]
"""


async def measure() -> list[Line]:
    if not shutil.which("prometheus"):
        return [Line(f"{RULES} rules every {INTERVAL} s", "half a core", "Prometheus is not installed", "-")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = free_port()
        (folder / "prometheus.yml").write_text(PROMETHEUS % port)
        command = [
            "prometheus",
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=tsdb",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with process(command, port=port, folder=folder):
            (folder / "rules.yaml").write_text(_rules())
            settings = {"PROMETHEUS_URL": f"http://127.0.0.1:{port}", "FIRSTMATE_RULES": str(folder / "rules.yaml")}
            return [await _watched(folder / "data", settings)]


async def _watched(folder: Path, settings: dict[str, str]) -> Line:
    await asyncio.to_thread(folder.mkdir)
    async with serving(folder, **settings) as server:
        await asyncio.sleep(SETTLE)
        watched = psutil.Process(server.process.pid)
        before, asked = _spent(watched), await _evaluations(server.url)
        await asyncio.sleep(MEASURED)
        cores = (_spent(watched) - before) / MEASURED
        after = await _evaluations(server.url)
    missed = after["missed"] - asked["missed"]
    done = after["ok"] - asked["ok"]
    failed = after["failing"] - asked["failing"]
    return Line(
        f"{RULES} rules every {INTERVAL} s",
        "half a core",
        f"{cores:.2f} cores; {done:.0f} evaluated, {failed:.0f} failed, {missed:.0f} turns missed in {MEASURED} s",
        f"{GROUPS} groups against a real Prometheus that watches itself; processor time of the whole of `serve`",
    )


def _spent(watched: psutil.Process) -> float:
    times = watched.cpu_times()
    return float(times.user + times.system)


async def _evaluations(url: str) -> dict[str, float]:
    async with httpx.AsyncClient() as http:
        text = (await http.get(f"{url}/metrics")).text
    return {
        "ok": _value(text, 'firstmate_rule_evaluations_total{outcome="ok"}'),
        "failing": _value(text, 'firstmate_rule_evaluations_total{outcome="failing"}'),
        "missed": _value(text, "firstmate_evaluator_missed_ticks_total"),
    }


def _value(text: str, series: str) -> float:
    line = next((line for line in text.splitlines() if line.startswith(f"{series} ")), "")
    return float(line.rpartition(" ")[2]) if line else 0.0


def _rules() -> str:
    per_group = RULES // GROUPS
    groups = [
        {
            "name": f"group-{group}",
            "interval": f"{INTERVAL}s",
            "rules": [_rule(group * per_group + place) for place in range(per_group)],
        }
        for group in range(GROUPS)
    ]
    return yaml.safe_dump({"groups": groups})


def _rule(number: int) -> dict[str, object]:
    kinds = (
        f"rate(prometheus_http_requests_total[5m]) > {1000 + number}",
        f"sum by (handler) (rate(prometheus_http_request_duration_seconds_count[5m])) > {1000 + number}",
        f"go_goroutines > {100_000 + number}",
        f"histogram_quantile(0.99, sum by (le) (rate(prometheus_http_request_duration_seconds_bucket[5m]))) > {100 + number}",
    )
    return {
        "alert": f"Rule{number}",
        "expr": kinds[number % len(kinds)],
        "for": "1m",
        "labels": {"severity": "warning"},
    }
