"""How long a controller waits after a refusal before it tries again: ever longer, and not at all when something else is wanted.

As in the work queue of a real controller each pause doubles the time since the first failure. The longest pause here is a minute, where a
real one reaches a quarter of an hour: whoever mends a quota should not have to wait that long to see it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.objects import Object, uid_of

SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(minutes=1)


@dataclass(frozen=True)
class Failing:
    since: datetime
    last: datetime
    generation: int
    message: str

    @property
    def next_try(self) -> datetime:
        return self.last + min(max(self.last - self.since, SHORTEST), LONGEST)


class Backoff:
    """Who is failing, by the uid of the owner for whom something could not be created."""

    def __init__(self) -> None:
        self._failing: dict[str, Failing] = {}

    def failed(self, owner: Object, now: datetime, message: str) -> datetime:
        """When to try again."""
        known = self._failing.get(uid_of(owner))
        failing = Failing(known.since if known else now, now, _generation(owner), message)
        self._failing[uid_of(owner)] = failing
        return failing.next_try

    def succeeded(self, owner: Object) -> None:
        self._failing.pop(uid_of(owner), None)

    def message(self, owner: Object) -> str:
        """What was said at the last failure; empty when nothing fails."""
        known = self._failing.get(uid_of(owner))
        return known.message if known else ""

    def waits_until(self, owner: Object, now: datetime) -> datetime | None:
        """None when it may be tried now."""
        known = self._failing.get(uid_of(owner))
        if known is None or known.generation != _generation(owner) or known.next_try <= now:
            return None
        return known.next_try


def _generation(owner: Object) -> int:
    return int(owner["metadata"].get("generation", 0))
