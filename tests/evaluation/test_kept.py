"""The kept score is today's: of these very scenarios, summed rightly, and not better than what the product does now.

A few scenarios are played again here; all of them by `make score`, which keeps its verdicts with `--keep`.
"""

from pathlib import Path

import pytest

from simulator.scenarios import shipped
from tests.evaluation.exam import examine
from tests.evaluation.session import prepare
from tests.evaluation.totals import kept, summed
from tests.evaluation.verdict import worse

SAMPLE = (
    "control-quiet-morning",
    "control-rolling-update",
    "image-tag-never-pushed",
    "oom-search-evening-peak",
    "selector-inventory-night",
    "double-image-and-selector",
)


def test_the_kept_verdicts_are_those_of_todays_scenarios() -> None:
    verdicts, _ = kept()
    assert verdicts.keys() == shipped().keys()
    for name, verdict in verdicts.items():
        answers = [answer.fault for answer in shipped()[name].answers]
        assert (verdict.category, verdict.faults) == (shipped()[name].category, answers)


def test_the_kept_totals_add_up() -> None:
    verdicts, totals = kept()
    assert totals == summed(list(verdicts.values()))


def test_no_kept_verdict_is_that_of_a_scenario_that_could_not_be_played() -> None:
    verdicts, _ = kept()
    assert [each.scenario for each in verdicts.values() if "Error" in each.trouble] == []


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("prepared"))


@pytest.mark.parametrize("name", SAMPLE)
async def test_a_scenario_played_again_ends_no_worse_than_it_was_kept(name: str, prepared: Path) -> None:
    verdicts, _ = kept()
    again = await examine(shipped()[name], prepared=prepared)
    assert worse(again, verdicts[name]) == []
