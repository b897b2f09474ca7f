"""`make score`: the casebook's bundles, every scenario through the whole product in simulated time, and questions of the knowledge base.

No key and no cluster; times are simulated, so a slow machine takes longer and scores the same. It ends well whatever the numbers are, and
badly only where it could not play. The verdicts of the last kept run are beside this file; the differences to them come last.
"""

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from time import perf_counter

from simulator.scenarios import Scenario, shipped
from tests.bench.table import render
from tests.evaluation import repeated
from tests.evaluation.casebook.__main__ import casebook
from tests.evaluation.grounding.score import HEADS as GROUNDING
from tests.evaluation.grounding.score import score as grounded
from tests.evaluation.knowledge import measure
from tests.evaluation.lessons import score as lessons
from tests.evaluation.session import examine_all, silence
from tests.evaluation.totals import CONTROL_HEADS, HEADS, calm, differences, keep, kept, rows, summed
from tests.evaluation.verdict import Verdict


def main() -> int:
    options = _parser().parse_args()
    silence()
    began = perf_counter()
    if not options.json:
        casebook(options.only, options.seed, options.jobs, keep_them=options.keep)
    if options.casebook_only:
        return 0
    verdicts = _examined(options)
    found = asyncio.run(measure.all_ways()) if options.only in ("", "search") else {}
    held = grounded() if options.only in ("", "answers") else {}
    past = lessons.score() if options.only in ("", "lessons") else []
    if options.json:
        _print_json(verdicts, found, past)
    else:
        _print(verdicts, found, past)
        if held:
            table = render(GROUNDING, [score.row(name) for name, score in held.items()])
            sys.stdout.write(f"statements about pages, and what the checker makes of them\n{table}\n")
            sys.stdout.write(f"{_told_again(repeated.score())}\n")
        sys.stdout.write(f"{len(verdicts)} scenarios in {perf_counter() - began:.0f} s\n")
    return _compare(options, verdicts)


def _told_again(found: repeated.RecallScore) -> str:
    return (
        f"answers told again: {found.found:.0%} of {found.same} pairs that ask the same, {found.false:.1%} of {found.other} that only look "
        f"so (by the vector alone {found.by_vector_alone:.0%})"
    )


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.evaluation", description="Score the product.")
    made.add_argument("--json", action="store_true", help="print JSON instead of tables")
    made.add_argument(
        "--only",
        default="",
        help="scenarios, faults, categories or patterns of them, with commas between; or `search`, `lessons`, `answers`",
    )
    made.add_argument("--casebook-only", action="store_true", help="bundles only, without the played scenarios (fast)")
    made.add_argument("--sample", type=int, default=0, help="so many of them, drawn by the seed")
    made.add_argument("--seed", type=int, default=0, help="of other names and other dice; 0: each as it is written")
    made.add_argument("--jobs", type=int, default=2, help="processes (default: %(default)s)")
    made.add_argument("--keep", action="store_true", help="keep the verdicts as those to compare with")
    return made


def _examined(options: argparse.Namespace) -> list[Verdict]:
    if options.only in ("search", "lessons", "answers"):
        return []
    wanted = [one for one in shipped().values() if _is_meant(one, options.only)]
    if options.sample:
        wanted = random.Random(options.seed).sample(wanted, min(options.sample, len(wanted)))
    if not wanted:
        raise SystemExit(f"there is nothing to play: no scenario is {options.only!r}")
    return examine_all(wanted, options.seed, options.jobs, _Keeper() if options.keep and not options.seed else _tell)


class _Keeper:
    """Keeps every verdict as it comes: a run that is ended early has not been for nothing."""

    def __init__(self) -> None:
        known, _ = kept()
        self._verdicts = {name: verdict for name, verdict in known.items() if name in shipped()}

    def __call__(self, verdict: Verdict, seconds: float) -> None:
        _tell(verdict, seconds)
        known = self._verdicts.get(verdict.scenario)
        if known is not None:
            sys.stderr.writelines(f"  {line}\n" for line in differences([verdict], {known.scenario: known}))
        self._verdicts[verdict.scenario] = verdict
        keep(list(self._verdicts.values()))


def _is_meant(scenario: Scenario, pattern: str) -> bool:
    names = (scenario.id, scenario.category, *(answer.fault for answer in scenario.answers))
    return not pattern or any(fnmatch(name, each) for name in names for each in pattern.split(","))


def _tell(verdict: Verdict, seconds: float) -> None:
    if verdict.is_control:
        said = (
            "calm" if not (verdict.false_alarms or verdict.said) else f"not calm: {verdict.false_alarms} {verdict.said}"
        )
    else:
        said = "repaired" if verdict.repaired else verdict.trouble
    sys.stderr.write(f"{verdict.scenario}: {said} ({seconds:.0f} s)\n")
    sys.stderr.flush()


def _print(verdicts: Sequence[Verdict], found: measure.Found, past: Sequence[lessons.CaseScore]) -> None:
    if any(not each.is_control for each in verdicts):
        sys.stdout.write(f"{render(HEADS, rows(verdicts))}\n\n")
    if any(each.is_control for each in verdicts):
        sys.stdout.write(f"{render(CONTROL_HEADS, [calm(verdicts).row()])}\n\n")
    if found:
        sys.stdout.write(f"{render(measure.HEADS, measure.rows(found))}\n\n")
    if past:
        sys.stdout.write(f"{render(lessons.HEADS, [each.row() for each in past])}\n\n")


def _print_json(verdicts: Sequence[Verdict], found: measure.Found, past: Sequence[lessons.CaseScore]) -> None:
    whole = {
        "scenarios": [each.to_json() for each in verdicts],
        "totals": summed(verdicts),
        "search": measure.to_json(found),
        "lessons": [each.to_json() for each in past],
    }
    sys.stdout.write(json.dumps(whole, indent=2) + "\n")


def _compare(options: argparse.Namespace, verdicts: Sequence[Verdict]) -> int:
    """Under other names nothing is comparable one by one; the totals above are what such a run is for."""
    if options.seed or not verdicts:
        return 0
    if not options.keep:
        said = differences(verdicts, kept()[0])
        sys.stderr.write("\n".join(said or ["nothing is better or worse than what was kept"]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
