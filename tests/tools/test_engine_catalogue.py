"""The catalogue of faults and the sentences that tell them apart are whole, and giving way never goes in a circle."""

import pytest

from tools.engines.catalogue import ANY, FAULTS, ON_THE_WAY
from tools.engines.deciding import DECIDES


def test_every_fault_has_a_sentence_that_tells_it_apart() -> None:
    assert set(DECIDES) == set(FAULTS)


def test_the_catalogue_has_every_fault_once() -> None:
    assert len(FAULTS) == 101
    assert all(fault.title("en") and fault.title("zh") for fault in FAULTS.values())


@pytest.mark.parametrize("fault", sorted(one.id for one in FAULTS.values() if one.yields_to not in (frozenset(), ANY)))
def test_a_fault_gives_way_only_to_faults_that_exist_and_that_do_not_give_way_to_it(fault: str) -> None:
    assert set(FAULTS) >= FAULTS[fault].yields_to
    assert not any(
        FAULTS[other].gives_way_to(fault) for other in FAULTS[fault].yields_to if FAULTS[other].yields_to != ANY
    )


def test_a_crash_gives_way_to_what_crashes_it_and_not_to_what_keeps_requests_out() -> None:
    assert FAULTS["application_crash"].gives_way_to("missing_env_var")
    assert not any(FAULTS["application_crash"].gives_way_to(fault) for fault in ON_THE_WAY)
