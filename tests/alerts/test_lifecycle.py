"""The pure step, as a timeline of (second, is the series there?)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle import Observation, Standing, Terms, next_transition, step

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def play(observations: list[tuple[int, bool]], hold: int = 0, keep: int = 0) -> list[tuple[int, str]]:
    terms = Terms(timedelta(seconds=hold), timedelta(seconds=keep))
    standing, moves = Standing(), []
    for second, present in observations:
        standing, move = step(standing, Observation(present, terms), NOON + timedelta(seconds=second))
        if move:
            moves.append((second, f"{move.before} > {move.after}: {move.reason}"))
    return moves


def test_without_for_an_alert_fires_the_moment_it_is_seen() -> None:
    assert play([(0, False), (15, True), (30, True)]) == [(15, "inactive > firing: seen")]


def test_with_for_it_waits_until_it_was_active_that_long() -> None:
    seen = [(second, True) for second in range(0, 75, 15)]
    assert play(seen, hold=30) == [(0, "inactive > pending: seen"), (30, "pending > firing: held")]


def test_for_that_falls_between_two_turns_fires_at_the_later_one() -> None:
    assert play([(0, True), (15, True), (30, True)], hold=20)[-1] == (30, "pending > firing: held")


def test_a_pending_alert_that_goes_away_is_forgotten_and_begins_anew() -> None:
    moves = play([(0, True), (15, False), (30, True), (45, True), (60, True)], hold=30)
    assert moves == [
        (0, "inactive > pending: seen"),
        (15, "pending > inactive: gone"),
        (30, "inactive > pending: seen"),
        (60, "pending > firing: held"),
    ]


def test_a_firing_alert_resolves_at_the_first_turn_without_it() -> None:
    assert play([(0, True), (15, False), (30, False)])[1:] == [(15, "firing > resolved: gone")]


def test_a_resolved_alert_that_returns_waits_its_for_again() -> None:
    moves = play([(0, True), (15, True), (30, False), (45, True), (60, True)], hold=15)
    assert moves[-2:] == [(45, "resolved > pending: seen"), (60, "pending > firing: held")]


def test_keep_firing_for_counts_from_the_first_turn_that_missed_it() -> None:
    gone = [(0, True)] + [(second, False) for second in range(15, 90, 15)]
    assert play(gone, keep=30)[1:] == [(45, "firing > resolved: kept")]


def test_keep_firing_for_starts_anew_when_the_series_returns() -> None:
    moves = play([(0, True), (15, False), (30, True), (45, False), (60, False), (75, False)], keep=30)
    assert moves[1:] == [(75, "firing > resolved: kept")]


def test_keep_firing_for_does_nothing_for_a_pending_alert() -> None:
    assert play([(0, True), (15, False)], hold=60, keep=300)[-1] == (15, "pending > inactive: gone")


@pytest.mark.parametrize("state", ["inactive", "resolved"])
def test_an_absent_series_leaves_a_quiet_alert_alone(state: str) -> None:
    standing = Standing(state)  # type: ignore[arg-type]
    assert next_transition(standing, Observation(False, Terms()), NOON) is None


def test_an_episode_remembers_when_it_was_seen_fired_and_resolved() -> None:
    terms = Terms(timedelta(seconds=30))
    standing = Standing()
    for second, present in ((0, True), (30, True), (60, False)):
        standing, _ = step(standing, Observation(present, terms), NOON + timedelta(seconds=second))
    assert standing.active_at == NOON
    assert standing.fired_at == NOON + timedelta(seconds=30)
    assert standing.resolved_at == NOON + timedelta(seconds=60)


ALLOWED = {
    "inactive": {"pending", "firing"},
    "pending": {"firing", "inactive"},
    "firing": {"resolved"},
    "resolved": {"pending", "firing"},
}


@given(
    st.lists(st.tuples(st.integers(1, 120), st.booleans()), max_size=40),
    st.integers(0, 200),
    st.integers(0, 200),
)
def test_whatever_is_seen_an_alert_only_makes_legal_moves(steps: list[tuple[int, bool]], hold: int, keep: int) -> None:
    terms = Terms(timedelta(seconds=hold), timedelta(seconds=keep))
    standing, now = Standing(), NOON
    for pause, present in steps:
        now += timedelta(seconds=pause)
        after, move = step(standing, Observation(present, terms), now)
        assert (move is None) == (after.state == standing.state)
        if move:
            assert move.before == standing.state
            assert move.after == after.state
            assert after.state in ALLOWED[standing.state]
        if after.state == "firing" and standing.state != "firing":
            assert after.active_at is not None
            assert now - after.active_at >= terms.hold
        if present:
            assert after.is_active
        standing = after


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(0, 90), st.integers(0, 90))
def test_a_series_seen_long_enough_always_fires_and_gone_long_enough_always_ends(
    noise: list[bool], hold: int, keep: int
) -> None:
    seconds = [15 * place for place in range(len(noise) + 30)]
    steady = play(list(zip(seconds, [*noise, *[True] * 30], strict=True)), hold, keep)
    assert steady[-1][1].split(" > ")[1].startswith("firing")
    quiet = play(list(zip(seconds, [*noise, *[False] * 30], strict=True)), hold, keep)
    assert not quiet or quiet[-1][1].split(" > ")[1].startswith(("resolved", "inactive"))
