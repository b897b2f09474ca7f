"""What a start does about garbage, and that it leaves Python's own figures behind."""

import gc

import pytest

from api.demo import left_alone
from api.server import starting


def test_garbage_is_looked_for_seldom_until_the_start_is_over() -> None:
    usual = gc.get_threshold()
    with starting() as started:
        assert gc.get_threshold()[0] > usual[0]
        started()
        assert gc.get_threshold() == usual


def test_what_a_start_has_made_is_not_looked_through_while_it_serves() -> None:
    with starting() as started:
        started()
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0


def test_a_start_that_fails_leaves_the_usual_figures() -> None:
    usual = gc.get_threshold()
    with pytest.raises(RuntimeError), starting():
        raise RuntimeError
    assert gc.get_threshold() == usual


def test_the_demo_says_which_settings_of_the_environment_it_leaves_alone() -> None:
    said = left_alone({"ALERTMANAGER_CONFIG": "/etc/am.yml", "HOME": "/root", "FIRSTMATE_RULES": ""})
    assert "does not use your ALERTMANAGER_CONFIG; `firstmate serve` does" in said
    assert left_alone({"HOME": "/root"}) == ""
