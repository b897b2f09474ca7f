"""A silence: a promise to somebody's phone that alerts of this kind will not ring it for a while.

It is active from its start to its end; one that recurs is, in between, active only in its hours (every Sunday from two to four, in the
time zone of those who do the work). What may be changed of a silence and what makes a new one of it is Alertmanager's rule: the
matchers never change, the start does not once it has begun, and what has ended stays ended. Expiring is an end that comes now; nothing
is ever deleted before its time to be forgotten.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from alerts.routing.intervals import Interval, read_interval
from alerts.routing.matchers import Matcher, Matchers, all_match
from core.errors import Conflict, Invalid

MAX_MATCHERS = 50
MAX_COMMENT = 4000
SilenceState = Literal["pending", "active", "expired"]


@dataclass(frozen=True, slots=True)
class Silence:
    id: str
    matchers: Matchers
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime
    created_by: str
    comment: str = ""
    recurs: Mapping[str, Any] | None = None
    """Its hours, written as an interval of the configuration file; None for all hours."""

    def state(self, now: datetime) -> SilenceState:
        if now >= self.ends_at:
            return "expired"
        return "pending" if now < self.starts_at else "active"

    def silences(self, labels: Mapping[str, str], now: datetime) -> bool:
        return self.is_in_force(now) and all_match(self.matchers, labels)

    def is_in_force(self, now: datetime) -> bool:
        return self.state(now) == "active" and (self.recurs is None or hours(self.recurs).contains(now))

    def expire(self, now: datetime) -> "Silence":
        match self.state(now):
            case "expired":
                raise Conflict(f"The silence {self.id} has already expired.", expected="active", found="expired")
            case "pending":
                return replace(self, starts_at=now, ends_at=now, updated_at=now)
            case "active":
                return replace(self, ends_at=now, updated_at=now)

    def to_json(self, now: datetime) -> dict[str, Any]:
        hours = {"recurs": dict(self.recurs)} if self.recurs is not None else {}
        return hours | {
            "id": self.id,
            "status": {"state": self.state(now)},
            "updatedAt": self.updated_at.isoformat(),
            "comment": self.comment,
            "createdBy": self.created_by,
            "startsAt": self.starts_at.isoformat(),
            "endsAt": self.ends_at.isoformat(),
            "matchers": [matcher.to_json() for matcher in self.matchers],
        }


def hours(recurs: Mapping[str, Any]) -> Interval:
    return read_interval(dict(recurs), "The silence's hours:")


def checked(silence: Silence, now: datetime) -> Silence:
    """As it is, or a sentence that says what is wrong with it."""
    if not silence.matchers or len(silence.matchers) > MAX_MATCHERS:
        raise Invalid(f"A silence has 1 to {MAX_MATCHERS} matchers.", field="matchers")
    if all(matcher.matches({}) for matcher in silence.matchers):
        raise Invalid(
            "A silence needs one matcher that does not match an absent label: this would silence everything.",
            field="matchers",
        )
    if silence.ends_at <= silence.starts_at:
        raise Invalid("A silence must end after it starts.", field="endsAt")
    if silence.ends_at <= now:
        raise Invalid("A silence cannot end in the past.", field="endsAt")
    if not silence.created_by:
        raise Invalid("A silence says who made it.", field="createdBy")
    if len(silence.comment) > MAX_COMMENT:
        raise Invalid(f"The comment is longer than {MAX_COMMENT} characters.", field="comment")
    if silence.recurs is not None:
        hours(silence.recurs)
    return silence


def can_become(before: Silence, after: Silence, now: datetime) -> bool:
    """Whether the change is one of this silence, and not another silence in its place."""
    if before.matchers != after.matchers or before.recurs != after.recurs:
        return False
    match before.state(now):
        case "active":
            return after.starts_at == before.starts_at and after.ends_at >= now
        case "pending":
            return after.starts_at >= now
        case "expired":
            return False


def ordered(matchers: Iterable[Matcher]) -> Matchers:
    return tuple(sorted(matchers))
