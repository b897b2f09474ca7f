"""Many scenarios, some at a time, each process with a data folder made ready once."""

import asyncio
import logging
import multiprocessing
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from core import logs
from core.clock import ManualClock
from core.redact import Redactor
from simulator.scenarios import Scenario, shipped
from simulator.scenarios.scenario import MONDAY
from tests.acceptance.stage import product, settings_for
from tests.evaluation.exam import examine
from tests.evaluation.verdict import Verdict

NOBODY = "http://127.0.0.1:9"


class Task(NamedTuple):
    scenario: str
    seed: int
    prepared: Path


def silence() -> None:
    logs.configure("CRITICAL", json=True, redactor=Redactor("a-key-for-the-score-only"))
    logging.disable(logging.CRITICAL)


def prepare(folder: Path) -> Path:
    """A data folder with its tables and its index, for others to copy."""
    asyncio.run(_prepare(folder))
    return folder / "data"


async def _prepare(folder: Path) -> None:
    access = folder / "kubeconfig"
    access.write_text("apiVersion: v1\nkind: Config\n")
    async with product(settings_for(folder, NOBODY, access, {}), ManualClock(MONDAY)):
        return


def examined(task: Task) -> tuple[Verdict, float]:
    began = perf_counter()
    scenario = shipped()[task.scenario]
    try:
        verdict = asyncio.run(examine(scenario, task.seed, task.prepared))
    except Exception as error:  # noqa: BLE001  # the other scenarios are to be played; this one says what stopped it
        faults = [answer.fault for answer in scenario.answers]
        verdict = Verdict(scenario.id, scenario.category, faults, trouble=f"{type(error).__name__}: {error}"[:200])
    return verdict, perf_counter() - began


def examine_all(
    scenarios: Sequence[Scenario], seed: int, jobs: int, tell: Callable[[Verdict, float], object]
) -> list[Verdict]:
    silence()
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(Path(folder))
        tasks = [Task(scenario.id, seed, prepared) for scenario in scenarios]
        verdicts = []
        for verdict, seconds in _each(tasks, jobs):
            tell(verdict, seconds)
            verdicts.append(verdict)
    return sorted(verdicts, key=lambda each: each.scenario)


def _each(tasks: Sequence[Task], jobs: int) -> Iterable[tuple[Verdict, float]]:
    if jobs == 1:
        yield from map(examined, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=silence) as pool:
        for done in as_completed([pool.submit(examined, task) for task in tasks]):
            yield done.result()
