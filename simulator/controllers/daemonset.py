"""The DaemonSet controller: one pod on every node whose labels and taints allow it.

Each pod is made for its node by name (a node affinity on metadata.name, which the scheduler then follows) and tolerates what happens to
nodes: not ready, unreachable, under pressure, cordoned. A rolling update takes old pods away, those that serve nobody first, never more at
a time than maxUnavailable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.controllers.context import Context
from simulator.controllers.node_rules import allows, untolerated
from simulator.controllers.pods import Maker, claim, create_from, from_template, is_available, remove, say
from simulator.controllers.revisions import HASH, drop_old, hash_of, sync_revisions
from simulator.events import Source
from simulator.objects import (
    Object,
    by_controller,
    int_or_percent,
    is_deleting,
    is_finished,
    is_ready,
    labels_of,
    name_of,
    namespace_of,
    with_status,
)

MAKER = Maker("DaemonSet", "apps/v1", Source("daemonset-controller"))
GENERATION = "pod-template-generation"
_NAME = "metadata.name"
_ENDURES = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)


@dataclass
class Spread:
    """One DaemonSet over the nodes: its pods by node, and whether each node should have one."""

    owner: Object
    hash: str
    by_node: dict[str, list[Object]]
    wanted: list[str]

    def is_current(self, pod: Object) -> bool:
        return labels_of(pod).get(HASH) == self.hash


def reconcile(ctx: Context) -> None:
    pods = by_controller(ctx.store.list("Pod"))
    nodes = ctx.store.list("Node")
    for owner in ctx.store.list("DaemonSet"):
        if not is_deleting(owner):
            _sync(ctx, owner, claim(ctx, MAKER, owner, pods), nodes)


def _sync(ctx: Context, owner: Object, pods: list[Object], nodes: list[Object]) -> None:
    update, revisions = sync_revisions(ctx, owner, "DaemonSet")
    spec = _enduring(owner["spec"]["template"]["spec"])
    by_node: dict[str, list[Object]] = {}
    for pod in pods:
        by_node.setdefault(node_of(pod), []).append(pod)
    wanted = [name_of(node) for node in nodes if not is_deleting(node) and _should_run(spec, node)]
    spread = Spread(owner, hash_of(update), by_node, wanted)
    staying = {name_of(node) for node in nodes if _may_stay(spec, node)}
    _place(ctx, spread, spec)
    _leave(ctx, spread, staying)
    if (owner["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate") == "RollingUpdate":
        _roll(ctx, spread)
    ctx.store.update("DaemonSet", with_status(owner, _status(ctx, spread)))
    live = {f"{name_of(owner)}-{labels_of(pod).get(HASH, '')}" for pod in pods} | {name_of(update)}
    drop_old(ctx, owner, revisions, live)


def _enduring(spec: Object) -> Object:
    tolerations = list(spec.get("tolerations") or [])
    endured = [
        *_ENDURES,
        *([("node.kubernetes.io/network-unavailable", "NoSchedule")] if spec.get("hostNetwork") else []),
    ]
    for key, effect in endured:
        toleration = {"key": key, "operator": "Exists", "effect": effect}
        if toleration not in tolerations:
            tolerations.append(toleration)
    return {**spec, "tolerations": tolerations}


def _should_run(spec: Object, node: Object) -> bool:
    return allows(spec, node) and untolerated(spec, node) is None


def _may_stay(spec: Object, node: Object) -> bool:
    return allows(spec, node) and untolerated(spec, node, ("NoExecute",)) is None


def node_of(pod: Object) -> str:
    """Where a daemon pod runs, or will run."""
    if pod["spec"].get("nodeName"):
        return str(pod["spec"]["nodeName"])
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or []:
        for field in term.get("matchFields") or []:
            if field["key"] == _NAME:
                return str(field["values"][0])
    return ""


def _place(ctx: Context, spread: Spread, spec: Object) -> None:
    """A pod on each wanted node that has none; one that ended there is taken away first."""
    for node in spread.wanted:
        present = spread.by_node.setdefault(node, [])
        for pod in [each for each in present if is_finished(each) and not is_deleting(each)]:
            _bury(ctx, spread.owner, pod, node)
        if present:
            continue
        generation = str(spread.owner["metadata"]["generation"])
        pod = from_template(MAKER, spread.owner, **{HASH: spread.hash, GENERATION: generation})
        made = create_from(ctx, MAKER, spread.owner, {**pod, "spec": {**spec, "affinity": _bound_to(spec, node)}})
        if made is None:
            return
        present.append(made)


def _bury(ctx: Context, owner: Object, pod: Object, node: str) -> None:
    if pod["status"]["phase"] == "Failed":
        message = f"Found failed daemon pod {namespace_of(pod)}/{name_of(pod)} on node {node}, will try to kill it"
        say(ctx, MAKER, owner, "Warning", "FailedDaemonPod", message)
    remove(ctx, MAKER, owner, pod)


def _bound_to(spec: Object, node: str) -> Object:
    """The template's affinity, with every term narrowed to one node."""
    affinity: dict[str, Any] = dict(spec.get("affinity") or {})
    rules = dict(affinity.get("nodeAffinity") or {})
    required = rules.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    field = {"key": _NAME, "operator": "In", "values": [node]}
    terms = [{**term, "matchFields": [field]} for term in required.get("nodeSelectorTerms") or [{}]]
    rules["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": terms}
    return {**affinity, "nodeAffinity": rules}


def _leave(ctx: Context, spread: Spread, staying: set[str]) -> None:
    """Pods on nodes that may no longer have one go, and all but the oldest of several on one node."""
    for node, pods in spread.by_node.items():
        present = [pod for pod in pods if not is_deleting(pod) and not is_finished(pod)]
        oldest = sorted(
            present, key=lambda pod: (not pod["spec"].get("nodeName"), pod["metadata"]["creationTimestamp"])
        )
        for pod in oldest if node not in staying else oldest[1:]:
            remove(ctx, MAKER, spread.owner, pod)


def _roll(ctx: Context, spread: Spread) -> None:
    rolling = (spread.owner["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    allowed = max(int_or_percent(rolling.get("maxUnavailable", 1), len(spread.wanted), round_up=True), 1)
    old, unavailable = [], 0
    minimum = int(spread.owner["spec"].get("minReadySeconds", 0))
    for node in spread.wanted:
        pods = [pod for pod in spread.by_node.get(node, []) if not is_deleting(pod)]
        serves = any(is_available(ctx, pod, minimum) for pod in pods)
        unavailable += not serves
        old += [(serves, pod) for pod in pods if not spread.is_current(pod)]
    for serves, pod in sorted(old, key=lambda each: each[0]):
        if serves and unavailable >= allowed:
            return
        remove(ctx, MAKER, spread.owner, pod)
        unavailable += serves


def _status(ctx: Context, spread: Spread) -> Object:
    minimum = int(spread.owner["spec"].get("minReadySeconds", 0))
    first = {node: pods[0] for node, pods in spread.by_node.items() if pods}
    here = [first[node] for node in spread.wanted if node in first]
    updated = sum(spread.is_current(pod) for pod in here)
    available = sum(is_available(ctx, pod, minimum) for pod in here)
    counts = {
        "updatedNumberScheduled": updated,
        "numberAvailable": available,
        "numberUnavailable": len(spread.wanted) - available,
    }
    misplaced = sum(1 for node in first if node and node not in spread.wanted)
    return {
        "currentNumberScheduled": len(here),
        "numberMisscheduled": misplaced,
        "desiredNumberScheduled": len(spread.wanted),
        "numberReady": sum(is_ready(pod) for pod in here),
        "observedGeneration": spread.owner["metadata"]["generation"],
        **{key: count for key, count in counts.items() if count},
    }
