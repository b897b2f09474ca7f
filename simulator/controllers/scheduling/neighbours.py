"""Rules about other pods: affinity, anti-affinity (also that of pods already there) and even spread over topologies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from simulator.controllers.node_rules import allows, untolerated
from simulator.controllers.scheduling.board import Board, Spot
from simulator.objects import Object, is_deleting, label_selector_matches, labels_of, namespace_of

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def affinity_terms(pod: Object, kind: str) -> list[Object]:
    return ((pod["spec"].get("affinity") or {}).get(kind) or {}).get(REQUIRED) or []


def preferred_terms(pod: Object, kind: str) -> list[Object]:
    return ((pod["spec"].get("affinity") or {}).get(kind) or {}).get(PREFERRED) or []


def term_means(board: Board, term: Object, owner: Object, other: Object) -> bool:
    """Whether a term of `owner` speaks of the pod `other`."""
    selector = _with_own_values(term, owner)
    return _in_namespaces(board, term, owner, other) and _selects(selector, labels_of(other))


def _with_own_values(term: Object, owner: Object) -> Object | None:
    """matchLabelKeys narrow a selector to the pod's own values of those labels."""
    selector, keys = term.get("labelSelector"), term.get("matchLabelKeys") or []
    own = {key: labels_of(owner)[key] for key in keys if key in labels_of(owner)}
    if not own or selector is None:
        return selector
    return {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), **own}}


def _selects(selector: Object | None, labels: dict[str, str]) -> bool:
    """Here an empty selector means every pod, and none means no pod."""
    if selector is None:
        return False
    return selector == {} or label_selector_matches(selector, labels)


def _in_namespaces(board: Board, term: Object, owner: Object, other: Object) -> bool:
    named, selector = term.get("namespaces") or [], term.get("namespaceSelector")
    if not named and selector is None:
        return namespace_of(other) == namespace_of(owner)
    if namespace_of(other) in named:
        return True
    space = board.store.get("Namespace", None, namespace_of(other))
    return selector is not None and space is not None and _selects(selector, labels_of(space))


def _same_topology(key: str, one: Object, other: Object) -> bool:
    value = labels_of(one).get(key)
    return value is not None and labels_of(other).get(key) == value


def _neighbours(board: Board, spot: Spot, key: str) -> Iterator[Object]:
    """The pods of every node that is in the same topology as this one."""
    for other in board.spots:
        if _same_topology(key, spot.node, other.node):
            yield from other.pods


def misses_affinity(board: Board, spot: Spot, pod: Object) -> bool:
    terms = affinity_terms(pod, "podAffinity")
    missing = [term for term in terms if not _has_companion(board, spot, term, pod)]
    if not missing:
        return False
    # The first of a group that wants to be together has nobody to join yet.
    is_first = all(term_means(board, term, pod, pod) for term in terms) and not _exists_anywhere(board, terms, pod)
    return not (is_first and all(labels_of(spot.node).get(term["topologyKey"]) for term in terms))


def _has_companion(board: Board, spot: Spot, term: Object, pod: Object) -> bool:
    return any(term_means(board, term, pod, other) for other in _neighbours(board, spot, term["topologyKey"]))


def _exists_anywhere(board: Board, terms: list[Object], pod: Object) -> bool:
    return any(term_means(board, term, pod, other) for term in terms for spot in board.spots for other in spot.pods)


def meets_enemy(board: Board, spot: Spot, pod: Object) -> bool:
    """The pod's own anti-affinity."""
    terms = affinity_terms(pod, "podAntiAffinity")
    return any(_has_companion(board, spot, term, pod) for term in terms)


def is_enemy(board: Board, spot: Spot, pod: Object) -> bool:
    """The anti-affinity of pods that are there already."""
    return any(
        term_means(board, term, other, pod) and _same_topology(term["topologyKey"], spot.node, there.node)
        for there in board.spots
        for other in there.pods
        for term in affinity_terms(other, "podAntiAffinity")
    )


def liking(board: Board, spot: Spot, pod: Object) -> float:
    """The weights of the preferred terms that hold here, those of anti-affinity taken off."""
    score = 0.0
    for kind, sign in (("podAffinity", 1), ("podAntiAffinity", -1)):
        for each in preferred_terms(pod, kind):
            if _has_companion(board, spot, each["podAffinityTerm"], pod):
                score += sign * float(each["weight"])
    return score


def constraints(pod: Object, action: str) -> list[Object]:
    spread = pod["spec"].get("topologySpreadConstraints") or []
    return [each for each in spread if each.get("whenUnsatisfiable", "DoNotSchedule") == action]


def lacks_spread_label(spot: Spot, pod: Object) -> bool:
    return any(each["topologyKey"] not in labels_of(spot.node) for each in constraints(pod, "DoNotSchedule"))


def breaks_spread(board: Board, spot: Spot, pod: Object) -> bool:
    """Whether the pod here would make one topology fuller than maxSkew allows against the emptiest."""
    return any(
        _skew(board, spot, each, pod) > int(each.get("maxSkew", 1)) for each in constraints(pod, "DoNotSchedule")
    )


def crowding(board: Board, spot: Spot, pod: Object) -> float:
    """How much fuller than the emptiest topology this one is, for constraints that only wish."""
    wishes = [each for each in constraints(pod, "ScheduleAnyway") if each["topologyKey"] in labels_of(spot.node)]
    return float(sum(_skew(board, spot, each, pod) for each in wishes))


def _skew(board: Board, spot: Spot, constraint: Object, pod: Object) -> int:
    key, selector = constraint["topologyKey"], _with_own_values(constraint, pod)
    counts: Counter[str] = Counter()
    for each in board.spots:
        value = labels_of(each.node).get(key)
        if value is None or not _counts(constraint, pod, each):
            continue
        counts[value] += sum(
            namespace_of(other) == namespace_of(pod) and not is_deleting(other) and _selects(selector, labels_of(other))
            for other in each.pods
        )
    emptiest = min(counts.values(), default=0)
    if len(counts) < int(constraint.get("minDomains", 1)):
        emptiest = 0
    own = int(_selects(selector, labels_of(pod)))
    return counts[labels_of(spot.node).get(key, "")] + own - emptiest


def _counts(constraint: Object, pod: Object, spot: Spot) -> bool:
    """Nodes on which the pod may not be at all do not count, unless the constraint says so."""
    if constraint.get("nodeAffinityPolicy", "Honor") == "Honor" and not allows(pod["spec"], spot.node):
        return False
    return constraint.get("nodeTaintsPolicy", "Ignore") == "Ignore" or untolerated(pod["spec"], spot.node) is None
