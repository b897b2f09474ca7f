"""Alerts that belong together are told together.

An alert walks down the tree of routes and joins one group at each route where it ends: the alerts that agree in that route's labels. A
group waits `group_wait` after its first alert, so that an outage is one message and not twenty, and is then looked at every
`group_interval`; what there is to tell is the pipeline's business. An alert that had been firing for longer than the wait when it got
here (after a restart) is looked at at once. A resolved alert leaves the group once its end has been dealt with, an empty group is
forgotten. This is Alertmanager's dispatcher, with time as an argument, and one difference: it keeps an empty group for up to half a
minute, so that what fires in it again waits for the group's next turn; here it is a new group, and is told after `group_wait`.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.model import Alert
from alerts.routing.tree import Route, named_receivers

MAX_KEY = 900
GroupId = tuple[int, str]


@dataclass(slots=True)
class Group:
    route: Route
    key: str
    labels: dict[str, str]
    flush_at: datetime
    flushed: bool = False
    members: dict[str, Alert] = field(default_factory=dict)

    @property
    def id(self) -> GroupId:
        return self.route.number, self.key


class Groups:
    def __init__(self, root: Route, receivers: Iterable[str] = ()) -> None:
        self._root = root
        # A receiver that an alert names itself is told as the root would tell it.
        direct = (replace(root, receiver=name, children=(), path=f"{{}}/@{name}") for name in receivers)
        self._direct = {route.receiver: replace(route, number=-place) for place, route in enumerate(direct, 1)}
        self._groups: dict[GroupId, Group] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def __iter__(self) -> Iterator[Group]:
        return iter(self._groups.values())

    def put(self, alert: Alert, now: datetime) -> None:
        """Take in a firing or resolved alert; anything else is nobody's business yet."""
        if alert.state not in ("firing", "resolved"):
            return
        routes = self._root.matching(alert.labels)
        told = {route.receiver for route in routes}
        named = (
            self._direct[name] for name in named_receivers(alert.labels) if name in self._direct and name not in told
        )
        for route in (*routes, *named):
            self._join(route, alert, now)

    def due(self, now: datetime) -> list[Group]:
        return [group for group in self._groups.values() if group.flush_at <= now]

    def next_due(self) -> datetime | None:
        return min((group.flush_at for group in self._groups.values()), default=None)

    def looked_at(self, group: Group, now: datetime) -> None:
        group.flushed, group.flush_at = True, now + group.route.group_interval

    def settle(self, group: Group, told: Iterable[Alert]) -> None:
        """Let go of the alerts whose end was dealt with, unless they have moved on meanwhile."""
        for alert in told:
            if alert.state == "resolved" and group.members.get(alert.fingerprint) == alert:
                del group.members[alert.fingerprint]
        if not group.members:
            self._groups.pop(group.id, None)

    def _join(self, route: Route, alert: Alert, now: datetime) -> None:
        key = _bounded(route.group_key(alert))
        group = self._groups.get((route.number, key))
        if group is None:
            group = Group(route, key, route.group_labels(alert), now + route.group_wait)
            self._groups[group.id] = group
        group.members[alert.fingerprint] = alert
        if not group.flushed and alert.starts_at + route.group_wait < now:
            group.flush_at = now


def _bounded(key: str) -> str:
    return key if len(key) <= MAX_KEY else f"{key[:MAX_KEY]}#{hashlib.sha256(key.encode()).hexdigest()[:16]}"
