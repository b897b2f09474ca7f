"""Diagnoses from bundles, each by `firstmate diagnose --json` in a process of its own, from its start to its last line.

The bundles are written to a temporary folder on the fly: programs with their pods, Services and events, one of them in trouble, and the
logs of healthy ones, up to a gigabyte. Two hundred objects are also timed without the start of the process, as the second of two bundles.
"""

import asyncio
import tempfile
import time
from pathlib import Path

from api.diagnosing import Ask, diagnosis_of
from tests.bench.table import Line, milliseconds, spread
from tests.tools.bundle.estate import Run, diagnosed, write_estate

SMALL = 200
SIZES = (2_500, 5_000, 10_000, 20_000)
GIGABYTE = 1_000_000_000
ROUNDS = 10


async def measure() -> list[Line]:
    return await asyncio.to_thread(_measure)


def _measure() -> list[Line]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        return [_small(root), _growing(root), _large(root)]


def _small(root: Path) -> Line:
    bundle = write_estate(root / "small", SMALL, log_bytes=200_000, logs=20)
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = diagnosis_of(bundle, Ask())
        took.append(time.perf_counter() - began)
    if not found.causes:
        raise RuntimeError("the fault was not found")
    alone = _checked(diagnosed(bundle))
    how = f"read, logs mined, diagnosed, {ROUNDS} times; a process of its own takes {milliseconds(alone.seconds)}"
    return Line(f"bundle of {SMALL} objects", "0.3 s", spread(took, 0.5), how)


def _growing(root: Path) -> Line:
    took = []
    for size in SIZES:
        run = _checked(diagnosed(write_estate(root / str(size), size)))
        took.append(f"{size}: {run.processor:.1f} s, {run.megabytes:.0f} MB")
    return Line("bundles of growing size", "linear", "; ".join(took), "processor time and memory of the whole process")


def _large(root: Path) -> Line:
    run = _checked(diagnosed(write_estate(root / "large", SIZES[-1], log_bytes=GIGABYTE, logs=2_000)))
    measured = f"{run.seconds:.1f} s ({run.processor:.1f} s of processor), {run.megabytes:.0f} MB"
    how = "2,000 logs of half a megabyte; of all logs together 16 MB are mined, the beginning and end of each"
    return Line(f"bundle of {SIZES[-1]} objects and 1 GB of logs", "10 s, 1 GB", measured, how)


def _checked(run: Run) -> Run:
    if [cause["fault"] for cause in run.answers[0]["causes"]][:1] != ["oom_killed"]:
        raise RuntimeError("the fault was not found")
    return run
