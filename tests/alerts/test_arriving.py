"""What an alert sent by another system does to the one that is known: begin, go on, end, come back."""

from datetime import timedelta
from itertools import count

import pytest

from alerts.arriving import MAX_LABELS, MAX_TEXT, Arrival, arrive, checked, expire
from alerts.model import Alert, Change
from core.errors import Invalid
from tests.alerts.night import EVENING

PATIENCE = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)
LAMP = {"alertname": "Lamp", "house": "1"}


def sent(**said: object) -> Arrival:
    return Arrival(**{"labels": LAMP, "annotations": {}, **said})  # type: ignore[arg-type]


def arrives(arrival: Arrival, known: Alert | None = None, after: timedelta = timedelta(0)) -> Change | None:
    numbers = count(1)
    return arrive(known, arrival, EVENING + after, PATIENCE, lambda: f"episode-{next(numbers)}")


def firing(**said: object) -> Alert:
    change = arrives(sent(**said))
    assert change
    return change.alert


def test_without_times_it_fires_from_now_and_is_believed_for_the_patience() -> None:
    change = arrives(sent())
    assert change
    assert change.transition
    assert change.transition.reason == "sent"
    assert change.alert.state == "firing"
    assert change.alert.starts_at == EVENING
    assert change.alert.expires_at == EVENING + PATIENCE


def test_its_fingerprint_is_alertmanagers() -> None:
    # What Debian's Alertmanager 0.25 shows for this label set.
    assert firing(labels={"alertname": "Dark", "house": "1"}).fingerprint == "8912f623c5d7148d"


def test_a_repetition_moves_the_end_and_keeps_the_earlier_beginning() -> None:
    change = arrives(sent(starts_at=EVENING + MINUTE), firing(), after=MINUTE)
    assert change
    assert change.transition is None
    assert change.alert.starts_at == EVENING
    assert change.alert.expires_at == EVENING + MINUTE + PATIENCE


def test_an_end_that_was_named_stays_if_it_is_later_than_one_that_was_put_in() -> None:
    named = firing(starts_at=EVENING, ends_at=EVENING + 3 * PATIENCE)
    change = arrives(sent(), named, after=MINUTE)
    assert change
    assert (change.alert.expires_at, change.alert.ends_by_timeout) == (EVENING + 3 * PATIENCE, True)
    again = arrives(sent(), change.alert, after=2 * MINUTE)
    assert again
    assert again.alert.expires_at == EVENING + 2 * MINUTE + PATIENCE  # as in Alertmanager, which remembers it once


def test_an_end_that_passes_unheard_is_said_to_be_that() -> None:
    change = expire(firing(), EVENING + PATIENCE)
    assert change
    assert change.alert.ended_because == "expired"
    seen = arrives(sent(ends_at=EVENING + MINUTE), firing(), after=MINUTE)
    assert seen
    assert seen.alert.ended_because == ""


def test_an_end_that_has_passed_resolves_it_at_that_end() -> None:
    change = arrives(sent(ends_at=EVENING + MINUTE), firing(), after=2 * MINUTE)
    assert change
    assert change.transition
    assert (change.alert.state, change.transition.reason) == ("resolved", "ended")
    assert change.alert.resolved_at == EVENING + MINUTE


def test_the_end_of_something_nobody_knew_is_nothing() -> None:
    assert arrives(sent(ends_at=EVENING - MINUTE)) is None


def test_what_comes_back_after_its_end_is_a_new_episode() -> None:
    over = arrives(sent(ends_at=EVENING), firing())
    assert over
    again = arrives(sent(), over.alert, after=MINUTE)
    assert again
    assert again.begins
    assert again.alert.starts_at == EVENING + MINUTE


def test_a_sender_that_falls_silent_leaves_no_alert_behind() -> None:
    alert = firing()
    assert expire(alert, EVENING + PATIENCE - MINUTE) is None
    change = expire(alert, EVENING + PATIENCE)
    assert change
    assert change.transition
    assert (change.alert.state, change.transition.reason) == ("resolved", "expired")


def test_empty_labels_are_dropped() -> None:
    assert checked(sent(labels={**LAMP, "pod": ""})).labels == LAMP


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"labels": {}}, "at least one label"),
        ({"labels": {"alertname": ""}}, "at least one label"),
        ({"labels": {"0name": "x"}}, "not a valid name"),
        ({"labels": {f"l{number}": "x" for number in range(MAX_LABELS + 1)}}, "at most"),
        ({"annotations": {"text": "x" * (MAX_TEXT + 1)}}, "longer than"),
        ({"starts_at": EVENING, "ends_at": EVENING - MINUTE}, "cannot end before it starts"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_sentence(said: dict[str, object], complaint: str) -> None:
    with pytest.raises(Invalid, match=complaint):
        checked(sent(**said))
