"""The casebook's figures as tables for a terminal, and the verdicts that were kept to compare with."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tests.bench.table import render
from tests.evaluation.casebook.judging import Mark, reliability

KEPT = Path(__file__).parent / "kept.json"
HEADS = ("", "cases", "top 1", "top 3", "component", "fault", "false healthy")


def _share(marks: Sequence[Mark], holds: Callable[[Mark], bool]) -> str:
    return f"{sum(map(holds, marks)) / len(marks):.0%}"


def _row(name: str, marks: Sequence[Mark]) -> list[str]:
    return [
        name,
        str(len(marks)),
        _share(marks, lambda one: one.first),
        _share(marks, lambda one: one.among_three),
        _share(marks, lambda one: 1 in one.component_ranks),
        _share(marks, lambda one: 1 in one.fault_ranks),
        str(sum(one.healthy is True for one in marks)),
    ]


def _groups(marks: Iterable[Mark], key: Callable[[Mark], str]) -> Mapping[str, list[Mark]]:
    found: dict[str, list[Mark]] = {}
    for one in marks:
        found.setdefault(key(one), []).append(one)
    return found


def report(marks: Sequence[Mark], *, by_fault: bool) -> str:
    faults = [one for one in marks if one.is_fault]
    parts = []
    if faults:
        rows = [_row(name, found) for name, found in _groups(faults, lambda one: one.category).items()]
        parts.append(render(HEADS, [*rows, _row("all", faults)]))
    if by_fault and faults:
        single = [one for one in faults if one.category != "double"]
        by_name = _groups(single, lambda one: one.expected[0].split(" of ")[0])
        parts.append(render(HEADS, [_row(name, found) for name, found in by_name.items()]))
    return "\n\n".join([*parts, *_rest(marks), *_calibration(marks)])


def _rest(marks: Sequence[Mark]) -> list[str]:
    lines = []
    controls = [one for one in marks if one.category == "control"]
    if controls:
        alarms = sum(bool(one.said) for one in controls)
        calm = sum(one.healthy is True for one in controls)
        lines.append(f"controls: {len(controls)}, with a false alarm {alarms}, said to be healthy {calm}")
    removed = [one for one in marks if one.category == "removed"]
    if removed:
        right = sum(one.first for one in removed)
        lines.append(f"deciding source removed: {len(removed)}, honest (not healthy, with gaps) {right}")
    errors = [one for one in marks if one.error]
    return [*lines, *(f"CRASH {one.case}: {one.error}" for one in errors)]


def _calibration(marks: Sequence[Mark]) -> list[str]:
    bins, brier, error = reliability(marks)
    rows = [[f"{one.low:.1f}", str(one.count), f"{one.said:.2f}", f"{one.right:.2f}"] for one in bins]
    if not rows:
        return []
    return [render(("confidence", "cases", "said", "right"), rows), f"Brier {brier:.3f}, calibration error {error:.3f}"]


def failures(marks: Iterable[Mark]) -> list[str]:
    return [
        f"{one.case}\n    right: {'; '.join(one.expected) or 'nothing is wrong'}\n    said:  {'; '.join(one.said) or 'nothing'}"
        for one in marks
        if not one.first
    ]


def keep(marks: Sequence[Mark]) -> None:
    right = sorted(one.case for one in marks if one.first)
    wrong = sorted(one.case for one in marks if not one.first)
    rows = [f'  "{name}": {json.dumps(found)}' for name, found in (("right", right), ("wrong", wrong))]
    KEPT.write_text("{\n" + ",\n".join(rows).replace('", "', '",\n    "') + "\n}\n", encoding="utf-8")


def kept() -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(KEPT.read_text()) if KEPT.exists() else {"right": [], "wrong": []}
    return found


def changes(marks: Sequence[Mark]) -> list[str]:
    """Against the kept verdicts: what was right and is wrong now, and the other way round."""
    before = set(kept()["right"])
    known = before | set(kept()["wrong"])
    lost = [f"no longer right: {one.case}" for one in marks if one.case in before and not one.first]
    won = [f"now right: {one.case}" for one in marks if one.case in known - before and one.first]
    return [*lost, *won]
