"""metrics.k8s.io: what pods and nodes use at this moment, which `kubectl top` shows; asked of the world, never stored."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from starlette.responses import PlainTextResponse, Response

from simulator.kubernetes_api.call import Call
from simulator.kubernetes_api.hooks import ContainerUsage
from simulator.kubernetes_api.reads import list_answer
from simulator.kubernetes_api.selectors import labels_match, parse_labels
from simulator.kubernetes_api.status import method_not_allowed, not_found
from simulator.store import Store, timestamp

Object = dict[str, Any]
GROUP = "metrics.k8s.io"
WINDOW = "15s"
# What runs beside the pods on a node: the system and the kubelet itself.
SYSTEM_CORES, SYSTEM_BYTES = 0.09, 1_150 * 1024**2
_SOURCE = {"PodMetrics": "Pod", "NodeMetrics": "Node"}


def is_served(store: Store) -> bool:
    """Not while there ought to be a metrics-server and none of its pods is ready."""
    if store.get("Deployment", "kube-system", "metrics-server") is None:
        return True
    pods = store.list("Pod", "kube-system")
    return any(_is_ready(pod) for pod in pods if (pod["metadata"].get("labels") or {}).get("app") == "metrics-server")


def read(call: Call) -> Response:
    if not is_served(call.store):
        # The words of the aggregator, which reaches nobody; clients make their own sentence of it.
        return PlainTextResponse("service unavailable\n", 503)
    if call.flag("watch") or call.request.method not in ("GET", "HEAD"):
        raise method_not_allowed()
    shown = _pods(call) if call.resource.kind == "PodMetrics" else _nodes(call)
    if call.name is None:
        return list_answer(call, shown, {})
    if not shown:
        raise not_found(call.resource, call.name)
    return call.answer(shown[0])


def _sources(call: Call) -> list[Object]:
    """The pods or nodes that are asked about."""
    labels = parse_labels(call.param("labelSelector"))
    objects = call.store.list(_SOURCE[call.resource.kind], call.namespace)
    return [each for each in objects if call.name in (None, each["metadata"]["name"]) and labels_match(labels, each)]


def _pods(call: Call) -> list[Object]:
    used: dict[tuple[str, str], list[ContainerUsage]] = defaultdict(list)
    for usage in call.hooks.usage():
        used[usage.namespace, usage.pod].append(usage)
    shown = []
    for pod in _sources(call):
        containers = used.get((pod["metadata"].get("namespace", ""), pod["metadata"]["name"]))
        if containers:
            listed = [{"name": each.container, "usage": _amounts([each])} for each in containers]
            shown.append({**_head(call, pod), "containers": listed})
    return shown


def _nodes(call: Call) -> list[Object]:
    used: dict[str, list[ContainerUsage]] = defaultdict(list)
    for usage in call.hooks.usage():
        used[usage.node].append(usage)
    system = ContainerUsage("", "", "", "", SYSTEM_CORES, SYSTEM_BYTES)
    nodes = [node for node in _sources(call) if _is_ready(node)]  # a silent kubelet gives no metrics
    return [{**_head(call, node), "usage": _amounts([system, *used[node["metadata"]["name"]]])} for node in nodes]


def _is_ready(source: Object) -> bool:
    conditions = (source.get("status") or {}).get("conditions") or []
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def _head(call: Call, source: Object) -> Object:
    kept = ("name", "namespace", "labels")
    metadata = {key: source["metadata"][key] for key in kept if key in source["metadata"]}
    now = timestamp(call.hooks.now())
    return {"metadata": {**metadata, "creationTimestamp": now}, "timestamp": now, "window": WINDOW}


def _amounts(usages: Iterable[ContainerUsage]) -> Object:
    listed = list(usages)
    cores, size = sum(each.cores for each in listed), sum(each.memory_bytes for each in listed)
    return {"cpu": f"{math.ceil(cores * 1e9)}n", "memory": f"{int(size) // 1024}Ki"}
