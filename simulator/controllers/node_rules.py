"""Which node a pod's own rules allow: node selectors and affinity against labels, tolerations against taints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from simulator.objects import Object, labels_of, name_of

UNSCHEDULABLE: Object = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
HARD = ("NoSchedule", "NoExecute")


def taints_of(node: Object) -> list[Object]:
    return (node.get("spec") or {}).get("taints") or []


def tolerates(pod_spec: Object, taint: Object) -> bool:
    return bool(tolerations_for(pod_spec, taint))


def tolerations_for(pod_spec: Object, taint: Object) -> list[Object]:
    return [each for each in pod_spec.get("tolerations") or [] if _is_tolerated(each, taint)]


def untolerated(pod_spec: Object, node: Object, effects: Iterable[str] = HARD) -> Object | None:
    """The first taint of those effects that the pod does not tolerate."""
    wanted = tuple(effects)
    taints = (taint for taint in taints_of(node) if taint["effect"] in wanted)
    return next((taint for taint in taints if not tolerates(pod_spec, taint)), None)


def _is_tolerated(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return bool(toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", ""))


def allows(pod_spec: Object, node: Object) -> bool:
    """nodeSelector and required node affinity together."""
    labels = labels_of(node)
    if any(labels.get(key) != value for key, value in (pod_spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (pod_spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or selects(required, node)


def selects(selector: Object, node: Object) -> bool:
    """A NodeSelector: one of its terms has to hold."""
    return any(term_holds(term, node) for term in selector.get("nodeSelectorTerms") or [])


def preference(pod_spec: Object, node: Object) -> int:
    """The weights of the preferred node affinity terms that hold."""
    affinity = (pod_spec.get("affinity") or {}).get("nodeAffinity") or {}
    preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or []
    return sum(int(each["weight"]) for each in preferred if term_holds(each["preference"], node))


def term_holds(term: Object, node: Object) -> bool:
    """An empty term selects no node."""
    by_label, by_field = term.get("matchExpressions") or [], term.get("matchFields") or []
    fields = {"metadata.name": name_of(node)}
    return bool(by_label or by_field) and (
        all(requirement_holds(each, labels_of(node)) for each in by_label)
        and all(requirement_holds(each, fields) for each in by_field)
    )


def requirement_holds(requirement: Object, labels: Mapping[str, str]) -> bool:
    key, operator, values = requirement["key"], requirement["operator"], requirement.get("values") or []
    if operator in ("Gt", "Lt"):
        return _compares(operator, labels.get(key), values)
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    return (labels.get(key) in values) is (operator == "In")


def _compares(operator: str, label: str | None, values: list[str]) -> bool:
    if label is None or len(values) != 1 or not _is_whole(label) or not _is_whole(values[0]):
        return False
    return int(label) > int(values[0]) if operator == "Gt" else int(label) < int(values[0])


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isdecimal()
