"""The life of one alert as a pure step: standing, observation and time in, the next move out.

These are the rules of Prometheus's AlertingRule.Eval, to the tick. A series that appears is pending until it has been active for the
rule's `for` (no `for`: it fires at once). While it fires, a missing series resolves it, unless `keep_firing_for` asks to wait, counted
from the first evaluation that missed it; a series that returns meanwhile starts that wait anew. A pending series that goes missing is
forgotten. An evaluation that failed is no observation at all: it never reaches this module, so it can resolve nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.model import State, Transition

NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the rule asks for before it believes a change."""

    hold: timedelta = NOTHING
    keep_firing: timedelta = NOTHING


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an alert stands; `resolved` and `inactive` differ only in what went before."""

    state: State = "inactive"
    active_at: datetime | None = None
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    keep_firing_since: datetime | None = None

    @property
    def is_active(self) -> bool:
        return self.state in ("pending", "firing")


@dataclass(frozen=True, slots=True)
class Observation:
    """A successful evaluation either returned the series or did not."""

    present: bool
    terms: Terms


def next_transition(standing: Standing, seen: Observation, now: datetime) -> Transition | None:
    if seen.present:
        return _on_presence(standing, seen.terms, now)
    if standing.state == "pending":
        return Transition("pending", "inactive", "gone", now)
    if standing.state == "firing" and not _keeps_firing(standing, seen.terms, now):
        return Transition("firing", "resolved", "kept" if seen.terms.keep_firing else "gone", now)
    return None


def step(standing: Standing, seen: Observation, now: datetime) -> tuple[Standing, Transition | None]:
    """The move, and where the alert stands after it."""
    transition = next_transition(standing, seen, now)
    return _after(standing, transition, seen, now), transition


def _on_presence(standing: Standing, terms: Terms, now: datetime) -> Transition | None:
    if standing.state == "firing":
        return None
    if standing.state == "pending":
        held = standing.active_at is not None and now - standing.active_at >= terms.hold
        return Transition("pending", "firing", "held", now) if held else None
    return Transition(standing.state, "pending" if terms.hold > NOTHING else "firing", "seen", now)


def _keeps_firing(standing: Standing, terms: Terms, now: datetime) -> bool:
    return terms.keep_firing > NOTHING and now - (standing.keep_firing_since or now) < terms.keep_firing


def _after(standing: Standing, move: Transition | None, seen: Observation, now: datetime) -> Standing:
    if move is None:
        waits = standing.state == "firing" and not seen.present
        return replace(standing, keep_firing_since=(standing.keep_firing_since or now) if waits else None)
    if move.after == "pending":
        return Standing("pending", active_at=now)
    if move.after == "firing":
        active = standing.active_at if standing.state == "pending" else now
        return Standing("firing", active_at=active, fired_at=now)
    if move.after == "resolved":
        return replace(standing, state="resolved", resolved_at=now, keep_firing_since=None)
    return replace(standing, state="inactive", resolved_at=now)
