"""Prometheus rule files, read as Prometheus reads them.

A file is groups of alerting rules. Everything is checked when it is loaded: field names, durations, label names, the expression and every
template, each complaint naming file, group and rule, because a rule that fails at night is worse than one refused at noon. Recording
rules are refused with a sentence: Firstmate writes no series. A rule's id comes from its group, name and own labels, so that changing
its expression or threshold keeps the alerts it already has.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerts.fields import duration, expect_fields, listed, mapping, read_text, read_yaml
from alerts.lifecycle import NOTHING, Terms
from alerts.model import fnv64
from alerts.templates import Facts, Template
from core.errors import Invalid
from tools.clients.promql import parse

if TYPE_CHECKING:
    from alerts.rulebook.detectors import IsolationForest

SHIPPED = Path(__file__).parent / "rules"
_GROUP_FIELDS = ("name", "interval", "query_offset", "limit", "labels", "rules")
_RULE_FIELDS = ("alert", "expr", "for", "keep_firing_for", "labels", "annotations")
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Rule:
    id: str
    name: str
    group: str
    expr: str
    terms: Terms = field(default_factory=Terms)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    forest: "IsolationForest | None" = None
    """What is watched where no expression can say it; `expr` is empty then."""

    @cached_property
    def _label_templates(self) -> dict[str, Template]:
        return {name: Template(text) for name, text in self.labels.items()}

    @cached_property
    def _annotation_templates(self) -> dict[str, Template]:
        return {name: Template(text) for name, text in self.annotations.items()}

    def check_templates(self) -> None:
        _ = self._label_templates, self._annotation_templates

    def labels_of(self, sample: Mapping[str, str], facts: Facts) -> dict[str, str]:
        """The alert's own labels: the sample's without its metric name, the rule's over them, empty ones dropped."""
        labels = {name: value for name, value in sample.items() if name != "__name__"}
        labels |= {name: template.render(facts) for name, template in self._label_templates.items()}
        labels["alertname"] = self.name
        return {name: value for name, value in labels.items() if value}

    def annotations_of(self, facts: Facts) -> dict[str, str]:
        return {name: template.render(facts) for name, template in self._annotation_templates.items()}


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    source: str
    interval: timedelta
    rules: tuple[Rule, ...]
    limit: int = 0
    query_offset: timedelta = NOTHING

    @property
    def id(self) -> str:
        return f"{self.source};{self.name}"

    @property
    def offset(self) -> timedelta:
        """Groups of one interval do not all ask at the same moment; a group's own moment never changes."""
        return timedelta(microseconds=fnv64(self.id.encode()) % (self.interval // timedelta(microseconds=1)))

    def slot(self, now: datetime) -> datetime:
        """The latest moment, not after now, at which this group has its turn."""
        return now - (now - _EPOCH - self.offset) % self.interval


def load_rules(paths: Sequence[Path] = (), *, interval: float = 15.0) -> list[Group]:
    """The groups of these files, folders and patterns, or the shipped ones where nothing is named."""
    files = rule_files(paths)
    groups = [
        group for path in files for group in parse_rules(read_text(path, "rule file"), path.name, interval=interval)
    ]
    _refuse_twins(groups)
    return groups


def rule_files(paths: Sequence[Path]) -> list[Path]:
    """A name is a file, whether it is there or not; a folder's are its YAML files, a pattern's those that fit it now."""
    if not paths:
        return sorted(SHIPPED.glob("*.yaml"))
    return [file for path in paths for file in _expanded(path)]


def parse_rules(text: str, source: str, *, interval: float = 15.0) -> list[Group]:
    read = read_yaml(text, source)
    if read is None:
        return []
    where = f"{source}:"
    expect_fields(mapping(read, where, "a mapping with groups"), ("groups",), where)
    entries = listed(read.get("groups"), where, "groups")
    groups = [_group(entry, source, timedelta(seconds=interval)) for entry in entries]
    doubled = [name for name, count in Counter(group.name for group in groups).items() if count > 1]
    if doubled:
        raise Invalid(f"{where} the group {doubled[0]!r} is there twice.", field="groups")
    return groups


def _group(entry: Any, source: str, default: timedelta) -> Group:
    entry = mapping(entry, f"{source}:", "groups as mappings")
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        raise Invalid(f"{source}: a group has no name.", field="name")
    where = f"{source}, group {name!r}:"
    expect_fields(entry, _GROUP_FIELDS, where)
    interval = duration(entry, "interval", where) or default
    shared = _labels(entry.get("labels"), "labels", where)
    rules = [_rule(item, name, shared, where) for item in listed(entry.get("rules"), where, "rules")]
    return Group(
        name=name,
        source=source,
        interval=interval,
        rules=_with_ids(rules, source),
        limit=_limit(entry.get("limit", 0), where),
        query_offset=duration(entry, "query_offset", where),
    )


def _rule(entry: Any, group: str, shared: Mapping[str, str], where: str) -> Rule:
    entry = mapping(entry, where, "rules as mappings")
    if "record" in entry:
        raise Invalid(
            f"{where} the recording rule {entry['record']!r} is refused: Firstmate writes no series. "
            "Leave it to Prometheus and alert on the series it records.",
            field="record",
        )
    name = entry.get("alert")
    if not isinstance(name, str) or not name:
        raise Invalid(f"{where} a rule has no alert name.", field="alert")
    where = f"{where.removesuffix(':')}, rule {name!r}:"
    expect_fields(entry, _RULE_FIELDS, where)
    rule = Rule(
        id="",
        name=name,
        group=group,
        expr=_expression(entry.get("expr"), where),
        terms=Terms(duration(entry, "for", where), duration(entry, "keep_firing_for", where)),
        labels={**shared, **_labels(entry.get("labels"), "labels", where)},
        annotations=_labels(entry.get("annotations"), "annotations", where),
    )
    _check_templates(rule, where)
    return rule


def _with_ids(rules: Iterable[Rule], source: str) -> tuple[Rule, ...]:
    seen: Counter[str] = Counter()
    named = []
    for rule in rules:
        key = f"{rule.group}\xff{rule.name}\xff{sorted(rule.labels.items())}"
        seen[key] += 1
        text = f"{key}\xff{seen[key]}".encode()
        identity = hashlib.sha256(text).hexdigest()[:16]
        named.append(
            Rule(identity, rule.name, rule.group, rule.expr, rule.terms, rule.labels, rule.annotations, source)
        )
    return tuple(named)


def _check_templates(rule: Rule, where: str) -> None:
    for name in ("alertname", "__name__"):
        if name in rule.labels:
            raise Invalid(f"{where} the label {name} cannot be set by a rule.", field=name)
    try:
        rule.check_templates()
    except Invalid as error:
        raise Invalid(f"{where} {error.sentence}", field="annotations") from None


def _expression(text: Any, where: str) -> str:
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        text = str(text)
    if not isinstance(text, str) or not text.strip():
        raise Invalid(f"{where} expr is missing.", field="expr")
    try:
        parse(text)
    except Invalid as error:
        raise Invalid(f"{where} {error.sentence}", field="expr") from None
    return text.strip()


def _labels(value: Any, name: str, where: str) -> dict[str, str]:
    if value is None:
        return {}
    labels = mapping(value, where, f"{name} as a mapping")
    for key, text in labels.items():
        if not isinstance(key, str) or not _NAME.fullmatch(key):
            raise Invalid(f"{where} {key!r} in {name} is not a valid name.", field=name)
        if not isinstance(text, (str, int, float)):
            raise Invalid(f"{where} {key} in {name} must be text.", field=name)
    return {key: _as_yaml_wrote(text) for key, text in labels.items()}


def _as_yaml_wrote(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _limit(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Invalid(f"{where} limit must be a whole number, 0 for none.", field="limit")
    return value


def _expanded(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.suffix in (".yaml", ".yml"))
    if any(sign in path.name for sign in "*?["):
        return sorted(path.parent.glob(path.name))
    return [path]


def _refuse_twins(groups: Iterable[Group]) -> None:
    """Two rules of one identity in different files would share alerts; within a file they are told apart by order."""
    seen: dict[str, str] = {}
    for group in groups:
        for rule in group.rules:
            if seen.setdefault(rule.id, group.source) != group.source:
                raise Invalid(
                    f"{group.source}, group {group.name!r}, rule {rule.name!r}: the same rule is in {seen[rule.id]}.",
                    field="alert",
                )
