"""The tree of routes: an alert walks down it and ends at one receiver, or at several where a route says `continue`.

A child has what it does not say itself from its parent, except its time intervals, which are its own. The first child that matches
takes the alert, and its siblings are not asked, unless it says so; an alert that no child takes is its parent's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from alerts.model import Alert
from alerts.routing.matchers import Matchers, all_match, quoted, shown

ALL_LABELS = "..."
CHANNELS = "notification_channels"
"""The label by which a rule names receivers that are told besides those the routes lead to."""


@dataclass(frozen=True, slots=True)
class Route:
    receiver: str
    matchers: Matchers = ()
    group_by: tuple[str, ...] = ()
    group_wait: timedelta = timedelta(seconds=30)
    group_interval: timedelta = timedelta(minutes=5)
    repeat_interval: timedelta = timedelta(hours=4)
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    goes_on: bool = False
    children: tuple["Route", ...] = ()
    path: str = "{}"
    """The matchers from the root down to here: what a group's key begins with."""
    number: int = 0
    """Its place in the walk from the root: two routes of one path are still two."""

    def matching(self, labels: Mapping[str, str]) -> tuple["Route", ...]:
        if not all_match(self.matchers, labels):
            return ()
        found: list[Route] = []
        for child in self.children:
            taken = child.matching(labels)
            found += taken
            if taken and not child.goes_on:
                break
        return tuple(found) or (self,)

    def walk(self) -> Iterator["Route"]:
        yield self
        for child in self.children:
            yield from child.walk()

    def group_labels(self, alert: Alert) -> dict[str, str]:
        labels = alert.labels
        if self.group_by == (ALL_LABELS,):
            return dict(sorted(labels.items()))
        return {name: labels[name] for name in sorted(self.group_by) if name in labels}

    def group_key(self, alert: Alert) -> str:
        inner = ", ".join(f"{name}={quoted(value)}" for name, value in self.group_labels(alert).items())
        return self.path + ":{" + inner + "}"


def path_below(parent: str, matchers: Matchers) -> str:
    return f"{parent}/{shown(matchers)}"


def named_receivers(labels: Mapping[str, str]) -> list[str]:
    return [name for name in labels.get(CHANNELS, "").split(",") if name]
