"""A rule as a person writes it, and the Prometheus rule it becomes.

What is watched is said in one of four ways: an expression, the short form `condition`, several conditions joined by `and` or `or`, or a
detector. All of them but the isolation forest become one PromQL expression, so everything that holds for a rule from a file holds for
these too: its life cycle, its id, its templates, its export. `notification_channels` names receivers that are told besides those the
routes lead to.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from alerts.durations import show_duration
from alerts.routing.tree import CHANNELS, named_receivers
from alerts.rulebook.detectors import Detector, IsolationForest
from alerts.rules import Group, Rule, parse_rules
from core.errors import Invalid

GROUP = "firstmate"
MAX_CONDITIONS = 10
Operator = Literal[">", ">=", "<", "<=", "==", "!="]


class Condition(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    expr: str = Field(min_length=1, max_length=2_000)
    op: Operator | None = Field(default=None, description="Without it, the expression is a condition by itself")
    value: float | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.op is None) != (self.value is None):
            raise ValueError("op and value belong together")
        return self

    def promql(self) -> str:
        return f"({self.expr}) {self.op} {self.value:g}" if self.op is not None else f"({self.expr})"


class Definition(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=4_000)
    expr: str | None = Field(
        default=None, max_length=10_000, alias="condition", description="PromQL; `condition` is its older name"
    )
    conditions: tuple[Condition, ...] = Field(default=(), max_length=MAX_CONDITIONS)
    join: Literal["and", "or"] = "and"
    match_on: tuple[str, ...] | None = Field(
        default=None, description="Labels by which `and` and `or` bring conditions together; without them, all labels"
    )
    detector: Detector | None = None
    hold: str = Field(default="0s", alias="duration", description="How long it must hold before it fires")
    keep_firing_for: str = "0s"
    severity: str = Field(default="warning", min_length=1, max_length=64)
    labels: dict[str, str] = Field(default_factory=dict, max_length=64)
    annotations: dict[str, str] = Field(default_factory=dict, max_length=64)
    notification_channels: tuple[str, ...] = Field(default=(), max_length=20)

    @field_validator("notification_channels")
    @classmethod
    def _no_commas(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if any("," in name or not name for name in names):
            raise ValueError("a receiver's name has no comma and is not empty")
        return names

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [self.expr is not None, bool(self.conditions), self.detector is not None]
        if sum(ways) != 1:
            raise ValueError("say what is watched in one way: expr (or condition), conditions, or detector")
        return self

    @property
    def forest(self) -> IsolationForest | None:
        return self.detector if isinstance(self.detector, IsolationForest) else None

    def shown(self) -> str:
        """The expression, empty where there is none."""
        return "" if self.forest else self.promql()

    def promql(self) -> str:
        if self.expr is not None:
            return self.expr
        if self.detector is not None:
            return self.detector.promql()
        on = f" on ({', '.join(self.match_on)})" if self.match_on is not None else ""
        return f" {self.join}{on} ".join(condition.promql() for condition in self.conditions)

    def as_prometheus(self) -> dict[str, Any]:
        """The same rule for a Prometheus rule file; Invalid where such a file cannot say it."""
        return self._as_prometheus(self.promql())

    def to_check(self) -> dict[str, Any]:
        """As in a rule file, with a stand-in for what such a file cannot say."""
        return self._as_prometheus("vector(1)" if self.forest else self.promql())

    def _as_prometheus(self, expr: str) -> dict[str, Any]:
        told = {CHANNELS: ",".join(self.notification_channels)} if self.notification_channels else {}
        described = {"description": self.description} if self.description else {}
        rule: dict[str, Any] = {
            "alert": self.name,
            "expr": expr,
            "for": self.hold,
            "keep_firing_for": self.keep_firing_for,
            "labels": {"severity": self.severity, **told, **self.labels},
            "annotations": {**described, **self.annotations},
        }
        return {name: value for name, value in rule.items() if value not in ("0s", {})}

    def changed(self, **values: Any) -> "Definition":
        """With some fields other; a new way of saying what is watched replaces the old one."""
        given = {_NAMES.get(name, name): value for name, value in values.items()}
        kept = self.model_dump(mode="python", exclude_defaults=True)
        if given.keys() & _WAYS:
            kept = {name: value for name, value in kept.items() if name not in _WAYS}
        return Definition.model_validate(kept | given)


_NAMES = {"condition": "expr", "duration": "hold"}
_WAYS = frozenset({"expr", "conditions", "detector"})


def rule_of(definition: Definition, rule_id: str) -> Rule:
    """Checked as a file is checked: the expression, the labels, every template, every duration."""
    written = {"groups": [{"name": GROUP, "rules": [definition.to_check()]}]}
    try:
        ((rule,),) = (group.rules for group in parse_rules(yaml.safe_dump(written, allow_unicode=True), "the rule"))
    except Invalid as error:
        raise Invalid(
            error.sentence.removeprefix(f"the rule, group {GROUP!r}, "), field=str(error.details.get("field"))
        ) from None
    forest = definition.forest
    expr = "" if forest else rule.expr
    return Rule(rule_id, rule.name, GROUP, expr, rule.terms, rule.labels, rule.annotations, "firstmate", forest)


def from_prometheus(rule: Rule) -> Definition:
    """A rule of a file, to be kept here from now on."""
    labels = dict(rule.labels)
    channels = tuple(named_receivers(labels))
    labels.pop(CHANNELS, None)
    return Definition(
        name=rule.name,
        expr=rule.expr,
        hold=show_duration(rule.terms.hold),
        keep_firing_for=show_duration(rule.terms.keep_firing),
        severity=labels.pop("severity", "none"),
        labels=labels,
        annotations=dict(rule.annotations),
        notification_channels=channels,
    )


def group_of(rules: Iterable[Rule], interval: timedelta) -> Group:
    return Group(name=GROUP, source="firstmate", interval=interval, rules=tuple(rules))
