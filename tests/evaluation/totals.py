"""Verdicts counted, by fault, by category and together; and the file in which they are kept, so that a fall is seen."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.evaluation.verdict import Verdict, better, read_verdict, worse

KEPT = Path(__file__).with_name("kept.json")
HEADS = (
    "",
    "scenarios",
    "detected",
    "after",
    "component @1",
    "@3",
    "fault @1",
    "@3",
    "repaired",
    "plan accepted",
    "false healthy",
    "early alarms",
    "must not",
)
CONTROL_HEADS = ("controls", "with false alarms", "with a false cause", "said to be healthy", "must not")


@dataclass(frozen=True, slots=True)
class Totals:
    """Of scenarios in which something is broken; counts, and the middle of the delays in seconds."""

    scenarios: int
    detected: int
    detected_after: float | None
    component_first: int
    component_among_three: int
    cause_first: int
    cause_among_three: int
    planned: int
    acceptable: int
    repaired: int
    falsely_healthy: int
    early_alarms: int
    violations: int

    def row(self, name: str) -> tuple[str, ...]:
        whole = self.scenarios
        return (
            name,
            str(whole),
            share(self.detected, whole),
            "-" if self.detected_after is None else f"{self.detected_after:.0f} s",
            *(share(part, whole) for part in (self.component_first, self.component_among_three)),
            *(share(part, whole) for part in (self.cause_first, self.cause_among_three, self.repaired)),
            f"{self.acceptable}/{self.planned}",
            str(self.falsely_healthy),
            str(self.early_alarms),
            str(self.violations),
        )


@dataclass(frozen=True, slots=True)
class Calm:
    """Of controls."""

    scenarios: int
    alarmed: int
    falsely_ill: int
    healthy: int
    violations: int

    def row(self) -> tuple[str, ...]:
        counts = (self.alarmed, self.falsely_ill, self.healthy)
        return (str(self.scenarios), *(share(part, self.scenarios) for part in counts), str(self.violations))


def totals(verdicts: Iterable[Verdict]) -> Totals:
    ill = [each for each in verdicts if not each.is_control]

    def count(holds: Callable[[Verdict], object]) -> int:
        return sum(bool(holds(each)) for each in ill)

    delays = [each.detected_after for each in ill if each.detected_after is not None]
    return Totals(
        scenarios=len(ill),
        detected=len(delays),
        detected_after=median(delays) if delays else None,
        component_first=count(lambda each: each.component_first),
        component_among_three=count(lambda each: each.component_among_three),
        cause_first=count(lambda each: each.cause_first),
        cause_among_three=count(lambda each: each.cause_among_three),
        planned=count(lambda each: each.verbs),
        acceptable=count(lambda each: each.acceptable),
        repaired=count(lambda each: each.repaired),
        falsely_healthy=count(lambda each: each.falsely_healthy),
        early_alarms=count(lambda each: each.false_alarms),
        violations=count(lambda each: each.violations),
    )


def calm(verdicts: Iterable[Verdict]) -> Calm:
    controls = [each for each in verdicts if each.is_control]
    return Calm(
        scenarios=len(controls),
        alarmed=sum(bool(each.false_alarms) for each in controls),
        falsely_ill=sum(each.falsely_ill for each in controls),
        healthy=sum(each.healthy is True for each in controls),
        violations=sum(bool(each.violations) for each in controls),
    )


def rows(verdicts: Sequence[Verdict]) -> list[tuple[str, ...]]:
    """By fault, by category and together; a double counts for each of its faults, and once in the other two."""
    ill = [each for each in verdicts if not each.is_control]
    by_fault = _grouped(ill, lambda each: each.faults)
    by_category = _grouped(ill, lambda each: [each.category])
    return [
        *(totals(group).row(name) for name, group in sorted(by_fault.items())),
        *(totals(group).row(name.upper()) for name, group in sorted(by_category.items())),
        totals(ill).row("ALL"),
    ]


def _grouped(verdicts: Iterable[Verdict], names: Callable[[Verdict], Iterable[str]]) -> dict[str, list[Verdict]]:
    groups: dict[str, list[Verdict]] = {}
    for each in verdicts:
        for name in names(each):
            groups.setdefault(name, []).append(each)
    return groups


def summed(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The totals as they are kept."""
    by_category = _grouped((each for each in verdicts if not each.is_control), lambda each: [each.category])
    return {
        "all": asdict(totals(verdicts)),
        **{name: asdict(totals(group)) for name, group in sorted(by_category.items())},
        "control": asdict(calm(verdicts)),
    }


def keep(verdicts: Sequence[Verdict], path: Path = KEPT) -> None:
    """A line a scenario, so that a change of one is one line in review."""
    ordered = sorted(verdicts, key=lambda each: each.scenario)
    lines = ",\n".join(f"    {json.dumps(each.to_json(), ensure_ascii=False)}" for each in ordered)
    sums = ",\n".join(f"    {json.dumps(name)}: {json.dumps(each)}" for name, each in summed(ordered).items())
    path.write_text(f'{{\n  "totals": {{\n{sums}\n  }},\n  "scenarios": [\n{lines}\n  ]\n}}\n', encoding="utf-8")


def kept(path: Path = KEPT) -> tuple[dict[str, Verdict], dict[str, Any]]:
    """The verdicts by scenario, and the totals that were written with them."""
    if not path.exists():
        return {}, {}
    read: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {each["scenario"]: read_verdict(each) for each in read["scenarios"]}, read["totals"]


def differences(verdicts: Iterable[Verdict], before: Mapping[str, Verdict]) -> list[str]:
    """What is better and what is worse than it was, a line a scenario."""
    said = []
    for each in verdicts:
        known = before.get(each.scenario)
        if known is None:
            said.append(f"new    {each.scenario}")
            continue
        said += [f"worse  {each.scenario}: {text}" for text in worse(each, known)]
        said += [f"better {each.scenario}: {text}" for text in better(each, known)]
    return said


def share(part: int, whole: int) -> str:
    return f"{part}/{whole} ({part / whole:.0%})" if whole else "-"
