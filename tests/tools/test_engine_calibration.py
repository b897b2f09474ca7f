"""What is said of a cause's certainty: never turned round, never more than was ever measured."""

from hypothesis import given
from hypothesis import strategies as st

from tools.engines.calibration import calibrated
from tools.engines.rank import HIGHEST

BELIEFS = st.floats(0, 1)


@given(BELIEFS, BELIEFS)
def test_what_is_surer_stays_surer(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert calibrated(low) <= calibrated(high)


@given(BELIEFS)
def test_what_is_said_is_a_share(belief: float) -> None:
    assert 0 <= calibrated(belief) <= 0.98


def test_a_belief_in_the_middle_says_more_and_a_weak_one_less() -> None:
    assert calibrated(0.65) == 0.86
    assert calibrated(0.3) < 0.3


def test_the_strongest_that_evidence_can_make_is_not_certain() -> None:
    assert 0.95 < calibrated(HIGHEST) < 1
