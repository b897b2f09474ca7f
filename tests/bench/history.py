"""A week of 20,000 series in the simulator's store: how long it takes to load, what it weighs, how fast a day of it is asked for.

All this happens in a process of its own, so that the memory is that of the store, the evaluator and the interpreter and of nothing else.
The series are those of a cluster in kind and share (`MIX`): each target is scraped every 60 s at a phase of its own, as the simulator
writes its history. At 15 s the same week would be 806 million samples and would not fit: that is why its history is written at 60 s.
"""

import asyncio
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from time import perf_counter, process_time

import numpy as np
import numpy.typing as npt
import orjson
import psutil

from simulator.prometheus_api.rendering import result_data
from simulator.promql.chunks import Times, Values
from simulator.promql.engine import Engine
from simulator.promql.tsdb import Labels, Tsdb
from tests.bench.table import Line, percentile, spread

SERIES = 20_000
A_TARGET = 100
INTERVAL_MS = 60_000
SAMPLES = 7 * 24 * 60
START_MS = 1_700_000_000_000
DAY_S = 86_400
STEP_S = 60
ROUNDS = 7

# What a cluster's exporters show, by name: the share of the series, and how their values come about.
MIX = (
    ("kube_constant", 0.55),  # info, limits, phases, conditions
    ("requests_total", 0.22),  # counters and buckets in whole numbers
    ("received_bytes_total", 0.06),  # counters of bytes
    ("cpu_seconds_total", 0.07),  # counters in microseconds
    ("memory_bytes", 0.04),  # pages in use
    ("latency_seconds", 0.05),  # gauges of three decimals
    ("ratio", 0.01),  # quotients with all the digits of a double
)
QUERIES = {
    "raw": "sized",
    "rate": "rate(sized[5m])",
    "sum of rates": "sum by (target) (rate(sized[5m]))",
    "max over time": "max_over_time(sized[15m])",
}


@dataclass(frozen=True, slots=True)
class Found:
    loading: float
    samples: int
    packed_mib: float
    rss_mib: float
    start_mib: float
    peak_mib: float
    asked: dict[str, list[float]]
    worked: dict[str, list[float]]  # the same in time of the processor, which others on the machine do not lengthen


async def measure() -> list[Line]:
    command = [sys.executable, "-m", "tests.bench.history"]
    done = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True, timeout=300)
    found = Found(**json.loads(done.stdout))
    how = f"{found.samples / 1e6:.0f} million samples at 60 s, handed over as arrays, in a process of its own"
    shares = ", ".join(f"{share:.0%} {name}" for name, share in MIX)
    size = found.packed_mib * 2**20 / found.samples
    took = [second for seconds in found.asked.values() for second in seconds]
    medians = ", ".join(f"{name} {percentile(seconds, 0.5) * 1000:.0f} ms" for name, seconds in found.worked.items())
    return [
        Line("a week of 20,000 series loads", "10 s", f"{found.loading:.1f} s", how),
        Line(
            "memory with it",
            "400 MB",
            f"{_megabytes(found.rss_mib)} MB, {_megabytes(found.peak_mib)} MB at most during the queries",
            f"resident, {_megabytes(found.start_mib)} MB before loading; {size:.2f} bytes a sample; {shares}",
        ),
        Line(
            "24 h of 200 series by the minute",
            "200 ms",
            spread(took, 0.5, 0.95),
            f"with its JSON; medians of the processor's time: {medians}",
        ),
    ]


def main() -> int:
    start_mib = _resident_mib()
    tsdb = Tsdb()
    began = perf_counter()
    made = 0.0
    for times, labels, values in histories(SERIES, SAMPLES):
        made -= perf_counter()
        tsdb.append_block(labels, times, values)
        made += perf_counter()
    rss = _resident_mib()
    extent = tsdb.extent()
    asked, worked = _asked(Engine(tsdb))
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = Found(made, extent.samples, extent.bytes / 2**20, rss, start_mib, peak_mib, asked, worked)
    sys.stderr.write(f"{perf_counter() - began:.1f} s with the making of the values\n")
    sys.stdout.write(json.dumps(asdict(found)))
    return 0


def _asked(engine: Engine) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Two hundred counters of ten targets, on a day in the middle of the week."""
    start = START_MS + 3 * DAY_S * 1000
    asked: dict[str, list[float]] = {}
    worked: dict[str, list[float]] = {}
    for name, query in QUERIES.items():
        text = query.replace("sized", 'requests_total{group="0"}')
        for _ in range(ROUNDS):
            began, idle = perf_counter(), process_time()
            result = engine.range(text, start, start + DAY_S * 1000, STEP_S * 1000)
            orjson.dumps(result_data(result))
            asked.setdefault(name, []).append(perf_counter() - began)
            worked.setdefault(name, []).append(process_time() - idle)
    return asked, worked


def histories(series: int, samples: int) -> Iterator[tuple[Times, Labels, Values]]:
    dice = np.random.default_rng(7)
    bounds = np.cumsum([share for _, share in MIX])
    times = np.empty(0, dtype=np.int64)
    counts = dict.fromkeys((name for name, _ in MIX), 0)
    for number in range(series):
        target = number // A_TARGET
        if number % A_TARGET == 0:
            times = START_MS + target * 137 % INTERVAL_MS + np.arange(samples, dtype=np.int64) * INTERVAL_MS
        name = MIX[int(np.searchsorted(bounds, (number % A_TARGET + 0.5) / A_TARGET))][0]
        labels = _labels(name, target, counts[name])
        counts[name] += 1
        yield times, labels, _values(name, dice, samples)


def _labels(name: str, target: int, number: int) -> Labels:
    return (
        ("__name__", name),
        ("group", str(number // 200)),
        ("instance", f"10.0.{target // 250}.{target % 250}:8080"),
        ("job", f"job-{target % 20}"),
        ("namespace", f"ns-{target % 7}"),
        ("number", str(number)),
        ("target", f"target-{target}"),
    )


def _values(name: str, dice: np.random.Generator, samples: int) -> Values:
    return np.asarray(_drawn(name, dice, samples), dtype=np.float64)


def _drawn(name: str, dice: np.random.Generator, samples: int) -> npt.NDArray[np.number]:
    match name:
        case "kube_constant":
            return np.full(samples, float(dice.integers(0, 3)))
        case "requests_total":
            return np.cumsum(dice.poisson(float(dice.integers(1, 2_000)), samples))
        case "received_bytes_total":
            return np.cumsum(dice.integers(0, 60_000_000, samples))
        case "cpu_seconds_total":
            return np.round(np.cumsum(dice.gamma(4, 3, samples)), 6)
        case "memory_bytes":
            return np.abs(np.cumsum(dice.integers(-200, 200, samples)) + 30_000) * 4096.0
        case "latency_seconds":
            return np.round(dice.gamma(3, 0.05, samples), 3)
        case _:
            return dice.random(samples)


def _megabytes(mib: float) -> str:
    return f"{mib * 2**20 / 1e6:.0f}"


def _resident_mib() -> float:
    resident: int = psutil.Process().memory_info().rss
    return resident / 2**20


if __name__ == "__main__":
    sys.exit(main())
