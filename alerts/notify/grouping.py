"""Alerts that belong together are told together.

A group is the alerts that agree in the route's labels. It waits `group_wait` after its first alert, so that an outage is one message and
not twenty, and is then looked at every `group_interval`; what there is to tell is the pipeline's business. An alert that had been firing
for longer than the wait when it got here (after a restart) is looked at at once. A resolved alert leaves the group once its end has been
dealt with, an empty group is forgotten. This is Alertmanager's dispatcher, with time as an argument.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.model import Alert

MAX_KEY = 900


@dataclass(frozen=True, slots=True)
class Route:
    """Who is told of which alerts, how they are grouped, and how patiently."""

    receivers: tuple[str, ...]
    group_by: tuple[str, ...] = ("alertname", "namespace")
    group_wait: timedelta = timedelta(seconds=10)
    group_interval: timedelta = timedelta(seconds=60)
    repeat_interval: timedelta = timedelta(hours=4)

    def labels_of(self, alert: Alert) -> dict[str, str]:
        return {name: alert.labels[name] for name in sorted(self.group_by) if name in alert.labels}

    def key_of(self, alert: Alert) -> str:
        inner = ", ".join(f'{name}="{_escaped(value)}"' for name, value in self.labels_of(alert).items())
        key = "{}:{" + inner + "}"
        return key if len(key) <= MAX_KEY else f"{key[:MAX_KEY]}#{hashlib.sha256(key.encode()).hexdigest()[:16]}"


@dataclass(slots=True)
class Group:
    key: str
    labels: dict[str, str]
    flush_at: datetime
    flushed: bool = False
    members: dict[str, Alert] = field(default_factory=dict)


class Groups:
    def __init__(self, route: Route) -> None:
        self._route = route
        self._groups: dict[str, Group] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def put(self, alert: Alert, now: datetime) -> None:
        """Take in a firing or resolved alert; anything else is nobody's business yet."""
        if alert.state not in ("firing", "resolved"):
            return
        key = self._route.key_of(alert)
        group = self._groups.get(key)
        if group is None:
            group = Group(key, self._route.labels_of(alert), now + self._route.group_wait)
            self._groups[key] = group
        group.members[alert.fingerprint] = alert
        if not group.flushed and alert.starts_at + self._route.group_wait < now:
            group.flush_at = now

    def due(self, now: datetime) -> list[Group]:
        return [group for group in self._groups.values() if group.flush_at <= now]

    def next_due(self) -> datetime | None:
        return min((group.flush_at for group in self._groups.values()), default=None)

    def looked_at(self, group: Group, now: datetime) -> None:
        group.flushed, group.flush_at = True, now + self._route.group_interval

    def settle(self, group: Group, told: Iterable[Alert]) -> None:
        """Let go of the alerts whose end was dealt with, unless they have moved on meanwhile."""
        for alert in told:
            if alert.state == "resolved" and group.members.get(alert.fingerprint) == alert:
                del group.members[alert.fingerprint]
        if not group.members:
            self._groups.pop(group.key, None)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
