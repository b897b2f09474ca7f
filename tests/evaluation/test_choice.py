"""Which scenarios a run of the score is about, when its clock lets time pass, and what stays of a run that is ended early."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from simulator.scenarios import shipped
from simulator.scenarios.scenario import MONDAY
from tests.evaluation import __main__ as score
from tests.evaluation import totals
from tests.evaluation.arena import PacedClock
from tests.evaluation.verdict import Verdict

ONE = shipped()["selector-inventory-night"]


@pytest.mark.parametrize(
    ("pattern", "is_meant"),
    [
        ("", True),
        ("selector-inventory-night", True),
        ("service_selector_mismatch", True),
        ("routing", True),
        ("selector-*", True),
        ("oom_killed,rout*", True),
        ("oom_killed", False),
        ("control", False),
    ],
)
def test_a_scenario_is_meant_by_its_id_its_fault_its_category_or_a_pattern(pattern: str, is_meant: bool) -> None:
    assert score._is_meant(ONE, pattern) is is_meant


async def test_a_short_pause_is_one_in_which_the_world_is_waited_for_and_a_time_out_is_none() -> None:
    clock = PacedClock(MONDAY)
    assert clock.pause_ends() is None
    time_out = asyncio.ensure_future(clock.sleep(60))
    await asyncio.sleep(0)
    assert clock.pause_ends() is None
    pause = asyncio.ensure_future(clock.sleep(5))
    await asyncio.sleep(0)
    assert clock.pause_ends() == MONDAY + timedelta(seconds=5)
    await clock.advance(5)
    assert (pause.done(), clock.pause_ends()) == (True, None)
    time_out.cancel()


def test_a_run_that_is_ended_early_keeps_what_it_has_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kept.json"
    before = Verdict(ONE.id, ONE.category, ["service_selector_mismatch"], detected_after=90)
    totals.keep([before, replace(before, scenario="one-that-is-gone")], path)
    monkeypatch.setattr(score, "kept", lambda: totals.kept(path))
    monkeypatch.setattr(score, "keep", lambda verdicts: totals.keep(verdicts, path))
    score._Keeper()(replace(before, detected_after=None), 1.0)
    verdicts, sums = totals.kept(path)
    assert list(verdicts) == [ONE.id]
    assert sums["all"]["detected"] == 0
