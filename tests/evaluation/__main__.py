"""`make score`: incidents played through the whole product in simulated time, and questions asked of the knowledge base.

No key and no cluster; times are simulated, so a slow machine takes longer and scores much the same. It ends well whatever the numbers are,
and badly only where it could not play.
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

from core import logs
from core.redact import Redactor
from tests.acceptance.stage import stage
from tests.bench.table import render
from tests.evaluation import search
from tests.evaluation.incidents import PATIENT, healthy_alerts, play
from tests.evaluation.score import HEADS, SUMMARY_HEADS, Case, Outcome, SearchScore, summary
from tests.evaluation.targets import choose

PER_FAULT = 3
SEED = 11
HEALTHY_SECONDS = 3600


def main() -> int:
    made = argparse.ArgumentParser(prog="python -m tests.evaluation", description="Score the product.")
    made.add_argument("--json", action="store_true", help="print JSON instead of tables")
    made.add_argument("--per-fault", type=int, default=PER_FAULT, help="incidents a fault (default: %(default)s)")
    made.add_argument("--seed", type=int, default=SEED, help="of the choice of targets (default: %(default)s)")
    made.add_argument("--only", default="", help="one fault, or `search`")
    options = made.parse_args()
    logs.configure("CRITICAL", json=True, redactor=Redactor("a-key-for-the-score-only"))
    logging.disable(logging.CRITICAL)
    asyncio.run(_scored(options))
    return 0


async def _scored(options: argparse.Namespace) -> None:
    outcomes: list[Outcome] = []
    false_alarms: list[str] = []
    if options.only != "search":
        cases, false_alarms = await _healthy(options)
        wanted = [case for case in cases if options.only in {"", case.fault}]
        if not wanted:
            raise SystemExit(f"there is nothing to play: the world knows no fault {options.only!r}")
        outcomes = [await _played(case) for case in wanted]
    found = await search.score()
    (_print_json if options.json else _print)(outcomes, false_alarms, found)


async def _healthy(options: argparse.Namespace) -> tuple[list[Case], list[str]]:
    """An hour in which nothing is wrong, in the world that then says what there is to break."""
    began = perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        async with stage(Path(folder), **PATIENT) as scene:
            cases = await choose(scene.world, options.per_fault, options.seed)
            alarms = await healthy_alerts(scene, HEALTHY_SECONDS)
    _say(f"a healthy hour: {len(alarms)} alerts ({perf_counter() - began:.0f} s)")
    return cases, alarms


async def _played(case: Case) -> Outcome:
    began = perf_counter()
    outcome = await play(case)
    said = "repaired" if outcome.repaired_after is not None else outcome.trouble or "not repaired"
    _say(f"{case.fault} on {case}: {said} ({perf_counter() - began:.0f} s)")
    return outcome


def _print(outcomes: Sequence[Outcome], false_alarms: Sequence[str], found: SearchScore) -> None:
    if outcomes:
        sys.stdout.write(f"{render(HEADS, [one.row() for one in outcomes])}\n\n")
        sys.stdout.write(f"{render(SUMMARY_HEADS, summary(outcomes))}\n\n")
        names = f" ({', '.join(sorted(set(false_alarms)))})" if false_alarms else ""
        sys.stdout.write(f"false alarms in a healthy hour: {len(false_alarms)}{names}\n")
    sys.stdout.write(
        f"knowledge search: recall@1 {found.recall_at_1:.0%}, recall@5 {found.recall_at_5:.0%}, MRR {found.mrr:.3f} "
        f"over {found.questions} questions; {found.refused:.0%} of {found.unanswerable} unanswerable ones refused\n"
    )


def _print_json(outcomes: Sequence[Outcome], false_alarms: Sequence[str], found: SearchScore) -> None:
    whole = {
        "incidents": [one.to_json() for one in outcomes],
        "false_alarms": list(false_alarms),
        "search": asdict(found),
    }
    sys.stdout.write(json.dumps(whole, indent=2) + "\n")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
