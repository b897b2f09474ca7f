"""From a query's answer to the alerts it speaks of, and from those to the changes they make: both pure.

Two series that end up with the same labels would be one alert with two lives, so the whole answer is refused, as Prometheus refuses it.
What ends because nothing speaks for it any more, as when its rule is removed, is told apart from what was seen to end.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from alerts.lifecycle import Observation, Standing, step
from alerts.model import UNSEEN_ENDS, Alert, Change, Transition, fingerprint
from alerts.rules import Rule
from alerts.templates import Facts
from core.errors import Invalid

MAX_SERIES = 20_000


class Sample(Protocol):
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def value(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Told:
    """A sample that whoever found it has words for; the rule's own annotations come before them."""

    labels: Mapping[str, str]
    value: float
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a turn found: the samples, and the things of which it can say nothing, so that their alerts stay as they are."""

    samples: Sequence[Sample]
    unjudged: frozenset[tuple[tuple[str, str], ...]] = frozenset()
    note: str = ""

    def says_nothing_of(self, alert: Alert) -> bool:
        return any(all(alert.labels.get(name, "") == value for name, value in thing) for thing in self.unjudged)


@dataclass(frozen=True, slots=True)
class Reading:
    labels: dict[str, str]
    annotations: dict[str, str]
    value: float


def read(rule: Rule, samples: Iterable[Sample], external_url: str = "") -> dict[str, Reading]:
    readings: dict[str, Reading] = {}
    for sample in samples:
        facts = Facts(sample.labels, sample.value, {}, external_url)
        labels = rule.labels_of(sample.labels, facts)
        key = fingerprint(labels)
        if key in readings:
            raise Invalid(
                f"The rule {rule.name} returned two series that have the same labels once its own are applied: {labels}.",
                field="labels",
            )
        if len(readings) >= MAX_SERIES:
            raise Invalid(f"The rule {rule.name} returned more than {MAX_SERIES} series.", field="expr")
        told = dict(sample.annotations) if isinstance(sample, Told) else {}
        readings[key] = Reading(labels, told | rule.annotations_of(facts), sample.value)
    return readings


def advance(
    rule: Rule,
    active: Mapping[str, Alert],
    readings: Mapping[str, Reading],
    now: datetime,
    new_episode: Callable[[], str],
) -> list[Change]:
    """Every alert that this evaluation changes, with the move it made."""
    changes = [_present(rule, active.get(key), key, reading, now, new_episode) for key, reading in readings.items()]
    changes += [_moved(rule, alert, False, now) for key, alert in active.items() if key not in readings]
    return [change for change in changes if change.transition or change.alert != active[change.alert.fingerprint]]


def dropped(active: Iterable[Alert], reason: str, now: datetime) -> list[Change]:
    """Alerts that end for another reason than their series."""
    return [_drop(alert, reason, now) for alert in active]


def _present(
    rule: Rule, alert: Alert | None, key: str, reading: Reading, now: datetime, new_episode: Callable[[], str]
) -> Change:
    if alert is None:
        alert = Alert(
            fingerprint=key,
            rule_id=rule.id,
            name=rule.name,
            labels=reading.labels,
            annotations=reading.annotations,
            state="inactive",
            value=reading.value,
            episode=new_episode(),
            active_at=now,
        )
    return _moved(rule, replace(alert, value=reading.value, annotations=reading.annotations), True, now)


def _moved(rule: Rule, alert: Alert, present: bool, now: datetime) -> Change:
    before = Standing(alert.state, alert.active_at, alert.fired_at, alert.resolved_at, alert.keep_firing_since)
    after, transition = step(before, Observation(present, rule.terms), now)
    moved = replace(
        alert,
        state=after.state,
        active_at=after.active_at or alert.active_at,
        fired_at=after.fired_at,
        resolved_at=after.resolved_at,
        keep_firing_since=after.keep_firing_since,
    )
    return Change(moved, transition)


def _drop(alert: Alert, reason: str, now: datetime) -> Change:
    fired = alert.state == "firing"
    transition = Transition(alert.state, "resolved" if fired else "inactive", reason, now)
    ended = replace(alert, state="resolved" if fired else "inactive", resolved_at=now, keep_firing_since=None)
    unseen = reason if fired and reason in UNSEEN_ENDS else ""
    return Change(replace(ended, ended_because=unseen), transition)
