"""How verdicts are counted and kept, on verdicts written by hand."""

import json
from dataclasses import replace
from pathlib import Path

from tests.bench.table import render
from tests.evaluation.totals import CONTROL_HEADS, HEADS, calm, differences, keep, kept, rows, share, summed, totals
from tests.evaluation.verdict import Verdict

GOOD = Verdict(
    "a-good-one",
    "runtime",
    ["oom_killed"],
    detected_after=60,
    component_ranks=[1],
    cause_ranks=[1],
    healthy=False,
    verbs=["rollback"],
    acceptable=True,
    repaired_after=120,
)
MISSED = Verdict("b-missed", "routing", ["service_selector_mismatch"], healthy=True, false_alarms=["HighLatency"])
DOUBLE = Verdict(
    "c-double",
    "double",
    ["oom_killed", "service_selector_mismatch"],
    detected_after=100,
    component_ranks=[1, 4],
    cause_ranks=[2, 3],
    verbs=["scale"],
)
CALM = Verdict("d-calm", "control", [], healthy=True)
ALARMED = Verdict("e-alarmed", "control", [], false_alarms=["X"], said="oom_killed of Deployment a/b", violations=["v"])
ALL = [GOOD, MISSED, DOUBLE, CALM, ALARMED]


def test_controls_are_not_counted_among_what_is_broken() -> None:
    counted = totals(ALL)
    assert (counted.scenarios, counted.detected, counted.detected_after) == (3, 2, 80)
    assert (counted.component_first, counted.component_among_three) == (2, 2)
    assert (counted.cause_first, counted.cause_among_three) == (1, 2)
    assert (counted.planned, counted.acceptable, counted.repaired) == (2, 1, 1)
    assert (counted.falsely_healthy, counted.early_alarms, counted.violations) == (1, 1, 0)


def test_of_controls_it_is_counted_what_was_said_of_them() -> None:
    counted = calm(ALL)
    assert (counted.scenarios, counted.alarmed, counted.falsely_ill, counted.healthy) == (2, 1, 1, 1)
    assert counted.violations == 1


def test_there_is_a_row_for_each_fault_each_category_and_one_for_all() -> None:
    told = rows(ALL)
    assert [row[:2] for row in told] == [
        ("oom_killed", "2"),
        ("service_selector_mismatch", "2"),
        ("DOUBLE", "1"),
        ("ROUTING", "1"),
        ("RUNTIME", "1"),
        ("ALL", "3"),
    ]
    assert all(len(row) == len(HEADS) for row in told)
    assert render(CONTROL_HEADS, [calm(ALL).row()])


def test_nothing_counted_is_shown_as_nothing() -> None:
    assert totals([]).row("ALL")[2:4] == ("-", "-")


def test_verdicts_are_kept_a_line_each_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    keep(list(reversed(ALL)), path)
    verdicts, sums = kept(path)
    assert list(verdicts.values()) == ALL
    assert sums == json.loads(json.dumps(summed(ALL)))
    assert sum('"scenario"' in line for line in path.read_text().splitlines()) == len(ALL)
    assert kept(tmp_path / "none.json") == ({}, {})


def test_differences_name_what_is_new_better_and_worse() -> None:
    before = {each.scenario: each for each in (GOOD, MISSED)}
    now = [replace(GOOD, repaired_after=None), replace(MISSED, detected_after=30.0), CALM]
    assert differences(now, before) == [
        "worse  a-good-one: no longer repaired",
        "better b-missed: detected",
        "new    d-calm",
    ]


def test_a_share_of_nothing_is_a_dash() -> None:
    assert (share(1, 4), share(0, 0)) == ("1/4 (25%)", "-")
