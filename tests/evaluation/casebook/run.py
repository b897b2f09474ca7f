"""Write a case to a folder, diagnose it as a customer's bundle would be, judge it; many side by side."""

import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from fnmatch import fnmatch
from pathlib import Path

from tests.evaluation.casebook.cases import Case, cases, drawn
from tests.evaluation.casebook.judging import Mark, judge
from tests.evaluation.casebook.writing import write
from tools.bundle.read import read_bundle
from tools.engines.explain import diagnose


def examine(case: Case) -> Mark:
    made = drawn(case)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "bundle"
        write(made.scene, place)
        try:
            snapshot = read_bundle(place)
            subject = snapshot.namespace or "cluster"
            diagnosis = diagnose(snapshot, subject, snapshot.window, snapshot.taken_at)
        except Exception as error:  # noqa: BLE001  # a crash is a mark, not the end of the examination
            expected = [f"{one.fault} of {one.component}" for one in made.answers]
            return Mark(case.id, case.category, expected, error=f"{type(error).__name__}: {error}")
    return judge(case, made.answers, diagnosis)


def chosen(only: str, first_seed: int) -> list[Case]:
    """Those whose id, category or fault is meant by one of the patterns between commas."""
    found = cases(first_seed)
    if not only:
        return found
    patterns = only.split(",")
    return [
        one
        for one in found
        if any(fnmatch(name, each) for name in (one.id, one.category, *one.faults) for each in patterns)
    ]


def examine_all(wanted: Sequence[Case], jobs: int) -> list[Mark]:
    if jobs < 2 or len(wanted) < 8:
        return [examine(one) for one in wanted]
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(examine, wanted, chunksize=8))


def write_all(wanted: Sequence[Case], folder: Path) -> None:
    for case in wanted:
        write(drawn(case).scene, folder / case.id)
