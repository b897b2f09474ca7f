"""What fires now and who would be told of it, as Alertmanager's API shows it: answered from memory, filtered before it is written out.

An alert is `suppressed` while a silence or a larger alert keeps it back, else `active`. Its receivers are those at the ends of its walk
down the tree of routes.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.model import Alert
from alerts.notify.grouping import Group
from alerts.notify.pipeline import Routing, Silencing
from alerts.regexps import compiled
from alerts.routing.config import without_channels
from alerts.routing.matchers import Matcher, all_match
from alerts.routing.silence import Silence
from alerts.routing.tree import named_receivers
from core.clock import Clock


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question about alerts; what it does not say is no condition."""

    matchers: Sequence[Matcher] = ()
    receiver: str = ""
    active: bool = True
    silenced: bool = True
    inhibited: bool = True


class Board:
    def __init__(self, routing: Routing, silences: Silencing, clock: Clock) -> None:
        self._routing = routing
        self._silences = silences
        self._clock = clock

    @property
    def receivers(self) -> list[str]:
        return list(self._routing.config.receivers)

    @property
    def configuration(self) -> str:
        """The file in force, for people and `amtool`, without the channels: their addresses are secrets."""
        return without_channels(self._routing.config)

    def leads_to(self, labels: Mapping[str, str]) -> list[str]:
        """Who would be told of an alert with these labels, where nothing keeps it back."""
        ends = [route.receiver for route in self._routing.config.route.matching(labels)]
        named = [name for name in named_receivers(labels) if name in self._routing.config.receivers]
        return list(dict.fromkeys([*ends, *named]))

    async def alerts(self, wanted: Wanted) -> list[dict[str, Any]]:
        """By fingerprint, as `amtool` expects them."""
        now = self._clock.now()
        view = _View(self._routing, await self._silences.in_force(now), now, wanted)
        firing = self._routing.firing
        return [shown for key in sorted(firing) if (shown := view.shown(firing[key]))]

    async def groups(self, wanted: Wanted) -> list[dict[str, Any]]:
        now = self._clock.now()
        view = _View(self._routing, await self._silences.in_force(now), now, wanted)
        groups = [group for group in self._routing.groups if view.has_name([group.route.receiver])]
        found = [(group, _members(group, view)) for group in sorted(groups, key=_place)]
        return [
            {"labels": group.labels, "receiver": {"name": group.route.receiver}, "alerts": members}
            for group, members in found
            if members
        ]


class _View:
    """One look at one moment, with one question; what is the same for all alerts is worked out once."""

    def __init__(self, routing: Routing, in_force: Sequence[Silence], now: datetime, wanted: Wanted) -> None:
        self._routing = routing
        self._in_force = in_force
        self._now = now
        self._seen_at = _rfc3339(now)
        self._wanted = wanted
        self.has_name = _receiver_filter(wanted)

    def shown(self, alert: Alert) -> dict[str, Any] | None:
        if alert.as_of(self._now).state != "firing" or not all_match(self._wanted.matchers, alert.labels):
            return None
        silenced_by = [one.id for one in self._in_force if all_match(one.matchers, alert.labels)]
        source = self._routing.inhibitor.inhibits(alert, self._now)
        if not _is_asked_for(self._wanted, silenced=bool(silenced_by), inhibited=bool(source)):
            return None
        receivers = self.receivers_of(alert)
        if not self.has_name(receivers):
            return None
        return {
            "annotations": alert.annotations,
            "endsAt": _rfc3339(alert.expires_at) if alert.expires_at else self._seen_at,
            "fingerprint": alert.fingerprint,
            "receivers": [{"name": name} for name in receivers],
            "startsAt": _rfc3339(alert.starts_at),
            "status": {
                "inhibitedBy": [source.fingerprint] if source else [],
                "silencedBy": silenced_by,
                "state": "suppressed" if silenced_by or source else "active",
            },
            "updatedAt": self._seen_at,
            "generatorURL": alert.generator_url,
            "labels": alert.labels,
        }

    def receivers_of(self, alert: Alert) -> list[str]:
        return list(dict.fromkeys(route.receiver for route in self._routing.config.route.matching(alert.labels)))


def _members(group: Group, view: _View) -> list[dict[str, Any]]:
    shown = (view.shown(group.members[key]) for key in sorted(group.members))
    return [each for each in shown if each]


def _place(group: Group) -> tuple[list[tuple[str, str]], str]:
    return sorted(group.labels.items()), group.route.receiver


def _is_asked_for(wanted: Wanted, *, silenced: bool, inhibited: bool) -> bool:
    if silenced and not wanted.silenced:
        return False
    if inhibited and not wanted.inhibited:
        return False
    return wanted.active or silenced or inhibited


def _receiver_filter(wanted: Wanted) -> Callable[[Iterable[str]], bool]:
    if not wanted.receiver:
        return lambda _: True
    shape: re.Pattern[str] = compiled(wanted.receiver)
    return lambda names: any(shape.fullmatch(name) for name in names)


def _rfc3339(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
