"""Where pods that are placed stand, by topology domain, and which of them keep others off: each rule is worked out once.

Thousands of pods that wait ask the same few questions of thousands that are placed. So an answer is kept under the question, what a
selector picks is found by its rarest label, and pods that keep others off by the same rule are one rule.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tools.engines.labels import ByLabels, BySelector
from tools.engines.objects import Object, dig, listed, mapping, name_of, namespace_of, rows
from tools.engines.snapshot import Snapshot

Domains = dict[Any, tuple[int, str]]
"""By value of the topology key how many pods stand there, and the name of the last."""


@dataclass(frozen=True, slots=True)
class Repulsion:
    """A rule by which placed pods keep others out of their domains."""

    number: int
    namespaces: frozenset[str]
    selector: Any
    key: str
    domains: Domains = field(default_factory=dict)
    """The number here is the place among all, so that of two rules the later one's pod is named."""


class Crowd:
    def __init__(self, snapshot: Snapshot, labels: Mapping[str, Mapping[str, Any]]) -> None:
        self._snapshot, self._labels = snapshot, labels
        self._answers: dict[str, Domains] = {}
        self._spaces: dict[str, frozenset[str]] = {}

    def standing(self, namespaces: Iterable[str], selector: Any, key: str) -> Domains:
        """Where the placed pods stand that a selector means."""
        question = as_key([sorted(namespaces), selector, key])
        if question not in self._answers:
            found: Domains = {}
            for namespace in namespaces:
                for pod in self._picked(namespace, selector):
                    where = self.domain(pod, key)
                    found[where] = (found.get(where, (0, ""))[0] + 1, name_of(pod))
            self._answers[question] = found
        return self._answers[question]

    def keeping_off(self, namespace: str, labels: Object) -> list[Repulsion]:
        by_selector, others = self._repulsions
        near = [*by_selector.picking("", labels), *others]
        return [one for one in near if namespace in one.namespaces and matches(one.selector, labels)]

    def domain(self, pod: Object, key: str) -> Any:
        return self._labels.get(str(dig(pod, "spec", "nodeName")), {}).get(key)

    def namespaces(self, term: Object, own: str) -> frozenset[str]:
        question = as_key([term.get("namespaceSelector"), term.get("namespaces"), own])
        if question not in self._spaces:
            self._spaces[question] = frozenset(self._meant(term, own))
        return self._spaces[question]

    def _meant(self, term: Object, own: str) -> set[str]:
        if dig(term, "namespaceSelector") is not None:
            chosen = mapping(term, "namespaceSelector")
            spaces = self._snapshot.of("Namespace")
            picked = {name_of(one) for one in spaces if matches(chosen, mapping(one, "metadata", "labels"))}
            return picked | {str(one) for one in listed(term, "namespaces")}
        named = term.get("namespaces")
        return {str(one) for one in named} if isinstance(named, list) and named else {own}

    def _picked(self, namespace: str, selector: Any) -> list[Object]:
        pairs = label_pairs(selector)
        near = self._by_labels.picked(namespace, pairs) if pairs else self._placed.get(namespace, [])
        return [pod for pod in near if matches(selector, mapping(pod, "metadata", "labels"))]

    @cached_property
    def _placed(self) -> dict[str, list[Object]]:
        found: dict[str, list[Object]] = {}
        for pod in self._snapshot.of("Pod"):
            if dig(pod, "spec", "nodeName") and not dig(pod, "metadata", "deletionTimestamp"):
                found.setdefault(namespace_of(pod), []).append(pod)
        return found

    @cached_property
    def _by_labels(self) -> ByLabels[Object]:
        return ByLabels(
            (place, mapping(pod, "metadata", "labels"), pod) for place, pods in self._placed.items() for pod in pods
        )

    @cached_property
    def _repulsions(self) -> tuple[BySelector[Repulsion], list[Repulsion]]:
        """Those that name a label, to be found by it, and the others."""
        found: dict[str, Repulsion] = {}
        for place, (pod, term) in enumerate(self._repelling()):
            spaces, key = self.namespaces(term, namespace_of(pod)), str(term.get("topologyKey"))
            asked = as_key([sorted(spaces), term.get("labelSelector"), key])
            rule = found.setdefault(asked, Repulsion(len(found), spaces, term.get("labelSelector"), key))
            rule.domains[self.domain(pod, key)] = (place, name_of(pod))
        filed = [("", pairs, one) for one in found.values() if (pairs := label_pairs(one.selector))]
        return BySelector(filed), [one for one in found.values() if not label_pairs(one.selector)]

    def _repelling(self) -> Iterable[tuple[Object, Object]]:
        for pod in self._snapshot.present_pods():
            if dig(pod, "spec", "nodeName"):
                for term in terms(pod, "podAntiAffinity"):
                    yield pod, term


def terms(pod: Object, kind: str) -> list[Object]:
    return rows(pod, "spec", "affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution")


def as_key(question: Any) -> str:
    return json.dumps(question, sort_keys=True, default=str)


def matches(selector: Any, labels: Object) -> bool:
    """A label selector; an absent one matches nothing, an empty one everything."""
    if not isinstance(selector, dict):
        return False
    wanted = mapping(selector, "matchLabels").items()
    return all(labels.get(key) == value for key, value in wanted) and all(
        holds(row, labels) for row in rows(selector, "matchExpressions")
    )


def holds(row: Object, labels: Object) -> bool:
    key, operator = str(row.get("key")), str(row.get("operator"))
    values = list(row["values"]) if isinstance(row.get("values"), list) else []
    has = labels.get(key)
    if operator in {"Gt", "Lt"}:
        bound, number = (_number(one) for one in (values[0] if values else None, has))
        return bound is not None and number is not None and (number > bound if operator == "Gt" else number < bound)
    return {
        "In": has in values,
        "NotIn": has not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }.get(operator, False)


def _number(value: Any) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def label_pairs(selector: Any) -> dict[str, Any]:
    """Labels that whatever it picks must carry."""
    found = dict(mapping(selector, "matchLabels"))
    for row in rows(selector, "matchExpressions"):
        values = listed(row, "values")
        if row.get("operator") == "In" and len(values) == 1 and values[0] is not None:
            found.setdefault(str(row.get("key")), values[0])
    return found
