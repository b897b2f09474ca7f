"""What a scenario is: a world, what happens in it and when, and the right answer.

Everything is named by role, as `shop.py` names it: who plays the role in the world at hand is the variant's business. A target is the role
of a program (`cart`) or of a node (`node-1`), `namespace:` with a namespace's role, or `node-of:` with a program's role, which is the node
that its first pod runs on at that moment. Hours are those of the customers' clocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from simulator.apps import App, Shop
from simulator.load import LoadCurve

Category = Literal[
    "admission",
    "scheduling",
    "startup",
    "runtime",
    "routing",
    "performance",
    "infrastructure",
    "change",
    "double",
    "control",
]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# A Monday at midnight in UTC; worlds begin in the week after it.
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Setting:
    """The world in which it plays."""

    seed: int
    hour: float
    weekday: str
    variant: int = 0
    peak_rps: float | None = None
    life: bool = False  # releases, nightly jobs, crawlers, idle words: what goes on in a shop and is nobody's fault
    programs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # role -> fields of its App

    @property
    def start(self) -> datetime:
        local = MONDAY + timedelta(days=WEEKDAYS.index(self.weekday), hours=self.hour)
        return local - timedelta(hours=LoadCurve.utc_offset_hours)

    def furnished(self, shop: Shop) -> Shop:
        """The shop with what this scenario changes in it, before anybody gets another name."""
        apps: tuple[App, ...] = tuple(replace(app, **self.programs.get(app.name, {})) for app in shop.apps)
        return replace(shop, apps=apps, peak_rps=self.peak_rps or shop.peak_rps)


@dataclass(frozen=True)
class Inject:
    """A fault; `label` is what an Undo calls it."""

    fault: str
    target: str
    parameters: Mapping[str, Any]
    label: str


@dataclass(frozen=True)
class Undo:
    """What was injected, or the traffic that was changed, goes away again by itself."""

    label: str


@dataclass(frozen=True)
class Herring:
    """Something that looks suspicious and is not the cause."""

    kind: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Act:
    """What a person or a pipeline does through the cluster's API."""

    verb: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Traffic:
    """So many times the usual customers, on some routes of the edge or on all."""

    factor: float
    routes: tuple[str, ...]
    rise_seconds: float
    label: str


Deed = Inject | Undo | Herring | Act | Traffic


@dataclass(frozen=True)
class Step:
    at: float
    deed: Deed


@dataclass(frozen=True)
class Answer:
    """A cause as a diagnosis should give it; namespace and name are roles."""

    fault: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Scenario:
    id: str
    title: Mapping[str, str]
    category: Category
    setting: Setting
    steps: tuple[Step, ...]
    lasts: float
    answers: tuple[Answer, ...]  # none: the world is healthy
    acceptable_repairs: tuple[str, ...]
    never_faults: tuple[str, ...]
    never_components: tuple[str, ...]

    @property
    def is_control(self) -> bool:
        return not self.answers

    @property
    def injections(self) -> tuple[Inject, ...]:
        return tuple(step.deed for step in self.steps if isinstance(step.deed, Inject))

    @property
    def onset(self) -> float | None:
        """When the first fault begins that belongs to the answer."""
        faults = {answer.fault for answer in self.answers}
        return min(
            (step.at for step in self.steps if isinstance(step.deed, Inject) and step.deed.fault in faults),
            default=None,
        )
