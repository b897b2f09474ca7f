"""Label and field selectors, as the query string carries them and as specs hold them.

A selector is a list of requirements that must all hold. Parsing refuses what the API server refuses; a field selector
may only name the fields that the kind indexes, so a typing error is an error and not an empty list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.kubernetes_api.status import bad_request

Matcher = Callable[[dict[str, Any]], bool]

_KEY = r"(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?"
_SET = re.compile(rf"\s*({_KEY})\s+(in|notin)\s*\(([^()]*)\)\s*")
_EQUAL = re.compile(rf"\s*({_KEY})\s*(==|=|!=)\s*({_VALUE})\s*")
_COMPARE = re.compile(rf"\s*({_KEY})\s*([<>])\s*(-?\d+)\s*")
_EXISTS = re.compile(rf"\s*(!?)\s*({_KEY})\s*")
MAX_SELECTOR = 8_192

_EVERY_KIND = ("metadata.name", "metadata.namespace")
_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "Pod": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "Event": (*(f"involvedObject.{name}" for name in _INVOLVED), "reason", "reportingComponent", "source", "type"),
    "Node": ("spec.unschedulable",),
    "Namespace": ("status.phase", "name"),
    "Secret": ("type",),
    "Service": ("spec.clusterIP", "spec.type"),
    "Job": ("status.successful",),
    "ReplicaSet": ("status.replicas",),
    "ReplicationController": ("status.replicas",),
}
_NEWER_EVENT_FIELDS = {f"regarding.{name}": f"involvedObject.{name}" for name in _INVOLVED} | {
    "reportingController": "reportingComponent"
}


@dataclass(frozen=True, slots=True)
class Requirement:
    key: str
    operator: str  # in, notin, exists, absent, gt, lt
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        if self.operator in ("gt", "lt"):
            return value is not None and _compares(value, self.operator, self.values[0])
        wanted = {
            "in": value in self.values,
            "notin": value not in self.values,
            "exists": value is not None,
            "absent": value is None,
        }
        return wanted[self.operator]


def _compares(value: str, operator: str, bound: str) -> bool:
    if not re.fullmatch(r"-?\d+", value):
        return False
    return int(value) > int(bound) if operator == "gt" else int(value) < int(bound)


def parse_labels(text: str) -> list[Requirement]:
    """`app=web,tier in (a, b),!canary`"""
    if len(text) > MAX_SELECTOR:
        raise bad_request(f"unable to parse requirement: selector longer than {MAX_SELECTOR} characters")
    return [_requirement(part) for part in _split(text) if part.strip()]


def labels_match(requirements: list[Requirement], obj: dict[str, Any]) -> bool:
    labels = obj["metadata"].get("labels") or {}
    return all(requirement.holds(labels) for requirement in requirements)


def from_spec(selector: Mapping[str, Any] | None) -> list[Requirement]:
    """A LabelSelector of a spec; an empty one matches everything."""
    selector = selector or {}
    requirements = [Requirement(key, "in", (value,)) for key, value in (selector.get("matchLabels") or {}).items()]
    words = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}
    for expression in selector.get("matchExpressions") or []:
        operator = words.get(expression.get("operator", ""), "in")
        requirements.append(Requirement(expression.get("key", ""), operator, tuple(expression.get("values") or ())))
    return requirements


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """As tables and the scale subresource print it: `app=web,tier in (a,b)`."""
    return ",".join(sorted(_text(requirement) for requirement in from_spec(selector)))


def parse_fields(text: str, kind: str) -> Matcher:
    """`metadata.name=web,status.phase!=Running`"""
    tests = [_field_test(part.strip(), kind) for part in text.split(",") if part.strip()]
    return lambda obj: all(test(obj) for test in tests)


def _split(text: str) -> list[str]:
    """At the commas that are not inside the parentheses of a set."""
    return re.split(r",(?![^()]*\))", text)


def _requirement(part: str) -> Requirement:
    if match := _SET.fullmatch(part):
        key, operator, inside = match.groups()
        return Requirement(key, operator, tuple(value.strip() for value in inside.split(",")))
    if match := _EQUAL.fullmatch(part):
        key, operator, value = match.groups()
        return Requirement(key, "notin" if operator == "!=" else "in", (value,))
    if match := _COMPARE.fullmatch(part):
        key, operator, value = match.groups()
        return Requirement(key, "gt" if operator == ">" else "lt", (value,))
    if match := _EXISTS.fullmatch(part):
        return Requirement(match[2], "absent" if match[1] else "exists")
    raise bad_request(f"unable to parse requirement: {part.strip()[:200]!r} is not a valid label selector requirement")


def _text(requirement: Requirement) -> str:
    key, values = requirement.key, requirement.values
    if requirement.operator == "in" and len(values) == 1:
        return f"{key}={values[0]}"
    if requirement.operator in ("in", "notin"):
        return f"{key} {requirement.operator} ({','.join(sorted(values))})"
    return key if requirement.operator == "exists" else f"!{key}"


def _field_test(part: str, kind: str) -> Matcher:
    match = re.fullmatch(r"([^=!\s]+)\s*(==|=|!=)\s*(.*)", part)
    if match is None:
        raise bad_request(f"invalid selector: {part[:200]!r}; can't understand {part[:200]!r}")
    field, operator, value = match.groups()
    if kind == "Event":
        field = _NEWER_EVENT_FIELDS.get(field, field)
    if field not in (*_EVERY_KIND, *FIELDS.get(kind, ())):
        raise bad_request(f"field label not supported: {field}")
    return lambda obj: (_field_value(obj, field, kind) == value) == (operator != "!=")


def _field_value(obj: dict[str, Any], field: str, kind: str) -> str:
    if kind == "Event" and field == "source":
        return str((obj.get("source") or {}).get("component") or obj.get("reportingComponent") or "")
    path = {"name": "metadata.name", "status.successful": "status.succeeded"}.get(field, field)
    value: Any = obj
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, bool) or (value is None and field in ("spec.unschedulable", "spec.hostNetwork")):
        return "true" if value else "false"
    if value is None and field in ("status.replicas", "status.successful"):
        return "0"
    return "" if value is None else str(value)
