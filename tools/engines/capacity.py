"""How many more pods of a workload the nodes could take, by what is allocatable and what is reserved already.

The scheduler looks at requests alone, so this does too. What other pods reserved comes from the pods that were read and, where there is
one, from the metric that counts all of them; the larger of the two counts. Only nodes that would be considered at all are: ready, not
cordoned, with the labels the pods ask for and no taint they do not tolerate. Affinity and spreading are left to the scheduler, so the
number is the most that fits and not a promise.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tools.engines.objects import Object, dig, is_ready, mapping, name_of, rows
from tools.engines.quantity import parse
from tools.engines.snapshot import Snapshot

RESOURCES = ("cpu", "memory")
_HARD = {"NoSchedule", "NoExecute"}
Amounts = dict[str, float]


@dataclass(frozen=True, slots=True)
class Room:
    """`measured`: what every pod of the cluster reserves is counted, and not only those that were read."""

    pods: int
    measured: bool


def room(snapshot: Snapshot, workload: Object) -> Room | None:
    """None where it cannot be known: no node was read, or the pods reserve nothing that could run out."""
    template = mapping(workload, "spec", "template")
    wanted = requests(template)
    nodes = [node for node in snapshot.of("Node") if _takes(node, mapping(template, "spec"))]
    if not snapshot.of("Node") or not any(wanted.values()):
        return None
    read, counted = _by_pods(snapshot), _by_metric(snapshot)
    reserved = [(node, [by.get(name_of(node), {}) for by in (read, counted)]) for node in nodes]
    return Room(sum(_fits(node, wanted, *taken) for node, taken in reserved), bool(counted))


def requests(template: Object) -> Amounts:
    """What one pod reserves; a limit without a request is one, as the API server has it."""
    found: Amounts = dict.fromkeys(RESOURCES, 0.0)
    for container in rows(template, "spec", "containers"):
        for resource in RESOURCES:
            asked = parse(dig(container, "resources", "requests", resource))
            limit = parse(dig(container, "resources", "limits", resource))
            found[resource] += asked if asked is not None else limit or 0.0
    return found


def _fits(node: Object, wanted: Amounts, *reserved: Amounts) -> int:
    free = []
    for resource in (*RESOURCES, "pods"):
        allocatable = parse(dig(node, "status", "allocatable", resource))
        each = 1.0 if resource == "pods" else wanted[resource]
        if allocatable is not None and each:
            taken = max(amounts.get(resource, 0.0) for amounts in reserved)
            # Hundredths of a millionth are what adding up floats leaves behind.
            free.append(int((allocatable - taken) / each + 1e-6))
    return max(0, min(free, default=0))


def _by_pods(snapshot: Snapshot) -> dict[str, Amounts]:
    found: dict[str, Amounts] = defaultdict(lambda: defaultdict(float))
    for pod in snapshot.present_pods():
        node = found[str(dig(pod, "spec", "nodeName") or "")]
        node["pods"] += 1
        for resource, amount in requests(pod).items():
            node[resource] += amount
    return found


def _by_metric(snapshot: Snapshot) -> dict[str, Amounts]:
    found: dict[str, Amounts] = defaultdict(lambda: defaultdict(float))
    for series in snapshot.series("reserved"):
        if snapshot.is_current(series):
            found[series.labels.get("node", "")][series.labels.get("resource", "")] += series.last
    return found


def _takes(node: Object, pod_spec: Object) -> bool:
    labels = mapping(node, "metadata", "labels")
    wanted = mapping(pod_spec, "nodeSelector")
    return (
        is_ready(node)
        and not dig(node, "spec", "unschedulable")
        and all(labels.get(key) == value for key, value in wanted.items())
        and all(_tolerated(taint, rows(pod_spec, "tolerations")) for taint in _hard_taints(node))
    )


def _hard_taints(node: Object) -> Iterator[Object]:
    return (taint for taint in rows(node, "spec", "taints") if str(taint.get("effect")) in _HARD)


def _tolerated(taint: Object, tolerations: Iterable[Object]) -> bool:
    return any(
        toleration.get("key") in (None, "", taint.get("key"))
        and toleration.get("effect") in (None, "", taint.get("effect"))
        and (toleration.get("operator") == "Exists" or toleration.get("value", "") == taint.get("value", ""))
        for toleration in tolerations
    )
