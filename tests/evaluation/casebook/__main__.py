"""`python -m tests.evaluation.casebook`: every case as a bundle through the engine, scored as a table.

The seed 0 is the practice set; any other draws the same faults in other clusters. `--write DIR` leaves the bundles there.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from tests.evaluation.casebook.run import chosen, examine_all, write_all
from tests.evaluation.casebook.table import changes, failures, keep, report


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.write:
        wanted = chosen(options.only, options.seed)
        write_all(wanted, options.write)
        sys.stdout.write(f"{len(wanted)} bundles in {options.write}\n")
    shown = Shown(failures=options.failures, by_fault=options.by_fault)
    if not casebook(options.only, options.seed, options.jobs, keep_them=options.keep, shown=shown):
        raise SystemExit(f"there is no case {options.only!r}")
    return 0


@dataclass(frozen=True)
class Shown:
    failures: bool = False
    by_fault: bool = False


def casebook(only: str, seed: int, jobs: int, *, keep_them: bool = False, shown: Shown = Shown()) -> int:
    """Examine the cases that are meant, print the table, and say how many there were."""
    wanted = chosen(only, seed)
    if not wanted:
        return 0
    began = perf_counter()
    marks = examine_all(wanted, jobs)
    if shown.failures:
        sys.stdout.write("\n".join(failures(marks)) + "\n\n")
    sys.stdout.write(
        f"{report(marks, by_fault=shown.by_fault)}\n{len(marks)} bundles in {perf_counter() - began:.0f} s\n\n"
    )
    if keep_them and not seed and not only:
        keep(marks)
    elif not seed:
        sys.stdout.write("".join(f"{line}\n" for line in changes(marks)))
    return len(marks)


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m tests.evaluation.casebook", description="Examine the engine with bundles."
    )
    made.add_argument("--only", default="", help="ids, faults, categories or patterns of them, with commas between")
    made.add_argument("--seed", type=int, default=0, help="0: the practice set")
    made.add_argument("--jobs", type=int, default=2, help="processes (default: %(default)s)")
    made.add_argument("--write", type=Path, default=None, help="leave the bundles in this folder")
    made.add_argument("--failures", action="store_true", help="show what was not right")
    made.add_argument("--by-fault", action="store_true", help="a row for every fault, too")
    made.add_argument("--keep", action="store_true", help="keep the verdicts as those to compare with")
    return made


if __name__ == "__main__":
    sys.exit(main())
